"""Sales transactions with products as JSON come through whole, and nothing is made up.

The raw rows are judged and added up a second time here, in plain Python with the json module, and
compared with what was sold before any mess: the same shop, simulated without it.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from clientele.simulator import simulate
from report_page import assert_sound
from warehouse import Builder, Warehouse

CUSTOMERS = 900
GAP = (date(2025, 1, 1), date(2025, 6, 30))
VARIABLES = {
    "sources": ["sales_json"],
    "sales_json_excluded_periods": [[day.isoformat() for day in GAP]],
}
COLUMNS = (
    "transaction_id", "member_id", "payment_date", "total_amt", "paid_amt", "discount",
    "product_json", "channel", "service_centre",
)  # fmt: skip
EARLIEST, LATEST = datetime(2000, 1, 1), datetime(2049, 12, 31, 23, 59, 59)
LARGEST_AMOUNT, LARGEST_QUANTITY = 1_000_000, 10_000
DATE_FORMATS = (
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
    r"( (?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d))?",
    r"(?P<day>\d\d)/(?P<month>\d\d)/(?P<year>\d{4})( (?P<hour>\d\d):(?P<minute>\d\d))?",
    r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)",
)
REASON_OF_KIND = {
    "bad_date": "payment_date_not_a_time",
    "far_date": "payment_date_implausible",
    "no_date": "payment_date_missing",
    "no_id": "transaction_id_missing",
    "no_total": "total_amt_missing",
    "negative_total": "total_amt_negative",
    "absurd_total": "total_amt_absurd",
    "unreadable_total": "total_amt_not_a_number",
    "negative_discount": "discount_negative",
    "unreadable_discount": "discount_not_a_number",
    "unreadable_paid": "paid_amt_not_a_number",
    "broken_json": "product_json_broken",
    "nameless_product": "product_json_product_missing",
    "no_whole_quantity": "product_json_qty_not_an_integer",
    "no_pieces": "product_json_qty_not_positive",
}
ROOMS = ("core", "customer", "segments", "marts")


# --- a second reading of the raw rows ------------------------------------------------------------


@dataclass(frozen=True)
class Sale:
    """What one raw row says."""

    transaction: str | None
    member: str | None
    paid_at: datetime | None
    total: Decimal | None
    paid: Decimal | None
    discount: Decimal | None
    lines: tuple[tuple[str | None, int | None], ...]  # product and pieces
    channel: str | None
    centre: str | None
    reasons: frozenset[str]

    @property
    def pieces(self) -> int:
        """Return the number of pieces sold."""
        return sum(pieces or 0 for _, pieces in self.lines)


def known(text: str | None) -> str | None:
    """Return an id in its canonical form, None where nothing is left."""
    return (text or "").strip(" ").lower() or None


def day_of(text: str | None) -> datetime | None:
    """Return the time that a text means in one of the contract's formats, None for others."""
    for pattern in DATE_FORMATS:
        found = re.fullmatch(pattern, (text or "").strip(" "), re.ASCII)
        if found:
            try:
                return datetime(
                    **{name: int(part or 0) for name, part in found.groupdict().items()}
                )
            except ValueError:
                return None
    return None


def amount(text: str | None) -> Decimal | None:
    """Return a plain decimal number, None where the text is none."""
    found = re.fullmatch(r" *(-?[0-9]{1,13}(?:[.][0-9]{1,4})?) *", text or "", re.ASCII)
    return Decimal(found[1]) if found else None


def pieces_of(value: object) -> int | None:
    """Return a quantity, which is 1 where it is missing and None where it is no whole number."""
    if value is None or value == "":
        return 1
    found = re.fullmatch(r"-?[0-9]{1,9}", str(value))
    return int(found[0]) if found and not isinstance(value, bool) else None


def products_of(text: str | None) -> tuple[tuple[str | None, int | None], ...] | None:
    """Return the lines in a text of JSON, None where it has none of the contract's shapes."""
    if known(text) is None:
        return ()
    try:
        value = json.loads(text or "")
    except ValueError:
        return None
    if isinstance(value, dict) and "product" not in value:
        return tuple((known(name), pieces_of(quantity)) for name, quantity in value.items())
    items = [value] if isinstance(value, dict) else value
    if not isinstance(items, list):
        return None
    return tuple(
        (known(item["product"]), pieces_of(item.get("qty")))
        if isinstance(item, dict) and isinstance(item.get("product"), str)
        else (None, 1)
        for item in items
    )


