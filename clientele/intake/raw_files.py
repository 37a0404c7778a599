"""Raw files as they are opened: by their format, unpacked, their bytes watched on the way."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clientele.intake.contracts import Contract
from clientele.intake.csv_records import csv_batches
from clientele.intake.errors import FileRefused
from clientele.intake.incoming import CSV, PARQUET, Incoming
from clientele.intake.json_records import json_batches
from clientele.intake.parquet_parts import connect
from clientele.intake.parquet_records import parquet_batches
from clientele.intake.records import Batch

CHUNK = 1 << 20


@contextmanager
def batches_of(
    file: Incoming, contract: Contract, watch: Callable[[bytes], None] | None, spill: Path
) -> Iterator[Iterator[Batch]]:
    """Give the batches of a raw file.

    watch: is told the bytes as they are read, but of Parquet, which is not read in one go.
    spill: the folder for what does not fit in memory.

    Raises FileRefused where it is damaged or not as declared, OSError and duckdb.Error.
    """
    with file.path.open("rb") as raw:
        try:
            if file.format == PARQUET:
                yield parquet_batches(file.path, contract, lambda: connect(spill))
                return
            stream: Any = _Watched(raw, watch)
            if file.is_gzip:
                stream = gzip.GzipFile(fileobj=stream)
            yield (csv_batches if file.format == CSV else json_batches)(stream.read, contract)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise FileRefused(f"it is damaged or cut off: {error}") from error


class _Watched:
    """A file whose bytes are told to somebody as they are read."""

    def __init__(self, raw: Any, watch: Callable[[bytes], None] | None) -> None:
        self._raw, self._watch = raw, watch

    def read(self, size: int = -1) -> bytes:
        data = self._raw.read(size)
        if self._watch and data:
            self._watch(data)
        return data


def checksum(path: Path, watch: Callable[[int], None]) -> str:
    """Return the sha256 of a file, read in pieces, whose sizes are told. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(CHUNK):
            digest.update(data)
            watch(len(data))
    return digest.hexdigest()
