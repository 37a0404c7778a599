"""Erasing people from all places, in an order that a kill at any point cannot break.

Whom to leave out is written down first, so that nobody who was asked about comes back; then file
after file is rewritten; the receipt is last. Whoever runs it again does what is left.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from clientele.erasure import duckdb_files, erased_list, parquet_files, text_files
from clientele.erasure.people import ErasureError
from clientele.erasure.places import CSV, DUCKDB, PARQUET, Item, Scope, items, packed
from clientele.erasure.replacing import Replacing, remove_debris, write_whole
from clientele.erasure.traces import LEAST_WORD, Traces
from clientele.production import journal, keeping, keys
from clientele.production.home import Home
from clientele.production.locks import BusyError, holding
from clientele.progress import SILENT, Steps
from clientele.versions import VersionsError, undisturbed

DONE = "erasing.json"
AGGREGATES = (
    "Counts, sums and means of many customers stay as they are until the next build, and so do "
    "fitted models."
)
RAW_FILES = (
    "Raw files outside of the landing zone are their sender's; rows of erased people in them are "
    "left out when they are loaded."
)
OPEN_READERS = "Who has an old file open keeps reading it until they connect anew."


@dataclass(frozen=True)
class Change:
    """What became of one file: `rewritten`, its `lines` or `words` cut out, or `removed`."""

    place: str
    file: str
    how: str
    rows: int


def erase(scope: Scope, source: str, ids: Iterable[str], steps: Steps = SILENT) -> dict[str, Any]:
    """Erase clients of a shop from every place and return the receipt, which names no id.

    ids: canonical. Raises ErasureError, `keys.KeyFileError`, `locks.BusyError` and OSError; what
    was done until then stays done, and the same call does the rest.
    """
    scope.require(source)
    home = scope.home
    with ExitStack() as held:
        steps.step("lock")
        home.root.mkdir(parents=True, exist_ok=True)
        held.enter_context(holding(home.lock, "clientele erase"))
        if scope.landing.is_dir():
            path = scope.landing / home.lock.name
            held.enter_context(holding(path, "clientele erase"))
        for root in scope.exports:
            if root.is_dir():
                held.enter_context(_undisturbed(root))
        steps.step("heal")
        replacing = Replacing(home.root / "erasing.jsonl", steps)
        replacing.heal()
        for folder in scope.folders:
            remove_debris(folder)
        if not home.journal.exists():
            keeping.heal(home)  # else the events of this one would hide that it was lost
        listed = erased_list.read_list(home.erased, source)
        key = keys.read_key(home.keys, keys.ERASURE, make=not erased_list.is_begun(home.erased))
        keys.require_key_of(home.erased, key, listed.marks)
        traces = Traces.of(source, ids, publication_key(home))
        steps.step("look")
        look(scope, traces, key)
        at = datetime.now(timezone.utc)
        steps.step("list")
        people = erased_list.append(home.erased, key, traces, f"{at:%Y-%m-%dT%H:%M:%SZ}")
        journal.append(home.journal, journal.ERASING, source=source, people=people)
        steps.step("spill")
        done = _Done(home.root / DONE, people)
        for change in _remove_spill(scope):
            done.tell(change)
        place = ""
        for item in items(scope, source):
            if item.place != place:
                place = item.place
                steps.step(place)
            _erase_from(item, traces, replacing, done)
        steps.step("receipt")
        receipt = _receipt(scope, traces, people, done.changes, at)
        _keep(home, receipt, at)
        replacing.close()
        done.close()
        steps.step("journal")
        journal.append(
            home.journal, journal.ERASED, source=source, people=people, receipt=receipt["receipt"]
        )
    return receipt


@contextmanager
def _undisturbed(root: Path) -> Iterator[None]:
    """Keep exports out: one that has read the warehouse before would bring people back."""
    try:
        with undisturbed(root):
            yield
    except VersionsError as error:
        raise BusyError(str(error)) from error


def unfinished(home: Home) -> list[dict[str, Any]]:
    """Return the erasures that the journal says were begun and not ended, oldest first.

    Each is its journal entry, with the pseudonyms of its `people`. Raises OSError.
    """
    begun: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in journal.read(home.journal):
        for person in entry.get("people", []):
            if entry["event"] == journal.ERASING:
                begun.setdefault((entry["source"], person), entry)
            elif entry["event"] == journal.ERASED:
                begun.pop((entry["source"], person), None)
    entries: list[dict[str, Any]] = []
    for entry in begun.values():
        if entry not in entries:
            entries.append(entry)
    return entries


def look(scope: Scope, traces: Traces, key: bytes | None) -> None:
    """Add to traces what all places know to be the people's: orders, mostly. Raises ErasureError.

    key: of erasures, where there is one.
    """
    listed = erased_list.read_list(scope.home.erased, traces.source)
    files = [item.landed for item in items(scope, traces.source) if item.landed]
    parquet_files.discover(files, scope.tables, traces, listed.references, key)
    traces.order_ids = traces.all_references
    for path in scope.warehouses():
        duckdb_files.discover(path, traces)


def publication_key(home: Home) -> bytes | None:
    """Return the key of what is published; None where nothing is. Raises KeyFileError."""
    versions = sorted(path.stem for path in home.versions.glob("*.duckdb"))
    try:
        key = keys.read_key(home.keys, keys.PUBLICATION)
    except keys.KeyFileError:
        if versions:
            raise  # nobody could be found in these
        return None
    for run in versions:
        mark = (keeping.read_record(home, run) or {}).get("key")
        if mark not in (None, keys.key_mark(key)):
            raise keys.KeyFileError(
                f"{home.version(run)} has pseudonyms of another key, so nobody can be found in it; "
                "`clientele run --keep 1` removes older versions, or restore that key"
            )
    return key


def seed_lines(scope: Scope, traces: Traces) -> list[str]:
    """Return where tables that people keep by hand name the people: `seeds/x.csv, line 3`."""
    return [
        f"{path}, line {line}"
        for path in scope.seeds
        for line in text_files.line_numbers(path, traces)
    ]


class _Done:
    """What became of each file, on disk before it happens: the receipt after a kill tells it, too.

    Of an erasure of other people nothing is taken over.
    """

    def __init__(self, path: Path, people: list[str]) -> None:
        self._path, self._people = path, people
        self._changes: dict[str, Change] = {}
        try:
            told = json.loads(path.read_bytes())
            if told["people"] == people:
                self._changes = {each["file"]: Change(**each) for each in told["files"]}
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            pass

    @property
    def changes(self) -> list[Change]:
        """All changes, also those that an erasure that was killed had made."""
        return list(self._changes.values())

    def tell(self, change: Change) -> None:
        """Note what becomes of a file. Raises OSError."""
        self._changes[change.file] = change
        told = {"people": self._people, "files": [asdict(each) for each in self.changes]}
        write_whole(self._path, json.dumps(told, ensure_ascii=False).encode() + b"\n")

    def close(self) -> None:
        """Forget it, since a receipt has it."""
        self._path.unlink(missing_ok=True)


def _erase_from(item: Item, traces: Traces, replacing: Replacing, done: _Done) -> None:
    path = item.path
    if item.kind == DUCKDB:
        tables = duckdb_files.find(path, traces)
        if not tables and not duckdb_files.has_free_blocks(path):
            return
        done.tell(Change(item.place, str(path), "rewritten", sum(tables.values())))
        is_published = item.place == "published"
        duckdb_files.rewrite(path, traces, tables, replacing, item.records, is_published)
    elif item.kind == PARQUET:
        table = item.landed.table if item.landed else None
        removed = parquet_files.find(path, traces, table)
        if not removed.rows:
            return
        done.tell(Change(item.place, str(path), "rewritten", removed.rows))
        parquet_files.rewrite(path, traces, removed, replacing, item.records, table)
    elif item.kind == CSV:
        count = text_files.find_in_list(path, traces)
        if not count:
            return
        done.tell(Change(item.place, str(path), "rewritten", count))
        text_files.rewrite_list(path, traces, count, replacing, item.records)
    elif count := text_files.find_words(path, traces):
        how = text_files.how_words_go(path)
        done.tell(Change(item.place, str(path), "removed" if how == "file" else how, count))
        text_files.erase_words(path, traces, replacing)


def _remove_spill(scope: Scope) -> Iterator[Change]:
    """Remove what was never finished, which whoever writes it begins anew."""
    for folder in scope.spill:
        if folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder)
            yield Change("spill", str(folder), "removed", 0)


def _receipt(
    scope: Scope, traces: Traces, people: list[str], changes: list[Change], at: datetime
) -> dict[str, Any]:
    notes = [AGGREGATES, RAW_FILES, OPEN_READERS]
    for path in scope.warehouses():
        if small := duckdb_files.small_segments(path, traces.source):
            notes.append(f"{path}: {small}; a refit with --vars 'refit: true' forgets them.")
    notes += [
        f"Not looked into, since it is packed: {path}" for path in packed(scope, traces.source)
    ]
    if any(len(client) < LEAST_WORD for client in traces.ids):
        notes.append(
            f"Ids of fewer than {LEAST_WORD} characters are looked for in columns and fields of "
            "ids, and not in texts, where they are any number."
        )
    by_hand = seed_lines(scope, traces)
    return {
        "erased_at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "receipt": f"{at:%Y%m%dT%H%M%SZ}-{people[0][:8]}.json",
        "source": traces.source,
        "people": people,
        "places": places_counted(changes),
        "files": [asdict(change) for change in changes],
        "by_hand": by_hand,
        "notes": notes,
    }


def places_counted(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Return the rows that went and the files that were changed, by place, in their order."""
    counted = {
        place: {"place": place, "rows": 0, "rewritten": 0, "removed": 0}
        for place in ("warehouses", "published", "exports", "others", "logs", "spill", "landing")
    }
    for change in changes:
        entry = counted[change.place]
        entry["rows"] += change.rows
        entry["removed" if change.how == "removed" else "rewritten"] += 1
    return list(counted.values())


def _keep(home: Home, receipt: dict[str, Any], at: datetime) -> Path:
    folder = home.root / "erasures"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / receipt["receipt"]
    if path.exists():
        raise ErasureError(f"{path} is there already; try again in a second")
    write_whole(path, json.dumps(receipt, ensure_ascii=False, indent=2).encode() + b"\n")
    return path
