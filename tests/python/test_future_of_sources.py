"""What happens later changes no past date, whatever the source.

A part of each source but market (which test_properties holds) is built as it is, and again with
orders, ratings and payments added that lie after its last day. All rows about earlier dates must be
equal byte for byte. The real data lie beside the project; without them sales_json stands alone.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from warehouse import ROOT, Builder, Warehouse

REAL = (ROOT / ".." / "shared" / "data").resolve()
SOURCES = {
    "sales_json": ROOT / "demo" / "sales_json",
    "olist": REAL / "olist",
    "online_retail": REAL / "online_retail",
}
AT_HAND = [name for name, folder in SOURCES.items() if folder.is_dir()]

# Per source and table: which rows are taken, and which are added for the part that comes later.
LATER_ORDER = "hash(order_id) % 40 = 0"
TABLES = {
    ("sales_json", "sales_transactions"): (
        "true",
        "select * replace ('later' || transaction_id as transaction_id, "
        "'2026-09-0' || (1 + hash(transaction_id) % 9) || ' 10:00:00' as payment_date, "
        "'900.00' as total_amt) from taken where hash(transaction_id) % 5 = 0",
    ),
    ("online_retail", "online_retail"): (
        "hash(CustomerID) % 3 = 0",
        "select * replace ('9' || substr(InvoiceNo, 2) as InvoiceNo, '900.00' as UnitPrice, "
        "'2012-03-0' || (1 + hash(InvoiceNo) % 9) || ' 10:00:00' as InvoiceDate) "
        "from taken where hash(InvoiceNo) % 10 = 0 and InvoiceNo not like 'C%'",
    ),
    ("olist", "olist_orders_dataset"): (
        "hash(order_id) % 3 = 0",
        "select * replace (md5(order_id) as order_id, "
        "'2018-12-0' || (1 + hash(order_id) % 9) || ' 10:00:00' as order_purchase_timestamp, "
        "'2018-12-11 10:00:00' as order_delivered_customer_date, 'delivered' as order_status) "
        f"from taken where {LATER_ORDER}",
    ),
    ("olist", "olist_order_items_dataset"): (
        "hash(order_id) % 3 = 0",
        "select * replace (md5(order_id) as order_id, '900.00' as price) "
        f"from taken where {LATER_ORDER}",
    ),
    ("olist", "olist_order_payments_dataset"): (
        "hash(order_id) % 3 = 0",
        f"select * replace (md5(order_id) as order_id) from taken where {LATER_ORDER}",
    ),
    ("olist", "olist_order_reviews_dataset"): (
        "hash(order_id) % 3 = 0",
        "select * replace (md5(order_id) as order_id, md5(review_id) as review_id, "
        "'1' as review_score, '2018-12-12 00:00:00' as review_creation_date, "
        f"'2018-12-13 00:00:00' as review_answer_timestamp) from taken where {LATER_ORDER}",
    ),
}  # fmt: skip
# Which rows of a table are about a date that the first build had reached, and what they may leave
# out: an outcome that was still open, and who became a customer by a delivery that came later.
FROM_TODAY = ("is_current", "months_back")  # they say how far back a date lies
LABELS = ("is_good_customer", "has_repeat", "is_profitable")
ABOUT_THE_PAST = {
    "customer.customer_history": ("as_of_date < date '{as_of}' and as_of_date >= '{kept}'", ()),
    "customer.customer_months": ("calendar_month < date_trunc('month', date '{as_of}')", ()),
    "customer.customer_quality_features": ("decision_date <= date '{as_of}'", LABELS),
    "customer.customer_quality_targets": ("maturity_date <= date '{as_of}'", ()),
}
KNOWN_LATER = ("customer.customer_quality_features", "customer.customer_quality_targets")


def landing_zone(folder: Path, *, with_later: bool) -> Path:
    """Write the parts of all sources at hand, with or without what comes later."""
    for name in AT_HAND:
        for raw in sorted(path for path in SOURCES[name].iterdir() if path.is_dir()):
            target = folder / name / raw.name
            target.mkdir(parents=True)
            taken, later = TABLES.get((name, raw.name), ("true", None))
            with duckdb.connect() as connection:
                connection.execute(
                    f"create table taken as select * from read_parquet('{raw}/*.parquet') "
                    f"where {taken}"
                )
                if with_later and later:
                    connection.execute(f"create table added as {later}")
                    assert connection.execute("select count(*) from added").fetchall()[0][0] > 50
                    connection.execute("insert into taken from added")
                connection.execute(f"copy taken to '{target}/part-0.parquet' (format parquet)")
    return folder


@pytest.fixture(scope="module")
def shops(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Warehouse]:
    """The sources at hand, as they are and with what comes later."""
    folder = tmp_path_factory.mktemp("sources")
    variables = {"sources": AT_HAND, "largest_quantity": 100_000}
    return builder.build_all(
        {
            name: {
                "landing": landing_zone(folder / name, with_later=name == "later"),
                "variables": variables,
                "select": [f"+{table.split('.')[1]}" for table in ABOUT_THE_PAST],
            }
            for name in ("first", "later")
        }
    )


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("table", ABOUT_THE_PAST)
def test_later_rows_change_no_row_about_the_past(
    shops: dict[str, Warehouse], source: str, table: str
) -> None:
    """Every row of the past is there again and equal, and no other row is about it."""
    if source not in AT_HAND:
        pytest.skip(f"the data of {source} are not beside the project (../shared/data)")
    first, later = shops["first"], shops["later"]
    as_of = f"select max(as_of_date) from customer.history_dates where source = '{source}'"
    kept = f"select min(as_of_date) from customer.customer_history where source = '{source}'"
    condition, left_out = ABOUT_THE_PAST[table]
    about = condition.format(as_of=first.value(as_of), kept=later.value(kept))
    columns = [
        column
        for column in first.columns(table)
        if column not in (*left_out, *FROM_TODAY)
        and (column != "as_of_date" or table == "customer.customer_history")
    ]
    query = f"select {', '.join(columns)} from {table} where source = '{source}' and {about}"
    before, after = set(first.query(query)), set(later.query(query))
    assert len(before) > 300
    assert before - after == set()
    if table in KNOWN_LATER:
        assert len(after - before) < 0.01 * len(before)
    else:
        assert after - before == set()


def test_what_comes_later_arrived(shops: dict[str, Warehouse]) -> None:
    """The added rows moved the as-of date of every source and are in its facts."""
    dates = "select source, as_of_date from intermediate.int_as_of order by source"
    for (source, before), (again, after) in zip(
        shops["first"].query(dates), shops["later"].query(dates), strict=True
    ):
        assert source == again
        assert (after - before).days > 30
        orders = f"select count(*) from core.fct_orders where source = '{source}'"
        assert shops["later"].value(orders) > shops["first"].value(orders) + 100
