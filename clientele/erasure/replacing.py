"""A file that is replaced by one without a person, and the records of other files that name it.

A manifest that has the sha256 of a replaced file is set right after the file. A kill between the
two is healed by the next erasure: what is about to be replaced stands in a note before it is.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clientele.durable import scratch_folder, sync_file, sync_folder
from clientele.erasure.people import ErasureError
from clientele.progress import SILENT, Steps
from clientele.versions import file_sha256

PRIVATE = ".clientele-erase-"


@dataclass(frozen=True)
class Removed:
    """Rows that a new file lacks, how many of them were rejected, and of which tables they were."""

    rows: int = 0
    rejected: int = 0
    tables: Mapping[str, int] = field(default_factory=dict)


@dataclass
class Replacing:
    """Replaces files, and remembers on disk what has to be set right after each.

    note: the file of that memory, which is gone when nothing is left to do.
    steps: is told each step.
    """

    note: Path
    steps: Steps = SILENT

    def replace(
        self, new: Path, old: Path, records: Iterable[Path] = (), removed: Removed = Removed()
    ) -> None:
        """Give a finished file the name of an old one, on disk when this returns. Raises OSError.

        records: JSON files that may name the old file's sha256, bytes and rows.
        """
        entry = {
            "file": str(old.resolve()),
            "records": [str(record.resolve()) for record in records if record.is_file()],
            "old_sha256": file_sha256(old),
            "old_bytes": old.stat().st_size,
            "sha256": file_sha256(new),
            "bytes": new.stat().st_size,
            "rows": removed.rows,
            "rejected": removed.rejected,
            "tables": dict(removed.tables),
        }
        shutil.copystat(old, new)
        os.utime(new)
        _copy_owner(old, new)
        sync_file(new)
        if entry["records"]:
            # One is enough: the records of those before are right, and on disk.
            write_whole(self.note, json.dumps(entry).encode() + b"\n")
        self.steps.step("replace")
        new.replace(old)
        sync_folder(old.parent)
        self.steps.step("record")
        _amend_records(entry)

    def heal(self) -> None:
        """Set right what an erasure that was killed has left. Raises OSError."""
        try:
            entry = json.loads(self.note.read_text("utf-8"))
        except FileNotFoundError:
            return
        file = Path(entry["file"])
        if file.is_file() and file_sha256(file) == entry["sha256"]:
            _amend_records(entry)
        self.note.unlink()

    def close(self) -> None:
        """Forget what is done."""
        self.note.unlink(missing_ok=True)


@contextmanager
def private_folder(folder: Path, needed_bytes: int = 0) -> Iterator[Path]:
    """Give a private folder within a folder while the block runs.

    needed_bytes: of free space. Raises ErasureError where there is less.
    """
    if shutil.disk_usage(folder).free < needed_bytes:
        raise ErasureError(
            f"{folder} has less than {needed_bytes / 1e6:,.0f} MB of free space, which writing "
            "a file anew takes; make room and try again"
        )
    with scratch_folder(folder, PRIVATE) as private:
        yield private


def remove_debris(folder: Path) -> None:
    """Remove the private folders and files that a killed erasure has left anywhere in a folder."""
    if folder.is_dir():
        for left in list(folder.rglob(f"{PRIVATE}*")):
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write a small file in one rename, on disk when this returns. Raises OSError."""
    new = path.with_name(f"{PRIVATE}{path.name}")
    with new.open("wb") as file:
        if path.exists():
            shutil.copymode(path, new)
            _copy_owner(path, new)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    sync_folder(path.parent)


def amend(record: Any, entry: Mapping[str, Any]) -> bool:
    """Set right in a record, wherever it stands, what was said of a file that was replaced.

    The innermost object with the old sha256 gets the new one and the new size, and it and those
    around it the new counts of rows. Returns whether the record names the file.
    """
    if isinstance(record, list):
        return sum(amend(item, entry) for item in record) > 0  # all of them, not the first
    if not isinstance(record, dict):
        return False
    is_named = sum(amend(item, entry) for item in record.values()) > 0
    for name, value in record.items():
        if value == entry["old_sha256"]:
            record[name] = entry["sha256"]
            is_named = True
    if not is_named:
        return False
    for name, count in entry["tables"].items():
        if isinstance(record.get("tables"), dict) and name in record["tables"]:
            record["tables"][name] -= count
    for name, value in record.items():
        if isinstance(value, bool) or not isinstance(value, int):
            continue
        if "bytes" in name and value == entry["old_bytes"]:
            record[name] = entry["bytes"]
        elif name in ("rows", "parquet_rows"):
            record[name] = value - entry["rows"]
        elif name == "accepted":
            record[name] = value - (entry["rows"] - entry["rejected"])
        elif name == "rejected":
            record[name] = value - entry["rejected"]
        elif name == "erased":
            record[name] = value + entry["rows"]
    return True


def _amend_records(entry: Mapping[str, Any]) -> None:
    for path in map(Path, entry["records"]):
        try:
            record = json.loads(path.read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            continue
        if amend(record, entry):
            write_whole(path, json.dumps(record, ensure_ascii=False, indent=2).encode() + b"\n")


def _copy_owner(old: Path, new: Path) -> None:
    status = old.stat()
    if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
        os.chown(new, status.st_uid, status.st_gid)
