"""The marts for analysis hold what a shop of ten customers must give, and add up to the facts."""

from __future__ import annotations

import csv
from decimal import Decimal

import pytest

import ten_customers
from ten_customers import AS_OF, GOLDEN, VARIABLES, expected, write_shop
from warehouse import Builder, Warehouse

MARTS = tuple(ten_customers.marts())
MONEY = ("basket_value", "discount_amount", "own_discount", "net_revenue", "cm1", "cm2")
# What an order is on the as-of date, once more and straight from the facts.
KNOWN = """
    with as_of as (select source, as_of_date as day from intermediate.int_as_of),
    placed as (
        select
            orders.*,
            is_successful and delivered_date <= day as has_arrived,
            date_trunc('month', order_date) as month
        from core.fct_orders as orders inner join as_of using (source)
        where order_date <= day
    ),
    bought as (select * from placed where has_arrived)
"""

Row = dict[str, str]


@pytest.fixture(scope="module")
def shop(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The shop of ten customers, with orders after its as-of date, built with what marts need."""
    landing = write_shop(tmp_path_factory.mktemp("ten"))
    return builder.build(landing, variables=VARIABLES, select=[f"+{mart}" for mart in MARTS])


def rows_of(warehouse: Warehouse, mart: str) -> list[Row]:
    """Return the rows of a mart as text, in a fixed order and without its hashed keys."""
    names = sorted(name for name in warehouse.columns(f"marts.{mart}") if not name.endswith("_key"))
    listed = ", ".join(f"coalesce(cast({name} as varchar), '')" for name in names)
    found = warehouse.query(f"select {listed} from marts.{mart} order by all")
    return [dict(zip(names, row, strict=True)) for row in found]


def golden(mart: str) -> list[list[str]]:
    """Return a golden file: its header and its rows."""
    with (GOLDEN / f"{mart}.csv").open(newline="") as file:
        return list(csv.reader(file))


def golden_rows(mart: str) -> list[Row]:
    """Return the rows of a golden file in the order of `rows_of`."""
    header, *lines = golden(mart)
    rows = [dict(sorted(zip(header, line, strict=True))) for line in lines]
    return sorted(rows, key=lambda row: tuple(row.values()))


@pytest.mark.parametrize("mart", MARTS)
def test_the_golden_files_are_what_plain_python_gives(mart: str) -> None:
    """Nobody changed a golden file to please the warehouse."""
    assert golden(mart) == expected(mart)


@pytest.mark.parametrize("mart", MARTS)
def test_the_mart_of_ten_customers_is_the_golden_one(shop: Warehouse, mart: str) -> None:
    """Every row and every column, although orders of the future lie in the landing zone."""
    assert shop.value("select max(order_date) from core.fct_orders") > AS_OF
    assert rows_of(shop, mart) == golden_rows(mart)


def test_the_triangle_is_the_one_drawn_by_hand(shop: Warehouse) -> None:
    """Cora's first order was cancelled and her next is of midnight: December, not November.

    Emil's order of January's last evening arrived in February: January. Emil's order of March and
    both of Jens have not arrived: nobody's. No cell of March is known on the 15th.
    """
    found = shop.query(
        "select cast(cohort_month as varchar)[:7], any_value(cohort_size), "
        "list(cast(retention_rate as double) order by months_since) "
        "from marts.cohort_retention group by 1 order by 1"
    )
    assert found == [
        ("2025-11", 2, [1.0, 0.5, 0.5, 0.0, None]),
        ("2025-12", 2, [1.0, 0.0, 0.5, None]),
        ("2026-01", 1, [1.0, 1.0, None]),
        ("2026-02", 2, [1.0, None]),
        ("2026-03", 2, [None]),
    ]


@pytest.fixture(scope="module", params=["demo", "messy"])
def whole(request: pytest.FixtureRequest) -> Warehouse:
    """A whole shop: the demo, and one with much mess as of a day in the middle of its data."""
    return request.getfixturevalue(f"{request.param}_warehouse")


def test_revenue_adds_up_to_the_orders(whole: Warehouse) -> None:
    """Months and years hold every order that was placed by the date, once."""
    sums = ", ".join(f"sum({name})" for name in MONEY)
    facts = whole.query(
        f"{KNOWN} select (select count(*) from placed), count(*), sum(item_count), {sums} "
        "from bought"
    )
    counts = "sum(order_count), sum(successful_order_count), sum(item_count)"
    for mart in ("revenue_by_month", "orders_by_year"):
        assert whole.query(f"select {counts}, {sums} from marts.{mart}") == facts, mart
    customers = whole.query(
        f"{KNOWN} select year(order_date), count(distinct customer_key) from bought "
        "group by 1 order by 1"
    )
    years = (
        "select calendar_year, customer_count from marts.orders_by_year where customer_count > 0 "
        "order by 1"
    )
    assert whole.query(years) == customers


def test_cohorts_hold_every_customer_once(whole: Warehouse) -> None:
    """First months add up to the customers, cells to all months in which anybody bought."""
    customers = "select count(*) from customer.customer_single_view where is_customer"
    sizes = "select sum(cohort_size) from marts.cohort_retention where months_since = 0"
    assert whole.value(sizes) == whole.value(customers) > 500
    active = whole.query(
        f"{KNOWN} select cast(month as date), count(distinct customer_key) from bought, as_of "
        "where month + interval 1 month <= day group by 1 order by 1"
    )
    cells = "select calendar_month, sum(active_count) from marts.cohort_retention where is_ripe"
    assert whole.query(f"{cells} group by 1 having sum(active_count) > 0 order by 1") == active
    assert len(active) > 10


def test_products_hold_every_line_once(whole: Warehouse) -> None:
    """Orders and customers are counted once each, however many lines an order has."""
    facts = whole.query(
        f"{KNOWN} select lines.product_key, cast(month as date), sum(quantity), "
        "count(distinct order_key), count(distinct bought.customer_key), sum(line_value) "
        "from core.fct_order_lines as lines inner join bought using (order_key) "
        "group by 1, 2 order by 1, 2"
    )
    columns = "product_key, calendar_month, piece_count, order_count, customer_count, line_value"
    assert len(facts) > 1_000
    assert whole.query(f"select {columns} from marts.product_performance order by 1, 2") == facts
    sums = "sum(piece_count), sum(order_count), sum(line_value)"
    assert whole.query(f"select {sums} from marts.best_sellers") == whole.query(
        f"select {sums} from marts.product_performance where is_merchandise"
    )


def test_groups_of_customers_bring_all_revenue(demo_warehouse: Warehouse) -> None:
    """Shares add up to 1, and the sums of groups to the year of the single view."""
    year = demo_warehouse.query(
        "select count(*), sum(net_revenue_365d), sum(cm2_365d) from customer.customer_single_view "
        "where successful_orders_365d > 0"
    )
    for kind in ("decile", "segment"):
        where = f"from marts.revenue_contribution where contribution_by = '{kind}'"
        assert demo_warehouse.query(f"select bool_and(customer_count >= 10) {where}") == [(True,)]
        sums = "sum(customer_count), sum(net_revenue), sum(cm2)"
        assert demo_warehouse.query(f"select {sums} {where}") == year
        ((customers, revenue, margin, last),) = demo_warehouse.query(
            "select sum(customer_share), sum(net_revenue_share), sum(cm2_share), "
            f"max_by(cumulative_net_revenue_share, group_rank) {where}"
        )
        for shares in (customers, revenue, margin, last):
            assert abs(shares - 1) < Decimal("0.00001")


def test_promotions_split_the_money_and_lose_none(whole: Warehouse) -> None:
    """The money of all groups is that of all orders; only rounding differs."""
    columns = [*(name for name in MONEY if name != "cm1"), "supplier_support"]
    sums = ", ".join(f"sum({name})" for name in columns)
    (facts,) = whole.query(f"{KNOWN} select {sums} from bought")
    (groups,) = whole.query(f"select {sums} from marts.promo_performance")
    for name, fact, group in zip(columns, facts, groups, strict=True):
        assert abs(fact - group) < Decimal("0.01"), name
    without = whole.query(f"{KNOWN} select count(*), sum(cm2) from bought where not has_promo")
    one = "select order_count, cm2 from marts.promo_performance where not has_promo"
    assert whole.query(one) == without
    assert whole.value("select max(promo_count) from core.fct_orders") > 1


def test_each_dimension_of_deliveries_holds_every_order(whole: Warehouse) -> None:
    """Bands and warehouses hold each delivered order once, and the ratings known by the date."""
    facts = whole.query(
        f"{KNOWN} select (select count(*) from bought), count(rating), "
        "count(*) filter (where is_skipped) "
        "from core.fct_ratings as ratings inner join bought using (order_key) "
        "inner join as_of on bought.source = as_of.source where rated_date <= day"
    )
    sums = "sum(order_count), sum(rated_count), sum(skipped_count)"
    mart = "from marts.delivery_and_ratings where dimension"
    for dimension in ("all", "distance", "delay", "warehouse"):
        assert whole.query(f"select {sums} {mart} = '{dimension}'") == facts, dimension
    assert whole.value("select sum(rating_count) from marts.rating_distribution") == facts[0][1]
    reasons = f"select sum(rated_count), sum(skipped_count) {mart} = 'rating_reason'"
    assert whole.query(reasons) == [facts[0][1:]]


def test_cells_and_rule_segments_hold_every_customer_once(demo_warehouse: Warehouse) -> None:
    """Cells of the RFM grid are those with scores, in both halves again; rules hold everybody."""
    scored = demo_warehouse.query(
        "select recency_score, frequency_score, count(*), sum(net_revenue_365d) "
        "from customer.customer_rfm where rfm_segment is not null group by 1, 2 order by 1, 2"
    )
    columns = "recency_score, frequency_score"
    cells = (
        f"select {columns}, customer_count, net_revenue from marts.rfm_grid "
        f"where monetary_band = 'all' and customer_count > 0 order by {columns}"
    )
    told = demo_warehouse.query(cells)
    assert [row[:3] for row in told] == [row[:3] for row in scored]
    assert len(told) > 20
    kept_back = [row[2] for row in told if row[3] is None]
    assert min(kept_back) < 10 <= sum(kept_back), "the shop less the others would tell one cell"
    assert all(row[3] is None for row in told if row[2] < 10)
    assert all(there in (cell, (*cell[:3], None)) for there, cell in zip(told, scored, strict=True))
    halves = demo_warehouse.query(
        f"select {columns}, sum(customer_count), count(net_revenue), sum(net_revenue), "
        "min(customer_count) filter (where customer_count > 0) "
        f"from marts.rfm_grid where monetary_band <> 'all' group by {columns} order by {columns}"
    )
    whole_cells = {row[:2]: row for row in told}
    for recency, frequency, customers, told_halves, revenue, smallest in halves:
        whole_cell = whole_cells[(recency, frequency)]
        assert customers == whole_cell[2]
        if smallest < 10 or whole_cell[3] is None:
            assert told_halves == 0, "the whole less one half would tell the other"
        else:
            assert told_halves == 0 or revenue == whole_cell[3]
    rules = demo_warehouse.query(
        "select sum(customer_count), sum(net_revenue) from marts.rule_segment_sizes"
    )
    everybody = demo_warehouse.query(
        "select count(*), sum(net_revenue_365d) from customer.customer_single_view "
        "where is_customer"
    )
    assert rules == everybody