def read_sale(row: dict[str, str | None], gap: tuple[date, date] | None) -> Sale:
    """Read one raw row and say what is wrong with it."""
    paid_at = day_of(row["payment_date"])
    lines = products_of(row["product_json"])
    reasons = set()
    if known(row["transaction_id"]) is None:
        reasons.add("transaction_id_missing")
    if paid_at is None:
        is_blank = known(row["payment_date"]) is None
        reasons.add("payment_date_missing" if is_blank else "payment_date_not_a_time")
    elif not EARLIEST <= paid_at <= LATEST:
        reasons.add("payment_date_implausible")
    elif gap and gap[0] <= paid_at.date() <= gap[1]:
        reasons.add("excluded_period")
    for column in ("total_amt", "paid_amt", "discount"):
        value = amount(row[column])
        if value is None and known(row[column]) is not None:
            reasons.add(f"{column}_not_a_number")
        elif value is None and column == "total_amt":
            reasons.add("total_amt_missing")
        elif value is not None and value < 0:
            reasons.add(f"{column}_negative")
        elif value is not None and value > LARGEST_AMOUNT:
            reasons.add(f"{column}_absurd")
    if lines is None:
        reasons.add("product_json_broken")
    for product, pieces in lines or ():
        if product is None:
            reasons.add("product_json_product_missing")
        if pieces is None:
            reasons.add("product_json_qty_not_an_integer")
        elif pieces <= 0:
            reasons.add("product_json_qty_not_positive")
        elif pieces > LARGEST_QUANTITY:
            reasons.add("product_json_qty_absurd")
    return Sale(
        transaction=known(row["transaction_id"]),
        member=known(row["member_id"]),
        paid_at=paid_at,
        total=amount(row["total_amt"]),
        paid=amount(row["paid_amt"]),
        discount=amount(row["discount"]),
        lines=lines or (),
        channel=known(row["channel"]),
        centre=known(row["service_centre"]),
        reasons=frozenset(reasons),
    )


def read_rows(landing: Path) -> list[dict[str, str | None]]:
    """Return the raw rows of a landing zone in their order."""
    files = landing / "sales_json" / "sales_transactions" / "*.parquet"
    with duckdb.connect() as connection:
        found = connection.execute(f"select * from read_parquet('{files}')")
        return [dict(zip(COLUMNS, row, strict=True)) for row in found.fetchall()]


def read_truth(landing: Path, table: str) -> list[tuple]:
    """Return the rows of a table of truth."""
    with duckdb.connect() as connection:
        files = landing / "sales_json_truth" / table / "*.parquet"
        return connection.execute(f"select * from read_parquet('{files}')").fetchall()


def write_rows(landing: Path, selects: list[str], source: Path) -> Path:
    """Write a landing zone of one file per SQL select over `rows`, the raw rows of another."""
    folder = landing / "sales_json" / "sales_transactions"
    folder.mkdir(parents=True)
    files = source / "sales_json" / "sales_transactions" / "*.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"create view rows as select * from read_parquet('{files}')")
        for number, select in enumerate(selects):
            connection.execute(f"copy ({select}) to '{folder / f'part-{number}.parquet'}'")
    return landing


# --- the shops -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A messy chain of shops that lacks most of one half-year."""
    folder = tmp_path_factory.mktemp("sales")
    simulate(folder, customers=CUSTOMERS, seed=21, mess=0.5, shape="sales_json", gap=GAP)
    return folder


@pytest.fixture(scope="module")
def sold(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sale]:
    """Everything that was sold, by transaction: the same shops without mess and gap."""
    folder = tmp_path_factory.mktemp("sold")
    simulate(folder, customers=CUSTOMERS, seed=21, mess=0.0, shape="sales_json", gap=None)
    sales = [read_sale(row, None) for row in read_rows(folder)]
    assert not any(sale.reasons for sale in sales)
    return {str(sale.transaction): sale for sale in sales}


@pytest.fixture(scope="module")
def shops(
    builder: Builder, landing: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Warehouse]:
    """The messy shops, the same rows in another order and two files, and no rows at all."""
    folder = tmp_path_factory.mktemp("orders_of_rows")
    shuffled = [
        f"select * from rows where {half} order by md5(concat(rows))"
        for half in ("hash(transaction_id) % 3 = 0", "coalesce(hash(transaction_id) % 3, 1) <> 0")
    ]
    rows = {"shuffled": shuffled, "empty": ["from rows limit 0"]}
    return builder.build_all(
        {"messy": {"landing": landing, "variables": VARIABLES, "with_tests": True}}
        | {
            name: {"landing": write_rows(folder / name, selects, landing), "variables": VARIABLES}
            for name, selects in rows.items()
        }
    )


