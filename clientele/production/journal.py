"""What happened in production, one line an event; it decides what counts as a version."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from clientele.durable import sync_folder

PROMOTED, REFUSED, FAILED = "promoted", "refused", "failed"
ROLLED_BACK, REMOVED = "rolled_back", "removed"
ERASING, ERASED = "erasing", "erased"


def append(journal: Path, event: str, **details: Any) -> dict[str, Any]:
    """Write an event at the end of the journal, on disk when this returns.

    Gives it the time, `at`, and returns it. The lock of the home must be held. A line that a kill
    cut short is ended first, so that it costs no other one. Raises OSError.
    """
    entry = {"at": _now(), "event": event, **details}
    is_new = not journal.exists()
    # Why a run failed is told in dbt's words, which may quote a value.
    descriptor = os.open(journal, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with open(descriptor, "ab+") as file:
        if file.tell() and _last_byte(file.fileno(), file.tell()) != b"\n":
            file.write(b"\n")
        file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        sync_folder(journal.parent)
    return entry


def read(journal: Path) -> list[dict[str, Any]]:
    """Return the events, oldest first; a line that was cut short is none. Raises OSError."""
    try:
        lines = journal.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    events = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, Mapping) and "event" in entry:
            events.append(dict(entry))
    return events


def _last_byte(descriptor: int, size: int) -> bytes:
    return os.pread(descriptor, 1, size - 1)


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
