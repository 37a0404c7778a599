"""Shops with next to nothing in them build to the end, and say what could not be done."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from clientele.simulator import simulate
from conftest import AS_OF
from report_page import assert_sound
from warehouse import MARKET_COLUMNS, Builder, Warehouse, read_market, write_market

ROOMS = ("core", "customer", "segments", "marts")
ALIKE_CUSTOMERS = 600  # enough for RFM scores, so that ties are what is tested
SMALL_SHOP = 700


def order_row(client: str, order: str, day: str, value: str = "20.00") -> dict[str, str]:
    """Return a delivered, paid and rated order of one day as a raw row."""
    return {
        "client_id": client,
        "order_id": order,
        "createdate": f"{day} 10:00:00",
        "checkoutdate": f"{day} 10:05:00",
        "deliverdate": f"{day} 11:00:00",
        "ratedate": f"{day} 12:00:00",
        "rating": "4",
        "rateisskipped": "false",
        "city_id": "city",
        "devicename": "iPhone 15",
        "distance": "2.5",
        "basketvalue": value,
        "chargedamount": str(Decimal(value) + Decimal("2.50")),
        "deliveryfee": "2.50",
        "discountamount": "0.00",
        "suppliersupport": "0.00",
        "thirdpartysupport": "0.00",
    }


def line_row(order: str, value: str = "20.00") -> dict[str, str]:
    """Return the one line of an order as a raw row."""
    return {
        "order_id": order,
        "_pos": "1",
        "count": "1",
        "product_id": "umbrella",
        "price": value,
        "subcategory_id": "folding",
        "brand_id": "drizzle",
        "mastercategory_id": "umbrellas",
    }


def write_shop(folder: Path, orders: Iterable[dict[str, str]] = (), *, opens: bool = True) -> Path:
    """Write a shop of some orders, each with one line and one app open just before it."""
    rows = list(orders)
    tables = {
        "market_order": rows,
        "product_detail": [line_row(row["order_id"], row["basketvalue"]) for row in rows],
        "promo_detail": [],
        "app_open": [
            {"client_id": row["client_id"], "appopendate": row["createdate"].replace("10:", "09:")}
            for row in rows
            if opens
        ],
    }
    with duckdb.connect() as connection:
        for table, columns in MARKET_COLUMNS.items():
            listed = ", ".join(f'"{column}" varchar' for column in columns)
            connection.execute(f"create table {table} ({listed})")
            if tables[table]:
                connection.executemany(
                    f"insert into {table} values ({', '.join('?' for _ in columns)})",
                    [[row.get(column) for column in columns] for row in tables[table]],
                )
        return write_market(folder, connection)


def without_app_opens(folder: Path) -> Path:
    """Simulate a small shop that sends no app opens."""
    simulate(
        folder / "drawn",
        customers=SMALL_SHOP,
        start=date(2025, 7, 1),
        end=date(2026, 6, 30),
        seed=3,
        mess=0.0,
    )
    with read_market(folder / "drawn") as raw:
        return write_market(folder / "landing", raw, {"app_open": "from app_open limit 0"})


@pytest.fixture(scope="module")
def shops(
    builder: Builder, demo_warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Warehouse]:
    """The shops of this file, built side by side; a build that fails is a test's finding.

    They come after the demo shop, which they are compared to, and reuse what was parsed for it.
    """
    folder = tmp_path_factory.mktemp("edges")
    days = ("2025-10-01", AS_OF)
    landings = {
        "nothing": write_shop(folder / "nothing"),
        "one customer": write_shop(folder / "one", [order_row("anna", "a1", "2026-06-20")]),
        "few customers": write_shop(
            folder / "few",
            [
                order_row(
                    f"client{number}", f"order{number}", f"2026-06-1{number}", f"{number}0.00"
                )
                for number in range(1, 6)
            ],
        ),
        "alike": write_shop(
            folder / "alike",
            [
                order_row(f"client{number}", f"order{number}of{day}", day)
                for number in range(ALIKE_CUSTOMERS)
                for day in days
            ],
        ),
        "no app opens": without_app_opens(folder / "no_opens"),
    }
    scenarios = {name: {"landing": path, "must_pass": False} for name, path in landings.items()}
    # By default the last day would be left out, since it may have been cut off in the middle.
    scenarios["alike"]["variables"] = {"as_of": AS_OF}
    return builder.build_all(scenarios)


EDGES = ("nothing", "one customer", "few customers", "alike", "no app opens")


@pytest.mark.parametrize("edge", EDGES)
def test_the_build_finishes_with_every_table(
    shops: dict[str, Warehouse], demo_warehouse: Warehouse, edge: str
) -> None:
    """The build ends with exit code 0, and every table and view of the demo shop is there."""
    shop = shops[edge]
    assert shop.exit_code == 0, shop.output
    assert shop.names(*ROOMS) == demo_warehouse.names(*ROOMS)


@pytest.mark.parametrize("edge", EDGES)
def test_columns_keep_their_types(
    shops: dict[str, Warehouse], demo_warehouse: Warehouse, edge: str
) -> None:
    """A column has the type that it has in the demo shop, even where nothing is in it."""
    types = (
        "select table_schema || '.' || table_name, column_name, data_type "
        "from information_schema.columns "
        "where table_schema in ('core', 'customer', 'segments', 'marts') order by 1, 2"
    )
    assert shops[edge].query(types) == demo_warehouse.query(types)


@pytest.mark.parametrize("edge", EDGES)
def test_every_row_is_accounted_for(shops: dict[str, Warehouse], edge: str) -> None:
    """Row reconciliation has one row per raw table, and no row is unexplained."""
    rows = shops[edge].query(
        "select source_table, unexplained_count from marts.row_reconciliation order by 1"
    )
    assert rows == [(table, 0) for table in sorted(MARKET_COLUMNS)]


@pytest.mark.parametrize(
    ("edge", "status", "words"),
    [
        ("nothing", "unsegmented", "nothing was fitted"),
        ("one customer", "unsegmented", "fewer than"),
        ("few customers", "unsegmented", "fewer than"),
        ("alike", "unsegmented", "alike"),
        ("no app opens", "segmented", "passes the gate"),
    ],
)
def test_the_segmentation_says_what_it_did(
    shops: dict[str, Warehouse], edge: str, status: str, words: str
) -> None:
    """One row per source says whether there are segments, and why not."""
    ((source, found, reason),) = shops[edge].query(
        "select source, segmentation_status, reason from segments.segmentation_status"
    )
    assert (source, found) == ("market", status)
    assert words in reason


@pytest.mark.parametrize(
    ("edge", "status"),
    [
        ("nothing", "insufficient_data"),
        ("one customer", "insufficient_data"),
        ("few customers", "insufficient_data"),
        ("alike", "scored"),
        ("no app opens", "scored"),
    ],
)
def test_rfm_says_what_it_did(shops: dict[str, Warehouse], edge: str, status: str) -> None:
    """One row per source says whether customers are scored; without scores there is no segment."""
    shop = shops[edge]
    ((source, found, reason),) = shop.query(
        "select source, rfm_status, reason from customer.rfm_status"
    )
    assert (source, found) == ("market", status)
    assert reason
    scored = shop.value("select count(*) from customer.customer_rfm where rfm_segment is not null")
    assert (scored > 0) == (status == "scored")


@pytest.mark.parametrize(
    ("edge", "expected"),
    [
        ("nothing", []),
        ("one customer", [(104, "New customers", 1)]),
        ("few customers", [(104, "New customers", 4)]),
        ("alike", [(103, "Promising customers", ALIKE_CUSTOMERS)]),
    ],
)
def test_without_a_fit_the_rules_are_served(
    shops: dict[str, Warehouse], edge: str, expected: list[tuple[int, str, int]]
) -> None:
    """Customers that nothing can be fitted to have a stage or a segment of RFM, and no cluster."""
    shop = shops[edge]
    members = "select segment_id, segment_name, count(*) from segments.customer_segments"
    assert shop.query(f"{members} group by all order by all") == expected
    totals = "select segment_id, segment_name, customer_count from segments.segment_totals"
    assert shop.query(f"{totals} where not is_all_customers order by all") == expected
    for table in ("segment_centroids", "segment_lineage", "segment_projection"):
        assert shop.value(f"select count(*) from segments.{table}") == 0, table
    served = "select distinct segmentation_method from segments.segmentation_status"
    assert shop.query(served) == [("rules",)]


@pytest.mark.parametrize("edge", ["nothing", "one customer", "few customers", "alike"])
def test_without_a_fit_nothing_is_promised(shops: dict[str, Warehouse], edge: str) -> None:
    """The contract has no status and no dates, and says why it has none."""
    reason = shops[edge].value("select reason from segments.segmentation_status")
    assert shops[edge].query(
        "select contract_status, maintenance_state, longest_lag_days, refit_interval_days, "
        "next_refit_date, evidence from segments.segment_maintenance"
    ) == [(None, None, None, None, None, reason)]


def test_nothing_gives_empty_marts(shops: dict[str, Warehouse]) -> None:
    """Without a row landed, facts, customers and lists are empty."""
    shop = shops["nothing"]
    for table in ("core.fct_orders", "customer.customer_single_view", "marts.campaign_lists"):
        assert shop.value(f"select count(*) from {table}") == 0, table
    assert shop.value("select count(*) from marts.rejected_rows") == 0


def test_one_customer_is_seen_whole(shops: dict[str, Warehouse]) -> None:
    """One customer with one order has a correct single view and a row of features."""
    shop = shops["one customer"]
    expected = {
        "customer_id": "anna",
        "lifecycle_stage": "new",
        "order_count": 1,
        "successful_order_count": 1,
        "recency_days": 0,
        "net_revenue": Decimal("22.5000"),
        "cm2": Decimal("22.5000"),
        "mean_rating": Decimal("4.000000"),
        "app_opens_30d": 1,
        "favourite_category": "umbrellas",
        "city": "city",
        "as_of_date": date(2026, 6, 20),
    }
    (row,) = shop.query(f"select {', '.join(expected)} from customer.customer_single_view")
    assert dict(zip(expected, row, strict=True)) == expected
    assert shop.value("select count(*) from customer.customer_features") == 1


def test_few_customers_keep_their_values(shops: dict[str, Warehouse]) -> None:
    """Fewer customers than clusters: no segments, but everybody's money and days are right."""
    rows = shops["few customers"].query(
        "select customer_id, recency_days, basket_value from customer.customer_single_view "
        "order by customer_id"
    )
    last = shops["few customers"].value("select max(as_of_date) from customer.customer_single_view")
    assert last == date(2026, 6, 14)  # the last day may have been cut off in the middle
    known = [(f"client{number}", 4 - number, Decimal(number * 10)) for number in range(1, 5)]
    assert [row for row in rows if row[0] != "client5"] == known


