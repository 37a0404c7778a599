"""Olist, a real marketplace, comes through whole: people, orders and money equal the raw files.

The data lie beside the project (../shared/data/olist) under a licence of their own; without them
these tests are skipped.
"""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from report_page import assert_sound
from warehouse import ROOT, Builder, Warehouse

OLIST = (ROOT / ".." / "shared" / "data" / "olist").resolve()
ORDERS, PEOPLE, ITEMS = 47_868, 46_945, 53_824
ORDERS_WITHOUT_ITEM, REVIEWS = 775, 41_933

pytestmark = pytest.mark.skipif(
    not OLIST.is_dir(), reason="the Olist data are not beside the project (../shared/data/olist)"
)
CUSTOMER_TABLES = (
    "core.fct_orders",
    "core.dim_customers",
    "customer.customer_single_view",
    "customer.customer_rfm",
    "customer.customer_features",
    "segments.customer_segments",
    "marts.campaign_lists",
)
SOURCE_TABLES = (
    *CUSTOMER_TABLES,
    "core.fct_order_lines",
    "core.fct_ratings",
    "customer.rfm_cut_points",
    "customer.rfm_status",
    "customer.customer_quality",
    "customer.customer_quality_status",
    "customer.customer_quality_evaluation",
    "segments.segmentation_status",
    "segments.segment_k_scores",
    "segments.segment_profiles",
    "marts.row_reconciliation",
)


@pytest.fixture(scope="module")
def shops(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Warehouse]:
    """Olist alone, the demo shop alone, and both sources in one landing zone."""
    folder = tmp_path_factory.mktemp("olist")
    for name, sources in {
        "alone": {"olist": OLIST},
        "both": {"olist": OLIST, "market": ROOT / "demo" / "market"},
    }.items():
        (folder / name).mkdir()
        for source, target in sources.items():
            (folder / name / source).symlink_to(target)
    # Of the other two only what is compared is built: no test looks at the rest of them.
    compared = [f"+{table.split('.')[1]}" for table in SOURCE_TABLES]
    return builder.build_all(
        {
            "alone": {
                "landing": folder / "alone",
                "variables": {"sources": ["olist"], "landing": str(folder / "alone")},
                "with_tests": True,
            },
            "both": {
                "landing": folder / "both",
                "variables": {"sources": ["market", "olist"], "landing": str(folder / "both")},
                "select": compared,
            },
            "market": {"landing": ROOT / "demo", "select": compared},
        }
    )


@pytest.fixture(scope="module")
def olist(shops: dict[str, Warehouse]) -> Warehouse:
    """Olist alone, built with all data tests."""
    return shops["alone"]


def raw(query: str) -> list[tuple]:
    """Return the rows of a query on the raw files; {orders} and the like stand for them."""
    tables = {
        name: f"read_parquet('{OLIST}/olist_{name}_dataset/*.parquet')"
        for name in ("orders", "customers", "order_items", "order_payments", "order_reviews")
    }
    with duckdb.connect() as connection:
        return connection.execute(query.format(**tables)).fetchall()


def test_orders_and_people_are_all_there(olist: Warehouse) -> None:
    """47,868 orders of 46,945 people, one row each: nothing fans out, nothing is lost."""
    assert olist.query(
        "select count(*), count(distinct order_id), count(distinct customer_key) "
        "from core.fct_orders"
    ) == [(ORDERS, ORDERS, PEOPLE)]
    assert olist.value("select count(*) from core.dim_customers") == PEOPLE
    assert raw(
        "select count(*), count(distinct customer_unique_id) from {orders} "
        "join {customers} using (customer_id)"
    ) == [(ORDERS, PEOPLE)]


def test_money_equals_the_raw_files(olist: Warehouse) -> None:
    """Baskets, freight and payments sum to the cent to the raw files' prices and payments."""
    items = raw(
        "select sum(price::decimal(18, 4)), sum(freight_value::decimal(18, 4)) from {order_items}"
    )
    assert olist.query("select sum(basket_value), sum(delivery_fee) from core.fct_orders") == items
    assert olist.query("select sum(charged_amount) from core.fct_orders") == raw(
        "select sum(payment_value::decimal(18, 4)) from {order_payments}"
    )
    assert olist.query("select count(*), sum(line_value) from core.fct_order_lines") == [
        (ITEMS, items[0][0])
    ]


