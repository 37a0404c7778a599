"""Loads that follow each other: late rows, restated orders, rows delivered twice, and the past."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from warehouse import MARKET_COLUMNS, Builder, Warehouse, read_market

FIRST, SECOND = "2026-06-01 06:00:00", "2026-07-05 06:00:00"
SELECTED = (
    "+core.fct_orders", "+core.fct_order_lines", "+core.fct_order_promotions",
    "+core.fct_app_opens", "+dim_products", "+row_reconciliation", "+duplicate_rows",
    "+rejected_rows", "+revenue_by_month",
)  # fmt: skip
UNREADABLE = 'o-broken,"never closed'


def write_load(
    landing: Path, connection: duckdb.DuckDBPyConnection, arrived: str, selects: dict[str, str]
) -> None:
    """Write a load as intake does: text columns, then where each row came from and when."""
    load = arrived.replace("-", "").replace(":", "").replace(" ", "T") + "Z-00000000"
    for table, select in selects.items():
        folder = landing / "market" / f"load={load}" / table
        folder.mkdir(parents=True)
        columns = ", ".join(f'"{column}"' for column in MARKET_COLUMNS[table])
        broken = ""
        if table == "promo_detail":
            nulls = ", ".join("null" for _ in MARKET_COLUMNS[table])
            broken = f" union all select {nulls}, 'unclosed_quote', '{UNREADABLE}'"
        connection.execute(
            f"copy (select * exclude (_reject_reasons, _raw_text), '{load}/{table}.csv' as _file, "
            f"row_number() over () as _record, timestamp '{arrived}' as _ingested_at, "
            "cast(_reject_reasons as varchar) as _reject_reasons, "
            "cast(_raw_text as varchar) as _raw_text from ("
            f"select {columns}, null as _reject_reasons, null as _raw_text from ({select}){broken})"
            f") to '{folder / '0.parquet'}' (format parquet)"
        )


@pytest.fixture(scope="module")
def orders(clean_landing: Path) -> dict[str, str]:
    """Three orders of several lines: one late, one restated, one delivered twice."""
    with read_market(clean_landing) as connection:
        ids = connection.execute(
            "select order_id from market_order inner join product_detail using (order_id) "
            "where deliverdate < '2026-05-01' group by order_id having count(*) >= 3 "
            "order by order_id limit 3"
        ).fetchall()
    return dict(zip(("late", "restated", "repeated"), (row[0] for row in ids), strict=True))


@pytest.fixture(scope="module")
def builds(
    builder: Builder,
    clean_landing: Path,
    orders: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Warehouse]:
    """After the first load, after the second, and after the second as known before it."""
    folder = tmp_path_factory.mktemp("loads")
    late, restated, repeated = (orders[name] for name in ("late", "restated", "repeated"))
    with read_market(clean_landing) as connection:
        connection.execute(
            "delete from market_order where order_id not in "
            f"('{late}', '{restated}', '{repeated}') and hash(client_id) % 8 <> 0"
        )
        for table in ("product_detail", "promo_detail"):
            connection.execute(
                f"delete from {table} where order_id not in (select order_id from market_order)"
            )
        connection.execute("delete from app_open where hash(client_id) % 8 <> 0")
        first = {table: f"select * from {table}" for table in MARKET_COLUMNS}
        first["market_order"] += f" where order_id <> '{late}'"
        second = {
            "market_order": f"""
                select * from market_order where order_id in ('{late}', '{repeated}') union all
                select * replace ('12.34' as basketvalue) from market_order
                where order_id = '{restated}'""",
            "product_detail": f"""
                select * from product_detail where order_id = '{repeated}' union all
                select * replace ('1' as "count", '12.34' as price) from product_detail
                where order_id = '{restated}' and _pos = '1'""",
            "promo_detail": f"select * from promo_detail where order_id = '{repeated}'",
            "app_open": "select * from app_open order by all limit 100",
        }
        for name in ("one", "two"):
            write_load(folder / name, connection, FIRST, first)
        write_load(folder / "two", connection, SECOND, second)
    shared = {"select": SELECTED}
    return builder.build_all(
        {
            "first": {"landing": folder / "one", **shared},
            "second": {"landing": folder / "two", **shared},
            "known": {
                "landing": folder / "two",
                "variables": {"known_by": FIRST},
                **shared,
            },
        }
    )


def test_what_was_known_then_is_built_again_to_the_byte(builds: dict[str, Warehouse]) -> None:
    """Facts, the ledger and revenue of the first build, though a later load restated orders."""
    names = builds["first"].names("core", "marts")
    assert len(names) >= 8
    assert builds["known"].fingerprints(names) == builds["first"].fingerprints(names)
    assert builds["second"].fingerprints(names) != builds["first"].fingerprints(names)


@pytest.mark.parametrize("build", ["first", "second", "known"])
def test_every_row_of_every_load_is_explained(builds: dict[str, Warehouse], build: str) -> None:
    """Landed rows are accepted, rejected or duplicates, and what intake rejected is landed."""
    assert builds[build].query(
        "select source_table from marts.row_reconciliation where unexplained_count <> 0"
    ) == []  # fmt: skip
    rejected = builds[build].query(
        "select distinct reject_reasons, raw_row from marts.rejected_rows "
        "where source_table = 'promo_detail' and reject_reasons <> 'orphan'"
    )
    assert rejected == [("unclosed_quote", '{"_raw_text":"o-broken,\\"never closed"}')]


def test_an_order_that_lands_later_takes_its_lines_back_from_the_rejected(
    builds: dict[str, Warehouse], orders: dict[str, str]
) -> None:
    """Its lines were orphans of the first build, and nobody had to land them again."""
    late = orders["late"].strip().lower()
    counted = (
        "select count(*) from core.fct_order_lines as lines inner join core.fct_orders as orders "
        f"on lines.order_key = orders.order_key where orders.order_id = '{late}'"
    )
    orphans = (
        "select count(*) from marts.rejected_rows where reject_reasons = 'orphan' "
        f"and source_table = 'product_detail' and raw_row ilike '%{late}%'"
    )
    waiting = builds["first"].value(orphans)
    assert waiting >= 3
    assert builds["first"].value(counted) == 0
    assert (builds["second"].value(counted), builds["second"].value(orphans)) == (waiting, 0)


def test_a_restated_order_has_the_value_and_the_lines_of_its_latest_load(
    builds: dict[str, Warehouse], orders: dict[str, str]
) -> None:
    """Two lines and more became one; the others are kept as duplicates, and no line is lost."""
    restated = orders["restated"].strip().lower()
    lines = (
        "select orders.basket_value, count(*) from core.fct_orders as orders "
        "inner join core.fct_order_lines as lines on orders.order_key = lines.order_key "
        f"where orders.order_id = '{restated}' group by all"
    )
    ((value, count),) = builds["first"].query(lines)
    assert count >= 3
    assert value != Decimal("12.34")
    assert builds["second"].query(lines) == [(Decimal("12.34"), 1)]


def test_rows_that_two_loads_brought_alike_count_once(
    builds: dict[str, Warehouse], orders: dict[str, str]
) -> None:
    """But for the late and the restated order all facts are as before; duplicates are counted."""
    others = ", ".join(f"'{orders[name].strip().lower()}'" for name in ("late", "restated"))
    for table in ("core.fct_orders", "core.fct_order_lines", "core.fct_order_promotions"):
        facts = (
            f"select * from {table} where order_key not in "
            f"(select order_key from core.fct_orders where order_id in ({others})) order by all"
        )
        assert builds["second"].query(facts) == builds["first"].query(facts), table
    opens = "core.fct_app_opens"
    assert builds["second"].fingerprint(opens) == builds["first"].fingerprint(opens)
    duplicates = "select duplicate_count from marts.row_reconciliation order by source_table"
    before, after = (
        [row[0] for row in builds[build].query(duplicates)] for build in ("first", "second")
    )
    grown = [new - old for old, new in zip(before, after, strict=True)]
    assert grown[:2] == [100, 2]  # app opens; the restated and the repeated order
    assert grown[2] >= 6  # the lines of both
