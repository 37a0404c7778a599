"""What k-means and the rules would have seen on an earlier date is what could be seen that day.

Slices at month-ends come from the history, those of the last days from the facts: the definitions
of the features are thus written twice, and are held together here.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conftest import AS_OF
from test_history import look
from test_rfm import scores_by
from warehouse import Builder, Warehouse

# 30 days after the date of the messy shop, and 14 after a month-end.
LATER = "2026-06-14"
MONTH_END = "2026-05-31"
SELECTED = ("customer_recent_features", "customer_feature_history", "customer_next_quarters")

# What does not look at other customers.
OWN_FEATURES = (
    "recency", "frequency", "average_order_value", "promo_share", "own_discount_share",
    "app_opens_30d", "app_opens_90d", "category_breadth",
)  # fmt: skip
RULE_INPUTS = (
    "recency_days", "tenure_days", "frequency_score", "net_revenue_365d", "cm2", "cm2_365d",
    "is_new",
)  # fmt: skip


@pytest.fixture(scope="module")
def later(builder: Builder, messy_landing: Path) -> Warehouse:
    """The messy shop 30 days after its date, as far as the features."""
    return builder.build(
        messy_landing, variables={"as_of": LATER}, select=[f"+{name}" for name in SELECTED]
    )


def by_customer(warehouse: Warehouse, query: str) -> pd.DataFrame:
    """Return the result of a query with the customers as its index, sorted."""
    return warehouse.frame(query).set_index("customer_key").sort_index()


def recent(warehouse: Warehouse, lag_days: int) -> pd.DataFrame:
    return by_customer(
        warehouse,
        f"select * from customer.customer_recent_features where lag_days = {lag_days}",
    )


def slice_of(warehouse: Warehouse, day: str) -> pd.DataFrame:
    return by_customer(
        warehouse,
        f"select * from customer.customer_feature_history where as_of_date = date '{day}'",
    )


def differing(expected: pd.DataFrame, found: pd.DataFrame, columns: object) -> dict[str, int]:
    """Return the columns in which two frames differ, with the number of rows that do."""
    assert list(expected.index) == list(found.index)
    counts = {}
    for column in columns:
        left, right = expected[column], found[column]
        count = int((~((left == right) | (left.isna() & right.isna()))).sum())
        if count:
            counts[column] = count
    return counts


def shrunk_rating(known: pd.DataFrame, mean_rating: float) -> pd.Series:
    return (known["rating_sum"].fillna(0) + 3 * mean_rating) / (known["rating_count"] + 3)


# Month-ends


@pytest.mark.parametrize("shop", ["messy_warehouse", "later"])
def test_the_current_slice_is_what_k_means_sees(shop: str, request: pytest.FixtureRequest) -> None:
    """Every feature and the sample key are those of customer_features, to the last digit."""
    warehouse = request.getfixturevalue(shop)
    features = by_customer(warehouse, "select * from customer.customer_features")
    current = by_customer(
        warehouse, "select * from customer.customer_feature_history where is_current"
    )
    assert len(features) > 300
    assert differing(features, current, features.columns) == {}


@pytest.mark.parametrize("day", ["2025-12-31", "2026-03-31"])
def test_a_slice_is_what_the_facts_showed_that_day(messy_warehouse: Warehouse, day: str) -> None:
    """Features computed in pandas from one look at the facts; means are those of that day."""
    known = look(messy_warehouse, day)
    known = known[known["successful_order_count"] > 0].set_index("customer_key").sort_index()
    money = ["basket_value", "own_discount", "net_revenue", "cm2", "average_distance_km"]
    known[money] = known[money].astype(float)
    quality = by_customer(
        messy_warehouse,
        "select customer_key, probability from customer.customer_quality "
        f"where decision_date <= date '{day}'",
    )["probability"].reindex(known.index)
    assert 0 < quality.isna().sum() < len(known)
    cm2_rate = (known["cm2"] / known["net_revenue"]).where(known["net_revenue"] != 0)
    distance = known["average_distance_km"]
    average = known["net_revenue"] / known["successful_order_count"]
    expected = pd.DataFrame(
        {
            "recency": np.log1p(known["recency_days"]),
            "frequency": np.log1p(known["successful_order_count"]),
            "average_order_value": np.log1p(average.clip(lower=0)),
            "promo_share": known["promo_order_count"] / known["successful_order_count"],
            "own_discount_share": (known["own_discount"] / known["basket_value"]).fillna(0),
            "rating": shrunk_rating(known, known["rating_sum"].sum() / known["rating_count"].sum()),
            "app_opens_30d": np.log1p(known["app_opens_30d"]),
            "app_opens_90d": np.log1p(known["app_opens_90d"]),
            "cm2_rate": cm2_rate.fillna(cm2_rate.mean()),
            "distance": distance.fillna(distance.mean()),
            "category_breadth": known["category_count"],
            "predicted_quality": quality.fillna(quality.mean()),
        }
    )
    found = slice_of(messy_warehouse, day)
    assert list(found.index) == list(expected.index)
    for feature in expected.columns:
        tolerance = 6e-4 if feature == "distance" else 2e-5  # kept with three digits
        np.testing.assert_allclose(
            found[feature].astype(float), expected[feature], rtol=0, atol=tolerance, err_msg=feature
        )
    bands = sum((known["successful_orders_365d"] >= band).astype(int) for band in (1, 2, 3, 5, 10))
    assert list(found["frequency_score"].fillna(0)) == list(bands)
    assert list(found["is_new"]) == list(known["tenure_days"] <= 30)
    assert found["is_month_end"].all()
    assert not found["is_current"].any()


def test_the_next_quarter_is_what_became_known_in_three_months(later: Warehouse) -> None:
    """Summed from the orders by the day they were known, for each date with three whole months."""
    rows = later.query(
        "select quarters.as_of_date, count(*), count(cm2_next_quarter), sum(cm2_next_quarter) "
        "from customer.customer_next_quarters as quarters group by 1 order by 1"
    )
    assert len(rows) > 12
    for day, customers, told, cm2 in rows:
        until = f"last_day(date '{day}' + interval 3 month)"
        is_over = later.value(f"select {until} <= date '{LATER}'")
        known_by_then, expected = later.query(
            "select count(distinct customer_key), sum(cm2) filter (where greatest(order_date, "
            f"delivered_date) between date '{day}' + 1 and {until}) from core.fct_orders "
            "where is_successful and customer_key in (select customer_key from core.fct_orders "
            f"where is_successful and order_date <= date '{day}' "
            f"and delivered_date <= date '{day}')"
        )[0]
        assert customers == known_by_then
        assert (told, cm2) == ((customers, expected or 0) if is_over else (0, None)), day
    assert {row[2] > 0 for row in rows} == {True, False}
    # The month of the as-of date is not over, so nothing is told of the quarter that it ends.
    assert next(row for row in rows if str(row[0]) == "2026-03-31")[2] == 0


@pytest.mark.parametrize("view", ["customer_feature_history", "customer_rfm_history"])
def test_reading_one_slice_computes_no_other(messy_warehouse: Warehouse, view: str) -> None:
    """No join of the plan yields more rows than the slice has customers and prospects."""
    ((_, plan),) = messy_warehouse.query(
        f"explain (analyze, format json) select * from customer.{view} "
        "where source = 'market' and as_of_date = date '2026-03-31'"
    )
    people = messy_warehouse.value(
        "select count(*) from customer.customer_history where as_of_date = date '2026-03-31'"
    )
    joins = []

    def walk(node: dict) -> None:
        if node["type"] == "HASH_JOIN":
            joins.append(node["intermediate_rows"])
        for child in node.get("children", []):
            walk(child)

    for operator in json.loads(plan)["operator"]:
        walk(operator)
    assert len(joins) > 3
    assert max(joins) <= people


def test_rule_segments_of_the_past_use_the_cut_points_of_today(
    messy_warehouse: Warehouse,
) -> None:
    """Scores of a month-end are looked up one by one; the current slice is customer_rfm."""
    columns = ", ".join(messy_warehouse.columns("customer.customer_rfm"))
    history = f"select {columns} from customer.customer_rfm_history where is_current"
    current = f"select {columns} from customer.customer_rfm"
    for one, other in ((history, current), (current, history)):
        assert messy_warehouse.value(f"select count(*) from ({one} except all {other})") == 0
    cuts = messy_warehouse.query(
        "select metric, score, lower_value, upper_value from customer.rfm_cut_points"
    )
    rows = messy_warehouse.query(
        "select customer_key, recency_days, net_revenue_365d, recency_score, monetary_score "
        "from customer.customer_rfm_history where as_of_date = date '2026-01-31' "
        "and successful_orders_365d > 0"
    )
    assert len(rows) > 200
    assert [row[3:] for row in rows] == scores_by(cuts, rows)


# The last days


def test_the_last_day_is_what_k_means_and_the_rules_see(later: Warehouse) -> None:
    """At lag 0 every column is that of customer_features and of the history, to the last digit."""
    found = recent(later, 0)
    features = by_customer(later, "select * from customer.customer_features")
    assert differing(features, found, features.columns) == {}
    columns = [*RULE_INPUTS, "lifecycle_stage", "as_of_date"]
    assert differing(slice_of(later, LATER), found, columns) == {}


@pytest.mark.parametrize(
    ("lag_days", "shop", "day"), [(14, "later", MONTH_END), (30, "messy_warehouse", AS_OF)]
)
def test_an_earlier_day_is_what_a_build_of_that_day_saw(
    later: Warehouse, lag_days: int, shop: str, day: str, request: pytest.FixtureRequest
) -> None:
    """A month-end against the history, another day against a build as of it.

    Only what looks at other customers is today's: the shop's means and the usual gap. A shrunk
    rating, an unknown distance or rate, and a forecast not yet made are computed from today's
    means here, and the stage from today's gap.
    """
    that_day = request.getfixturevalue(shop)
    found = recent(later, lag_days)
    expected = slice_of(that_day, day)
    assert set(found["as_of_date"].astype(str)) == {day}
    assert differing(expected, found, (*OWN_FEATURES, *RULE_INPUTS)) == {}
    assert 300 < len(found) < len(recent(later, 0))

    known = by_customer(
        that_day,
        "select *, last_order_date - first_order_date as span_days from customer.customer_history "
        f"where as_of_date = date '{day}' and is_customer",
    )
    ((mean_rating, mean_distance, mean_rate, mean_quality),) = later.query(
        "select mean_rating, mean_distance_km, mean_cm2_rate, mean_predicted_quality "
        "from customer.shop_means"
    )
    quality = by_customer(
        later,
        "select customer_key, probability from customer.customer_quality "
        f"where decision_date <= date '{day}'",
    )["probability"].reindex(known.index)
    for feature, values in {
        "rating": shrunk_rating(known, mean_rating),
        "distance": known["average_distance_km"].astype(float).fillna(mean_distance),
        "cm2_rate": known["cm2_rate"].astype(float).fillna(mean_rate),
        "predicted_quality": quality.fillna(float(mean_quality)),
    }.items():
        np.testing.assert_allclose(
            found[feature].astype(float), values, rtol=0, atol=6e-7, err_msg=feature
        )
    assert quality.isna().sum() > 0

    gap = later.value(
        "select median_gap_days from customer.usual_order_gaps order by as_of_number desc limit 1"
    )
    count = known["successful_order_count"]
    ratio = known["recency_days"] / ((known["span_days"] + 2 * float(gap)) / (count + 1))
    # Two roundings to two digits lie between the ratio and the stage.
    near = (ratio - 2).abs() < 0.02
    stage = np.select(
        [known["recency_days"] >= 365, ratio >= 2, (count == 1) & (known["tenure_days"] <= 30)],
        ["dormant", "overdue", "new"],
        "active",
    )
    assert (found["lifecycle_stage"] == stage)[~near].all()
    assert near.mean() < 0.05


def test_customers_are_those_of_each_day(later: Warehouse) -> None:
    """Of each day there is everybody with a known order, and the sample is bounded for a source."""
    rows = later.query(
        "select lag_days, as_of_date, count(*) from customer.customer_recent_features "
        "group by 1, 2 order by 1"
    )
    assert [row[0] for row in rows] == [0, 1, 7, 14, 30]
    for lag_days, day, count in rows:
        assert day == later.value(f"select date '{LATER}' - {lag_days}")
        assert count == later.value(
            "select count(distinct customer_key) from core.fct_orders where is_successful "
            f"and order_date <= date '{day}' and delivered_date <= date '{day}'"
        )


def test_the_sample_is_the_first_by_content(builder: Builder, later: Warehouse) -> None:
    """With a smaller sample the same days are told of the customers with the least sample keys."""
    whole = later.frame("select * from customer.customer_recent_features")
    least = by_customer(later, "select customer_key, sample_key from customer.customer_features")
    least = set(least.sort_values("sample_key").index[:100])
    variables = json.dumps({"as_of": LATER, "recent_sample_size": 100})
    finished = builder.dbt(later.project, "run", "--select", "recent_sample", "--vars", variables)
    assert finished.returncode == 0, finished.stdout
    part = later.frame("select * from customer.customer_recent_features")
    order = ["customer_key", "lag_days"]
    pd.testing.assert_frame_equal(
        part.sort_values(order, ignore_index=True),
        whole[whole["customer_key"].isin(least)].sort_values(order, ignore_index=True),
    )
    assert part["customer_key"].nunique() == 100
