"""The comparison of two warehouses finds what differs, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from compare import Compared, compare, compare_warehouses, kind_of, report, tables_of

ROWS = """
    (1, 'a', 2.5000::decimal(18, 4), 0.1::double, timestamp '2026-01-01 00:00:00', [1, 2]),
    (2, null, null, null, null, null),
    (3, 'c', 1.0000::decimal(18, 4), 1e6::double, timestamp '2026-01-01 00:00:01', [])
"""


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield connection


def table(connection: duckdb.DuckDBPyConnection, name: str, rows: str = ROWS) -> str:
    connection.execute(
        f"create or replace table {name} as "
        f"select * from (values {rows}) as t (key, city, money, share, made_at, pieces)"
    )
    return name


def compared(
    connection: duckdb.DuckDBPyConnection, change: str, grain: tuple[str, ...] = ("key",)
) -> Compared:
    """Compare the rows with what they are after a statement on `there`."""
    table(connection, "one")
    table(connection, "there_rows")
    if change:
        connection.execute(change)
    return compare(connection, "shop.orders", "one", "there_rows", grain)


@pytest.mark.parametrize("grain", [("key",), ()])
def test_the_same_rows_in_another_order_are_the_same(
    connection: duckdb.DuckDBPyConnection, grain: tuple[str, ...]
) -> None:
    change = "create or replace table there_rows as from there_rows order by key desc"
    found = compared(connection, change, grain)
    assert (found.rows, found.spark_rows, found.columns) == (3, 3, 6)
    assert (found.problems, found.greatest) == ([], 0.0)


@pytest.mark.parametrize("grain", [("key",), ()])
def test_the_last_bits_of_a_double_may_differ_and_no_more(
    connection: duckdb.DuckDBPyConnection, grain: tuple[str, ...]
) -> None:
    within = "update there_rows set share = share * (1 + 5e-10) where key = 3"
    found = compared(connection, within, grain)
    assert found.problems == []
    assert found.greatest == pytest.approx(5e-10, rel=1e-3)
    beyond = "update there_rows set share = share * (1 + 2e-9) where key = 3"
    found = compared(connection, beyond, grain)
    assert found.problems == ["share differs in 1 rows"]
    assert "key=3" in found.examples[0]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("update there_rows set city = '' where key = 2", "city differs in 1 rows"),
        ("update there_rows set money = 2.5001 where key = 1", "money differs in 1 rows"),
        ("update there_rows set made_at = made_at + interval 1 hour", "made_at differs in 2 rows"),
        ("update there_rows set pieces = [2, 1] where key = 1", "pieces differs in 1 rows"),
        ("update there_rows set share = null where key = 1", "share differs in 1 rows"),
        ("update there_rows set share = 'nan' where key = 1", "share differs in 1 rows"),
        ("update there_rows set share = 'inf' where key = 1", "share differs in 1 rows"),
        ("update there_rows set key = 4 where key = 3", "2 rows have no equal by key"),
        ("delete from there_rows where key = 1", "3 rows, on Spark 2"),
        ("alter table there_rows alter key type varchar", "key is integer, on Spark text"),
        ("alter table there_rows drop share", "columns differ: ['share']"),
        ("alter table there_rows alter made_at type date", "made_at is time, on Spark date"),
    ],
)
def test_what_differs_is_named(
    connection: duckdb.DuckDBPyConnection, change: str, problem: str
) -> None:
    assert problem in compared(connection, change).problems


@pytest.mark.parametrize(
    "change",
    [
        "alter table there_rows alter key type hugeint",  # as wide as Spark has it or not
        "alter table there_rows alter key type decimal(38, 0)",
        "alter table there_rows alter made_at type timestamp with time zone",
        "alter table there_rows alter money type decimal(20, 6)",
    ],
)
def test_the_width_of_a_type_is_no_difference(
    connection: duckdb.DuckDBPyConnection, change: str
) -> None:
    assert compared(connection, change).problems == []


def test_rows_that_are_there_twice_are_counted(connection: duckdb.DuckDBPyConnection) -> None:
    for name, times in (("one", (1, 1, 3)), ("there_rows", (1, 3, 3))):
        rows = ", ".join(f"({key}, 1.0::double)" for key in times)
        connection.execute(f"create table {name} as select * from (values {rows}) as t (key, x)")
    found = compare(connection, "shop.orders", "one", "there_rows")
    assert found.problems == ["2 rows have no equal by key"]
    assert found.examples == ["key=1: DuckDB alone", "key=3: Spark alone"]


def test_types_are_told_apart_by_what_they_hold() -> None:
    kinds = {
        "BIGINT": "integer", "DECIMAL(38,0)": "integer", "DECIMAL(18,4)": "decimal",
        "STRUCT(a INTEGER)[]": "list", "TIMESTAMP WITH TIME ZONE": "time", "FLOAT": "double",
    }  # fmt: skip
    assert {name: kind_of(name) for name in kinds} == kinds


def node(name: str, materialized: str = "table", **more: Any) -> dict[str, Any]:
    return {
        "schema": "core", "alias": name, "resource_type": "model", "unique_id": name,
        "config": {"materialized": materialized}, **more,
    }  # fmt: skip


@pytest.fixture
def warehouses(tmp_path: Path) -> tuple[Path, Path]:
    """Return a DuckDB warehouse and a folder of Spark's tables of it, one of them altered."""
    file, tables = tmp_path / "here.duckdb", tmp_path / "tables"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema core")
        for name in ("orders", "lines", "empty", "lost", "history", "stale"):
            rows = 0 if name == "empty" else 3
            connection.execute(
                f"create table core.{name} as "
                f"select range as key, range / 2 as x from range({rows})"
            )
            if name not in ("lost", "history"):
                folder = tables / "core.db" / name
                folder.mkdir(parents=True)
                more = "+ 0.5" if name == "lines" else ""
                if rows:
                    connection.execute(
                        f"copy (select key, x {more} as x from core.{name}) "
                        f"to '{folder}/part.parquet'"
                    )
    return file, tables