@pytest.fixture(scope="module")
def shop(shops: dict[str, Warehouse]) -> Warehouse:
    """The messy shops, built with all data tests and unit tests."""
    return shops["messy"]


@pytest.fixture(scope="module")
def judged(landing: Path) -> list[Sale]:
    """The raw rows in their order, judged with the gap excluded."""
    return [read_sale(row, GAP) for row in read_rows(landing)]


@pytest.fixture(scope="module")
def kept(judged: list[Sale]) -> dict[str, Sale]:
    """The accepted sales by transaction; of several versions the latest, then the greatest."""
    versions = defaultdict(list)
    for sale in judged:
        if not sale.reasons:
            versions[sale.transaction].append(sale)
    return {
        transaction: max(sales, key=lambda sale: (sale.paid_at, f"{sale.total:.4f}"))
        for transaction, sales in versions.items()
    }


# --- nothing lost, nothing made up ---------------------------------------------------------------


def test_all_ways_of_writing_are_there(landing: Path) -> None:
    """The tests below mean something: each shape, format and kind of row occurs."""
    rows = read_rows(landing)
    for column, patterns in {
        "payment_date": (r"\d{8}", r"\d\d/\d\d/\d{4}", r"\d\d/\d\d/\d{4} .{5}", r"\d{4}-\d\d-\d\d"),
        "product_json": (
            r"\[.*\]", r'\{"product": .*\}', r'\{"part_.*\}', r'.*"qty": "\d+".*', r".*_\d+\"}.*"
        ),
        "paid_amt": (r"0\.00", r"[1-9].*"),
    }.items():  # fmt: skip
        for pattern in patterns:
            assert sum(bool(re.fullmatch(pattern, row[column] or "")) for row in rows) > 5, pattern
    for column in COLUMNS[:7]:
        assert any(row[column] is None for row in rows), column


def test_rejected_rows_are_those_that_break_a_rule_and_say_which(
    shop: Warehouse, judged: list[Sale]
) -> None:
    """Row by row, the reasons are the ones found by a second reading."""
    found = shop.query("select source_record, reject_reasons from marts.rejected_rows order by 1")
    assert [(record, frozenset(reasons.split(";"))) for record, reasons in found] == [
        (record, sale.reasons) for record, sale in enumerate(judged, start=1) if sale.reasons
    ]


def test_what_was_planted_is_what_was_found(shop: Warehouse, landing: Path) -> None:
    """Each kind of fault is rejected under its reason as often as the simulator planted it."""
    planted = {kind: count for _, kind, _, _, count in read_truth(landing, "truth_mess")}
    found = Counter(
        reason
        for (reasons,) in shop.query("select reject_reasons from marts.rejected_rows")
        for reason in reasons.split(";")
    )
    assert min(planted.values()) > 0
    assert {kind: found[reason] for kind, reason in REASON_OF_KIND.items()} == {
        kind: planted[kind] for kind in REASON_OF_KIND
    }
    assert set(found) - set(REASON_OF_KIND.values()) == {"excluded_period"}


def test_every_row_is_accounted_for(
    shop: Warehouse, judged: list[Sale], kept: dict[str, Sale], landing: Path
) -> None:
    """Landed is accepted, rejected or a repeat; the repeats are the copies outside the gap."""
    rejected = sum(bool(sale.reasons) for sale in judged)
    repeats = len(judged) - rejected - len(kept)
    assert shop.query(
        "select source, source_table, landed_count, accepted_count, rejected_count, "
        "duplicate_count, unexplained_count from marts.row_reconciliation"
    ) == [("sales_json", "sales_transactions", len(judged), len(kept), rejected, repeats, 0)]
    copies = Counter(sale.transaction for sale in judged if sale.reasons == {"excluded_period"})
    planted = {kind: count for _, kind, _, _, count in read_truth(landing, "truth_mess")}
    assert repeats + sum(number - 1 for number in copies.values()) == (
        planted["exact_duplicate"] + planted["conflicting_copy"]
    )


# --- orders, lines and money ---------------------------------------------------------------------


