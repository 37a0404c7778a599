"""The history is what a look at the facts on each of its dates would have shown.

The naive way, one look per date and customer straight from the facts, is written down here a
second time; the models get there by running totals.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from conftest import AS_OF
from warehouse import Builder, Warehouse, read_market, write_market

# The first date, one in the middle, the last month-end, and the as-of date itself.
DATES = ("2025-01-31", "2025-09-30", "2026-02-28", "2026-04-30", AS_OF)

KNOWN = "orders.is_successful and orders.order_date <= {d} and orders.delivered_date <= {d}"

# What one look at the facts on a day shows, one row a customer.
LOOK = """
with successes as (
    select * from core.fct_orders as orders where {known} and customer_key is not null
),

last_orders as (
    select * from successes
    qualify row_number() over (
        partition by customer_key
        order by ordered_at desc, basket_value desc, city asc nulls last, state asc nulls last,
            device_class asc nulls last, payment_type asc nulls last, order_key asc
    ) = 1
),

categories as (
    select
        customer_key,
        count(*) as category_count,
        arg_min(category, (-line_value, category)) as favourite_category
    from (
        select orders.customer_key, products.category, sum(line_value)::double as line_value
        from core.fct_order_lines as orders
        inner join core.dim_products as products using (product_key)
        where {known} and products.category is not null
        group by all
    )
    group by customer_key
),

ratings as (
    select
        customer_key,
        count(rating) as rating_count,
        count(*) filter (where is_skipped) as skipped_rating_count,
        sum(rating) as rating_sum
    from core.fct_ratings
    where rated_date <= {d}
    group by customer_key
),

opens as (
    select
        customer_key,
        count(*) filter (where opened_at::date > {d} - 7) as app_opens_7d,
        count(*) filter (where opened_at::date > {d} - 30) as app_opens_30d,
        count(*) filter (where opened_at::date > {d} - 90) as app_opens_90d
    from core.fct_app_opens
    where opened_at::date <= {d}
    group by customer_key
),

placed as (
    select
        customer_key,
        count(*) filter (where order_date <= {d}) as order_count,
        count(*) filter (
            where order_date <= {d}
            and (is_cancelled or (charged_amount = 0 and delivered_date > {d}))
        ) as cancelled_order_count
    from core.fct_orders
    where basket_created_at::date <= {d} and customer_key is not null
    group by customer_key
),

totals as (
    select
        customer_key,
        count(*) as successful_order_count,
        count(*) filter (where has_promo) as promo_order_count,
        count(*) filter (where order_date > {d} - 365) as successful_orders_365d,
        sum(basket_value) as basket_value,
        sum(discount_amount) as discount_amount,
        sum(own_discount) as own_discount,
        sum(net_revenue) as net_revenue,
        sum(cm1) as cm1,
        sum(cm2) as cm2,
        sum(net_revenue) filter (where order_date > {d} - 365) as net_revenue_365d,
        sum(cm2) filter (where order_date > {d} - 365) as cm2_365d,
        avg(distance_km) as average_distance_km,
        min(order_date) as first_order_date,
        max(order_date) as last_order_date,
        {d} - max(order_date) as recency_days,
        {d} - min(order_date) as tenure_days
    from successes
    group by customer_key
)

select
    placed.*,
    coalesce(totals.successful_order_count, 0) as successful_order_count,
    coalesce(totals.promo_order_count, 0) as promo_order_count,
    coalesce(totals.successful_orders_365d, 0) as successful_orders_365d,
    totals.* exclude (
        customer_key, successful_order_count, promo_order_count, successful_orders_365d
    ),
    last_orders.city,
    last_orders.device_class,
    categories.favourite_category,
    coalesce(categories.category_count, 0) as category_count,
    coalesce(ratings.rating_count, 0) as rating_count,
    coalesce(ratings.skipped_rating_count, 0) as skipped_rating_count,
    ratings.rating_sum,
    coalesce(opens.app_opens_7d, 0) as app_opens_7d,
    coalesce(opens.app_opens_30d, 0) as app_opens_30d,
    coalesce(opens.app_opens_90d, 0) as app_opens_90d
