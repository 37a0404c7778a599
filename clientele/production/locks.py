"""Locks that a killed process cannot leave behind, and that say who holds them since when."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

# Seconds: who asks for the holder holds the lock for an instant, and keeps nobody away by that.
WAITS = (0.01, 0.04, 0.15)


class BusyError(Exception):
    """Another process holds the lock; the message is one line that says which and since when."""


@contextmanager
def holding(path: Path, work: str, *, shared: bool = False) -> Iterator[int]:
    """Hold a lock while the block runs, and give its descriptor.

    path: the file that is locked; it is made where its folder is there, and stays.
    work: what is done, as another process will be told, such as "clientele run".
    shared: several may hold it so at once, and none alone.

    The kernel gives the lock back when the process ends, however it ends. A child process that was
    given the descriptor (`pass_fds`) holds the lock until it ends, too. Raises BusyError and
    OSError.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    lock = os.open(path, flags, 0o666)
    try:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            _take(lock, kind)
        except BlockingIOError as error:
            raise BusyError(
                f"{_holder(lock)} is at work on {path.parent}; try again after it"
            ) from error
        since = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
        told = json.dumps({"work": work, "process": os.getpid(), "since": since})
        os.ftruncate(lock, 0)
        os.pwrite(lock, told.encode(), 0)
        yield lock
    finally:
        os.close(lock)


def holder(path: Path) -> str | None:
    """Say who holds a lock alone and since when; None where it is free. Raises OSError."""
    try:
        lock = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _holder(lock)
    else:
        return None
    finally:
        os.close(lock)


def _take(lock: int, kind: int) -> None:
    """Take a lock. Raises BlockingIOError where another holds it, and not for an instant alone."""
    for wait in WAITS:
        try:
            return fcntl.flock(lock, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(wait)
    return fcntl.flock(lock, kind | fcntl.LOCK_NB)


def _holder(lock: int) -> str:
    try:
        told = json.loads(os.pread(lock, 1000, 0))
        return f"{told['work']} (process {told['process']}, since {told['since']})"
    except (ValueError, KeyError, TypeError):
        return "another process"
