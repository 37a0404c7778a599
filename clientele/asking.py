"""Answers queries from a DuckDB file, and lets them do nothing else."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

import duckdb
from rich.console import Console
from rich.table import Table
from rich.text import Text

from clientele.safe_text import printable
from clientele.show.printing import cell, say, table
from clientele.warehouse_file import WarehouseError, is_locked, memory_limit

CHUNK = 10_000
MOST_IN_A_TABLE = 100
WIDEST = 100_000  # columns, to measure what a table would want
QUERIES = "select, from, with, values, describe, show, summarize and explain"
# DuckDB makes several statements of a pivot; the others are what their names say.
ANSWERED = (
    duckdb.StatementType.SELECT,
    duckdb.StatementType.EXPLAIN,
    duckdb.StatementType.MULTI,
)
# What double-precision readers of JSON would round.
MOST_IN_JSON = 2**53
POSITION = re.compile(r"^(LINE \d+: )")
SETTINGS = {
    "enable_external_access": "false",
    # Else a query could read the variables of this program.
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    # Spilled rows would lie beside the file, for whoever can read there.
    "temp_directory": "",
}


class QueryError(Exception):
    """A query has no answer; the message says why, in one line or with the place in the query."""


@dataclass(frozen=True)
class Answer:
    """What a query found: columns, their types and a cursor on the rows.

    limit: rows that are wanted; None: all.
    """

    columns: list[str]
    types: list[str]
    cursor: duckdb.DuckDBPyConnection
    limit: int | None

    def chunks(self) -> Iterator[list[tuple[Any, ...]]]:
        """Give the rows piece by piece, so that a large answer needs little memory."""
        left = math.inf if self.limit is None else self.limit
        with _told():
            while left and (rows := self.cursor.fetchmany(int(min(left, CHUNK)))):
                left -= len(rows)
                yield rows

    def has_more(self) -> bool:
        """Say whether rows are left out."""
        with _told():
            return self.limit is not None and self.cursor.fetchone() is not None


def open_to_read(path: Path) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file to read it and nothing else of the machine; nothing can change that.

    Raises WarehouseError.
    """
    if not path.is_file():
        if path.is_symlink():
            raise WarehouseError(f"{path} leads to no file; `clientele status` says what to do")
        raise WarehouseError(
            f"no DuckDB file at {path}; `clientele run` publishes one, or --warehouse names it"
        )
    memory = memory_limit()
    try:
        connection = duckdb.connect(
            str(path), read_only=True, config=SETTINGS | {"memory_limit": memory}
        )
        connection.execute("set lock_configuration = true")
    except duckdb.Error as error:
        if is_locked(error):
            raise WarehouseError(
                f"{path} is in use by another process, perhaps a build; try again after it"
            ) from error
        raise WarehouseError(
            printable(f"{path} cannot be opened: {str(error).splitlines()[0]}")
        ) from error
    return connection


def answers(
    connection: duckdb.DuckDBPyConnection, text: str, limit: int | None
) -> Iterator[Answer]:
    """Answer the queries of a text one after another; each answer ends before the next begins.

    limit: rows of each that are wanted; None: all. Raises QueryError; before the first answer where
    a statement is no query, so that a text is answered whole or refused.
    """
    for statement in queries(connection, text):
        with _told():
            cursor = connection.execute(statement)
        described = cursor.description or []
        yield Answer(
            [column[0] for column in described],
            [str(column[1]) for column in described],
            cursor,
            limit,
        )


def queries(connection: duckdb.DuckDBPyConnection, text: str) -> list[duckdb.Statement]:
    """Take a text of SQL apart. Raises QueryError where it has no query, or something else."""
    with _told():
        found = connection.extract_statements(text)
    if not found:
        raise QueryError("there is no query in it")
    for number, statement in enumerate(found, start=1):
        if statement.type not in ANSWERED:
            which = (
                f"statement {number} is {statement.type.name}"
                if len(found) > 1
                else (f"this is {statement.type.name}")
            )
            raise QueryError(f"{which}, and only queries are answered: {QUERIES}")
    return found


