"""Profiles of segments, against pandas on the customers themselves; and their picture."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata
from sklearn.decomposition import PCA

import segmentation
from warehouse import Warehouse

LEAST_GROUP = 10
MOST_VALUES = 50
SAMPLE = 2_000
DIMENSIONS = (
    "state", "city", "payment_type", "favourite_category", "price_band", "device_class",
    "rfm_segment", "lifecycle_stage", "quadrant_forecast",
)  # fmt: skip


def item_prices(warehouse: Warehouse) -> pd.DataFrame:
    """Return what a piece costs each customer, in cents, and its fifth by mid-rank.

    The stored prices are checked against the lines of the orders on the way.
    """
    lines = warehouse.frame(
        "select lines.customer_key, lines.source, lines.quantity, "
        "cast(10000 * lines.unit_price as bigint) as unit_price from core.fct_order_lines as lines "
        "inner join intermediate.int_as_of using (source) where is_successful "
        "and lines.customer_key is not null "
        "and order_date <= as_of_date and delivered_date <= as_of_date"
    )
    lines["line_value"] = lines["quantity"] * lines["unit_price"]
    found = lines.groupby(["source", "customer_key"], as_index=False)[
        ["quantity", "line_value"]
    ].sum()
    stored = warehouse.table("customer.customer_item_prices")
    found = found.merge(stored[["customer_key", "average_item_price"]], how="outer")
    found["cents"] = (100 * found["average_item_price"]).round()
    # Either way of half a cent: the last bit of a quotient decides it.
    exact = found["line_value"] / found["quantity"] / 100
    assert ((found["cents"] - exact).abs() <= 0.5 + 1e-9).all()
    ranks = found.groupby("source")["cents"].transform(lambda cents: rankdata(cents))
    sizes = found.groupby("source")["cents"].transform("size")
    found["fifth"] = np.minimum(5, 1 + (5 * (2 * ranks - 1)) // (2 * sizes)).astype(int)
    return found


@pytest.fixture(scope="module", params=["demo_warehouse", "messy_warehouse"])
def shop(request: pytest.FixtureRequest) -> Warehouse:
    """A shop with segments."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def members(shop: Warehouse) -> pd.DataFrame:
    """Return one row per customer with a segment and what is known of them, joined by pandas."""
    found = shop.table("segments.customer_segments")[
        ["customer_key", "source", "segment_id", "segmentation_method", "margin", "is_borderline"]
    ]
    for table, columns in {
        "customer.customer_single_view": [
            "state", "city", "payment_type", "favourite_category", "device_class",
            "lifecycle_stage", "successful_order_count", "successful_orders_365d",
            "promo_order_count", "category_count", "rating_count", "rating_sum", "app_opens_30d",
            "app_opens_90d", "recency_days", "tenure_days", "basket_value", "own_discount",
            "net_revenue", "cm2", "average_distance_km",
        ],
        "customer.customer_rfm": [
            "rfm_segment", "recency_score", "frequency_score", "monetary_score",
        ],
        "customer.customer_quality": ["quadrant_forecast", "probability"],
        "customer.customer_lifetime_value": ["clv_365"],
    }.items():  # fmt: skip
        found = found.merge(
            shop.table(table)[["customer_key", *columns]], on="customer_key", how="left"
        )
    bands = shop.table("customer.price_bands")
    labels = {
        (row.source, row.price_band_number): row.price_band for row in bands.itertuples(index=False)
    }
    prices = item_prices(shop)
    prices["price_band"] = [
        labels[source, fifth]
        for source, fifth in zip(prices["source"], prices["fifth"], strict=True)
    ]
    found = found.merge(prices[["customer_key", "price_band"]], on="customer_key", how="left")
    assert found["customer_key"].is_unique
    assert len(found) > 1_000
    return found


def test_price_bands_are_fifths_by_mid_rank_told_by_their_bounds(shop: Warehouse) -> None:
    """Prices, sizes and bounds of the bands come from the lines of the orders alone."""
    expected = item_prices(shop).groupby("fifth")["cents"].agg(["size", "min", "max"])
    bands = shop.table("customer.price_bands").set_index("price_band_number").sort_index()
    assert list(bands.index) == list(expected.index)
    assert (bands["customer_count"] == expected["size"]).all()
    assert (bands["lower_price"] * 100).round().astype(int).tolist() == expected["min"].tolist()
    assert (bands["upper_price"] * 100).round().astype(int).tolist() == expected["max"].tolist()
    first, last = expected.iloc[0], expected.iloc[-1]
    assert bands["price_band"].iloc[0] == f"up to {first['max'] / 100:.2f}"
    assert bands["price_band"].iloc[-1] == f"{last['min'] / 100:.2f} or more"
    assert expected["size"].max() < 1.1 * expected["size"].min()