def test_customers_alike_have_one_score(shops: dict[str, Warehouse]) -> None:
    """Equal customers tie: all have the middle scores, and none has a segment of its own."""
    shop = shops["alike"]
    assert shop.query(
        "select recency_score, frequency_score, monetary_score, rfm_segment, count(*) "
        "from customer.customer_rfm group by all"
    ) == [(3, 2, 3, "promising", ALIKE_CUSTOMERS)]
    reasons = shop.query(
        "select distinct dropped_because from segments.segment_feature_selection where not is_used"
    )
    assert reasons
    assert shop.value("select count(*) from segments.segment_feature_selection where is_used") == 0


def test_absent_app_opens_are_null_and_said_so(shops: dict[str, Warehouse]) -> None:
    """Without app opens their counts are null, not zero, and their features are left out."""
    shop = shops["no app opens"]
    known = "select count(*) from customer.customer_single_view where app_opens_90d is not null"
    assert shop.value(known) == 0
    dropped = dict(
        shop.query(
            "select feature, dropped_because from segments.segment_feature_selection "
            "where feature like 'app_opens%'"
        )
    )
    assert dropped == {
        "app_opens_30d": "its source is absent",
        "app_opens_90d": "its source is absent",
    }
    assert shop.value("select count(*) from segments.customer_segments") == shop.value(
        "select count(*) from customer.customer_single_view where is_customer"
    )
    assert shop.value("select count(*) from marts.campaign_lists") > 0