def test_money_of_every_order_equals_the_raw_files(olist: Warehouse) -> None:
    """Order by order, basket, freight and payments are the sums of the order's own rows."""
    expected = raw(
        """
        select order_id, coalesce(basket, 0), coalesce(freight, 0), paid
        from {orders}
        left join (
            select order_id, sum(price::decimal(18, 4)) as basket,
                sum(freight_value::decimal(18, 4)) as freight
            from {order_items} group by order_id
        ) using (order_id)
        left join (
            select order_id, sum(payment_value::decimal(18, 4)) as paid
            from {order_payments} group by order_id
        ) using (order_id)
        order by order_id
        """
    )
    found = olist.query(
        "select order_id, basket_value, delivery_fee, charged_amount from core.fct_orders "
        "order by order_id"
    )
    assert found == expected
    assert sum(1 for row in found if row[1] == 0) == ORDERS_WITHOUT_ITEM


def test_customers_carry_the_money_of_their_delivered_orders(olist: Warehouse) -> None:
    """Orders delivered by the as-of date have the same money in fact, single view and profiles."""
    as_of = olist.value("select max(as_of_date) from customer.customer_single_view")
    ((orders, baskets, revenue),) = raw(
        f"""
        with items as (
            select order_id, sum(price::decimal(18, 4)) as basket,
                sum(freight_value::decimal(18, 4)) as freight
            from {{order_items}} group by order_id
        )
        select count(*), sum(coalesce(basket, 0)), sum(coalesce(basket, 0) + coalesce(freight, 0))
        from {{orders}} left join items using (order_id)
        where
            order_status = 'delivered'
            and coalesce(order_delivered_customer_date, order_estimated_delivery_date)::date
                <= date '{as_of}'
        """
    )
    assert olist.query(
        "select sum(successful_order_count), sum(basket_value), sum(net_revenue) "
        "from customer.customer_single_view"
    ) == [(orders, baskets, revenue)]
    assert olist.query(
        "select sum(net_revenue) from segments.segment_totals group by is_all_customers"
    ) == [(revenue,), (revenue,)]
    assert revenue > Decimal(1_000_000)


def test_segments_are_told_apart_by_place_and_payment(olist: Warehouse) -> None:
    """State and payment of each customer's last delivered order, from the raw files."""
    as_of = olist.value("select as_of_date from intermediate.int_as_of")
    last = raw(
        f"""
        with paid as (
            select order_id, payment_type, sum(payment_value::decimal(18, 4)) as amount
            from {{order_payments}} group by all
        ),
        payments as (
            select order_id, min_by(payment_type, (-amount, payment_type)) as payment_type
            from paid group by order_id
        )
        select customer_unique_id, arg_max(customer_state, order_purchase_timestamp),
            arg_max(coalesce(payment_type, ''), order_purchase_timestamp)
        from {{orders}} join {{customers}} using (customer_id) left join payments using (order_id)
        where
            order_status = 'delivered'
            and coalesce(order_delivered_customer_date, order_estimated_delivery_date)::date
                <= date '{as_of}'
        group by customer_unique_id
        """
    )
    places = {person: (state, payment) for person, state, payment in last}
    members = olist.query(
        "select customer_id, segment_id from segments.customer_segments "
        "inner join core.dim_customers using (customer_key)"
    )
    assert len(members) == len(places)
    for position, dimension in enumerate(("state", "payment_type")):
        counts = Counter(
            (segment_id, places[person][position])
            for person, segment_id in members
            if places[person][position]
        )
        expected = {key: count for key, count in counts.items() if count >= 10}
        assert len(expected) < len(counts) or dimension == "payment_type"
        stored = {
            (segment_id, value): count
            for segment_id, value, count in olist.query(
                "select segment_id, dimension_value, customer_count "
                f"from segments.segment_distributions where dimension = '{dimension}'"
            )
        }
        assert stored.keys() == expected.keys()
        # Two orders in one second: either may be the last.
        assert sum(abs(stored[key] - expected[key]) for key in stored) <= 20


