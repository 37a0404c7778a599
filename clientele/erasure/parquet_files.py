"""A person in Parquet files: of the landing zone, of exports, of marts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from clientele.erasure.people import ErasureError, PersonTable
from clientele.erasure.replacing import Removed, Replacing, private_folder
from clientele.erasure.traces import Condition, Traces, condition, lend
from clientele.production.keys import hmac_blocks
from clientele.warehouse_file import memory_limit, quoted_name, text_literal

REASONS = "_reject_reasons"


@dataclass(frozen=True)
class LandedFile:
    """A Parquet file of the landing zone, and the table with people that it belongs to."""

    path: Path
    folder: str
    table: PersonTable | None


def landed_files(landing: Path, tables: Iterable[PersonTable]) -> list[LandedFile]:
    """Return all Parquet files of a landing zone, in the order in which they may be rewritten.

    Rows that are told by another table come before that table; files of no declared table last.
    """
    order = {(table.folder, table.name): number for number, table in enumerate(tables)}
    by_name = {(table.folder, table.name): table for table in tables}
    files = []
    for path in sorted(landing.rglob("*.parquet")) if landing.is_dir() else []:
        folder, *_ = parts = path.relative_to(landing).parts
        # A hidden folder is of something at work, and goes as a whole.
        if path.is_file() and not any(part.startswith(".") for part in parts):
            files.append(LandedFile(path, folder, by_name.get((folder, path.parent.name))))
    return sorted(
        files,
        key=lambda file: order.get((file.folder, file.path.parent.name), len(order)),
    )


def discover(
    files: Iterable[LandedFile],
    tables: Iterable[PersonTable],
    traces: Traces,
    erased: Mapping[str, frozenset[str]],
    key: bytes | None,
) -> None:
    """Add what tables with people lead to: numbers of orders, of which other tables speak.

    erased, key: pseudonyms of references that are on the list of erased people, by table, and the
        key that they were made with: an erasure that was killed may have removed what led to them.
    Raises ErasureError.
    """
    listed = list(files)
    for table in reversed(list(tables)):  # those that others go through come first
        if table.folder != traces.source or table.source_column:
            continue
        own = [file.path for file in listed if file.table == table]
        wanted = {
            other.column
            for other in tables
            if other.folder == table.folder and other.through == table.name
        }
        for path in own:
            with _open(path) as (connection, columns):
                asked = _asked(table, traces)
                if table.column not in columns:
                    continue
                for column in wanted & set(columns):
                    rows = connection.execute(
                        f"select distinct nullif(lower(trim({quoted_name(column)})), '') as value "
                        f"from found where lower(trim({quoted_name(table.column)})) "
                        "in (select unnest($asked::varchar[])) and value is not null",
                        {"asked": sorted(asked)},
                    ).fetchall()
                    traces.references.setdefault(table.name, set()).update(
                        value for (value,) in rows
                    )
                hidden = erased.get(table.through or "", frozenset())
                if hidden and key:
                    traces.references.setdefault(table.through or "", set()).update(
                        _unhidden(connection, table.column, hidden, key, traces.source)
                    )


def find(path: Path, traces: Traces, table: PersonTable | None = None) -> Removed:
    """Return the number of rows that tell of the people, and how many of them were rejected.

    Raises ErasureError.
    """
    with _open(path) as (connection, columns):
        lend(connection, traces)
        whose = _condition(traces, columns, table)
        if whose is None:
            return Removed()
        rejected = f"count(*) filter (where {REASONS} is not null)" if REASONS in columns else "0"
        row = connection.execute(
            f"select count(*), {rejected} from found where {whose.text}", dict(whose.parameters)
        ).fetchone()
        return Removed(*row)


def rewrite(
    path: Path,
    traces: Traces,
    found: Removed,
    replacing: Replacing,
    records: Iterable[Path] = (),
    table: PersonTable | None = None,
) -> None:
    """Write a file anew without the rows that tell of the people, and replace it.

    found: what `find` counted in it. records: JSON files that name its sha256.
    Raises ErasureError and OSError.
    """
    with private_folder(path.parent, path.stat().st_size) as private:
        finished = private / path.name
        with _open(path, private) as (connection, columns):
            lend(connection, traces)
            whose = _condition(traces, columns, table)
            [total] = connection.execute("select count(*) from found").fetchone()
            [compression] = connection.execute(
                "select any_value(lower(compression)) from parquet_metadata($path)",
                {"path": str(path)},
            ).fetchone() or ["zstd"]
            where = f"where not {whose.text}" if whose else ""
            [written] = connection.execute(
                f"copy (from found {where}) to {text_literal(str(finished))} "
                f"(format parquet, compression {compression or 'zstd'})",
                dict(whose.parameters) if whose else {},
            ).fetchone()
        if written != total - found.rows or find(finished, traces, table).rows:
            raise ErasureError(f"{path} could not be written anew; it is as it was")
        replacing.replace(finished, path, records, found)


def _asked(table: PersonTable, traces: Traces) -> set[str]:
    return traces.references.get(table.through, set()) if table.through else traces.ids


def _condition(
    traces: Traces, columns: Mapping[str, str], table: PersonTable | None
) -> Condition | None:
    if table is None or table.column not in columns:
        return condition(traces, columns)
    if table.source_column and table.source_column in columns:
        return _listed_people(traces, columns, table)
    if table.folder == traces.source:
        return condition(traces, columns, declared={table.column: _asked(table, traces)})
    return None  # of another shop, whose clients may have the same ids


def _listed_people(
    traces: Traces, columns: Mapping[str, str], table: PersonTable
) -> Condition | None:
    """Return the condition on a list of people of several shops, of which each row names one."""
    whose = condition(traces, {table.column: "NONE", **_others(columns, table)})
    person, shop = quoted_name(table.column), quoted_name(table.source_column or "")
    own = (
        f"(coalesce(lower(trim({person})) in (select value from trace_ids), false) "
        f"and coalesce(lower(trim({shop})) = $shop, true))"
    )
    text = f"({own} or {whose.text})" if whose else own
    return Condition(text, {**(whose.parameters if whose else {}), "shop": traces.source})


def _others(columns: Mapping[str, str], table: PersonTable) -> dict[str, str]:
    return {name: kind for name, kind in columns.items() if name != table.column}


def _unhidden(
    connection: duckdb.DuckDBPyConnection,
    column: str,
    hidden: frozenset[str],
    key: bytes,
    source: str,
) -> set[str]:
    """Return the values of a column whose pseudonyms are given."""
    inner, outer = hmac_blocks(key)
    rows = connection.execute(
        f"""
        select value from (
            select distinct nullif(lower(trim({quoted_name(column)})), '') as value from found
        )
        where
            sha256($outer || unhex(sha256($inner || encode($source || ':' || value))))
            in (select unnest($hidden::varchar[]))
        """,
        {"outer": outer, "inner": inner, "source": source, "hidden": sorted(hidden)},
    ).fetchall()
    return {value for (value,) in rows}


@contextmanager
def _open(
    path: Path, private: Path | None = None
) -> Iterator[tuple[duckdb.DuckDBPyConnection, dict[str, str]]]:
    """Give the rows of a file as the view `found`, and the types of its columns."""
    connection = duckdb.connect()
    try:
        memory = memory_limit()
        connection.execute(f"set memory_limit = {text_literal(memory)}")
        spill = text_literal(str(private / "spill") if private else "")
        connection.execute(f"set temp_directory = {spill}")
        connection.execute(
            "create temporary view found as from read_parquet("
            f"{text_literal(str(path))}, hive_partitioning = false)"
        )
        rows = connection.execute("describe found").fetchall()
        yield connection, {row[0]: row[1] for row in rows}
    except duckdb.OutOfMemoryException as error:
        raise ErasureError(
            f"{path} needs more memory to be read; CLIENTELE_MEMORY_LIMIT sets it"
        ) from error
    except duckdb.Error as error:
        # The message may repeat a value that the query had.
        raise ErasureError(f"{path} cannot be read as Parquet; is it cut off?") from error
    finally:
        connection.close()
