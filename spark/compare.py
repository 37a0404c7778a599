"""Compares a warehouse that Spark built with the one that DuckDB built, table by table.

Spark's tables are read from their Parquet files by DuckDB, so that no session is needed. Whole
numbers, decimals, texts, dates, times, flags and lists must be equal. A double may differ by one
part in a thousand million (of 1, where both are smaller than 1), since sums of doubles depend on
the order of rows. Rows are put side by side by the grain of their model, or else by all that must
be equal.

    python spark/compare.py warehouse.duckdb target/spark/tables --manifest manifest.json
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

TOLERANCE = 1e-9
SHOWN_ROWS = 5
ORIGIN = ("source_file", "source_record")  # what tells landed rows apart
KINDS = {
    "BIGINT": "integer", "INTEGER": "integer", "SMALLINT": "integer", "TINYINT": "integer",
    "HUGEINT": "integer", "UBIGINT": "integer", "UINTEGER": "integer", "USMALLINT": "integer",
    "UTINYINT": "integer", "UHUGEINT": "integer", "DOUBLE": "double", "FLOAT": "double",
    "VARCHAR": "text", "BOOLEAN": "flag", "DATE": "date", "BLOB": "bytes", '"NULL"': "nothing",
}  # fmt: skip


@dataclass
class Compared:
    """What was found about one table.

    rows, spark_rows: how many there are on each side; greatest: the greatest relative difference
    of a double; is_switched_off: the project has it on DuckDB alone; problems: what differs, in
    words; examples: the first rows that differ.
    """

    name: str
    rows: int = 0
    spark_rows: int = 0
    columns: int = 0
    greatest: float = 0.0
    is_switched_off: bool = False
    problems: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)


def quoted(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def kind_of(data_type: str) -> str:
    """Return what a type of DuckDB is, apart from its width: integer, decimal, double, text, ..."""
    if data_type.endswith("[]") or data_type.startswith(("STRUCT", "MAP")):
        return "list"
    if data_type.startswith("TIMESTAMP"):
        return "time"
    if data_type.startswith("DECIMAL"):
        return "integer" if data_type.endswith(",0)") else "decimal"
    return KINDS.get(data_type, data_type)


def columns_of(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Return the kinds of a relation's columns by their names."""
    described = connection.execute(f"describe select * from {relation}").fetchall()
    return {name: kind_of(data_type) for name, data_type, *_ in described}


def prepared(relation: str, columns: dict[str, str], kinds: dict[str, str], key: list[str]) -> str:
    """Return SQL that numbers the rows of each key, doubles read as such, times told by no zone."""
    casts = {"double": "double", "time": "timestamp"}
    selected = [
        f"cast({quoted(name)} as {casts[kinds[name]]}) as {quoted(name)}"
        if kinds[name] in casts
        else quoted(name)
        for name in columns
    ]
    others = [quoted(name) for name in columns if name not in key] or ["1"]
    of_key = f"partition by {', '.join(quoted(name) for name in key)} " if key else ""
    return (
        f"select *, row_number() over ({of_key}order by {', '.join(others)}) as row_of_key "
        f"from (select {', '.join(selected)} from {relation})"
    )


def apart(name: str, kind: str) -> str:
    """Return the condition that a column differs between `here` and `there`."""
    one, other = f"here.{quoted(name)}", f"there.{quoted(name)}"
    if kind != "double":
        return f"{one} is distinct from {other}"
    return (
        # Infinity and nan are within any share of themselves.
        f"({one} is distinct from {other} and coalesce(not isfinite({one} + {other}) or "
        f"abs({one} - {other}) > {TOLERANCE} * greatest(1, abs({one}), abs({other})), true))"
    )


def compare(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    here: str,
    there: str,
    grain: Sequence[str] = (),
) -> Compared:
    """Compare two relations that should be the same table.

    here, there: DuckDB's and Spark's, as SQL reads them; grain: the columns that identify a row.
    """
    found = Compared(name)
    columns, spark_columns = columns_of(connection, here), columns_of(connection, there)
    found.columns = len(columns)
    for relation, attribute in ((here, "rows"), (there, "spark_rows")):
        ((count,),) = connection.execute(f"select count(*) from {relation}").fetchall()
        setattr(found, attribute, count)
    if found.rows != found.spark_rows:
        found.problems.append(f"{found.rows:,} rows, on Spark {found.spark_rows:,}")
    if list(columns) != list(spark_columns):
        missing = sorted(set(columns) ^ set(spark_columns)) or "their order"
        found.problems.append(f"columns differ: {missing}")
    both = {column: kind for column, kind in columns.items() if column in spark_columns}
    for column, kind in both.items():
        other = spark_columns[column]
        # Only doubles and decimals may stand for each other: they are compared as numbers.
        if kind != other and {kind, other} != {"double", "decimal"} and "nothing" not in (kind,):
            found.problems.append(f"{column} is {kind}, on Spark {other}")
    kinds = {
        column: "double" if "double" in (kind, spark_columns[column]) else kind
        for column, kind in both.items()
    }
    key = next(
        (
            list(names)
            for names in (grain, ORIGIN)
            if names and all(kinds.get(name, "double") != "double" for name in names)
        ),
        [],
    )
    if not key:
        key = [column for column, kind in kinds.items() if kind != "double"]
    if not found.problems:
        _compare_rows(connection, found, (here, there), (columns, spark_columns), kinds, key)
    return found


