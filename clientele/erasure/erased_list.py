"""The list of erased people, as pseudonyms: whoever is on it is left out when files are loaded."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clientele.durable import sync_folder
from clientele.erasure.traces import Traces
from clientele.production.keys import key_mark, pseudonym


@dataclass(frozen=True)
class ErasedList:
    """What stands on the list of a shop: pseudonyms of people, and of their references by table.

    marks: of the keys that it was written with, see `keys.key_mark`.
    """

    people: frozenset[str]
    references: Mapping[str, frozenset[str]]
    marks: frozenset[str] = frozenset()


def read_list(path: Path, source: str) -> ErasedList:
    """Return what stands on the list; a line that a kill cut short is none. Raises OSError."""
    people: set[str] = set()
    references: dict[str, set[str]] = {}
    marks: set[str] = set()
    for entry in _entries(path):
        marks.update([entry["key"]] if "key" in entry else [])  # one key is for all shops
        if entry.get("source") != source:
            continue
        if "person" in entry:
            people.add(entry["person"])
        elif "reference" in entry:
            references.setdefault(entry["table"], set()).add(entry["reference"])
    return ErasedList(
        frozenset(people),
        {table: frozenset(found) for table, found in references.items()},
        frozenset(marks),
    )


def is_begun(path: Path) -> bool:
    """Tell whether anybody of any shop stands on the list: one key is for all. Raises OSError."""
    return bool(_entries(path))


def append(path: Path, key: bytes, traces: Traces, at: str) -> list[str]:
    """Put people and what hangs on them on the list, on disk when this returns.

    key: of erasures. at: when they were erased. What is on the list already is not written again.
    Returns the pseudonyms of the people, in the order of their ids. Raises OSError.
    """
    listed = read_list(path, traces.source)
    people = [pseudonym(key, traces.source, client) for client in sorted(traces.ids)]
    lines: list[dict[str, Any]] = [
        {"source": traces.source, "person": person, "erased_at": at, "key": key_mark(key)}
        for person in people
        if person not in listed.people
    ]
    for table, values in sorted(traces.references.items()):
        known = listed.references.get(table, frozenset())
        hidden = (pseudonym(key, traces.source, value) for value in values)
        lines += [
            {"source": traces.source, "table": table, "reference": reference}
            for reference in sorted(hidden)
            if reference not in known
        ]
    if lines:
        _write_lines(path, lines)
    return people


def _write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(path, flags, 0o600)
    try:
        former = os.pread(file, os.fstat(file).st_size, 0)
        whole = _without_cut_line(former)
        os.ftruncate(file, len(whole))  # a load refuses a list with half a line
        content = b"\n" if whole and not whole.endswith(b"\n") else b""
        content += b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        try:
            while content:
                content = content[os.write(file, content) :]
        except OSError:
            os.ftruncate(file, len(whole))
            raise
        os.fsync(file)
    finally:
        os.close(file)
    sync_folder(path.parent)


def _without_cut_line(content: bytes) -> bytes:
    """Return a list without a last line that was cut short; one that lacks its end alone stays."""
    whole, end, last = content.rpartition(b"\n")
    try:
        json.loads(last or b"{}")
    except ValueError:
        return whole + end
    return content


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    entries = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            entries.append(entry)
    return entries
