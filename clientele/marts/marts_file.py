"""The public tables of the warehouse as one file for readers, so that none opens the warehouse.

The file keeps the names of schemas and tables, and carries what a tool shows to people and joins
by: keys, columns that are never null, descriptions as comments. Columns that tell whose row it is
have pseudonyms. It is written beside the former one and renamed when it is whole: a reader that has
the former one open keeps it until it connects anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table
from rich.text import Text

from clientele.durable import sync_file, sync_folder
from clientele.marts.private_folder import private_folder
from clientele.marts.pseudonymous import map_customers, published, under_pseudonyms
from clientele.marts.public import MartsError, PublicTable, public_tables
from clientele.progress import SILENT, Steps
from clientele.versions import file_sha256
from clientele.warehouse_file import (
    WarehouseError,
    is_locked,
    memory_limit,
    open_warehouse,
    quoted_name,
    text_literal,
)

# Not marts.duckdb: in a file of that name `marts.people` could mean the schema or the file itself.
DEFAULT_OUTPUT = Path("warehouse/clientele_marts.duckdb")
# What DuckDB 1.1 and all later versions read; comments and keys are in it.
STORAGE_VERSION = "v1.0.0"
# The index of a key lies in memory while it is written: 10 million rows of two numbers fit in 2 GB,
# 58 million do not. A larger table goes without, and its comment names the key.
MOST_KEYED_ROWS = 10_000_000
MAGIC = slice(8, 12), b"DUCK"


def write_marts_file(
    warehouse: Path,
    manifest: Path,
    output: Path,
    steps: Steps = SILENT,
    key: bytes | None = None,
) -> dict[str, Any]:
    """Write the public tables of a warehouse into one DuckDB file for readers.

    warehouse: the DuckDB file that `dbt build` wrote; it is opened read-only.
    manifest: the manifest.json of that build: the list of what is public.
    output: the file to write; what is there is replaced when the new file is whole, never before.
    steps: is told the name of each table that is written.
    key: makes the pseudonyms (see `clientele.production.pseudonyms`). Without one, customers
        have the keys of the warehouse, and ids of clients stay in it.

    Returns `file`, `bytes`, `sha256`, `storage_version` and `tables`, each with `name`, `rows`,
    `columns` and `key`. Raises MartsError and WarehouseError; the output is then what it was.
    """
    tables = [published(table, key is not None) for table in public_tables(manifest)]
    steps.expect(len(tables) + (key is not None))
    output = output.parent.resolve() / output.name
    _refuse_output(output, warehouse, tables)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with private_folder(output.parent) as private:
            finished = private / output.name
            counts = _write_tables(warehouse, private, finished, tables, steps, key)
            _require_counts(finished, tables, counts)
            described = {
                "file": str(output),
                "bytes": finished.stat().st_size,
                "sha256": file_sha256(finished),
                "storage_version": STORAGE_VERSION,
                "tables": [
                    {
                        "name": table.full_name,
                        "rows": counts[table.path],
                        "columns": len(table.columns),
                        "key": list(table.key),
                    }
                    for table in tables
                ],
            }
            # Who opens it to write is refused: a writer would lock all others out.
            finished.chmod(finished.stat().st_mode & 0o444)
            sync_file(finished)
            # What a writer of the former file has left would make the new one unreadable.
            output.with_name(output.name + ".wal").unlink(missing_ok=True)
            finished.replace(output)
            sync_folder(output.parent)
    except OSError as error:
        raise MartsError(f"{output} cannot be written: {error.strerror or error}") from error
    return described


def print_marts(written: Mapping[str, Any], console: Console) -> None:
    """Print what is in the file as a table, and below it where it lies."""
    table = Table("Table")
    table.add_column("Rows", justify="right")
    table.add_column("Key", overflow="fold")
    for entry in written["tables"]:
        table.add_row(entry["name"], f"{entry['rows']:,}", ", ".join(entry["key"]))
    console.print(table)
    console.print(Text(f"{written['file']} ({written['bytes'] / 1e6:.1f} MB)"), soft_wrap=True)
    if "parquet" in written:
        console.print(Text(written["parquet"]["folder"]), soft_wrap=True)


def _refuse_output(output: Path, warehouse: Path, tables: Iterable[PublicTable]) -> None:
    database = output.name.partition(".")[0]
    if database.lower() in {table.schema.lower() for table in tables}:
        raise MartsError(
            f"{output.name} has the name of a schema in it, which no query could tell apart; "
            f"{DEFAULT_OUTPUT.name} is a better one"
        )
    if output.exists():
        if warehouse.exists() and output.samefile(warehouse):
            raise MartsError(f"{output} is the warehouse itself; --output names another file")
        place, magic = MAGIC
        try:
            with output.open("rb") as file:
                is_duckdb = file.read(place.stop)[place] == magic
        except OSError as error:
            raise MartsError(f"{output} cannot be replaced: {error.strerror or error}") from error
        if not is_duckdb:
            raise MartsError(f"{output} is not a DuckDB file, and is left as it is")
        _refuse_another_warehouse(output)


def _refuse_another_warehouse(output: Path) -> None:
    """Raise MartsError where a file has tables that no file of marts has."""
    try:
        with duckdb.connect(str(output), read_only=True) as connection:
            [inner] = connection.execute(
                "select count(*) from information_schema.tables "
                "where table_schema in ('staging', 'intermediate', 'core')"
            ).fetchone()
    except duckdb.Error as error:
        if is_locked(error):
            raise MartsError(
                f"{output} is in use by another process, perhaps a build; --output names another "
                "file"
            ) from error
        return  # what cannot be read is no loss
    if inner:
        raise MartsError(f"{output} is a warehouse; --output names another file")


def _write_tables(
    warehouse: Path,
    private: Path,
    finished: Path,
    tables: Iterable[PublicTable],
    steps: Steps,
    key: bytes | None,
) -> dict[str, int]:
    """Write the tables into a new file; return the rows of each, as counted in the warehouse."""
    needed = [table.full_name for table in tables]
    with open_warehouse(warehouse, needed, writable_folder=private) as connection:
        try:
            _limit_memory(connection)
            [database] = connection.execute("select current_database()").fetchone()
            source, target = quoted_name(database), quoted_name(f"{database}_marts")
            connection.execute(
                f"attach {text_literal(str(finished))} as {target} "
                f"(read_write, storage_version {text_literal(STORAGE_VERSION)})"
            )
            connection.execute("set lock_configuration = true")
            for schema in sorted({table.schema for table in tables}):
                connection.execute(f"create schema if not exists {target}.{quoted_name(schema)}")
            if key is not None:
                steps.step("pseudonyms")
                map_customers(connection, source, tables, key)
            counts = {}
            for table in tables:
                steps.step(table.full_name)
                types = _column_types(connection, database, table)
                [count] = connection.execute(
                    f"select count(*) from {source}.{table.path}"
                ).fetchone()
                counts[table.path] = count
                place = f"{target}.{table.path}"
                _create_table(connection, place, table, types, count <= MOST_KEYED_ROWS)
                try:
                    rows = f"{source}.{table.path}"
                    if key is not None:
                        rows = f"({under_pseudonyms(rows, table, types)})"
                    connection.execute(
                        f"insert into {place} select {_listed_columns(types)} from {rows} "
                        f"order by {_listed_columns(table.key) or 'all'}"
                    )
                except duckdb.ConstraintException as error:
                    raise MartsError(
                        f"{table.full_name} breaks what its tests hold: {_first_line(error)}"
                    ) from error
                connection.execute(f"checkpoint {target}")  # memory is for one table at a time
            connection.execute(f"detach {target}")
        except duckdb.OutOfMemoryException as error:
            raise MartsError(
                f"the marts need more memory: {_first_line(error)}; CLIENTELE_MEMORY_LIMIT sets it"
            ) from error
        except duckdb.Error as error:
            raise MartsError(
                f"the marts of {warehouse} cannot be written: {_first_line(error)}"
            ) from error
    return counts


def _column_types(
    connection: duckdb.DuckDBPyConnection, database: str, table: PublicTable
) -> dict[str, str]:
    """Types of the columns that leave, as they were built; what the manifest knows and no other."""
    types = dict(
        connection.execute(
            "select column_name, data_type from duckdb_columns() "
            "where database_name = ? and schema_name = ? and table_name = ? order by column_index",
            [database, table.schema, table.name],
        ).fetchall()
    )
    differing = sorted({name.lower() for name in types} ^ (set(table.columns) | table.inside))
    if differing:
        raise WarehouseError(
            f"{table.full_name} was built otherwise than the manifest says (column "
            f"{differing[0]}); `dbt build` builds it anew"
        )
    return {name: kind for name, kind in types.items() if name.lower() not in table.inside}


def _create_table(
    connection: duckdb.DuckDBPyConnection,
    place: str,
    table: PublicTable,
    types: Mapping[str, str],
    has_index: bool,
) -> None:
    columns = [
        f"{quoted_name(name)} {kind}" + (" not null" if name.lower() in table.required else "")
        for name, kind in types.items()
    ]
    description = table.description
    if table.key and has_index:
        columns.append(f"primary key ({_listed_columns(table.key)})")
    elif table.key:
        description = f"{description} Key: {', '.join(table.key)}."
    connection.execute(f"create table {place} ({', '.join(columns)})")
    if description:
        connection.execute(f"comment on table {place} is {text_literal(description)}")
    for name in types:
        if description := table.columns[name.lower()]:
            connection.execute(
                f"comment on column {place}.{quoted_name(name)} is {text_literal(description)}"
            )


def _require_counts(
    finished: Path, tables: Iterable[PublicTable], counts: Mapping[str, int]
) -> None:
    """Read the finished file as a reader will, and require the rows of the warehouse in it."""
    if finished.with_name(finished.name + ".wal").exists():
        raise MartsError("the marts were not written to the end")
    with open_warehouse(finished, [table.full_name for table in tables]) as connection:
        for table in tables:
            [count] = connection.execute(f"select count(*) from {table.path}").fetchone()
            if count != counts[table.path]:
                raise MartsError(
                    f"{table.full_name} has {counts[table.path]:,} rows in the warehouse, and "
                    f"{count:,} when read back"
                )


def _limit_memory(connection: duckdb.DuckDBPyConnection) -> None:
    memory = text_literal(memory_limit())
    connection.execute(f"set memory_limit = {memory}")


def _listed_columns(names: Iterable[str]) -> str:
    return ", ".join(quoted_name(name) for name in names)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