def _compare_rows(
    connection: duckdb.DuckDBPyConnection,
    found: Compared,
    relations: tuple[str, str],
    columns: tuple[dict[str, str], dict[str, str]],
    kinds: dict[str, str],
    key: list[str],
) -> None:
    """Put the rows of two relations side by side, and note where they differ."""
    for side, relation, its_columns in zip(("here", "there"), relations, columns, strict=True):
        connection.execute(
            f"create or replace temp table {side} as {prepared(relation, its_columns, kinds, key)}"
        )
    same_row = " and ".join(
        f"here.{quoted(name)} is not distinct from there.{quoted(name)}"
        for name in [*key, "row_of_key"]
    )
    joined = f"from here full join there on {same_row}"
    values = [name for name in kinds if name not in key]
    alone = "here.row_of_key is null or there.row_of_key is null"
    sums = [f"count(*) filter ({alone})"] + [
        f"count(*) filter (not ({alone}) and {apart(name, kinds[name])})" for name in values
    ]
    relative = [
        "max(abs(here.{0} - there.{0}) / greatest(1, abs(here.{0}), abs(there.{0}))) "
        "filter (here.{0} <> there.{0} and isfinite(here.{0} + there.{0}))".format(quoted(name))
        for name in values
        if kinds[name] == "double"
    ] or ["max(0.0)"]
    ((lonely, *counts),) = connection.execute(f"select {', '.join(sums)} {joined}").fetchall()
    (greatest,) = connection.execute(f"select {', '.join(relative)} {joined}").fetchall()
    found.greatest = max((each for each in greatest if each is not None), default=0.0)
    if lonely:
        found.problems.append(f"{lonely:,} rows have no equal by {', '.join(key)}")
        found.examples += _examples(connection, joined, alone, key, [])
    for name, count in zip(values, counts, strict=True):
        if count:
            found.problems.append(f"{name} differs in {count:,} rows")
            where = f"not ({alone}) and {apart(name, kinds[name])}"
            found.examples += _examples(connection, joined, where, key, [name])


def _examples(
    connection: duckdb.DuckDBPyConnection, joined: str, where: str, key: list[str], names: list[str]
) -> Iterator[str]:
    """Yield the first rows that differ: by their key, and what a column is on each side."""
    keys = ", ".join(f"coalesce(here.{quoted(each)}, there.{quoted(each)})" for each in key) or "1"
    sides = [f"here.{quoted(name)}, there.{quoted(name)}" for name in names] or [
        "case when there.row_of_key is null then 'DuckDB alone' else 'Spark alone' end"
    ]
    rows = connection.execute(
        f"select {keys}, {', '.join(sides)} {joined} where {where} order by all limit {SHOWN_ROWS}"
    ).fetchall()
    for row in rows:
        about = ", ".join(
            f"{name}={value}" for name, value in zip(key, row[: len(key)], strict=False)
        )
        values = row[max(len(key), 1) :]
        if names:
            yield f"{about}: {names[0]} {values[0]!r}, on Spark {values[1]!r}"
        else:
            yield f"{about}: {values[0]}"


def grains(manifest: dict[str, Any]) -> dict[str, list[str]]:
    """Return the grain of each table that has one, by `schema.table`."""
    nodes = manifest["nodes"]
    return {
        f"{nodes[node['attached_node']]['schema']}.{nodes[node['attached_node']]['alias']}": node[
            "test_metadata"
        ]["kwargs"]["grain"]
        for node in nodes.values()
        if node["resource_type"] == "test"
        and (node.get("test_metadata") or {}).get("name") == "holds"
        and node.get("attached_node") in nodes
    }


