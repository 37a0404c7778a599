"""Looking for people in every place, by value and by bytes; it reads and never writes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from clientele.erasure import duckdb_files, erased_list, parquet_files, text_files
from clientele.erasure.erase import look, publication_key, seed_lines
from clientele.erasure.places import CSV, DUCKDB, PARQUET, TEXT, Item, Scope, items, packed
from clientele.erasure.traces import LEAST_BYTES, Traces
from clientele.production import keys
from clientele.progress import SILENT, Steps


def verify(scope: Scope, source: str, ids: Iterable[str], steps: Steps = SILENT) -> dict[str, Any]:
    """Look for clients of a shop in every place and return what was found, which names no id.

    ids: canonical. `found` has an entry a file: its place, its rows by table where it has tables,
    and how many of their ids and keys stand in its bytes. `by_hand` are lines of seeds,
    `not_looked_into` files whose text is packed.
    Raises ErasureError, `keys.KeyFileError` and OSError.
    """
    scope.require(source)
    home = scope.home
    steps.step("look")
    traces = Traces.of(source, ids, publication_key(home))
    listed = erased_list.read_list(home.erased, source)
    key = keys.read_key(home.keys, keys.ERASURE) if listed.people else None
    if key:
        keys.require_key_of(home.erased, key, listed.marks)
    look(scope, traces, key)
    texts, numbers = traces.byte_marks()
    listing = items(scope, source)
    steps.expect(len(listing) + 1)
    found = []
    for item in listing:
        steps.step(item.path.name)
        rows = _rows(item, traces)
        marks = text_files.find_bytes(item.path, texts, numbers) if _has_bytes(item) else 0
        if rows or marks:
            found.append(_entry(item.place, item.path, rows, marks))
    for path in _beside(scope, listing):
        marks = text_files.find_bytes(path, texts, numbers)
        if marks:
            found.append(_entry("spill", path, {}, marks))
    pseudonyms = (
        [keys.pseudonym(key, source, client) for client in sorted(traces.ids)] if key else []
    )
    return {
        "source": source,
        "people": len(traces.ids),
        "on_the_list": sum(person in listed.people for person in pseudonyms),
        "files": len(listing),
        "found": found,
        "by_hand": seed_lines(scope, traces),
        "not_looked_into": [str(path) for path in packed(scope, source)],
        "bytes_looked_for": all(len(client) >= LEAST_BYTES for client in traces.ids),
    }


def _rows(item: Item, traces: Traces) -> dict[str, int]:
    if item.kind == DUCKDB:
        return duckdb_files.find(item.path, traces)
    if item.kind == PARQUET:
        table = item.landed.table if item.landed else None
        count = parquet_files.find(item.path, traces, table).rows
    elif item.kind == CSV:
        count = text_files.find_in_list(item.path, traces)
    else:
        count = text_files.find_words(item.path, traces)
    return {item.path.name: count} if count else {}


def _has_bytes(item: Item) -> bool:
    """Tell whether bytes of a file say more than its values.

    Texts are looked through by words, since what an id is part of is another id; lists of several
    shops by values, since the same id may be of a client of another one.
    """
    is_list = item.landed and item.landed.table and item.landed.table.source_column
    return item.kind not in (TEXT, CSV) and not is_list


def _beside(scope: Scope, listing: Iterable[Item]) -> list[Path]:
    """Return what no reader opens and still has bytes: logs of writers, spill, unfinished files."""
    paths = []
    for item in listing:
        if item.kind == DUCKDB:
            paths += sorted(item.path.parent.glob(f"{item.path.name}.*"))
    for folder in scope.spill:
        paths += sorted(path for path in folder.rglob("*") if path.is_file())
    return paths


def _entry(place: str, path: Path, rows: dict[str, int], marks: int) -> dict[str, Any]:
    return {"place": place, "file": str(path), "rows": rows, "byte_marks": marks}
