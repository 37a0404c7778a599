"""A private folder to write in, beside what is replaced when the new files are whole."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clientele.durable import scratch_folder
from clientele.marts.public import MartsError

PRIVATE = ".clientele-marts-"
PRIVATE_NAME = re.compile(re.escape(PRIVATE) + r"[0-9a-f]{16}")


@contextmanager
def private_folder(folder: Path) -> Iterator[Path]:
    """Give a private folder within a folder, alone there, and leave no trace of it.

    Removes first what writers left that were killed. Raises MartsError where another is at work.
    """
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise MartsError(
                f"another `clientele marts` is writing to {folder}; try again after it"
            ) from error
        for entry in list(os.scandir(folder)):
            if PRIVATE_NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
        with scratch_folder(folder, PRIVATE) as private:
            yield private
    finally:
        os.close(lock)
