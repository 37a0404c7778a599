"""Parquet files as records: every value as the text that says it without loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb

from clientele.intake.contracts import Contract
from clientele.intake.errors import FileRefused
from clientele.intake.records import CONTROLS, Batch, Marks
from clientele.warehouse_file import quoted_name, text_literal

ROWS = 50_000
NESTED = ("STRUCT", "MAP", "LIST", "UNION", "ARRAY", "VARIANT", "JSON", "GEOMETRY")


def parquet_batches(
    path: Path, contract: Contract, connect: Callable[[], duckdb.DuckDBPyConnection]
) -> Iterator[Batch]:
    """Yield the rows of a Parquet file in batches, in the file's order.

    connect: opens a connection of one's own, whose time zone is UTC.

    Times become `YYYY-MM-DD HH:MM:SS[.ffffff]`, numbers their shortest text that gives them back.
    Raises FileRefused where the file is damaged or its columns are not as declared.
    """
    source = f"read_parquet({text_literal(str(path))}, binary_as_string = true, "
    source += "hive_partitioning = false)"
    connection = connect()
    try:
        columns = connection.execute(f"describe from {source}").fetchall()
        _check_columns([str(name) for name, *_ in columns], contract)
        for name, kind, *_ in columns:
            if kind.endswith("]") or kind.startswith(NESTED):
                raise FileRefused(f"the column {name!r} is nested ({kind[:40]}); text is expected")
            if kind == "BLOB":
                raise FileRefused(f"the column {name!r} holds bytes; text is expected")
        yield Batch(range(0), "", Marks("", "", ""))  # the columns are as declared
        texts = [f"{quoted_name(name)}::varchar" for name in contract.columns]
        marks = _absent_marks(connection, source, texts)
        field, empty = f"chr({ord(marks.field)})", f"chr({ord(marks.empty)})"
        values = (f"case when t = '' then {empty} else coalesce(t, '') end" for _ in texts)
        line = f" || {field} || ".join(
            value.replace("t = ", f"{text} = ").replace("(t,", f"({text},")
            for value, text in zip(values, texts, strict=True)
        )
        rows = connection.execute(f"select {line} from {source}")
        first = 1
        while fetched := rows.fetchmany(ROWS):
            lines = [each for (each,) in fetched]
            yield Batch(
                range(first, first + len(lines)), marks.record.join(lines), marks,
                raw=_raw_of(lines, marks, contract),
            )  # fmt: skip
            first += len(lines)
    except duckdb.Error as error:
        if isinstance(error, (duckdb.OutOfMemoryException, duckdb.InterruptException)):
            raise
        raise FileRefused(f"it is damaged: {str(error).splitlines()[0][:120]}") from error
    finally:
        connection.close()


def _raw_of(lines: list[str], marks: Marks, contract: Contract) -> Callable[[int], str]:
    def raw(position: int) -> str:
        values = lines[position].replace(marks.empty, "")
        return values.replace(marks.field, contract.delimiter)

    return raw


def _check_columns(found: list[str], contract: Contract) -> None:
    declared = list(contract.columns)
    for name in declared:
        if name not in found:
            raise FileRefused(f"the column {name!r} is missing")
    for name in found:
        if name not in declared:
            raise FileRefused(f"the column {name!r} is not agreed")
    for place, (one, other) in enumerate(zip(found, declared, strict=False)):
        if one != other:
            raise FileRefused(
                f"columns are out of order: column {place + 1} is {one!r}, {other!r} is agreed"
            )


def _absent_marks(connection: duckdb.DuckDBPyConnection, source: str, texts: list[str]) -> Marks:
    codes = [*CONTROLS, *range(0xFDD0, 0xFDF0), *range(0xE000, 0xE100)]
    absent: list[int] = []
    for begin in range(0, len(codes), 3):
        some = codes[begin : begin + 3]
        tests = ", ".join(
            f"bool_or({' or '.join(f'contains({text}, chr({code}))' for text in texts)})"
            for code in some
        )
        are_there = connection.execute(f"select {tests} from {source}").fetchone() or ()
        absent += [code for code, is_there in zip(some, are_there, strict=True) if not is_there]
        if len(absent) >= 3:
            return Marks(*map(chr, absent[:3]))
    raise FileRefused("its texts hold every control character there is")
