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

import segmentation
from warehouse import ROOT, Warehouse

# Adjusted Rand index of segments against latent types on the clean shop; chance is 0. Measured:
# 0.299 with the chosen k, which is 2 of 5 types, and 0.425 with five segments.
LEAST_ARI_CHOSEN_K = 0.2
LEAST_ARI_FIVE = 0.3
MOST_ARI_BY_CHANCE = 0.02


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


@pytest.mark.parametrize("shop", ["demo_warehouse", "clean_warehouse"])
def test_sql_assigns_as_scikit_learn_predicts(shop: str, request: pytest.FixtureRequest) -> None:
    """For every customer, the segment in SQL is KMeans.predict on the stored centroids."""
    warehouse = request.getfixturevalue(shop)
    features, scaling = stored_scaling(warehouse)
    ids, centroids = stored_centroids(warehouse, features)
    customers = assigned(warehouse, features)
    assert len(customers) > 2_000
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
    """Fitting the same features again gives the stored scaling, centroids, scores and names."""
    frame = demo_warehouse.table("customer.customer_features").sample(frac=1, random_state=1)
    fitted, _, reason = segmentation.segment(
        frame,
        parameters["features"],
        k_values=range(parameters["k_min"], parameters["k_max"] + 1),
        seed=parameters["seed"],
        min_customers=parameters["min_customers"],
    )
    assert fitted is not None
    features, scaling = stored_scaling(demo_warehouse)
    assert features == sorted(fitted.kept)
    order = [fitted.kept.index(feature) for feature in features]
    for name in ("lower", "upper", "mean", "standard_deviation"):
        assert (getattr(scaling, name) == getattr(fitted.scaling, name)[order]).all(), name
    assert (stored_centroids(demo_warehouse, features)[1] == fitted.centroids[:, order]).all()
    stored = demo_warehouse.query(
        "select k, inertia, silhouette from segments.segment_k_scores "
        "where k is not null order by k"
    )
    assert stored == [(score.k, score.inertia, score.silhouette) for score in fitted.scores]
    assert demo_warehouse.value("select reason from segments.segmentation_status") == reason


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
    best = demo_warehouse.value("select max_by(k, silhouette) from segments.segment_k_scores")
    assert chosen == best


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


def test_chosen_segments_find_the_latent_types(
    clean_warehouse: Warehouse, clean_landing: Path
) -> None:
    """The segments of the k that is chosen agree with the latent types far beyond chance."""
    features, _ = stored_scaling(clean_warehouse)
    customers = assigned(clean_warehouse, features)
    types = latent_types(clean_landing, customers)
    found = adjusted_rand_score(types, customers["segment_id"])
    mixed = np.random.default_rng(1).permutation(customers["segment_id"])
    assert abs(adjusted_rand_score(types, mixed)) < MOST_ARI_BY_CHANCE
    assert found >= LEAST_ARI_CHOSEN_K


def test_five_segments_find_the_five_latent_types(
    clean_warehouse: Warehouse, clean_landing: Path, parameters: dict
) -> None:
    """As many segments as there are latent types agree with them far beyond chance."""
    frame = clean_warehouse.table("customer.customer_features")
    fitted, _, _ = segmentation.segment(
        frame,
        parameters["features"],
        k_values=range(5, 6),
        seed=parameters["seed"],
        min_customers=1,
    )
    assert fitted is not None
    customers = assigned(clean_warehouse, fitted.kept)
    standardised = fitted.scaling.apply(customers[fitted.kept].to_numpy())
    gaps = standardised[:, None, :] - fitted.centroids[None, :, :]
    labels = (gaps**2).sum(axis=2).argmin(axis=1)
    types = latent_types(clean_landing, customers)
    found = adjusted_rand_score(types, labels)
    assert found >= LEAST_ARI_FIVE