def test_orders_are_the_accepted_sales(shop: Warehouse, kept: dict[str, Sale]) -> None:
    """Order by order: member, time, amounts, channel, centre, lines and pieces."""
    found = shop.query(
        "select order_id, customer_id, ordered_at, basket_value, own_discount, charged_amount, "
        "net_revenue, sales_channel, warehouse_id, line_count, item_count from core.fct_orders "
        "left join core.dim_customers using (customer_key) order by order_id"
    )
    assert found == [
        (
            transaction,
            sale.member,
            sale.paid_at,
            sale.total,
            sale.discount or 0,
            sale.paid or None,
            sale.total - (sale.discount or 0),
            sale.channel,
            sale.centre,
            len(sale.lines),
            sale.pieces,
        )
        for transaction, sale in sorted(kept.items())
    ]
    assert shop.value("select bool_and(is_successful) from core.fct_orders")
    assert shop.value("select count(*) from core.fct_orders where customer_key is null") > 20
    assert shop.value("select count(*) from core.fct_orders where line_count = 0") > 20


def test_lines_are_the_products_in_the_json(shop: Warehouse, kept: dict[str, Sale]) -> None:
    """Line by line: product, position, pieces; the value is spread evenly over the pieces."""
    found = shop.query(
        "select order_id, line_number, product_id, quantity, unit_price from core.fct_order_lines "
        "join core.dim_products using (product_key) join core.fct_orders using (order_key) "
        "order by order_id, line_number"
    )
    expected = [
        (transaction, position, product, pieces, sale.total / sale.pieces)
        for transaction, sale in sorted(kept.items())
        for position, (product, pieces) in enumerate(sale.lines, start=1)
    ]
    assert [row[:4] for row in found] == [row[:4] for row in expected]
    for (*_, price), (*_, exact) in zip(found, expected, strict=True):
        assert abs(price - exact) <= Decimal("0.0001")
    assert shop.value("select count(category) from core.dim_products") == 0


def test_every_accepted_sale_was_made(
    shop: Warehouse, sold: dict[str, Sale], landing: Path
) -> None:
    """Against the shops without mess: nothing is accepted that was not sold just so."""
    orders = shop.query(
        "select order_id, customer_id, ordered_at, basket_value, discount_amount, item_count "
        "from core.fct_orders left join core.dim_customers using (customer_key)"
    )
    planted = {kind: count for _, kind, _, _, count in read_truth(landing, "truth_mess")}
    differences = Counter()
    for transaction, member, ordered_at, value, discount, pieces in orders:
        sale = sold[transaction]
        assert ordered_at.date() == sale.paid_at.date()
        assert ordered_at in (sale.paid_at, sale.paid_at.replace(second=0)) or not any(
            (ordered_at.hour, ordered_at.minute, ordered_at.second)
        )
        assert discount == (sale.discount or 0)
        differences["no_member"] += member is None
        assert member in (sale.member, None)
        differences["conflicting_copy"] += value != sale.total
        differences["no_products"] += pieces == 0
        assert pieces in (sale.pieces, 0)
    for kind, count in differences.items():
        assert 0 < count <= planted[kind], kind
    ((first, last, fragment, missing),) = read_truth(landing, "truth_gap")
    assert (first, last) == GAP
    in_gap = sum(GAP[0] <= sale.paid_at.date() <= GAP[1] for sale in sold.values())
    assert in_gap == fragment + missing
    lost = len(sold) - in_gap - len(orders)
    faults = sum(planted[kind] for kind in REASON_OF_KIND)
    assert faults - fragment <= lost <= faults


# --- customers -----------------------------------------------------------------------------------


def test_recency_frequency_and_monetary_are_those_of_the_raw_rows(
    shop: Warehouse, kept: dict[str, Sale]
) -> None:
    """Per customer, days since the last sale, sales and net revenue as of the date."""
    as_of = shop.value("select max(as_of_date) from customer.customer_single_view")
    assert as_of >= date(2026, 6, 28)
    sales = defaultdict(list)
    for sale in kept.values():
        if sale.member and sale.paid_at.date() <= as_of:
            sales[sale.member].append(sale)
    expected = {
        member: (
            (as_of - max(sale.paid_at for sale in own).date()).days,
            len(own),
            sum(sale.total - (sale.discount or 0) for sale in own),
        )
        for member, own in sales.items()
    }
    found = {
        member: tuple(values)
        for member, *values in shop.query(
            "select customer_id, recency_days, successful_order_count, net_revenue "
            "from customer.customer_single_view where is_customer"
        )
    }
    assert found == expected
    assert len(found) > 0.8 * CUSTOMERS


