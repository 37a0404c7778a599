"""What is written stays written when the power fails: files and names of files, on disk.

And a place to write in first, beside what is replaced when the new is whole.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def scratch_folder(folder: Path, prefix: str) -> Iterator[Path]:
    """Give a folder within a folder that its owner alone may enter, and remove it after the block.

    prefix: what its name begins with; the rest is random. Raises OSError.
    """
    scratch = folder / (prefix + secrets.token_hex(8))
    scratch.mkdir(mode=0o700)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def sync_tree(folder: Path) -> None:
    """Bring a folder to disk, with all that is in it. Raises OSError."""
    for parent, _, names in os.walk(folder):
        for name in names:
            sync_file(Path(parent, name))
        sync_folder(Path(parent))


def sync_file(path: Path) -> None:
    """Bring what is in a file to disk. Raises OSError."""
    _sync(path, os.O_RDONLY)


def sync_folder(path: Path) -> None:
    """Bring the names in a folder to disk: a rename lasts from then on. Raises OSError."""
    _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
