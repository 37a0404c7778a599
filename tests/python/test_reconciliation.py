"""Money and counts agree from the raw files to the marts, and every row is accounted for.

The raw rows are judged a second time here, in plain Python, from what the columns mean.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from conftest import AS_OF
from warehouse import MARKET_COLUMNS, Warehouse

AMOUNTS = (
    "distance", "aandm", "basketvalue", "chargedamount", "deliveryfee", "discountamount",
    "suppliersupport", "thirdpartysupport",
)  # fmt: skip
TIMES = ("createdate", "checkoutdate", "deliverdate", "ratedate")
EARLIEST, LATEST = datetime(2000, 1, 1), datetime(2049, 12, 31, 23, 59, 59)
LARGEST = Decimal(1_000_000)

Row = dict[str, str | None]


def filled(text: str | None) -> bool:
    """Return whether there is anything but blanks."""
    return text is not None and text.strip(" ") != ""


def number(text: str | None) -> Decimal | None:
    """Return a plain decimal number, None where the text is none."""
    found = re.fullmatch(r" *(-?[0-9]{1,13}(?:[.][0-9]{1,4})?) *", text or "", re.ASCII)
    return Decimal(found[1]) if found else None


def whole(text: str | None) -> int | None:
    """Return a plain whole number, None where the text is none."""
    found = re.fullmatch(r" *(-?[0-9]{1,9}) *", text or "", re.ASCII)
    return int(found[1]) if found else None


def moment(text: str | None) -> datetime | None:
    """Return a time, None where the text is none."""
    try:
        return datetime.strptime(text or "", "%Y-%m-%d %H:%M:%S")
    except ValueError:
        return None


def canonical(text: str | None) -> str | None:
    """Return an id in its canonical form."""
    return text.strip(" ").lower() if filled(text) else None


def missing(row: Row, *columns: str) -> set[str]:
    """Return the reasons of required columns that hold nothing."""
    return {f"{column}_missing" for column in columns if not filled(row[column])}


def bad_amounts(row: Row, *columns: str) -> set[str]:
    """Return the reasons of columns that hold something that is no plausible amount."""
    reasons = set()
    for column in columns:
        value = number(row[column])
        if filled(row[column]) and value is None:
            reasons.add(f"{column}_not_a_number")
        if value is not None and value < 0:
            reasons.add(f"{column}_negative")
        if value is not None and value > LARGEST:
            reasons.add(f"{column}_absurd")
    return reasons


def bad_times(row: Row, *columns: str) -> set[str]:
    """Return the reasons of columns that hold something that is no plausible time."""
    reasons = set()
    for column in columns:
        value = moment(row[column])
        if filled(row[column]) and value is None:
            reasons.add(f"{column}_not_a_time")
        if value is not None and not EARLIEST <= value <= LATEST:
            reasons.add(f"{column}_implausible")
    return reasons


def judge_order(row: Row) -> set[str]:
    """Return why a row of market_order is rejected."""
    reasons = missing(row, "order_id", "client_id", "createdate", "basketvalue")
    reasons |= bad_amounts(row, *AMOUNTS) | bad_times(row, *TIMES)
    if filled(row["rating"]) and whole(row["rating"]) not in range(1, 6):
        reasons.add("rating_not_1_to_5")
    return reasons


def judge_line(row: Row) -> set[str]:
    """Return why a row of product_detail is rejected, orphans aside."""
    reasons = missing(row, "order_id", "product_id", "_pos", "count", "price")
    reasons |= bad_amounts(row, "price")
    for column in ("_pos", "count"):
        if filled(row[column]) and whole(row[column]) is None:
            reasons.add(f"{column}_not_an_integer")
    if (whole(row["count"]) or 1) <= 0:
        reasons.add("count_not_positive")
    if (whole(row["count"]) or 1) > 10_000:
        reasons.add("count_absurd")
    return reasons


def judge_promo(row: Row) -> set[str]:
    """Return why a row of promo_detail is rejected, orphans aside."""
    return missing(row, "order_id", "promo_id")


def judge_open(row: Row) -> set[str]:
    """Return why a row of app_open is rejected."""
    return missing(row, "client_id", "appopendate") | bad_times(row, "appopendate")


JUDGES: dict[str, Callable[[Row], set[str]]] = {
    "market_order": judge_order,
    "product_detail": judge_line,
    "promo_detail": judge_promo,
    "app_open": judge_open,
}


class Ledger:
    """What should become of every raw row of a shop, judged in Python."""

    def __init__(self, landing: Path) -> None:
        self.landed: dict[str, int] = {}
        self.rejected: dict[tuple[str, str, int], set[str]] = {}
        self.accepted: dict[str, list[Row]] = {table: [] for table in MARKET_COLUMNS}
        self.orders: set[str | None] = set()
        for table in ("market_order", "product_detail", "promo_detail", "app_open"):
            rows = list(raw_rows(landing, table))
            self.landed[table] = len(rows)
            for file, record, row in rows:
                reasons = JUDGES[table](row)
                order = canonical(row.get("order_id"))
                if table in ("product_detail", "promo_detail") and order:
                    reasons |= set() if order in self.orders else {"orphan"}
                if reasons:
                    self.rejected[table, file, record] = reasons
                else:
                    self.accepted[table].append(row)
                    if table == "market_order":
                        self.orders.add(order)

    def kept_orders(self) -> list[Row]:
        """Return one row an order: the one that knows most, then the greatest basket as text."""
        versions = defaultdict(list)
        for row in self.accepted["market_order"]:
            versions[canonical(row["order_id"])].append(row)

        def knowledge(row: Row) -> tuple[datetime, str]:
            times = (moment(row[column]) for column in TIMES)
            return max(time for time in times if time), f"{number(row['basketvalue']):.4f}"

        return [max(rows, key=knowledge) for rows in versions.values()]

    def distinct(self, table: str, *keys: str) -> int:
        """Return the number of accepted rows of a table without repeats of a key."""
        return len({tuple(canonical(row[key]) for key in keys) for row in self.accepted[table]})

    def reasons(self, table: str) -> Counter[str]:
        """Return how often each reason is given for rows of a table."""
        return Counter(
            reason
            for (rejected_table, _, _), reasons in self.rejected.items()
            if rejected_table == table
            for reason in reasons
        )


def raw_rows(landing: Path, table: str) -> Iterator[tuple[str, int, Row]]:
    """Yield every raw row of a table with its file and its number in it."""
    columns = MARKET_COLUMNS[table]
    listed = ", ".join(f'"{column}"' for column in columns)
    for path in sorted((landing / "market" / table).iterdir()):
        with duckdb.connect() as connection:
            rows = connection.execute(f"select {listed} from read_parquet('{path}')").fetchall()
        for record, row in enumerate(rows, start=1):
            yield path.name, record, dict(zip(columns, row, strict=True))


@pytest.fixture(scope="module")
def messy_ledger(messy_landing: Path) -> Ledger:
    """What should become of every row of the messy shop."""
    return Ledger(messy_landing)


@pytest.fixture(scope="module")
def clean_ledger(clean_landing: Path) -> Ledger:
    """What should become of every row of the clean shop."""
    return Ledger(clean_landing)


@pytest.fixture(scope="module", params=["messy", "clean"])
def shop(request: pytest.FixtureRequest) -> tuple[Warehouse, Ledger]:
    """Both shops in turn: the built warehouse and the ledger of its raw rows."""
    return (
        request.getfixturevalue(f"{request.param}_warehouse"),
        request.getfixturevalue(f"{request.param}_ledger"),
    )


def test_every_rejected_row_has_its_reasons(shop: tuple[Warehouse, Ledger]) -> None:
    """Exactly the rows that break a rule are rejected, each with exactly the rules it breaks."""
    warehouse, ledger = shop
    found = {
        (table, file, record): set(reasons.split(";"))
        for table, file, record, reasons in warehouse.query(
            "select source_table, source_file, source_record, reject_reasons "
            "from marts.rejected_rows"
        )
    }
    differing = {
        key: (found.get(key), ledger.rejected.get(key))
        for key in found.keys() | ledger.rejected.keys()
        if found.get(key) != ledger.rejected.get(key)
    }
    assert differing == {}


def test_landed_is_accepted_and_rejected_and_duplicate(shop: tuple[Warehouse, Ledger]) -> None:
    """The counts of every raw table are those of the files, and they add up."""
    warehouse, ledger = shop
    keys = {
        "market_order": ("order_id",),
        "product_detail": ("order_id", "_pos"),
        "promo_detail": ("order_id", "promo_id"),
        "app_open": ("client_id", "appopendate"),
    }
    expected = {}
    for table, columns in keys.items():
        rejected = sum(1 for key in ledger.rejected if key[0] == table)
        accepted = ledger.distinct(table, *columns)
        duplicates = len(ledger.accepted[table]) - accepted
        expected[table] = (ledger.landed[table], accepted, rejected, duplicates, 0)
    found = {
        row[0]: row[1:]
        for row in warehouse.query(
            "select source_table, landed_count, accepted_count, rejected_count, duplicate_count, "
            "unexplained_count from marts.row_reconciliation"
        )
    }
    assert found == expected


def test_what_is_accepted_arrives(shop: tuple[Warehouse, Ledger]) -> None:
    """Each accepted row is one row of its fact: none is lost, none is multiplied."""
    warehouse, ledger = shop
    for table, name, columns in (
        ("core.fct_orders", "market_order", ("order_id",)),
        ("core.fct_order_lines", "product_detail", ("order_id", "_pos")),
        ("core.fct_order_promotions", "promo_detail", ("order_id", "promo_id")),
        ("core.fct_app_opens", "app_open", ("client_id", "appopendate")),
    ):
        assert warehouse.value(f"select count(*) from {table}") == ledger.distinct(name, *columns)
    people = {canonical(row["client_id"]) for row in ledger.kept_orders()}
    assert warehouse.value("select count(*) from core.dim_customers") == len(people)


def money(rows: list[Row], column: str) -> Decimal:
    """Return the sum of a column of raw rows, nothing where a row says nothing."""
    return sum((number(row[column]) or Decimal(0) for row in rows), Decimal(0))


def test_order_money_equals_the_raw_files(shop: tuple[Warehouse, Ledger]) -> None:
    """The sum of each money column of the order fact is that of the raw orders, to the cent."""
    warehouse, ledger = shop
    orders = ledger.kept_orders()
    for column, raw_column in {
        "basket_value": "basketvalue",
        "delivery_fee": "deliveryfee",
        "discount_amount": "discountamount",
        "supplier_support": "suppliersupport",
        "third_party_support": "thirdpartysupport",
        "charged_amount": "chargedamount",
        "marketing_cost": "aandm",
    }.items():
        found = warehouse.value(f"select sum({column}) from core.fct_orders")
        assert found == money(orders, raw_column), column


def test_line_money_equals_the_raw_files(clean_warehouse: Warehouse, clean_ledger: Ledger) -> None:
    """Quantities and line values of the fact are those of the raw lines."""
    lines = clean_ledger.accepted["product_detail"]
    counts = sum(whole(row["count"]) for row in lines)
    values = sum(whole(row["count"]) * number(row["price"]) for row in lines)
    for query in (
        "select sum(quantity), sum(line_value) from core.fct_order_lines",
        "select sum(item_count), sum(lines_value) from core.fct_orders",
    ):
        assert clean_warehouse.query(query) == [(counts, values)]


def test_customer_money_equals_the_raw_files(shop: tuple[Warehouse, Ledger]) -> None:
    """Orders delivered by the as-of date carry the same money in the single view and profiles."""
    warehouse, ledger = shop
    as_of = warehouse.value("select max(as_of_date) from customer.customer_single_view")
    known = [
        row
        for row in ledger.kept_orders()
        if moment(row["checkoutdate"])
        and moment(row["deliverdate"])
        and moment(row["deliverdate"]).date() <= as_of
    ]
    assert len(known) > 1_000
    own = sum(
        max(
            Decimal(0),
            money([row], "discountamount")
            - money([row], "suppliersupport")
            - money([row], "thirdpartysupport"),
        )
        for row in known
    )
    net = money(known, "basketvalue") - own + money(known, "deliveryfee")
    assert warehouse.query(
        "select sum(successful_order_count), sum(basket_value), sum(discount_amount), "
        "sum(own_discount), sum(net_revenue) from customer.customer_single_view"
    ) == [(len(known), money(known, "basketvalue"), money(known, "discountamount"), own, net)]
    people = len({canonical(row["client_id"]) for row in known})
    assert warehouse.query(
        "select sum(customer_count), sum(net_revenue) from segments.segment_totals "
        "where not is_all_customers"
    ) == [(people, net)]


def test_the_as_of_date_is_what_was_asked_for(
    messy_warehouse: Warehouse, clean_warehouse: Warehouse
) -> None:
    """With a var the as-of date is the var's; without, the last complete day."""
    query = "select distinct as_of_date from customer.customer_single_view"
    assert messy_warehouse.query(query) == [(date.fromisoformat(AS_OF),)]
    assert clean_warehouse.query(query) == [(date(2026, 6, 29),)]