def test_distributions_are_those_of_pandas(shop: Warehouse, members: pd.DataFrame) -> None:
    """Counts, shares and indices of every dimension; groups under ten are nowhere."""
    expected, left_out = {}, 0
    for dimension in DIMENSIONS:
        known = members.dropna(subset=[dimension]).copy()
        counts = known[dimension].value_counts().reset_index()
        counts = counts.sort_values(["count", dimension], ascending=[False, True])
        common = set(counts[dimension].head(MOST_VALUES))
        known[dimension] = known[dimension].where(known[dimension].isin(common), "all others")
        all_shares = known[dimension].value_counts(normalize=True)
        for segment_id, group in known.groupby("segment_id"):
            for value, count in group[dimension].value_counts().items():
                if count < LEAST_GROUP:
                    left_out += 1
                    continue
                share = count / len(group)
                expected[segment_id, dimension, value] = (
                    count, share, all_shares[value], 100 * share / all_shares[value],
                )  # fmt: skip
    stored = {
        tuple(row[:3]): row[3:]
        for row in shop.query(
            "select segment_id, dimension, dimension_value, customer_count, "
            "cast(segment_share as double), cast(all_customers_share as double), "
            "cast(index_to_all as double) from segments.segment_distributions"
        )
    }
    assert stored.keys() == expected.keys()
    assert left_out > 0
    for key, (count, share, all_share, index) in expected.items():
        assert stored[key][0] == count, key
        assert stored[key][1:3] == pytest.approx((share, all_share), abs=1e-6), key
        assert stored[key][3] == pytest.approx(index, abs=0.01), key


def test_shares_add_up(shop: Warehouse) -> None:
    """Where nothing was left out, shares of a segment add up to one, and indices average to 100."""
    sums = shop.frame(
        "select segment_id, dimension, cast(sum(segment_share) as double) as total, "
        "cast(sum(all_customers_share) as double) as all_total "
        "from segments.segment_distributions group by all"
    )
    whole = sums[(sums["all_total"] - 1).abs() < 1e-5]
    assert len(whole) > 0
    assert (whole["total"] - 1).abs().max() < 1e-4
    assert sums["total"].max() < 1 + 1e-4


def expected_metrics(group: pd.DataFrame) -> dict[str, tuple[int, float]]:
    """Return of how many customers each metric is known, and its value."""
    size = len(group)

    def per_customer(column: str) -> tuple[int, float]:
        known = group[column].dropna()
        return len(known), float(known.mean()) if len(known) else float("nan")

    def ratio(top: str, bottom: str) -> tuple[int, float]:
        below = float(group[bottom].sum())
        return size, float(group[top].sum()) / below if below else float("nan")

    rated = group[group["rating_count"] > 0]
    return {
        "net_revenue_per_customer": per_customer("net_revenue"),
        "cm2_per_customer": per_customer("cm2"),
        "clv_365_per_customer": per_customer("clv_365"),
        "average_order_value": ratio("net_revenue", "successful_order_count"),
        "orders_per_customer": per_customer("successful_order_count"),
        "categories_per_customer": per_customer("category_count"),
        "app_opens_30d_per_customer": per_customer("app_opens_30d"),
        "app_opens_90d_per_customer": per_customer("app_opens_90d"),
        "median_recency_days": (size, float(group["recency_days"].median())),
        "mean_tenure_days": per_customer("tenure_days"),
        "mean_rating": (
            len(rated),
            float(rated["rating_sum"].sum() / rated["rating_count"].sum()) if len(rated) else 0.0,
        ),
        "mean_distance_km": per_customer("average_distance_km"),
        "promo_share": ratio("promo_order_count", "successful_order_count"),
        "own_discount_share": ratio("own_discount", "basket_value"),
        "cm2_rate": ratio("cm2", "net_revenue"),
        "active_customer_share": (size, float((group["successful_orders_365d"] > 0).mean())),
        "predicted_quality": per_customer("probability"),
        "mean_recency_score": per_customer("recency_score"),
        "mean_frequency_score": per_customer("frequency_score"),
        "mean_monetary_score": per_customer("monetary_score"),
    }


def test_metrics_are_those_of_pandas(shop: Warehouse, members: pd.DataFrame) -> None:
    """Each metric of each segment and of all, of how many it is known, and the index."""
    of_all = expected_metrics(members)
    expected = {
        (segment_id, metric): (count, value)
        for segment_id, group in members.groupby("segment_id")
        for metric, (count, value) in expected_metrics(group).items()
        if count >= LEAST_GROUP and not np.isnan(value)
    }
    stored = {
        tuple(row[:2]): row[2:]
        for row in shop.query(
            "select segment_id, metric, customer_count, cast(metric_value as double), "
            "cast(all_customers_value as double), cast(index_to_all as double) "
            "from segments.segment_profile_metrics"
        )
    }
    assert stored.keys() == expected.keys()
    for key, (count, value) in expected.items():
        found = stored[key]
        assert found[0] == count, key
        assert found[1:3] == pytest.approx((value, of_all[key[1]][1]), rel=1e-6, abs=2e-6), key
        assert found[3] == pytest.approx(100 * value / of_all[key[1]][1], abs=0.02), key


