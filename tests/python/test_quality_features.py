"""New customers are judged by what was known of them, and their outcomes count once they are ripe.

The clean shop's labels and features are computed again from its facts with pandas. Then the shop is
built as it was known on an earlier day, and with everything after a moment changed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from warehouse import Builder, Warehouse, read_market, write_market

HORIZONS = (60, 90, 180)
LATE, DECISION, PRIOR = 21, 7, 20
EARLIER_AS_OF = "2026-01-15"
POISONED_FROM = "2026-01-15 12:00:00"
POISON_DAY = "2026-01-16 12:00:00"
LONG_BEFORE_POISON = "2025-12-01 00:00:00"
LABELS = ("is_good_customer", "has_repeat", "is_profitable")
DAY = pd.Timedelta(days=1)


def features_of(builder: Builder, landing: Path, variables: dict[str, str]) -> Warehouse:
    """Build a shop up to the quality features."""
    return builder.build(landing, variables=variables, select=["+customer_quality_features"])


@pytest.fixture(scope="module")
def as_known_earlier(builder: Builder, clean_landing: Path) -> Warehouse:
    """The clean shop as it was known some months before its end."""
    return features_of(builder, clean_landing, {"as_of": EARLIER_AS_OF})


@pytest.fixture(scope="module")
def poisoned(
    builder: Builder, clean_landing: Path, tmp_path_factory: pytest.TempPathFactory
) -> Warehouse:
    """The clean shop with everything after a moment changed.

    Later orders get another city, device, money and distance, later deliveries come hours later,
    later ratings are turned round, later openings of the app move by minutes. Old orders without a
    delivery or a rating get one.
    """
    later = f"> '{POISONED_FROM}'"
    with read_market(clean_landing) as raw:
        raw.execute(
            f"create table later_orders as "
            f"select order_id from market_order where checkoutdate {later}"
        )
        raw.execute(
            f"""
            update market_order set
                city_id = 'moved ' || city_id,
                devicename = 'Web browser',
                basketvalue = (basketvalue::decimal(18, 2) + 77)::varchar,
                discountamount = '76.00',
                deliveryfee = '9.99',
                distance = '19.0'
            where checkoutdate {later}
            """
        )
        raw.execute(
            f"update market_order set deliverdate = "
            f"strftime(deliverdate::timestamp + interval 5 hour, '%Y-%m-%d %H:%M:%S') "
            f"where deliverdate {later}"
        )
        raw.execute(
            f"update market_order set rating = (6 - rating::integer)::varchar "
            f"where ratedate {later}"
        )
        raw.execute(
            f"update market_order set ratedate = '{POISON_DAY}', rateisskipped = 'false', "
            f"rating = '1' where ratedate is null and deliverdate < '{POISONED_FROM}'"
        )
        raw.execute(
            f"update market_order set deliverdate = '{POISON_DAY}' "
            f"where deliverdate is null and checkoutdate < '{LONG_BEFORE_POISON}' "
            f"and chargedamount::double > 0"
        )
        raw.execute(
            f"update app_open set appopendate = "
            f"strftime(appopendate::timestamp + interval 13 minute, '%Y-%m-%d %H:%M:%S') "
            f"where appopendate {later}"
        )
        raw.execute(
            "update product_detail set count = '9' "
            "where order_id in (select order_id from later_orders)"
        )
        raw.execute(
            "update promo_detail set promoobjective = 'a later objective' "
            "where order_id in (select order_id from later_orders)"
        )
        landing = write_market(tmp_path_factory.mktemp("poisoned") / "landing", raw)
    return features_of(builder, landing, {})


@pytest.fixture(scope="module")
def first_orders(clean_warehouse: Warehouse) -> pd.DataFrame:
    """Each customer's first successful order, found with pandas."""
    orders = known_orders(clean_warehouse)
    first = orders.sort_values("ordered_at").groupby("customer_key", as_index=False).first()
    assert ((first["delivered_date"] - first["order_date"]).dt.days < LATE).all()
    return first


@pytest.fixture(scope="module")
def labels(clean_warehouse: Warehouse, first_orders: pd.DataFrame) -> pd.DataFrame:
    """Repeat and money of each customer and horizon, known or not, computed with pandas."""
    orders = known_orders(clean_warehouse).merge(
        first_orders[["customer_key", "ordered_at", "order_date"]],
        on="customer_key",
        suffixes=("", "_first"),
    )
    age = orders["ordered_at"] - orders["ordered_at_first"]
    frames = []
    for horizon in HORIZONS:
        maturity = orders["order_date_first"] + (horizon + LATE) * DAY
        inside = orders[(age <= horizon * DAY) & (orders["delivered_date"] <= maturity)]
        frames.append(
            inside.assign(repeat=age > DAY)
            .groupby("customer_key", as_index=False)
            .agg(expected_repeat=("repeat", "any"), expected_cm2=("cm2", "sum"))
            .assign(horizon_days=horizon)
        )
    return pd.concat(frames)