def test_vouchers_are_promotions(olist: Warehouse) -> None:
    """An order that was paid with a voucher, in part or more than once, has one promotion."""
    ((vouchers,),) = raw(
        "select count(distinct order_id) from {order_payments} where payment_type = 'voucher'"
    )
    assert olist.query(
        "select count(*), count(distinct order_key) from core.fct_order_promotions"
    ) == [(vouchers, vouchers)]
    assert olist.value("select count(*) from core.fct_orders where has_promo") == vouchers


def test_reviews_are_all_there(olist: Warehouse) -> None:
    """Every review is one rating, also where an order has several or several orders share one."""
    assert raw("select count(*), sum(review_score::integer) from {order_reviews}") == olist.query(
        "select count(*), sum(rating) from core.fct_ratings"
    )
    assert olist.value("select count(distinct rating_key) from core.fct_ratings") == REVIEWS


def test_what_olist_cannot_feed_is_empty_and_said_so(olist: Warehouse) -> None:
    """Olist sends no app opens: counts are null, the features are left out with the reason."""
    assert olist.value("select count(*) from core.fct_app_opens") == 0
    known = "select count(*) from customer.customer_single_view where app_opens_90d is not null"
    assert olist.value(known) == 0
    dropped = dict(
        olist.query(
            "select feature, dropped_because from segments.segment_feature_selection "
            "where not is_used"
        )
    )
    assert dropped["app_opens_30d"] == dropped["app_opens_90d"] == "its source is absent"
    assert dropped["own_discount_share"] == "it is alike for nearly all customers"


def test_every_mart_is_there(olist: Warehouse, demo_warehouse: Warehouse) -> None:
    """Olist builds every table and view of the native source, and fills the ones for customers."""
    rooms = ("core", "customer", "segments", "marts")
    assert olist.names(*rooms) == demo_warehouse.names(*rooms)
    assert olist.value("select count(*) from segments.customer_segments") == olist.value(
        "select count(*) from customer.customer_single_view where is_customer"
    )
    assert olist.value("select count(*) from marts.campaign_lists") > 0
    unexplained = "select sum(abs(unexplained_count)) from marts.row_reconciliation"
    assert olist.value(unexplained) == 0


def test_segments_that_come_back_but_tell_nothing_leave_the_rules(olist: Warehouse) -> None:
    """Six groups come back in resamples; that they help cannot be shown, so the rules are served.

    Of 34,535 customers of the end of May 120 brought anything in the next three months: there is
    nothing to explain, for any k and for the rules.
    """
    ((status, method, k, reason),) = olist.query(
        "select segmentation_status, segmentation_method, candidate_k, reason "
        "from segments.segmentation_status"
    )
    assert (status, method, k) == ("rules_better", "rules", 6)
    assert re.fullmatch(
        r"k = 6 (and 8 pass|passes) the gate; k = 6 explains 0.0 % of the next quarter's margin "
        r"\(\+- 0.0\), so the rules serve as well",
        reason,
    )
    assert olist.value("select count(*) from segments.segment_k_scores where usefulness <> 0") == 0
    ((known, returned),) = olist.query(
        "select count(cm2_next_quarter), count(nullif(cm2_next_quarter, 0)) "
        "from customer.customer_next_quarters where as_of_date = date '2018-05-31'"
    )
    assert known > 30_000
    assert raw(
        """
        with delivered as (
            select
                customer_unique_id as person,
                coalesce(
                    order_delivered_customer_date, order_estimated_delivery_date
                )::date as day
            from {orders} inner join {customers} using (customer_id)
            where order_status = 'delivered'
        )
        select
            count(distinct person) filter (where day <= date '2018-05-31'),
            count(distinct person) filter (where day > date '2018-05-31' and person in (
                select person from delivered where day <= date '2018-05-31'
            ))
        from delivered where day <= date '2018-08-31'
        """
    ) == [(known, returned)]
    assert returned < 0.005 * known  # all that winsorising leaves is 0

    assert olist.query(
        "select contract_status, maintenance_state from segments.segment_maintenance"
    ) == [("redesign", "redesign")]
    assert olist.query(
        "select count(*) > 40000, count(*) = count(segment_id), count(*) = count(segment_name) "
        "from segments.customer_segments"
    ) == [(True, True, True)]