def test_profiles_hold_all_customers_and_say_nothing_of_a_few(
    shop: Warehouse, members: pd.DataFrame
) -> None:
    """Sizes add up to the customers of the source; the rest is of groups of ten and more."""
    profiles = shop.table("segments.segment_profiles").set_index("segment_id")
    sizes = members.groupby("segment_id").size()
    assert profiles["customer_count"].to_dict() == sizes.to_dict()
    assert profiles["customer_count"].sum() == shop.value(
        "select count(*) from customer.customer_single_view where is_customer"
    )
    numbers = profiles.drop(
        columns=[
            "source", "model_version", "segmentation_method", "segment_name", "customer_count",
            "customer_share", "as_of_date",
        ]
    )  # fmt: skip
    small = profiles["customer_count"] < LEAST_GROUP
    assert numbers[small].isna().all().all()
    revenue, cm2 = float(members["net_revenue"].sum()), float(members["cm2"].sum())
    for segment_id, group in members.groupby("segment_id"):
        found = profiles.loc[segment_id]
        if len(group) < LEAST_GROUP:
            continue
        share = float(group["net_revenue"].sum()) / revenue
        assert found["net_revenue_share"] == pytest.approx(share, abs=1e-6)
        assert found["cm2_share"] == pytest.approx(float(group["cm2"].sum()) / cm2, abs=1e-6)
        assert found["cm2_per_customer"] == pytest.approx(group["cm2"].astype(float).mean(), 1e-4)
        if (group["segmentation_method"] == "clusters").all():
            assert found["borderline_share"] == pytest.approx(
                group["is_borderline"].astype(bool).mean(), abs=1e-6
            )
            assert found["mean_margin"] == pytest.approx(group["margin"].mean(), abs=1e-5)
        else:
            assert pd.isna(found["borderline_share"])
            assert pd.isna(found["mean_margin"])


def standardised(warehouse: Warehouse) -> tuple[list[str], pd.DataFrame]:
    """Return the features that the model in force uses, and every customer's, standardised."""
    table = warehouse.table("segments.segment_feature_selection")
    used = table[table["is_used"].astype(bool)].set_index("feature")
    features = sorted(used.index)
    scaling = segmentation.Scaling(
        *(
            used.loc[features, column].to_numpy(dtype=float)
            for column in ("lower_bound", "upper_bound", "mean_value", "standard_deviation")
        )
    )
    customers = warehouse.table("customer.customer_features")
    values = scaling.apply(customers[features].to_numpy(dtype=float))
    frame = pd.DataFrame(values, columns=features).assign(
        customer_key=customers["customer_key"].to_numpy(),
        sample_key=customers["sample_key"].to_numpy(),
    )
    return features, frame


def test_the_picture_is_the_principal_components_of_scikit_learn(demo_warehouse: Warehouse) -> None:
    """Loadings, explained variance and every customer's place, but for the sign of an axis."""
    features, customers = standardised(demo_warehouse)
    expected = PCA(n_components=2, svd_solver="full").fit(customers[features].to_numpy())
    axes = demo_warehouse.table("segments.segment_projection_axes")
    loadings = axes.pivot(index="component", columns="feature", values="loading")[features]
    assert list(loadings.index) == [1, 2]
    shares = axes.groupby("component")["explained_variance_share"].agg(["min", "max"])
    assert (shares["min"] == shares["max"]).all()
    np.testing.assert_allclose(shares["min"], expected.explained_variance_ratio_, rtol=1e-9)
    signs = np.sign((loadings.to_numpy() * expected.components_).sum(axis=1))
    np.testing.assert_allclose(
        loadings.to_numpy() * signs[:, None], expected.components_, atol=1e-9
    )
    for _, row in loadings.iterrows():
        assert row[row.abs().idxmax()] > 0

    places = pd.DataFrame(
        expected.transform(customers[features].to_numpy()) * signs,
        index=customers["customer_key"],
    )
    stored = demo_warehouse.table("segments.segment_projection").set_index("customer_key")
    np.testing.assert_allclose(
        stored[["component_1", "component_2"]], places.loc[stored.index], atol=1e-8
    )


def test_the_picture_shows_two_thousand_customers_chosen_by_content(
    demo_warehouse: Warehouse,
) -> None:
    """Those with the least content keys, each in the segment that they are served in."""
    _, customers = standardised(demo_warehouse)
    assert len(customers) > SAMPLE
    stored = demo_warehouse.table("segments.segment_projection").set_index("customer_key")
    chosen = customers.sort_values(["sample_key", "customer_key"]).head(SAMPLE)["customer_key"]
    assert set(stored.index) == set(chosen)
    served = demo_warehouse.table("segments.customer_segments").set_index("customer_key")
    for column in ("segment_id", "segment_name", "segmentation_method", "model_version"):
        assert (stored[column] == served.loc[stored.index, column]).all(), column
