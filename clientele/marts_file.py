"""The public tables of the warehouse as one file for readers, so that none opens the warehouse.

What is public is what the manifest of the build says (`access: public`), and nothing else leaves,
nor does a column of it whose `meta` says `stays_inside`. Columns that tell whose row it is leave as
pseudonyms under a key: `customer_key` and those tagged `personal: key` as other keys, those tagged
`personal: identifier` as hexadecimal digits; without a key the latter stay inside.
The file keeps the names of schemas and
tables, and carries what a tool shows to people and joins by: keys, columns that are never null,
descriptions as comments. It is written beside the former one and renamed when it is whole: a reader
that has the former one open keeps it until it connects anew.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table
from rich.text import Text

from clientele.durable import sync_file, sync_folder
from clientele.production.pseudonyms import IDS, KEYS, map_ids, map_keys
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
DEFAULT_MANIFEST = Path("target/manifest.json")
# What DuckDB 1.1 and all later versions read; comments and keys are in it.
STORAGE_VERSION = "v1.0.0"
# The index of a key lies in memory while it is written: 10 million rows of two numbers fit in 2 GB,
# 58 million do not. A larger table goes without, and its comment names the key.
MOST_KEYED_ROWS = 10_000_000
LISTING = "marts.json"
PRIVATE = ".clientele-marts-"
PRIVATE_NAME = re.compile(re.escape(PRIVATE) + r"[0-9a-f]{16}")
MAGIC = slice(8, 12), b"DUCK"
TEXTS = re.compile(r"'(?:[^']|'')*'")
BRANCHES = re.compile(r"[()]|\b(?:or|case)\b", re.IGNORECASE)
STAYS_INSIDE = "stays_inside"
# What `meta` says of a column that carries something of a person.
PERSONAL = "personal"
KEY, IDENTIFIER, CONTENT = "key", "identifier", "content"
CUSTOMER_KEY = "customer_key"  # a key by its name, in every model
PSEUDONYM = "A pseudonym: the same wherever it stands, of no use for finding the client."
IS_GIVEN = re.compile(r"(\w+)\s+is\s+not\s+null", re.IGNORECASE)


class MartsError(Exception):
    """Nothing was written; the message is one line that says why."""


@dataclass(frozen=True)
class PublicTable:
    """A model that others may read, as the manifest describes it.

    columns: the name of each column and its description, in the order of the contract.
    inside: the columns beside these that the warehouse has and the file must not have.
    keys, identifiers: the columns that hold a customer's key, and a client's id.
    key: the columns that identify a row, as the generic test `holds` names them.
    required: the columns that tests hold to be never null, the key's among them.
    """

    schema: str
    name: str
    description: str
    columns: Mapping[str, str]
    key: tuple[str, ...]
    required: frozenset[str]
    inside: frozenset[str] = frozenset()
    keys: frozenset[str] = field(default=frozenset())
    identifiers: frozenset[str] = field(default=frozenset())

    @property
    def full_name(self) -> str:
        """Schema and name, as people write them."""
        return f"{self.schema}.{self.name}"

    @property
    def path(self) -> str:
        """Schema and name, as SQL takes them."""
        return f"{quoted_name(self.schema)}.{quoted_name(self.name)}"


def public_tables(manifest: Path) -> list[PublicTable]:
    """Return the models with `access: public` of a manifest, by schema and name.

    manifest: the manifest.json that dbt wrote. Raises MartsError where it cannot be read, and where
        a public model has a column that tells of a person.
    """
    try:
        content = json.loads(manifest.read_text("utf-8"))
        nodes = content["nodes"].values()
        models = {
            node["unique_id"]: node
            for node in nodes
            if node["resource_type"] == "model" and node["access"] == "public"
        }
        tests: dict[str, list[dict[str, Any]]] = {name: [] for name in models}
        for node in nodes:
            if node["resource_type"] == "test" and node.get("attached_node") in tests:
                tests[node["attached_node"]].append(node)
        tables = [_public_table(node, tests[name]) for name, node in models.items()]
    except FileNotFoundError as error:
        raise MartsError(f"no manifest at {manifest}; `dbt build` writes it") from error
    except OSError as error:
        raise MartsError(f"{manifest} cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MartsError(
            f"{manifest} is not the manifest of a dbt project; `dbt build` writes it"
        ) from error
    if not tables:
        raise MartsError(f"{manifest} names no public model")
    return sorted(tables, key=lambda table: (table.schema, table.name))


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
    tables = [_published(table, key is not None) for table in public_tables(manifest)]
    steps.expect(len(tables) + (key is not None))
    output = output.parent.resolve() / output.name
    _refuse_output(output, warehouse, tables)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with _working(output.parent) as private:
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


def write_parquet_files(marts: Path, folder: Path, steps: Steps = SILENT) -> dict[str, Any]:
    """Write each table of a file of marts as `<schema>.<table>.parquet`, and marts.json beside.

    marts: what `write_marts_file` wrote; rows keep its order.
    steps: is told the name of each file that is written.
    folder: it is made where it is missing. Each file in it is replaced whole; a table that an
        earlier run wrote there and that is no longer in the marts is removed.

    Returns `folder` and `files`, each with `path`, `rows`, `bytes` and `sha256`. Raises MartsError
    and WarehouseError; no file is replaced before all are written.
    """
    folder = folder.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        former = _listed(folder)
        with _working(folder) as private:
            files = []
            with open_warehouse(marts, (), writable_folder=private) as connection:
                _limit_memory(connection)
                tables = connection.execute(
                    "select table_schema, table_name from information_schema.tables "
                    "order by table_schema, table_name"
                ).fetchall()
                steps.expect(len(tables))
                for schema, name in tables:
                    path = private / f"{schema}.{name}.parquet"
                    steps.step(path.name)
                    [count] = connection.execute(
                        f"copy (from {quoted_name(schema)}.{quoted_name(name)}) "
                        # snappy: tools that read Parquet at all read that
                        f"to {text_literal(str(path))} (format parquet, compression snappy)"
                    ).fetchone()
                    files.append(
                        {
                            "path": path.name,
                            "rows": count,
                            "bytes": path.stat().st_size,
                            "sha256": file_sha256(path),
                        }
                    )
            listing = private / LISTING
            listing.write_text(json.dumps({"files": files}, indent=2) + "\n", "utf-8")
            written = [file["path"] for file in files]
            for name in [*written, LISTING]:
                sync_file(private / name)
                (private / name).replace(folder / name)
            for name in former - set(written):
                (folder / name).unlink(missing_ok=True)
            sync_folder(folder)
    except OSError as error:
        raise MartsError(f"{folder} cannot be written: {error.strerror or error}") from error
    except duckdb.Error as error:
        raise MartsError(f"{marts} cannot be written as Parquet: {_first_line(error)}") from error
    return {"folder": str(folder), "files": files}


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


def _public_table(node: Mapping[str, Any], tests: Iterable[Mapping[str, Any]]) -> PublicTable:
    metas = {
        column["name"].lower(): column.get("config", {}).get("meta", {})
        for column in node["columns"].values()
    }
    inside = frozenset(name for name, meta in metas.items() if meta.get(STAYS_INSIDE))
    personal = {
        name: KEY if name == CUSTOMER_KEY else meta.get(PERSONAL)
        for name, meta in metas.items()
        if name not in inside
    }
    for name, kind in personal.items():
        if kind not in (None, KEY, IDENTIFIER):
            raise MartsError(
                f"{node['alias']}.{name} is tagged `{PERSONAL}: {kind}`, which no public model may "
                "have; take the column out of it"
            )
        if kind == IDENTIFIER and "source" not in metas:
            raise MartsError(
                f"{node['alias']}.{name} is a client's id, whose pseudonym needs a column source"
            )
    columns = {
        column["name"].lower(): " ".join(column["description"].split())
        for column in node["columns"].values()
        if column["name"].lower() not in inside
    }
    key: tuple[str, ...] = ()
    required = {
        column["name"].lower()
        for column in node["columns"].values()
        if any(constraint["type"] == "not_null" for constraint in column["constraints"])
    }
    for test in tests:
        settings = test["config"]
        if settings["where"] or settings["severity"].lower() != "error":
            continue  # it does not speak of every row
        metadata = test["test_metadata"] or {"name": None}
        if metadata["name"] == "holds":
            arguments = metadata["kwargs"]
            key = key or tuple(column.lower() for column in arguments["grain"])
            for condition in arguments.get("rules", {}).values():
                required |= _given_columns(condition)
        elif metadata["name"] == "not_null":
            required.add(metadata["kwargs"]["column_name"].lower())
    if not set(key) <= set(columns):
        key = ()  # a grain of expressions is no key of columns
    return PublicTable(
        schema=node["schema"],
        name=node["alias"],
        description=" ".join(node["description"].split()),
        columns=columns,
        key=key,
        required=frozenset((required | set(key)) & set(columns)),
        inside=inside,
        keys=frozenset(name for name, kind in personal.items() if kind == KEY),
        identifiers=frozenset(name for name, kind in personal.items() if kind == IDENTIFIER),
    )


def _published(table: PublicTable, is_keyed: bool) -> PublicTable:
    """Return a table as the file has it: with words for pseudonyms, or without ids of clients."""
    if is_keyed:
        columns = {
            name: f"{text} {PSEUDONYM}".strip() if name in table.keys | table.identifiers else text
            for name, text in table.columns.items()
        }
        return replace(table, columns=columns)
    columns = {name: text for name, text in table.columns.items() if name not in table.identifiers}
    return replace(
        table,
        columns=columns,
        key=table.key if set(table.key) <= set(columns) else (),
        required=table.required & set(columns),
        inside=table.inside | table.identifiers,
        identifiers=frozenset(),
    )


def _given_columns(condition: str) -> set[str]:
    """Columns of which a condition that is true says that they are not null."""
    plain = TEXTS.sub("''", condition)
    if BRANCHES.search(plain):
        return set()
    parts = re.split(r"\band\b", plain, flags=re.IGNORECASE)
    given = (IS_GIVEN.fullmatch(part.strip()) for part in parts)
    return {found[1].lower() for found in given if found}


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


@contextmanager
def _working(folder: Path) -> Iterator[Path]:
    """Give a private folder within a folder, alone there, and leave no trace of it.

    Removes first what writers left that were killed. Raises MartsError where another is at work.
    """
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise MartsError(
                f"another `clientele marts` is writing to {folder}; try again after it"
            ) from error
        for entry in list(os.scandir(folder)):
            if PRIVATE_NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
        private = folder / (PRIVATE + secrets.token_hex(8))
        private.mkdir(mode=0o700)
        try:
            yield private
        finally:
            shutil.rmtree(private, ignore_errors=True)
    finally:
        os.close(lock)


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
                _map_customers(connection, source, tables, key)
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
                        rows = f"({_under_pseudonyms(rows, table, types)})"
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


def _map_customers(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    tables: Iterable[PublicTable],
    key: bytes,
) -> None:
    """Make one pseudonym for each customer of the tables, once for all of them."""
    keys = [
        f"select distinct {_inner_key(quoted_name(name))} from {source}.{table.path}"
        for table in tables
        for name in sorted(table.keys)
    ]
    ids = [
        f"select distinct source, {quoted_name(name)} from {source}.{table.path}"
        for table in tables
        for name in sorted(table.identifiers)
    ]
    if keys:
        map_keys(connection, key, keys)
    if ids:
        map_ids(connection, key, ids)


def _under_pseudonyms(rows: str, table: PublicTable, types: Mapping[str, str]) -> str:
    """Return a query of the rows of a table with the pseudonyms in place of keys and ids."""
    cells, joins = [], []
    for number, (name, kind) in enumerate(types.items()):
        cell = inner = f"inside.{quoted_name(name)}"
        if name.lower() in table.keys:
            found = f"key_{number}.published_key"
            joins.append(
                f"left join {KEYS} as key_{number} on {_inner_key(inner)} = key_{number}.inner_key"
            )
            cell = f"cast({_required(found, inner, table, name)} as {kind})"
        elif name.lower() in table.identifiers:
            found = f"id_{number}.published_id"
            joins.append(
                f"left join {IDS} as id_{number} on inside.source = id_{number}.source "
                f"and {inner} = id_{number}.customer_id"
            )
            cell = _required(found, inner, table, name)
        cells.append(f"{cell} as {quoted_name(name)}")
    return f"select {', '.join(cells)} from {rows} as inside {' '.join(joins)}"


def _inner_key(column: str) -> str:
    """Return a customer's key as an integer; tables for activation tools have it as text."""
    return f"try_cast({column} as bigint)"


def _required(found: str, inner: str, table: PublicTable, name: str) -> str:
    """Return a pseudonym that is there wherever what it stands for is."""
    message = text_literal(f"{table.full_name}.{name} has a value without a pseudonym")
    is_missing = f"{inner} is not null and {found} is null"
    return f"case when {is_missing} then error({message}) else {found} end"


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


def _listed(folder: Path) -> set[str]:
    """Names of the Parquet files that an earlier run wrote into a folder; none where it did not."""
    try:
        files = json.loads((folder / LISTING).read_text("utf-8"))["files"]
        names = {file["path"] for file in files}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    return {name for name in names if name.endswith(".parquet") and Path(name).name == name}


def _limit_memory(connection: duckdb.DuckDBPyConnection) -> None:
    memory = text_literal(memory_limit())
    connection.execute(f"set memory_limit = {memory}")


def _listed_columns(names: Iterable[str]) -> str:
    return ", ".join(quoted_name(name) for name in names)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