def test_nothing_fails_no_check_of_data_quality_and_passes_for_nothing_known(
    shops: dict[str, Warehouse],
) -> None:
    """Without a row every check has its row, of nothing checked; what is withheld says why."""
    shop = shops["nothing"]
    assert shop.value("select count(*) from marts.order_findings") == 0
    checks = shop.query(
        "select check_name, check_grain, failing_rows, checked_rows, evidence, is_ok "
        "from marts.data_quality"
    )
    named = shop.query("select check_name from seeds.data_quality_checks")
    assert {(row[0],) for row in checks} == set(named) - {("rejected_reason",)}
    for name, grain, failing, checked, evidence, is_ok in checks:
        assert is_ok, name
        if grain != "model":
            assert (failing, checked) == (0, 0), name
            assert evidence in ("nothing to check", "there are no orders yet"), name
    withheld = {row[0] for row in checks if row[2] == 1}
    assert withheld == {
        "rfm_withheld", "clusters_withheld", "new_customer_forecast_withheld",
        "lifetime_value_by_baseline",
    }  # fmt: skip


@pytest.mark.parametrize("edge", EDGES)
def test_the_report_is_a_page_that_can_be_read(
    shops: dict[str, Warehouse], edge: str, tmp_path: Path
) -> None:
    """A shop with next to nothing in it has a report, and its numbers are the tables'."""
    assert_sound(shops[edge].path, tmp_path)
