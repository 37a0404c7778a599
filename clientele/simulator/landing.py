"""Write tables as Parquet into a landing zone, whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from clientele.progress import SILENT, Steps
from clientele.simulator.mess import Mess
from clientele.simulator.tables import NativeTable, text_macros

PART_ROWS = 4_000_000  # clean rows in one Parquet file
FRAME_ROWS = 1_000_000  # rows handed to DuckDB at a time; bounds the memory


@contextmanager
def staged_folders(landing: Path, source: str, *, overwrite: bool) -> Iterator[Path]:
    """Give a folder to write the source and its truth into; move both into place at the end.

    Raises:
        FileExistsError: if the source exists and is not to be overwritten.
        NotADirectoryError: if the landing zone is a file.
    """
    if landing.exists() and not landing.is_dir():
        raise NotADirectoryError(f"{landing} is not a folder")
    if (landing / source).exists() and not overwrite:
        raise FileExistsError(f"{landing / source} exists already")
    landing.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".simulate-", dir=landing))
    try:
        yield staging
        for name in (f"{source}_truth", source):
            target = landing / name
            if target.exists():
                target.rename(staging / f"{name}.old")
            (staging / name).rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


class LandingWriter:
    """Writes Parquet with zstd, in order and on one thread, so that equal rows are equal bytes."""

    def __init__(self, folder: Path, source: str, start_epoch: int) -> None:
        self._folder = folder
        self._source = source
        self._written: Counter[str] = Counter()  # files of each table
        self._connection = duckdb.connect(config={"threads": 1})
        for macro in text_macros(start_epoch):
            self._connection.execute(macro)

    def write_table(self, table: NativeTable, mess: Mess, steps: Steps = SILENT) -> int:
        """Write a native table as text with its mess; return the number of rows written."""
        select = ", ".join(f'{text} as "{name}"' for name, text in mess.columns(table).items())
        for begin in range(0, max(table.rows, 1), PART_ROWS):
            end = min(begin + PART_ROWS, table.rows)
            self._connection.execute("drop table if exists part")
            for low in range(begin, max(end, begin + 1), FRAME_ROWS):
                rows, code, variant = mess.spread(np.arange(low, min(low + FRAME_ROWS, end)))
                frame = table.frame(rows).assign(defect=code, variant=variant)
                self._connection.register("frame", frame)
                verb = "create table part as" if low == begin else "insert into part"
                self._connection.execute(f"{verb} select * from frame")
                self._connection.unregister("frame")
                steps.within(min(low + FRAME_ROWS, end), table.rows)
            self._copy(f"select {select} from part", self._source, table.name)
        self._connection.execute("drop table if exists part")
        return mess.written_rows()

    def write_truth(self, name: str, frame: pd.DataFrame, select: str = "*") -> None:
        """Write rows of a table of truth with its types; `select` is SQL over the frame."""
        self._connection.register("frame", frame)
        self._copy(f"select {select} from frame", f"{self._source}_truth", name)
        self._connection.unregister("frame")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _copy(self, query: str, source: str, table: str) -> None:
        folder = self._folder / source / table
        folder.mkdir(parents=True, exist_ok=True)
        path = str(folder / f"part-{self._written[table]}.parquet").replace("'", "''")
        self._written[table] += 1
        self._connection.execute(f"copy ({query}) to '{path}' (format parquet, compression zstd)")