def test_a_clean_shop_has_no_losses(clean_warehouse: Warehouse, clean_ledger: Ledger) -> None:
    """Without mess no row is rejected, and no order, line or promotion is a duplicate."""
    assert clean_ledger.rejected == {}
    assert clean_warehouse.value("select count(*) from marts.rejected_rows") == 0
    assert clean_warehouse.value("select count(*) from marts.duplicate_rows") == 0


def truth_of(landing: Path) -> dict[tuple[str, str], int]:
    """Return the number of rows that the simulator spoilt, by table and kind."""
    files = landing / "market_truth" / "truth_mess" / "*.parquet"
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"select table_name, kind, row_count from read_parquet('{files}')"
        ).fetchall()
    return {(table, kind): count for table, kind, count in rows}


def test_mess_is_found_as_often_as_it_was_made(
    messy_warehouse: Warehouse, messy_landing: Path
) -> None:
    """Kinds of mess that always spoil their row are rejected exactly as often as they were made."""
    truth = truth_of(messy_landing)
    pairs = {
        ("market_order", "bad_date"): "%_not_a_time%",
        ("market_order", "far_date"): "%_implausible%",
        ("market_order", "rating_out_of_range"): "%rating_not_1_to_5%",
        ("product_detail", "negative_amount"): "%price_negative%",
        ("app_open", "bad_date"): "%_not_a_time%",
        ("app_open", "far_date"): "%_implausible%",
    }
    for (table, kind), pattern in pairs.items():
        ((found,),) = messy_warehouse.query(
            "select count(*) from marts.rejected_rows "
            "where source_table = ? and reject_reasons like ?",
            [table, pattern],
        )
        assert found == truth[table, kind] > 5, (table, kind)
    for table in MARKET_COLUMNS:
        ((found,),) = messy_warehouse.query(
            "select count(*) from marts.rejected_rows "
            "where source_table = ? and reject_reasons like '%_missing%'",
            [table],
        )
        assert found == truth[table, "null_required"] + truth[table, "blank_required"] > 5, table