def known_orders(shop: Warehouse) -> pd.DataFrame:
    """Return the successful orders of known customers that had arrived by the as-of date."""
    orders = shop.table("core.fct_orders")
    as_of = pd.Timestamp(shop.value("select as_of_date from intermediate.int_as_of"))
    known = orders["is_successful"] & orders["customer_key"].notna()
    return orders[known & (orders["order_date"] <= as_of) & (orders["delivered_date"] <= as_of)]


def features_as_text(shop: Warehouse) -> pd.DataFrame:
    """Return the features with all values as text, by customer; keys are alike in all builds."""
    columns = [
        column
        for column in shop.columns("customer.customer_quality_features")
        if column not in ("customer_key", "as_of_date")
    ]
    listed = ", ".join(f"cast({column} as varchar) as {column}" for column in columns)
    return shop.frame(
        f"select customer_key, {listed} from customer.customer_quality_features"
    ).set_index("customer_key")


def differing(
    left: pd.DataFrame, right: pd.DataFrame, without: tuple[str, ...] = ()
) -> dict[str, int]:
    """Return the columns in which two tables of the same customers differ, and how often."""
    right = right.loc[left.index]
    columns = [name for name in left if name not in without]
    counts = {
        name: int((left[name].fillna("null") != right[name].fillna("null")).sum())
        for name in columns
    }
    return {name: count for name, count in counts.items() if count}


def test_labels_equal_pandas(clean_warehouse: Warehouse, labels: pd.DataFrame) -> None:
    """Repeat, money, quadrant and maturity of every customer and horizon are those of pandas."""
    targets = clean_warehouse.table("customer.customer_quality_targets")
    joined = targets.merge(labels, on=["customer_key", "horizon_days"])
    assert len(joined) == len(targets) == len(labels) > 5_000
    age = (joined["as_of_date"] - joined["first_order_date"]).dt.days
    ripe = age >= joined["horizon_days"] + LATE
    assert (joined["is_mature"] == ripe).all()
    assert joined.loc[~ripe, ["quadrant", "horizon_cm2", "has_repeat", "is_good_customer"]].isna(
    ).all(axis=None)  # fmt: skip
    known = joined[ripe]
    assert (known["has_repeat"] == known["expected_repeat"]).all()
    np.testing.assert_allclose(known["horizon_cm2"], known["expected_cm2"].astype(float), atol=1e-4)
    good = known["expected_repeat"] & (known["expected_cm2"].astype(float) > 0)
    assert (known["is_good_customer"] == good).all()
    assert (known["is_good_customer"] == (known["quadrant"] == "profitable_repeat")).all()
    assert 0.2 < good.mean() < 0.8


def test_unripe_customers_would_spoil_the_rate(
    clean_warehouse: Warehouse, clean_landing: Path
) -> None:
    """Mature customers come back as often as the simulator drew; unripe ones seem to come less.

    The truth is each customer's probability of another success in (24 h, 90 d], so the mature
    share differs from its mean by chance alone. Unripe customers, if those without a repeat so far
    were called "not repeated", lie further below than chance allows, and pull the rate of the last
    half-year down with them.
    """
    observed = clean_warehouse.frame(
        f"""
        select
            targets.is_mature,
            targets.first_order_date,
            targets.as_of_date,
            truth.true_repeat_90_probability as probability,
            cast(targets.has_repeat as integer) as has_repeat,
            cast(outcomes.repeat_orders_90d > 0 as integer) as has_repeat_so_far
        from customer.customer_quality_targets as targets
        inner join customer.customer_outcomes as outcomes using (customer_key)
        inner join core.dim_customers as customers using (customer_key)
        inner join read_parquet('{clean_landing}/market_truth/truth_customers/*.parquet') as truth
            on customers.customer_id = lower(truth.client_id)
        where targets.horizon_days = 90
        """
    )
    mature, unripe = observed[observed["is_mature"]], observed[~observed["is_mature"]]
    assert len(mature) > 1_500
    assert len(unripe) > 300

    def deviations(frame: pd.DataFrame, repeats: str) -> float:
        """Return how far the repeats lie from their expectation, in standard deviations."""
        chance = frame["probability"]
        return (frame[repeats] - chance).sum() / np.sqrt((chance * (1 - chance)).sum())

    assert abs(deviations(mature, "has_repeat")) < 3
    assert deviations(unripe, "has_repeat_so_far") < -4
    recent = observed[observed["first_order_date"] > observed["as_of_date"] - 180 * DAY]
    truth = recent["probability"].mean()
    matured_rate = recent["has_repeat"].mean()
    spoilt_rate = recent["has_repeat_so_far"].mean()
    assert spoilt_rate < truth - 0.03
    assert matured_rate > spoilt_rate + 0.05