from placed
left join totals using (customer_key)
left join last_orders using (customer_key)
left join categories using (customer_key)
left join ratings using (customer_key)
left join opens using (customer_key)
order by customer_key
"""


# On the first of March windows reach back over the most months: 7 days over two, 30 over three.
EARLY_IN_A_MONTH = "2026-03-01"


@pytest.fixture(scope="module")
def slow_start(
    builder: Builder, messy_landing: Path, tmp_path_factory: pytest.TempPathFactory
) -> Warehouse:
    """The messy shop with four orders until September, as of a first of March."""
    folder = tmp_path_factory.mktemp("slow") / "landing"
    with read_market(messy_landing) as raw:
        raw.execute(
            "delete from market_order where checkoutdate < '2025-09-01' "
            "and order_id not in (select order_id from market_order "
            "where checkoutdate < '2025-02-01' and deliverdate < '2025-02-01' "
            "and trim(client_id) <> '' order by order_id limit 4)"
        )
        landing = write_market(folder, raw)
    return builder.build(
        landing,
        variables={"as_of": EARLY_IN_A_MONTH},
        select=["+customer_history", "+customer_single_view"],
    )


def look(warehouse: Warehouse, day: str) -> pd.DataFrame:
    """Return what the facts show on a day, one row a customer."""
    literal = f"date '{day}'"
    return warehouse.frame(LOOK.format(d=literal, known=KNOWN.format(d=literal)))


def slice_of(warehouse: Warehouse, day: str) -> pd.DataFrame:
    """Return the rows of the history of a day, one a customer."""
    return warehouse.frame(
        f"select * from customer.customer_history where as_of_date = date '{day}' "
        "order by customer_key"
    )


def differing(warehouse: Warehouse, day: str) -> dict[str, int]:
    """Return the columns in which a slice differs from one look, with the number of customers."""
    expected, found = look(warehouse, day), slice_of(warehouse, day)
    assert len(expected) > 50
    assert list(expected["customer_key"]) == list(found["customer_key"])
    assert expected["successful_order_count"].sum() > 0
    columns = {}
    for column in expected.columns:
        left, right = expected[column], found[column]
        if column == "average_distance_km":
            same = (left - right.astype(float)).abs().fillna(0) < 0.001
        else:
            same = (left == right) | (left.isna() & right.isna())
        if not same.all():
            columns[column] = int((~same).sum())
    return columns


@pytest.mark.parametrize("day", DATES)
def test_a_slice_is_what_the_facts_showed_that_day(messy_warehouse: Warehouse, day: str) -> None:
    """Counts, sums, windows, last order and favourite category agree with one look per date."""
    assert differing(messy_warehouse, day) == {}


@pytest.mark.parametrize("day", ["2025-10-31", "2026-02-28", EARLY_IN_A_MONTH])
def test_a_slow_start_and_a_date_early_in_a_month_lose_nothing(
    slow_start: Warehouse, day: str
) -> None:
    """Orders from before the first busy week count, and windows reach back over several months."""
    first = slow_start.value("select first_order_date from intermediate.int_as_of")
    known = slow_start.value("select count(*) from customer.known_successes")
    early = f"select count(*) from customer.known_successes where order_date < date '{first}' - 150"
    assert slow_start.value(early) > 0
    single = "select sum(successful_order_count) from customer.customer_single_view"
    assert slow_start.value(single) == known
    assert differing(slow_start, day) == {}


@pytest.mark.parametrize("day", DATES)
def test_the_expected_gap_is_drawn_to_the_median_of_the_gaps_known_that_day(
    messy_warehouse: Warehouse, day: str
) -> None:
    """Gaps are counted to the latest order that was known before, customer by customer."""
    literal = f"date '{day}'"
    orders = messy_warehouse.query(
        "select customer_key, order_date, greatest(order_date, delivered_date) as known_date "
        f"from core.fct_orders as orders where {KNOWN.format(d=literal)} "
        "and customer_key is not null order by customer_key, known_date, ordered_at"
    )
    latest: dict[int, date] = {}
    first: dict[int, date] = {}
    counts: dict[int, int] = {}
    gaps = []
    for customer, ordered, _ in orders:
        if customer in latest:
            gaps.append(max(0, (ordered - latest[customer]).days))
        latest[customer] = max(ordered, latest.get(customer, ordered))
        first[customer] = min(ordered, first.get(customer, ordered))
        counts[customer] = counts.get(customer, 0) + 1
    assert len(gaps) > 20
    usual = pd.Series(gaps).median()
    found = slice_of(messy_warehouse, day).set_index("customer_key")
    for customer, count in counts.items():
        expected = ((latest[customer] - first[customer]).days + 2 * usual) / (count + 1)
        assert abs(float(found.at[customer, "expected_gap_days"]) - expected) < 0.006


def test_a_customer_has_one_row_a_date_from_the_first_on(messy_warehouse: Warehouse) -> None:
    """No date is told twice, and from the first one on none is left out."""
    rows, distinct, gaps = messy_warehouse.query(
        "select count(*), count(distinct (customer_key, as_of_date)), count(*) filter ("
        "where previous_date is not null and last_day(previous_date + 1) < as_of_date) "
        "from (select *, lag(as_of_date) over (partition by customer_key order by as_of_date) "
        "as previous_date from customer.customer_history)"
    )[0]
    assert rows == distinct > 10_000
    assert gaps == 0


def test_the_single_view_is_the_latest_slice(messy_warehouse: Warehouse) -> None:
    """Every column that both have is the same, and no customer is in one alone."""
    shared = [
        column
        for column in messy_warehouse.columns("customer.customer_single_view")
        if column != "customer_id"
    ]
    listed = ", ".join(shared)
    latest = f"select {listed} from customer.customer_history where as_of_date = date '{AS_OF}'"
    single = f"select {listed} from customer.customer_single_view"
    assert messy_warehouse.value(f"select count(*) from ({latest} except all {single})") == 0
    assert messy_warehouse.value(f"select count(*) from ({single} except all {latest})") == 0
    assert messy_warehouse.value(f"select count(*) from ({latest})") > 500


def test_a_later_build_shows_the_same_past(
    builder: Builder, messy_warehouse: Warehouse, messy_landing: object
) -> None:
    """Built as of the end of the data, with twelve months kept, the shared dates are the same."""
    later = builder.build(
        messy_landing, variables={"history_months": 12}, select=["+customer_history"]
    )
    last = later.value("select max(as_of_date) from customer.customer_history")
    assert last > date.fromisoformat(AS_OF) + timedelta(days=30)
    columns = ", ".join(
        column
        for column in messy_warehouse.columns("customer.customer_history")
        if column not in ("is_current", "months_back")  # they say how far back a date lies
    )
    query = (
        f"select {columns} from customer.customer_history "
        "where as_of_date between date '2025-06-30' and date '2026-04-30'"
    )
    before, after = messy_warehouse.frame(query), later.frame(query)
    order = ["as_of_date", "customer_key"]
    pd.testing.assert_frame_equal(
        before.sort_values(order, ignore_index=True), after.sort_values(order, ignore_index=True)
    )
    assert before["as_of_date"].nunique() == 11
    assert later.value("select count(distinct as_of_date) from customer.customer_history") == 13


def test_months_add_up_to_the_latest_slice(messy_warehouse: Warehouse) -> None:
    """Summed over all months the cube is the single view, and holds all app opens of customers."""
    names = ("order_count", "successful_order_count", "promo_order_count", "rating_count")
    money = ("net_revenue", "cm1", "cm2", "discount_amount", "own_discount", "basket_value")
    listed = ", ".join(f"sum({column})" for column in (*names, "cancelled_order_count", *money))
    months = messy_warehouse.query(f"select {listed} from customer.customer_months")
    single = messy_warehouse.query(f"select {listed} from customer.customer_single_view")
    assert months == single
    opens = (
        "select count(*) from core.fct_app_opens where customer_key in "
        f"(select customer_key from core.dim_customers) and opened_at::date <= date '{AS_OF}'"
    )
    cube = "select sum(app_open_count) from customer.customer_months"
    assert messy_warehouse.value(cube) == messy_warehouse.value(opens)