@pytest.mark.parametrize("table", ["product_detail", "promo_detail", "app_open"])
def test_every_spoilt_row_is_rejected(
    messy_warehouse: Warehouse, messy_landing: Path, table: str
) -> None:
    """As many rows are rejected for what they hold as the simulator spoilt."""
    files = messy_landing / "market_truth" / "truth_mess" / "*.parquet"
    with duckdb.connect() as connection:
        ((spoilt,),) = connection.execute(
            f"select sum(row_count) from read_parquet('{files}') "
            "where table_name = ? and effect = 'change'",
            [table],
        ).fetchall()
    ((found,),) = messy_warehouse.query(
        "select count(*) from marts.rejected_rows "
        "where source_table = ? and reject_reasons <> 'orphan'",
        [table],
    )
    assert found == spoilt > 20


def test_copies_are_found_as_often_as_they_were_made(
    messy_warehouse: Warehouse, messy_landing: Path
) -> None:
    """Copies of orders are duplicates, exactly as many as were made, and orphans are rejected."""
    truth = truth_of(messy_landing)
    copies = truth["market_order", "exact_duplicate"] + truth["market_order", "conflicting_copy"]
    assert (
        messy_warehouse.value(
            "select duplicate_count from marts.row_reconciliation "
            "where source_table = 'market_order'"
        )
        == copies
        > 50
    )
    for table in ("product_detail", "promo_detail"):
        ((orphans,),) = messy_warehouse.query(
            "select count(*) from marts.rejected_rows "
            "where source_table = ? and reject_reasons like '%orphan%'",
            [table],
        )
        assert orphans >= truth[table, "orphan"] > 10