def test_first_order_features_equal_pandas(
    clean_warehouse: Warehouse, first_orders: pd.DataFrame
) -> None:
    """What the first order says, its rating and its delivery are as pandas reads them."""
    ratings = clean_warehouse.table("core.fct_ratings")
    lines = clean_warehouse.frame(
        "select order_key, count(distinct category) as categories from core.fct_order_lines "
        "inner join core.dim_products using (product_key) group by order_key"
    )
    found = clean_warehouse.table("customer.customer_quality_features").merge(
        first_orders, on="customer_key", suffixes=("", "_raw")
    )
    cutoff = found["ordered_at"] + DECISION * DAY
    assert (found["feature_cutoff_at"] == cutoff).all()
    assert (found["first_order_key"] == found["order_key"]).all()
    assert len(found) == (first_orders["ordered_at"] + DECISION * DAY < found["as_of_date"].max()
                          + DAY).sum()  # fmt: skip
    basket = found["basket_value_raw"].astype(float)
    expected = {
        "basket_value": np.log1p(basket),
        "line_count": np.log1p(found["line_count_raw"].replace(0, np.nan)),
        "item_count": np.log1p(found["item_count_raw"].replace(0, np.nan)),
        "discount_share": found["discount_amount"].astype(float) / basket,
        "own_discount_share": found["own_discount"].astype(float) / basket,
        "has_promo": (found["promo_count"] > 0).astype(float),
        "delivery_fee": np.log1p(found["delivery_fee_raw"].astype(float)),
        "distance_km": np.log1p(found["distance_km_raw"].astype(float)),
        "hour_sin": np.sin(2 * np.pi * found["ordered_at"].dt.hour / 24),
        "hour_cos": np.cos(2 * np.pi * found["ordered_at"].dt.hour / 24),
        "weekday_sin": np.sin(2 * np.pi * found["ordered_at"].dt.day_of_week / 7),
        "weekday_cos": np.cos(2 * np.pi * found["ordered_at"].dt.day_of_week / 7),
        "is_ios": (found["device_class"] == "ios").astype(float),
        "is_android": (found["device_class"] == "android").astype(float),
        "is_web": (found["device_class"] == "web").astype(float),
        "basket_cm2_rate": found["cm2"].astype(float) / found["net_revenue"].astype(float),
    }
    by_order = found["order_key"].map(lines.set_index("order_key")["categories"])
    expected["category_count"] = by_order.astype(float)
    given = ratings[~ratings["is_skipped"]].set_index("order_key")[["rated_at", "rating"]]
    known = found.join(given, on="order_key", suffixes=("", "_given"))
    in_time = known["rated_at"] <= known["feature_cutoff_at"]
    expected["rating"] = known["rating_given"].where(in_time)
    delivered_in_time = found["delivered_at"] <= found["feature_cutoff_at"]
    hours = (found["delivered_at"] - found["ordered_at"]).dt.total_seconds() / 3600
    expected["delivery_hours"] = np.log1p(hours.where(delivered_in_time))
    started = known["rated_at"].min() <= found["feature_cutoff_at"]
    expected["has_rating"] = in_time.astype(float).where(started)
    for name, values in expected.items():
        np.testing.assert_allclose(
            found[name].astype(float), values.astype(float), atol=1e-6, err_msg=name
        )
    assert 0.1 < in_time.mean() < 0.9


def test_app_opens_equal_pandas(clean_warehouse: Warehouse) -> None:
    """Openings in the 30 days before the first order and until the decision, customer by one."""
    found = clean_warehouse.table("customer.customer_quality_features")
    opens = clean_warehouse.table("core.fct_app_opens").merge(
        found[["customer_key", "feature_cutoff_at"]], on="customer_key"
    )
    placed = opens["feature_cutoff_at"] - DECISION * DAY
    windows = {
        "app_opens_before": (opens["opened_at"] <= placed)
        & (opens["opened_at"] > placed - 30 * DAY),
        "app_opens_since": (opens["opened_at"] > placed)
        & (opens["opened_at"] <= opens["feature_cutoff_at"]),
    }
    for name, inside in windows.items():
        counts = opens[inside].groupby("customer_key").size()
        expected = found["customer_key"].map(counts).fillna(0)
        np.testing.assert_allclose(found[name], np.log1p(expected), atol=1e-6, err_msg=name)
        assert (expected > 0).mean() > 0.2