@pytest.mark.parametrize("table", SOURCE_TABLES)
def test_both_sources_at_once_are_as_each_alone(shops: dict[str, Warehouse], table: str) -> None:
    """With both sources on, the rows of each are byte for byte those of its own build."""
    both = shops["both"]
    for source, alone in (("olist", shops["alone"]), ("market", shops["market"])):
        rows = f"(select * from {table} where source = '{source}')"
        assert both.fingerprint(rows) == alone.fingerprint(rows), source
        assert alone.fingerprint(rows)[0] > 0
    total = both.value(f"select count(*) from {table}")
    assert total == both.value(f"select count(*) from {table} where source in ('olist', 'market')")


def test_customers_of_two_sources_are_never_one(shops: dict[str, Warehouse]) -> None:
    """Customer keys of the two sources do not meet."""
    assert shops["both"].query(
        "select count(*), count(distinct customer_key) from core.dim_customers"
    ) == shops["both"].query(
        "select count(*), count(distinct source || ':' || customer_id) from core.dim_customers"
    )


def test_new_customers_of_olist_get_no_score(olist: Warehouse) -> None:
    """A shop without app opens, where hardly anybody returns: features go, and a coin is a coin."""
    ((status, reason, auc),) = olist.query(
        "select quality_status, reason, evaluation.value from customer.customer_quality_status "
        "inner join customer.customer_quality_evaluation as evaluation using (model_version) "
        "where head = 'good' and slice_kind = 'all' and metric = 'auc' "
        "and evaluation.model_name = 'logistic'"
    )
    assert status == "withheld"
    assert f"AUC {auc:.3f}" in reason
    assert 0.45 < auc < 0.55
    dropped = olist.query(
        "select feature, dropped_because from customer.customer_quality_coefficients "
        "where head = 'good' and dropped_because = 'its source is absent'"
    )
    names = {name for name, _ in dropped}
    assert names == {"app_opens_before", "app_opens_since", "is_ios", "is_android", "is_web"}
    assert olist.query(
        "select count(*) > 40000, count(probability), count(reason_1) "
        "from customer.customer_quality"
    ) == [(True, 0, 0)]


def test_olist_is_served_the_segment_mean_and_says_why(olist: Warehouse) -> None:
    """Of Olist's customers about one in a hundred bought again: no model of repeat purchases."""
    ((method, reason),) = olist.query("select clv_method, reason from customer.clv_status")
    assert method == "segment_mean"
    assert reason == "1.2% of customers bought again, 15% are needed"
    assert olist.value(
        "select count(*) from customer.customer_lifetime_value "
        "where clv_365 is null or bg_nbd_value is not null or clv_365 <> segment_mean_value"
    ) == 0  # fmt: skip
    methods = olist.query("select distinct clv_method from customer.clv_evaluation order by 1")
    assert methods == [("last_365_days",), ("segment_mean",)]


def test_findings_about_orders_are_those_of_the_raw_files(olist: Warehouse) -> None:
    """918 charge gaps, orders without items and reviews before the order, counted in the files."""
    found = dict(
        olist.query(
            "select finding, count(distinct order_key) from marts.order_findings group by 1"
        )
    )
    [(gaps, early_reviews)] = raw(
        """
        with paid as (
            select order_id, sum(payment_value::decimal(18, 4)) as charged
            from {order_payments} group by order_id
        ),

        bought as (
            select order_id, sum(price::decimal(18, 4) + freight_value::decimal(18, 4)) as expected
            from {order_items} group by order_id
        )

        select
            count(*) filter (where abs(charged - coalesce(expected, 0)) > 0.01),
            count(*) filter (where first_answer < order_purchase_timestamp::timestamp)
        from {orders} as orders
        left join paid using (order_id)
        left join bought using (order_id)
        left join (
            select order_id, min(review_answer_timestamp::timestamp) as first_answer
            from {order_reviews} group by order_id
        ) as reviews using (order_id)
        """
    )
    assert found["charge_gap"] == gaps == 918
    assert found["rated_before_ordered"] == early_reviews == 58
    assert found["no_lines"] == ORDERS_WITHOUT_ITEM
    assert "lines_differ_from_basket" not in found
    assert "missing_customer" not in found
    assert olist.query(
        "select failing_rows, checked_rows from marts.data_quality where check_name = 'charge_gap'"
    ) == [(918, ORDERS - 1)]


def test_the_report_is_a_page_that_can_be_read(olist: Warehouse, tmp_path: Path):
    assert_sound(olist.path, tmp_path)