def print_table(answer: Answer, console: Console) -> None:
    """Print an answer as a table; where that is too wide, every row as lines of its own."""
    shown = [row for rows in answer.chunks() for row in rows]
    made = table(*zip(map(printable, answer.columns), map(_side, answer.types), strict=True))
    for row in shown:
        made.add_row(*(cell(_shown(value)) for value in row))
    width = console.measure(made, options=console.options.update(width=WIDEST)).maximum
    # Explained plans are drawings of lines.
    if answer.columns == ["explain_key", "explain_value"]:
        for _, plan in shown:
            for line in plan.splitlines():
                say(console, line)
    elif width <= console.width or not shown:
        console.print(made)
    else:
        _print_records(answer.columns, shown, console)
    if answer.has_more():
        say(
            console,
            f"The first {len(shown):,} rows; there are more: --limit shows them, --csv prints all.",
        )


def print_csv(answer: Answer, output: TextIO, *, is_terminal: bool) -> None:
    """Print an answer as CSV: a heading, texts in quotes where they need them, nothing for null."""
    clean = printable if is_terminal else str
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow([clean(column) for column in answer.columns])
    for rows in answer.chunks():
        writer.writerows(
            [None if value is None else clean(_shown(value)) for value in row] for row in rows
        )


def print_json(answer: Answer, output: TextIO) -> None:
    """Print an answer as JSON, an array with an object a row.

    Keys, and other integers that readers of JSON would round, are texts. Raises QueryError where
    two columns have one name, of which an object would keep one.
    """
    repeated = sorted({name for name in answer.columns if answer.columns.count(name) > 1})
    if repeated:
        raise QueryError(printable(f"two columns are called {repeated[0]}; `as` names them apart"))
    begin = "[\n  "
    for rows in answer.chunks():
        for row in rows:
            values = {
                name: _as_json(value, is_key=name.endswith("_key"))
                for name, value in zip(answer.columns, row, strict=True)
            }
            output.write(begin + _escaped(json.dumps(values, ensure_ascii=False)))
            begin = ",\n  "
    output.write("\n]\n" if begin.startswith(",") else "[]\n")


def _print_records(
    columns: Sequence[str], rows: Iterable[tuple[Any, ...]], console: Console
) -> None:
    for number, row in enumerate(rows, start=1):
        say(console, f"Row {number}", style="bold")
        lines = Table.grid(padding=(0, 2))
        lines.add_column(no_wrap=True)
        lines.add_column(overflow="fold")
        for name, value in zip(columns, row, strict=True):
            lines.add_row(Text(printable(name)), cell(_shown(value)))
        console.print(lines)


def _side(kind: str) -> str:
    is_number = re.match(r"(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL|DOUBLE|FLOAT|NUMBER)", kind)
    return "right" if is_number else "left"


def _shown(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def _as_json(value: Any, *, is_key: bool = False) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return str(value) if is_key or abs(value) > MOST_IN_JSON else value
    if isinstance(value, float | Decimal):
        number = float(value)
        return number if math.isfinite(number) else None
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_as_json(each) for each in value]
    if isinstance(value, dict):
        return {str(name): _as_json(each) for name, each in value.items()}
    return _shown(value)


def _escaped(text: str) -> str:
    """Return JSON with what a terminal would obey, or a file could not hold, escaped."""
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in text)


@contextmanager
def _told() -> Iterator[None]:
    """Make one line of what DuckDB says, and where it shows a place in the query, three."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise QueryError(
            "the query needs more memory than CLIENTELE_MEMORY_LIMIT gives it "
            f"({printable(str(error).splitlines()[0])})"
        ) from error
    except (duckdb.Error, RuntimeError) as error:
        lines = str(error).splitlines()
        place = next((n for n, line in enumerate(lines) if POSITION.match(line)), len(lines))
        told = [lines[0], *lines[place : place + 2]] if lines else [type(error).__name__]
        raise QueryError("\n".join(map(printable, told))) from error
