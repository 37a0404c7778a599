"""The segments that SQL assigns are those of the fitted model, and they find the latent types."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

import segment_gate
import segmentation
from warehouse import ROOT, Warehouse

# Adjusted Rand index of segments against latent types; chance is 0. Measured: 0.516 on the demo,
# whose types lie apart, and 0.435 with five segments on the clean shop, whose types overlap.
LEAST_ARI_CHOSEN_K = 0.4
LEAST_ARI_FIVE = 0.35
MOST_ARI_BY_CHANCE = 0.02
# The segments of the rules by the segment of RFM, or the stage where RFM gives none.
RULE_SEGMENTS = {
    "champions": 101, "loyal": 102, "promising": 103, "new": 104, "big_first_basket": 105,
    "one_timer_recent": 106, "cant_lose": 107, "at_risk": 108, "slipping": 109, "lost": 110,
    "dormant": 113,
}  # fmt: skip


@pytest.fixture(scope="module")
def parameters() -> dict:
    """The parameters of the k-means model, as its YAML declares them."""
    text = (ROOT / "python_models" / "segment_kmeans.yml").read_text()
    return yaml.safe_load(text)["models"][0]["config"]["meta"]


def stored_scaling(warehouse: Warehouse) -> tuple[list[str], segmentation.Scaling]:
    """Return the features that the stored model uses and their scaling."""
    table = warehouse.table("segments.segment_feature_selection")
    used = table[table["is_used"].astype(bool)].set_index("feature")
    features = sorted(used.index)
    columns = ("lower_bound", "upper_bound", "mean_value", "standard_deviation")
    return features, segmentation.Scaling(
        *(used.loc[features, column].to_numpy(dtype=float) for column in columns)
    )


def stored_centroids(warehouse: Warehouse, features: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the ids of the segments, rising, and the stored centroids, segments x features."""
    table = warehouse.table("segments.segment_centroids")
    wide = table.pivot(index="segment_id", columns="feature", values="standardised_value")
    assert sorted(wide.columns) == features
    return wide.index.to_numpy(), wide[features].to_numpy(dtype=float)


def assigned(warehouse: Warehouse, features: list[str]) -> pd.DataFrame:
    """Return every customer's features with the segment that SQL gave it."""
    listed = ", ".join(f"features.{feature}::double as {feature}" for feature in features)
    return warehouse.frame(
        f"select customer_key, customer_id, segment_id, distance_to_centroid, {listed} "
        "from customer.customer_features as features "
        "inner join core.dim_customers using (customer_key) "
        "left join segments.customer_segments using (customer_key) order by customer_key"
    )


@pytest.mark.parametrize("shop", ["demo_warehouse", "messy_warehouse"])
def test_sql_assigns_as_scikit_learn_predicts(shop: str, request: pytest.FixtureRequest) -> None:
    """For every customer, the segment in SQL is KMeans.predict on the stored centroids."""
    warehouse = request.getfixturevalue(shop)
    features, scaling = stored_scaling(warehouse)
    ids, centroids = stored_centroids(warehouse, features)
    customers = assigned(warehouse, features)
    assert len(customers) > 1_000
    assert customers["segment_id"].notna().all()

    model = KMeans(n_clusters=len(centroids))
    model.cluster_centers_ = np.ascontiguousarray(centroids)
    model.n_features_in_ = len(features)
    model._n_threads = 1
    standardised = scaling.apply(customers[features].to_numpy())
    predicted = ids[model.predict(standardised)]
    assert (customers["segment_id"].to_numpy() == predicted).all()
    nearest = model.transform(standardised).min(axis=1)
    np.testing.assert_allclose(customers["distance_to_centroid"], nearest, rtol=1e-9, atol=1e-9)


def test_stored_model_is_a_fit_of_its_features(demo_warehouse: Warehouse, parameters: dict) -> None:
    """Fitting the same features again gives the stored scaling, centroids and every measure."""
    frame = demo_warehouse.table("customer.customer_features").sample(frac=1, random_state=1)
    frame = segmentation.sort_by_content(frame, parameters["features"])
    reasons = segmentation.select_features(frame, parameters["features"])
    kept = [feature for feature, reason in reasons.items() if not reason]
    fitted = segmentation.fit_scaling(frame[kept].to_numpy(dtype=float))
    features, scaling = stored_scaling(demo_warehouse)
    assert features == sorted(kept)
    order = [kept.index(feature) for feature in features]
    for name in ("lower", "upper", "mean", "standard_deviation"):
        assert (getattr(scaling, name) == getattr(fitted, name)[order]).all(), name

    chosen = demo_warehouse.table("segments.segment_k_scores").query("is_chosen").iloc[0]
    limits = segment_gate.GateLimits(seed=parameters["seed"])
    measured = segment_gate.measure(
        fitted.apply(frame[kept].to_numpy(dtype=float)),
        np.argsort(frame["sample_key"].to_numpy(), kind="stable"),
        int(chosen["k"]),
        limits,
    )
    assert (stored_centroids(demo_warehouse, features)[1] == measured.centroids[:, order]).all()
    scores = measured.scores(len(frame))
    stored = scores.keys() & set(chosen.index)
    assert stored >= {*limits.thresholds(), "inertia", "silhouette", "gap", "gap_error"}
    assert {name: chosen[name] for name in stored} == {name: scores[name] for name in stored}


