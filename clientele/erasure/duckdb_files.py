"""A person in DuckDB files: what their tables know, and the same file written without it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb

from clientele.erasure.people import BusyFileError, ErasureError
from clientele.erasure.replacing import Removed, Replacing, private_folder
from clientele.erasure.traces import OF_SOURCE, Condition, Traces, condition, hash_key, lend
from clientele.warehouse_file import is_locked, memory_limit, quoted_name, text_literal

OLD, NEW = "old_file", "new_file"
HEADROOM = 1.1
LEAST_GROUP = 10  # as the var smallest_group
CUSTOMERS = ("customer_key", "customer_id")
ORDER_KEYS = ("order_key", "first_order_key", "last_order_key")


def discover(path: Path, traces: Traces) -> None:
    """Add the orders of the people that a warehouse knows to their traces. Raises ErasureError."""
    with _open(path) as connection:
        lend(connection, traces)
        for schema, table, columns in _tables(connection, OLD):
            by_name = {name.lower(): name for name in columns}
            orders = [name for name in (*ORDER_KEYS, "order_id") if name in by_name]
            customers = {name: kind for name, kind in columns.items() if name.lower() in CUSTOMERS}
            if not orders or not customers:
                continue
            if "source" in by_name:
                customers[by_name["source"]] = columns[by_name["source"]]
            whose = condition(traces, customers, table)
            if whose is None:
                continue
            for order in orders:
                values = {
                    value
                    for (value,) in connection.execute(
                        f"select distinct {quoted_name(by_name[order])} from "
                        f"{_place(OLD, schema, table)} where {whose.text}",
                        dict(whose.parameters),
                    ).fetchall()
                    if value is not None
                }
                if order == "order_id":
                    traces.order_ids |= {str(value).strip(" ").lower() for value in values}
                else:
                    traces.inner_keys |= {int(value) for value in values}
        _discover_chains(connection, traces)
    traces.inner_keys |= {hash_key(traces.source, order) for order in traces.order_ids}


def find(path: Path, traces: Traces) -> dict[str, int]:
    """Return the number of rows that tell of the people, of each table that has any.

    Raises ErasureError.
    """
    with _open(path) as connection:
        lend(connection, traces)
        return _counts(connection, OLD, traces)


def has_free_blocks(path: Path) -> bool:
    """Tell whether a file has blocks that are free, which keep the bytes of what was in them."""
    with _open(path) as connection:
        [free] = connection.execute(
            "select free_blocks from pragma_database_size() where database_name = $name",
            {"name": OLD},
        ).fetchone()
        return free > 0


def small_segments(path: Path, source: str) -> str | None:
    """Say which segments are so small that a fitted model tells of single customers, if any."""
    with _open(path) as connection:
        names = {(schema, table) for schema, table, _ in _tables(connection, OLD)}
        if ("segments", "segment_profiles") not in names:
            return None
        rows = connection.execute(
            f"select segment_name from {OLD}.segments.segment_profiles "
            "where source = $source and customer_count < $least order by segment_id",
            {"source": source, "least": LEAST_GROUP},
        ).fetchall()
    if not rows:
        return None
    return f"fewer than {LEAST_GROUP} customers are in {', '.join(name for (name,) in rows)}"


def rewrite(
    path: Path,
    traces: Traces,
    found: Mapping[str, int],
    replacing: Replacing,
    records: Iterable[Path] = (),
    are_published: bool = False,
) -> None:
    """Write a file anew without the rows that tell of the people, and replace it.

    found: what `find` counted in it. records: JSON files that name its sha256.
    are_published: the tables are those whose rows the records count.

    Everything else is as it was: views, keys, comments, the version of the format, the order of
    rows. Raises ErasureError and OSError.
    """
    path = path.resolve()
    _finish_wal(path)
    needed = int(path.stat().st_size * HEADROOM)
    with private_folder(path.parent, needed) as private:
        finished = private / path.name
        with _open(path, private) as connection:
            lend(connection, traces)
            _write(connection, finished, traces, found)
            tables = found if are_published else {}
            removed = Removed(sum(found.values()), tables=tables)
            replacing.replace(finished, path, records, removed)


def _write(
    connection: duckdb.DuckDBPyConnection,
    finished: Path,
    traces: Traces,
    found: Mapping[str, int],
) -> None:
    """Write the new file, and require that it lacks what it must lack and nothing else."""
    [version] = connection.execute(
        "select tags['storage_version'] from duckdb_databases() where database_name = $name",
        {"name": OLD},
    ).fetchone()
    connection.execute(
        f"attach {text_literal(str(finished))} as {NEW} "
        f"(storage_version {text_literal(version.rstrip('+'))})"
    )
    connection.execute(f"copy from database {OLD} to {NEW} (schema)")
    for schema, table, columns in _tables(connection, OLD):
        old, new = _place(OLD, schema, table), _place(NEW, schema, table)
        whose = condition(traces, columns, table)
        expected = _count(connection, old) - found.get(f"{schema}.{table}", 0)
        if whose and f"{schema}.{table}" in found:
            connection.execute(
                f"insert into {new} select * from {old} where not {whose.text}",
                dict(whose.parameters),
            )
        else:
            connection.execute(f"insert into {new} select * from {old}")
        written = _count(connection, new)
        if written != expected:
            raise ErasureError(
                f"{schema}.{table} would have {written:,} rows instead of {expected:,}; "
                "nothing of this file is changed"
            )
        connection.execute(f"checkpoint {NEW}")  # memory is for one table at a time
    if left := _counts(connection, NEW, traces):
        raise ErasureError(f"{next(iter(left))} would still tell of the person")
    connection.execute(f"detach {NEW}")
    if finished.with_name(finished.name + ".wal").exists():
        raise ErasureError(f"{finished.name} was not written to the end; try again")


def _discover_chains(connection: duckdb.DuckDBPyConnection, traces: Traces) -> None:
    """Add orders that a table of customers of orders leads to, as a marketplace has them."""
    staged = [
        (schema, table, columns)
        for schema, table, columns in _tables(connection, OLD)
        if "order_customer_id" in columns
        and (of_source := OF_SOURCE.match(table))
        and of_source[1] == traces.source
    ]
    for wanted, asked in (("order_customer_id", "customer_id"), ("order_id", "order_customer_id")):
        known = traces.ids if asked == "customer_id" else traces.order_ids
        for schema, table, columns in staged:
            if wanted in columns and asked in columns:
                rows = connection.execute(
                    f"select distinct {wanted} from {_place(OLD, schema, table)} "
                    f"where {asked} in (select unnest($known::varchar[])) "
                    f"and {wanted} is not null",
                    {"known": sorted(known)},
                ).fetchall()
                traces.order_ids |= {value for (value,) in rows}


def _counts(connection: duckdb.DuckDBPyConnection, database: str, traces: Traces) -> dict[str, int]:
    counts = {}
    for schema, table, columns in _tables(connection, database):
        found = condition(traces, columns, table)
        if found and (count := _count(connection, _place(database, schema, table), found)):
            counts[f"{schema}.{table}"] = count
    return counts


def _count(
    connection: duckdb.DuckDBPyConnection, place: str, found: Condition | None = None
) -> int:
    where = f" where {found.text}" if found else ""
    parameters = dict(found.parameters) if found else {}
    [count] = connection.execute(f"select count(*) from {place}{where}", parameters).fetchone()
    return int(count)


def _tables(
    connection: duckdb.DuckDBPyConnection, database: str
) -> list[tuple[str, str, dict[str, str]]]:
    """Return schema, name and the columns with their types of each table, views left out."""
    rows = connection.execute(
        "select schema_name, table_name, list(column_name order by column_index), "
        "list(data_type order by column_index) from duckdb_columns() "
        "where database_name = $name and not internal and (schema_name, table_name) in "
        "(select (schema_name, table_name) from duckdb_tables() where database_name = $name) "
        "group by all order by all",
        {"name": database},
    ).fetchall()
    return [
        (schema, table, dict(zip(names, kinds, strict=True)))
        for schema, table, names, kinds in rows
    ]


@contextmanager
def _open(path: Path, private: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a file to read, beside a database in memory; no error repeats a value of a query."""
    connection = duckdb.connect()
    try:
        memory = memory_limit()
        connection.execute(f"set memory_limit = {text_literal(memory)}")
        spill = text_literal(str(private / "spill") if private else "")
        connection.execute(f"set temp_directory = {spill}")
        connection.execute(f"attach {text_literal(str(path))} as {OLD} (read_only)")
        yield connection
    except duckdb.OutOfMemoryException as error:
        raise ErasureError(
            f"{path} needs more memory to be read; CLIENTELE_MEMORY_LIMIT sets it"
        ) from error
    except duckdb.Error as error:
        raise _told(path, error) from error
    finally:
        connection.close()


def _finish_wal(path: Path) -> None:
    """Bring what a writer has left beside a file into it, as DuckDB does when it opens one."""
    if path.with_name(path.name + ".wal").exists():
        try:
            with duckdb.connect(str(path)) as connection:
                connection.execute("checkpoint")
        except duckdb.Error as error:
            raise _told(path, error) from error


def _told(path: Path, error: duckdb.Error) -> ErasureError:
    """Return what a user is told: the message itself may repeat a value that the query had."""
    if is_locked(error):
        return BusyFileError(
            f"{path} is in use by another process, perhaps a build; try again after it"
        )
    kind = type(error).__name__.removesuffix("Exception")
    return ErasureError(
        f"{path} cannot be read or written anew ({kind}); where it is damaged, restore it, or "
        "remove it if it is not served, and erase again"
    )


def _place(database: str, schema: str, table: str) -> str:
    return f"{database}.{quoted_name(schema)}.{quoted_name(table)}"