def manifest() -> dict[str, Any]:
    grain = {
        "resource_type": "test", "attached_node": "lines", "config": {"materialized": "test"},
        "test_metadata": {"name": "holds", "kwargs": {"grain": ["key"]}},
    }  # fmt: skip
    nodes = [node(name) for name in ("orders", "lines", "empty", "lost", "never")]
    return {
        "nodes": {each["alias"]: each for each in [*nodes, node("shown", "view")]} | {"t": grain},
        "disabled": {"history": [node("history")], "elsewhere": [node("elsewhere")]},
    }


def test_whole_warehouses_are_compared_table_by_table(
    warehouses: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    found = {each.name: each for each in compare_warehouses(*warehouses, manifest())}
    assert list(found) == [
        "core.empty", "core.lines", "core.lost", "core.never", "core.orders", "core.history",
    ]  # fmt: skip
    assert {name: each.problems for name, each in found.items() if each.problems} == {
        "core.lines": ["x differs in 3 rows"],
        "core.lost": ["not built on Spark"],
        "core.never": ["not in DuckDB's warehouse"],
    }
    assert found["core.history"].is_switched_off
    assert report(found.values()) is False
    said = capsys.readouterr().out
    assert "2 of 5 tables are the same" in said
    assert "key=0: x 0.0, on Spark 0.5" in said
    assert "switched off on Spark" in said


def test_what_is_asked_for_is_compared_alone(
    warehouses: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    found = list(compare_warehouses(*warehouses, manifest(), ["core.orders"]))
    assert [each.name for each in found] == ["core.orders"]
    assert report(found) is True
    assert "1 of 1 tables are the same, 3 rows" in capsys.readouterr().out


def test_views_are_no_tables() -> None:
    built, disabled = tables_of(manifest())
    assert "core.shown" not in built
    assert disabled == ["core.elsewhere", "core.history"]
