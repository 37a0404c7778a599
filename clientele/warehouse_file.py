"""Opening the file that `dbt build` wrote, to read and never to write."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb


class WarehouseError(Exception):
    """The warehouse cannot be read; the message is one line that says what to do."""


def is_locked(error: duckdb.Error) -> bool:
    """Say whether a file could not be opened because another process has it open to write.

    Messages about damage speak of blocks, so the word lock alone tells nothing.
    """
    return "Could not set lock" in str(error)


def memory_limit(megabytes: int = 2_000) -> str:
    """Return how much memory DuckDB may take, as it reads sizes.

    It is what CLIENTELE_MEMORY_LIMIT says, else `megabytes`, or half of a machine that has less
    than twice that.
    """
    given = os.environ.get("CLIENTELE_MEMORY_LIMIT")
    if given:
        return given
    half = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    return f"{min(megabytes, half // 1_000_000)}MB"


def open_warehouse(
    warehouse: Path, needed: Iterable[str], writable_folder: Path | None = None
) -> duckdb.DuckDBPyConnection:
    """Open the warehouse read-only, without access to any other file.

    needed: the tables, `schema.name`, that will be read.
    writable_folder: the one folder, an absolute path, that queries may write files to, where given;
        what does not fit in memory goes to `spill` in it. Raises WarehouseError.
    """
    if not warehouse.is_file():
        raise WarehouseError(f"no warehouse at {warehouse}; `dbt build` makes it")
    try:
        connection = duckdb.connect(str(warehouse), read_only=True)
        if writable_folder:
            folder = text_literal(str(writable_folder))
            connection.execute(f"set allowed_directories = [{folder}]")
            spill = text_literal(str(writable_folder / "spill"))
            connection.execute(f"set temp_directory = {spill}")
        connection.execute("set enable_external_access = false")
        built = {
            f"{schema}.{table}"
            for schema, table in connection.execute(
                "select table_schema, table_name from information_schema.tables"
            ).fetchall()
        }
    except duckdb.Error as error:
        if is_locked(error):
            raise WarehouseError(
                f"{warehouse} is in use by another process, perhaps a build; try again after it"
            ) from error
        first_line = str(error).splitlines()[0]
        raise WarehouseError(f"{warehouse} cannot be opened: {first_line}") from error
    missing = [name for name in needed if name not in built]
    if missing:
        connection.close()
        raise WarehouseError(
            f"{warehouse} is not built yet ({missing[0]} is missing); `dbt build` builds it"
        )
    return connection


@contextmanager
def reading(warehouse: Path, needed: Iterable[str]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse as `open_warehouse` does, for a block of queries.

    What a query cannot find or read is a WarehouseError, too.
    """
    with open_warehouse(warehouse, needed) as connection:
        try:
            yield connection
        except (duckdb.BinderException, duckdb.CatalogException) as error:
            first_line = str(error).splitlines()[0]
            raise WarehouseError(
                f"{warehouse} was built by another version ({first_line}); `dbt build` rebuilds it"
            ) from error
        except duckdb.Error as error:
            first_line = str(error).splitlines()[0]
            raise WarehouseError(f"{warehouse} cannot be read: {first_line}") from error


def rows(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] = ()
) -> list[dict[str, Any]]:
    """Return the rows of a query, each a mapping of column to value."""
    result = connection.execute(query, list(parameters))
    columns = [column[0] for column in result.description]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


def text_literal(text: str) -> str:
    """Return a text as SQL writes it, for statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"


def quoted_name(name: str) -> str:
    """Return the name of a table or a column as SQL writes it, whatever it is."""
    return '"' + name.replace('"', '""') + '"'