def test_k_is_chosen_as_it_is_told(demo_warehouse: Warehouse) -> None:
    """Of those that pass the gate, the smallest that is as useful as the best, and the rules less.

    Computed from the table alone: a reader can do the same.
    """
    table = demo_warehouse.table("segments.segment_k_scores")
    assert len(table) == 8
    by_k = table.dropna(subset="k").set_index("k").sort_index()
    assert list(by_k.index) == list(range(2, 9))
    measures = [name.removeprefix("min_") for name in table if name.startswith("min_")]
    assert len(measures) == 6
    passes = pd.Series(True, index=by_k.index)
    for measure in measures:
        met = by_k[measure] >= by_k[f"min_{measure}"]
        assert (by_k[f"is_{measure}_met"].astype(bool) == met).all(), measure
        passes &= met
    assert (by_k["is_eligible"].astype(bool) == passes).all()
    assert passes.any()
    assert not passes.all()
    eligible = by_k[passes]
    best = eligible.loc[eligible["usefulness"].idxmax()]
    least = best["usefulness"] - best["usefulness_error"]
    smallest = eligible.index[eligible["usefulness"] >= least].min()
    assert list(by_k.index[by_k["is_chosen"].astype(bool)]) == [smallest]
    (rules,) = table.loc[table["k"].isna(), "usefulness"]
    assert rules < by_k.loc[smallest, "usefulness"]


def test_where_rules_are_better_they_are_served(clean_warehouse: Warehouse) -> None:
    """Types that overlap: a k passes, the rules explain more, and they are everybody's segment."""
    shop = clean_warehouse
    table = shop.table("segments.segment_k_scores")
    (chosen,) = table[table["is_chosen"].astype(bool)].to_dict("records")
    assert pd.isna(chosen["k"])
    candidate = shop.value("select candidate_k from segments.segmentation_status")
    ((explained, is_eligible),) = shop.query(
        f"select usefulness, is_eligible from segments.segment_k_scores where k = {candidate}"
    )
    assert is_eligible
    assert chosen["usefulness"] >= explained
    ((status, method, reason),) = shop.query(
        "select segmentation_status, segmentation_method, reason from segments.segmentation_status"
    )
    assert (status, method) == ("rules_better", "rules")
    assert f"the rules explain {100 * chosen['usefulness']:.1f} %" in reason
    for name in ("segment_centroids", "segment_lineage"):
        assert shop.value(f"select count(*) from segments.{name}") == 0, name
    rows = shop.query(
        "select coalesce(rfm_segment, lifecycle_stage), segment_id, count(*) "
        "from customer.customer_rfm left join segments.customer_segments using (customer_key) "
        "where lifecycle_stage <> 'prospect' group by all order by segment_id"
    )
    assert [row[:2] for row in rows] == list(RULE_SEGMENTS.items())
    of_clusters = "archetype, second_segment_id, distance_to_centroid, margin, is_borderline"
    told = "count(*), count(reason_1), " + ", ".join(
        f"count({name})" for name in of_clusters.split(", ")
    )
    assert shop.query(f"select {told} from segments.customer_segments") == [
        (sum(row[2] for row in rows), sum(row[2] for row in rows), 0, 0, 0, 0, 0)
    ]


def test_features_are_the_same_everywhere(demo_warehouse: Warehouse, parameters: dict) -> None:
    """The model's features are columns of the matrix, judged, and known to the playbook."""
    features = set(parameters["features"])
    selection = demo_warehouse.table("segments.segment_feature_selection")
    assert set(selection["feature"]) == features
    assert features < set(demo_warehouse.columns("customer.customer_features"))
    playbook = demo_warehouse.columns("seeds.segment_playbook")
    assert {name.removeprefix("expected_") for name in playbook if "expected" in name} == features


def test_every_customer_has_one_named_segment(demo_warehouse: Warehouse) -> None:
    """Segments are named uniquely, and each customer is in exactly one; prospects in none."""
    names = demo_warehouse.query("select segment_id, segment_name from segments.segments")
    assert len({name for _, name in names}) == len(names) >= 2
    chosen = demo_warehouse.value("select k from segments.segment_k_scores where is_chosen")
    assert chosen == len(names)
    members = demo_warehouse.query(
        "select count(*), count(distinct customer_key) from segments.customer_segments"
    )
    customers = demo_warehouse.value(
        "select count(*) from customer.customer_single_view where is_customer"
    )
    assert members == [(customers, customers)]


def latent_types(landing: Path, customers: pd.DataFrame) -> pd.Series:
    """Return each customer's latent type from the simulator's truth."""
    files = landing / "market_truth" / "truth_customers" / "*.parquet"
    with duckdb.connect() as connection:
        types = dict(
            connection.execute(
                f"select lower(client_id), latent_type from read_parquet('{files}')"
            ).fetchall()
        )
    found = customers["customer_id"].map(types)
    assert found.notna().all()
    return found


def test_chosen_segments_find_the_latent_types(demo_warehouse: Warehouse) -> None:
    """The segments of the k that is chosen agree with the latent types far beyond chance."""
    features, _ = stored_scaling(demo_warehouse)
    customers = assigned(demo_warehouse, features)
    types = latent_types(ROOT / "demo", customers)
    found = adjusted_rand_score(types, customers["segment_id"])
    mixed = np.random.default_rng(1).permutation(customers["segment_id"])
    assert abs(adjusted_rand_score(types, mixed)) < MOST_ARI_BY_CHANCE
    assert found >= LEAST_ARI_CHOSEN_K


def test_five_segments_find_the_five_latent_types(
    clean_warehouse: Warehouse, clean_landing: Path, parameters: dict
) -> None:
    """As many segments as there are latent types agree with them far beyond chance."""
    features, scaling = stored_scaling(clean_warehouse)
    customers = assigned(clean_warehouse, features)
    values = scaling.apply(customers[features].to_numpy(dtype=float))
    model = segmentation.fit_kmeans(values, 5, parameters["seed"])
    types = latent_types(clean_landing, customers)
    found = adjusted_rand_score(types, model.labels_)
    assert found >= LEAST_ARI_FIVE