def test_past_rates_and_city_sizes_equal_pandas(
    clean_warehouse: Warehouse, first_orders: pd.DataFrame, labels: pd.DataFrame
) -> None:
    """A customer's city and objective are described by those whose outcome was known by then."""
    objectives = (
        clean_warehouse.table("core.fct_order_promotions")
        .groupby("order_key")["promo_objective"]
        .min()
    )
    people = first_orders.merge(labels[labels["horizon_days"] == 90], on="customer_key")
    people["objective"] = people["order_key"].map(objectives).fillna("none")
    people["good"] = people["expected_repeat"] & (people["expected_cm2"].astype(float) > 0)
    maturity = (people["order_date"] + (90 + LATE) * DAY).to_numpy()
    settled = (people["order_date"] + LATE * DAY).to_numpy()
    good, cities = people["good"].to_numpy(), people["city"].to_numpy()
    found = clean_warehouse.table("customer.customer_quality_features").merge(
        people[["customer_key", "objective"]], on="customer_key"
    )

    def rate(group: np.ndarray, known: np.ndarray) -> float:
        if known.sum() < PRIOR:
            return np.nan
        whole = good[known].mean()
        return (good[group & known].sum() + PRIOR * whole) / ((group & known).sum() + PRIOR)

    expected = pd.DataFrame(
        [
            (
                rate(cities == row.city, maturity < row.decision_date),
                rate(people["objective"].to_numpy() == row.objective, maturity < row.decision_date),
                np.log1p(((cities == row.city) & (settled < row.first_order_date)).sum()),
            )
            for row in found.itertuples()
        ],
        columns=["city_good_rate", "promo_objective_good_rate", "city_size"],
    )
    for name in expected:
        np.testing.assert_allclose(
            found[name].astype(float), expected[name], atol=1e-6, err_msg=name
        )
        assert expected[name].nunique() > 50


def test_an_earlier_as_of_date_gives_the_same_features_and_labels(
    clean_warehouse: Warehouse, as_known_earlier: Warehouse
) -> None:
    """Who had been judged by a day has the same features in a later build, and the same outcome.

    Only a label that was not ripe on that day may appear since.
    """
    earlier, later = features_as_text(as_known_earlier), features_as_text(clean_warehouse)
    assert 1_000 < len(earlier) < len(later) - 300
    assert differing(earlier, later, without=LABELS) == {}
    mature = earlier[earlier["maturity_date"] <= EARLIER_AS_OF]
    assert len(mature) > 800
    assert mature["is_good_customer"].notna().all()
    assert differing(mature, later) == {}
    unripe = earlier.drop(mature.index)
    assert unripe["is_good_customer"].isna().all()
    assert later.loc[unripe.index, "is_good_customer"].notna().any()


def test_no_horizons_label_changes_after_it_was_known(
    clean_warehouse: Warehouse, as_known_earlier: Warehouse
) -> None:
    """What was mature on a day is the same in a later build, for all three horizons."""
    ripe = "select * exclude (as_of_date) from customer.customer_quality_targets where is_mature"
    earlier = as_known_earlier.frame(ripe)
    both = earlier.merge(clean_warehouse.frame(ripe))  # on all columns
    assert len(both) == len(earlier) > 3_000
    assert set(earlier["horizon_days"]) == set(HORIZONS)


def test_nothing_after_the_decision_was_used(
    clean_warehouse: Warehouse, poisoned: Warehouse
) -> None:
    """Whatever happens to orders, deliveries, ratings and openings later, features stay."""
    clean, changed = features_as_text(clean_warehouse), features_as_text(poisoned)
    before = clean[clean["feature_cutoff_at"] < POISONED_FROM]
    assert len(before) > 1_000
    assert differing(before, changed, without=LABELS) == {}
    unheard_of = changed.drop(changed.index.intersection(clean.index))
    unheard_of = unheard_of[unheard_of["feature_cutoff_at"] < POISONED_FROM]
    assert len(unheard_of) > 5, "no customer's first order arrived after the poison"
    assert unheard_of["delivery_hours"].isna().all()
    assert unheard_of["rating"].isna().all()
    after = clean[clean["feature_cutoff_at"] >= POISONED_FROM]
    after = after.loc[after.index.intersection(changed.index)]
    touched = differing(after, changed)
    poison = {
        "basket_value", "item_count", "discount_share", "promo_objective_good_rate", "distance_km",
        "delivery_fee", "is_ios", "city_size", "city_good_rate", "rating", "delivery_hours",
        "app_opens_before", "app_opens_since", "is_good_customer",
    }  # fmt: skip
    assert poison <= set(touched), f"the poison did not reach {poison - set(touched)}"