def tables_of(manifest: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return the tables that a project builds, and those of its nodes that are switched off."""
    stored = ("table", "incremental", "seed", "snapshot")
    built = [
        f"{node['schema']}.{node['alias']}"
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed", "snapshot")
        and node["config"]["materialized"] in stored
    ]
    disabled = [
        f"{node['schema']}.{node['alias']}"
        for nodes in manifest["disabled"].values()
        for node in nodes
        if node["resource_type"] in ("model", "seed", "snapshot")
    ]
    return sorted(built), sorted(set(disabled) - set(built))


def spark_relation(tables: Path, name: str) -> str | None:
    """Return SQL that reads a table of Spark's warehouse folder, or None where it has no file."""
    schema, table = name.split(".")
    folder = tables / (table if schema == "default" else f"{schema}.db/{table}")
    if not any(folder.glob("*.parquet")):
        return None
    path = str(folder / "*.parquet").replace("'", "''")
    return f"read_parquet('{path}', union_by_name = true)"


def compare_warehouses(
    warehouse: Path, tables: Path, manifest: dict[str, Any], only: Iterable[str] = ()
) -> Iterator[Compared]:
    """Yield what was found about each table of the project.

    manifest: of the build on Spark; only: the tables to look at, all where it is empty. What is
    switched off on Spark alone is said to be so.
    """
    known_grains = grains(manifest)
    built, disabled = tables_of(manifest)
    with duckdb.connect(config={"memory_limit": "2GB", "threads": 2}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        path = str(warehouse).replace("'", "''")
        connection.execute(f"attach '{path}' as duckdb_side (read_only)")
        present = {
            f"{schema}.{table}"
            for schema, table in connection.execute(
                "select schema_name, table_name from duckdb_tables() "
                "where database_name = 'duckdb_side'"
            ).fetchall()
        }
        wanted = set(only)
        for name in built:
            if wanted and name not in wanted:
                continue
            yield _compared(connection, name, tables, present, known_grains.get(name, []))
        for name in disabled:
            if name in present and not wanted:
                yield Compared(name, is_switched_off=True)


def _compared(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    tables: Path,
    present: set[str],
    grain: list[str],
) -> Compared:
    """Compare one table, or say where it is not."""
    schema, table = name.split(".")
    here = f"duckdb_side.{quoted(schema)}.{quoted(table)}"
    there = spark_relation(tables, name)
    if name not in present:
        return Compared(name, problems=["not in DuckDB's warehouse"])
    if there is None:
        # A table without rows may have no file either, and then nothing tells its columns.
        ((rows,),) = connection.execute(f"select count(*) from {here}").fetchall()
        folder = tables / f"{schema}.db" / table
        if rows == 0 and folder.is_dir():
            return Compared(name)
        return Compared(name, rows, problems=["not built on Spark"])
    return compare(connection, name, here, there, grain)


def report(found: Iterable[Compared]) -> bool:
    """Print what was found as a table and return whether all tables are the same."""
    failed: list[Compared] = []
    count = rows = 0
    greatest = 0.0
    print(f"{'table':<52}{'rows':>10}{'columns':>9}{'greatest difference':>21}  ")
    for each in found:
        if each.is_switched_off:
            print(f"{each.name:<52}{'':>40}  switched off on Spark")
            continue
        count, rows, greatest = count + 1, rows + each.rows, max(greatest, each.greatest)
        verdict = "differs" if each.problems else "same"
        difference = f"{each.greatest:.1e}" if each.greatest else "0"
        print(f"{each.name:<52}{each.rows:>10,}{each.columns:>9}{difference:>21}  {verdict}")
        if each.problems:
            failed.append(each)
    for each in failed:
        print(f"\n{each.name}: {'; '.join(each.problems)}")
        for example in each.examples:
            print(f"    {example}")
    print(
        f"\n{count - len(failed)} of {count} tables are the same, {rows:,} rows; exact but for "
        f"doubles, which differ by at most {greatest:.1e} of {TOLERANCE:.0e} allowed"
    )
    return not failed


def main() -> int:
    """Compare two warehouses; return 1 where they differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("warehouse", type=Path, help="the DuckDB file")
    parser.add_argument("tables", type=Path, help="the folder of Spark's tables")
    parser.add_argument("--manifest", type=Path, required=True, help="of the build on Spark")
    parser.add_argument("--only", nargs="*", default=(), help="tables as schema.table")
    arguments = parser.parse_args()
    manifest = json.loads(arguments.manifest.read_text())
    found = compare_warehouses(arguments.warehouse, arguments.tables, manifest, arguments.only)
    return 0 if report(found) else 1


if __name__ == "__main__":
    sys.exit(main())