def test_months_of_first_orders_have_the_sizes_of_the_raw_rows(
    shop: Warehouse, kept: dict[str, Sale]
) -> None:
    """Cohorts by month of the first sale; none begins in the gap."""
    first = {}
    for sale in kept.values():
        if sale.member:
            first[sale.member] = min(sale.paid_at, first.get(sale.member, sale.paid_at))
    expected = Counter(day.date().replace(day=1) for day in first.values())
    found = shop.query(
        "select date_trunc('month', first_date)::date, count(*) from ("
        "select min(order_date) as first_date from core.fct_orders "
        "where customer_key is not null group by customer_key) group by 1"
    )
    assert dict(found) == expected
    assert not any(GAP[0] <= month <= GAP[1] for month in expected)
    assert len(expected) == 18


# --- excluded periods, row order, nothing at all -------------------------------------------------


def test_without_exclusion_the_fragment_counts(
    builder: Builder, landing: Path, shop: Warehouse
) -> None:
    """The var alone decides: without it the fragment's sales are orders like any other."""
    project = builder.project(landing)
    finished = builder.dbt(
        project, "run", "--select", "+int_sales_json__orders",
        "--vars", json.dumps({"sources": ["sales_json"]}),
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout
    whole = Warehouse(project, 0, finished.stdout)
    lone = "select reject_reasons, count(*) from {} group by all"
    excluded = dict(shop.query(lone.format("marts.rejected_rows")))
    reasons = dict(whole.query(lone.format("staging.stg_sales_json__sales_transactions")))
    assert not any("excluded_period" in (reason or "") for reason in reasons)
    in_gap = f"between '{GAP[0]}' and '{GAP[1]} 23:59:59'"
    fragment = f"from intermediate.int_sales_json__orders where ordered_at {in_gap}"
    count = whole.value(f"select count(*) {fragment}")
    assert 0 < count <= excluded["excluded_period"]
    assert whole.value("select count(*) from intermediate.int_sales_json__orders") == (
        count + shop.value("select count(*) from core.fct_orders")
    )


def test_row_order_does_not_matter(shops: dict[str, Warehouse]) -> None:
    """Shuffled into two files, the rows give the same facts, customers, segments and marts."""
    whole, shuffled = shops["messy"], shops["shuffled"]
    for table in whole.names(*ROOMS):
        places = {"source_file", "source_record", "raw_row"} if "_rows" in table else set()
        assert whole.fingerprint(table, places) == shuffled.fingerprint(table, places), table


def test_an_empty_landing_builds_every_table(shops: dict[str, Warehouse]) -> None:
    """Zero rows give the same tables with nothing in them, and a ledger that says so."""
    empty = shops["empty"]
    assert empty.names(*ROOMS) == shops["messy"].names(*ROOMS)
    for table in ("core.fct_orders", "core.fct_order_lines", "core.dim_customers"):
        assert empty.value(f"select count(*) from {table}") == 0
    assert empty.query(
        "select landed_count, accepted_count, rejected_count, duplicate_count "
        "from marts.row_reconciliation"
    ) == [(0, 0, 0, 0)]


@pytest.mark.parametrize(
    "periods",
    [
        [["2025-01-01", "2025-06-30'); create table main.executed as select 1; --"]],
        [["2025-06-30", "2025-01-01"]],
    ],
)
def test_a_var_that_is_no_list_of_periods_is_refused(
    builder: Builder, landing: Path, periods: list
) -> None:
    """SQL in a date and a period that ends before it begins are refused, and the var is named."""
    variables = {"sources": ["sales_json"], "sales_json_excluded_periods": periods}
    finished = builder.dbt(
        builder.project(landing), "compile", "--select", "stg_sales_json__sales_transactions",
        "--vars", json.dumps(variables),
    )  # fmt: skip
    assert finished.returncode != 0
    assert "var sales_json_excluded_periods must be" in finished.stdout


def test_values_that_are_spread_over_pieces_are_no_finding(shop: Warehouse) -> None:
    """Lines carry an allocation of the total, so they differ from it by rounding at most."""
    found = dict(shop.query("select finding, count(*) from marts.order_findings group by 1"))
    assert "lines_differ_from_basket" not in found
    nobody = "select count(*) from core.fct_orders where customer_key is null"
    assert found["missing_customer"] == shop.value(nobody) > 0


def test_the_report_is_a_page_that_can_be_read(shop: Warehouse, tmp_path: Path):
    assert_sound(shop.path, tmp_path)
