"""The ten days of production begin with deliveries, truth and a search that are right themselves.

The days themselves take twenty minutes: `make ten-days`.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from clientele.simulator.simulation import simulate
from deliveries import DAYS, Delivery, Row, Shop, people_to_erase, ten_days
from people_search import places_of
from raw_truth import Totals, totals
from ten_days import MARKS, with_table

LAST_DAY = date(2026, 6, 30)
EVENTS = ("createdate", "checkoutdate", "deliverdate", "ratedate")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    landing = tmp_path_factory.mktemp("ten_days")
    simulate(landing, customers=2400, start=date(2026, 1, 1), end=LAST_DAY, seed=7, mess=0)
    return Shop.read(landing)


@pytest.fixture(scope="module")
def nights(shop: Shop) -> list[Delivery]:
    return ten_days(shop, LAST_DAY)


@pytest.fixture(scope="module")
def raw(nights: list[Delivery], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    for night in nights:
        night.write(folder / str(night.number))
    return folder


def told(night: Delivery) -> list[Row]:
    files = [file for file in night.files if file.table == "market_order"]
    return [row for file in sorted(files, key=lambda file: file.day) for row in file.rows]


def test_no_row_knows_what_comes_after_its_day(nights: list[Delivery]) -> None:
    for night in nights:
        midnight = str(datetime.combine(night.day, time()) + timedelta(days=1))
        for row in told(night):
            assert all((row[name] or "") < midnight for name in EVENTS)


def test_in_the_end_all_has_been_told(shop: Shop, nights: list[Delivery]) -> None:
    last = {row["order_id"]: row for night in nights for row in told(night)}
    end = shop.known_between(datetime.min, datetime(2026, 7, 1))
    orders = {row["order_id"]: row for row in end["market_order"]}
    other = [order_id for order_id, row in orders.items() if last[order_id] != row]
    assert last.keys() == orders.keys()
    assert len(other) == 20
    for order_id in other:
        more = Decimal(last[order_id]["deliveryfee"]) - Decimal(orders[order_id]["deliveryfee"])
        assert more == Decimal("1.50")
    for table in ("app_open", "promo_detail", "product_detail"):
        rows = [
            row
            for night in nights
            for file in night.files
            # Night 7 brings day 6 whole once more.
            if file.table == table and (night.number, file.day) != (7, nights[6].day)
            for row in file.rows
        ]
        assert sorted(map(str, rows)) == sorted(map(str, end[table]))


def test_mishaps_are_in_the_files(nights: list[Delivery], raw: Path) -> None:
    damaged = (raw / "2" / nights[2].file("market_order").name).read_text().splitlines()
    fields = [line.count(",") for line in damaged if '"' not in line]
    assert sum(count == fields[0] + 1 for count in fields) == 2
    assert set(fields) == {fields[0], fields[0] + 1}
    assert not list((raw / "3").glob("app_open*"))
    assert len(list((raw / "4").glob("app_open*.csv"))) == 2
    name = nights[6].file("market_order").name
    cut, whole = (raw / "6" / name).read_bytes(), (raw / "7" / name).read_bytes()
    assert whole.startswith(cut)
    counted = int((raw / "6" / f"{name}.rows").read_text())
    assert counted == whole.count(b"\n") - 1
    assert cut.endswith(b"\n")
    assert 0.4 < (cut.count(b"\n") - 1) / (whole.count(b"\n") - 1) <= 0.5
    wrong = {row["order_id"]: row for row in told(nights[8])}
    right = {row["order_id"]: row for row in told(nights[9])}
    assert (
        sum(
            Decimal(row["basketvalue"]) > Decimal(right[order_id]["basketvalue"])
            for order_id, row in wrong.items()
            if order_id in right
        )
        > len(wrong) * 0.8
    )


@pytest.mark.parametrize("number", [0, 5, 7, 8, 9])
def test_totals_are_those_of_plain_python(
    number: int, shop: Shop, nights: list[Delivery], raw: Path
) -> None:
    """The same numbers from the rows in memory, which never were CSV or SQL."""
    taken = [night for night in nights[: number + 1] if night.number != 6]
    gone = people_to_erase(shop, nights) if number == 9 else []
    orders = {row["order_id"]: row for night in taken for row in told(night)}
    kept = [row for row in orders.values() if row["client_id"] not in gone]
    as_of = max(row["checkoutdate"] for row in kept if row["checkoutdate"])[:10]
    if max(row[name] or "" for row in kept for name in EVENTS[:3])[:10] == as_of:
        as_of = str(date.fromisoformat(as_of) - timedelta(days=1))
    done = [
        row
        for row in kept
        if (row["checkoutdate"] or "9")[:10] <= as_of and (row["deliverdate"] or "9")[:10] <= as_of
    ]
    revenue = sum(
        amount(row, "basketvalue") + amount(row, "deliveryfee")
        - max(Decimal(0), amount(row, "discountamount") - amount(row, "suppliersupport")
              - amount(row, "thirdpartysupport"))
        for row in done
    )  # fmt: skip
    clients = {row["client_id"] for row in done}
    loads = [(raw / str(night.number), night.loaded_at) for night in taken]
    assert totals(loads, gone) == Totals(
        date.fromisoformat(as_of), len(done), len(clients), Decimal(revenue)
    )


def amount(row: Row, name: str) -> Decimal:
    return Decimal(row[name] or 0)


def test_whoever_asks_to_be_erased_orders_again(shop: Shop, nights: list[Delivery]) -> None:
    people = people_to_erase(shop, nights)
    assert len(people) == 2
    for night in (nights[0], nights[DAYS]):
        assert set(people) <= {row["client_id"] for row in told(night)}


def test_a_person_is_found_in_every_kind_of_file(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "dbt.log").write_text("row of client-1234 failed\n")
    (tmp_path / "other.log").write_text("row of client-12345 and of 91234567890123456789\n")
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.people as select 1234567890123456789 as customer_key, 'x' as name"
        )
        connection.execute("create table marts.nobody as select 1 as customer_key")
        connection.execute(
            f"copy (select 'client-1234' as id from range(5000)) to '{tmp_path}/rows.parquet'"
        )
    found = places_of(["client-1234", "1234567890123456789"], tmp_path)
    assert found["logs/dbt.log"] == 1
    assert found['shop.duckdb "marts"."people"'] == 1
    assert found["rows.parquet"] >= 5000
    assert set(found) == {"logs/dbt.log", 'shop.duckdb "marts"."people"', "rows.parquet"}


def test_the_table_goes_between_its_marks() -> None:
    page = f"before\n{MARKS[0]}\nold\n{MARKS[1]}\nafter\n"
    assert with_table(page, "| new |") == f"before\n{MARKS[0]}\n| new |\n{MARKS[1]}\nafter\n"
