"""The pure functions of the segmentation, and the dbt model around them with a small fake dbt."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
import segment_kmeans
import yaml
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import adjusted_rand_score

import segmentation

ROOT = Path(__file__).parents[2]
PLACES = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])


def groups(per_group: int = 60, seed: int = 0) -> pd.DataFrame:
    """Return customers around three far-apart places, with the place that each belongs to."""
    draw = np.random.default_rng(seed)
    place = np.repeat(np.arange(3), per_group)
    values = PLACES[place] + draw.normal(0, 0.5, (len(place), 2))
    return pd.DataFrame(
        {
            "east": values[:, 0],
            "north": values[:, 1],
            "sample_key": draw.permutation(len(place)),
            "place": place,
        }
    )


def fit(frame: pd.DataFrame, features: tuple[str, ...] = ("east", "north"), **changes):
    """Segment with small defaults."""
    arguments = {"k_values": range(2, 9), "seed": 1, "min_customers": 10} | changes
    return segmentation.segment(frame, list(features), **arguments)


def labels(fitted: segmentation.Segmentation, frame: pd.DataFrame) -> np.ndarray:
    """Return the number of the nearest centroid of each row."""
    values = fitted.scaling.apply(frame[fitted.kept].to_numpy())
    return ((values[:, None] - fitted.centroids[None]) ** 2).sum(axis=2).argmin(axis=1)


def test_scaling_winsorises_and_standardises() -> None:
    """Values beyond the 0.5 and 99.5 % quantiles are pulled in; then mean 0 and spread 1."""
    values = np.arange(1_001, dtype=float)[:, None]
    values[-1] = 1e9
    scaling = segmentation.fit_scaling(values)
    assert (scaling.lower[0], scaling.upper[0]) == (5.0, 995.0)
    scaled = scaling.apply(values)
    assert scaled.max() == scaling.apply(np.array([[995.0]]))[0, 0]
    assert_allclose([scaled.mean(), scaled.std()], [0, 1], atol=1e-12)


def test_features_without_information_are_left_out_with_the_reason() -> None:
    """Absent, constant and twin features go, each with its reason; of twins the first stays."""
    draw = np.random.default_rng(2)
    first = draw.normal(size=500)
    frame = pd.DataFrame(
        {
            "first": first,
            "absent": np.where(np.arange(500) == 7, np.nan, draw.normal(size=500)),
            "constant": 3.0,
            "nearly_constant": np.where(np.arange(500) == 0, 9.0, 3.0),
            "twin": np.exp(first),
            "opposite": -first,
            "other": draw.normal(size=500),
        }
    )
    reasons = segmentation.select_features(frame, list(frame))
    assert reasons == {
        "first": "",
        "absent": "its source is absent",
        "constant": "it is alike for nearly all customers",
        "nearly_constant": "it is alike for nearly all customers",
        "twin": "it moves together with first",
        "opposite": "it moves together with first",
        "other": "",
    }
    assert segmentation.select_features(frame, ["twin", "first"])["first"] != ""


def test_the_groups_are_found() -> None:
    """Three far-apart groups give k = 3 by silhouette, and each customer its group."""
    frame = groups()
    fitted, reasons, reason = fit(frame)
    assert fitted is not None
    assert len(fitted.centroids) == 3
    assert reasons == {"east": "", "north": ""}
    assert reason.startswith("k = 3 has the best silhouette")
    assert adjusted_rand_score(frame["place"], labels(fitted, frame)) == 1.0
    assert [score.k for score in fitted.scores] == list(range(2, 9))
    inertia = [score.inertia for score in fitted.scores]
    assert inertia == sorted(inertia, reverse=True)
    assert fitted.knee == 3


def test_order_of_rows_does_not_matter_bit_for_bit() -> None:
    """The same customers in another order give the same model, bit for bit."""
    frame = groups()
    first, _, _ = fit(frame)
    for seed in range(3):
        again, _, _ = fit(frame.sample(frac=1, random_state=seed))
        assert_array_equal(first.centroids, again.centroids)
        assert first.scores == again.scores


def test_evaluation_rows_are_chosen_by_content(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores on a sample of rows do not depend on the order of the rows either."""
    monkeypatch.setattr(segmentation, "EVALUATION_ROWS", 50)
    frame = groups()
    first, _, _ = fit(frame)
    again, _, _ = fit(frame.sample(frac=1, random_state=1))
    assert first.scores == again.scores


def test_centroids_have_a_canonical_order() -> None:
    """Whatever order centroids come in, they are numbered alike: greatest coordinates first."""
    centroids = np.array([[1.0, 2.0], [1.0, 3.0], [-1.0, 9.0], [1.0 + 1e-9, 1.0]])
    expected = [[1.0, 3.0], [1.0, 2.0], [1.0 + 1e-9, 1.0], [-1.0, 9.0]]
    for seed in range(5):
        mixed = np.random.default_rng(seed).permutation(centroids)
        assert_array_equal(mixed[segmentation.canonical_order(mixed)], expected)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (groups().head(0), "0 customers are fewer than the 10"),
        (groups().head(9), "9 customers are fewer than the 10"),
        (groups().assign(east=1.0, north=2.0), "alike in every feature"),
        (groups().assign(east=np.nan, north=np.nan), "alike in every feature"),
        (groups().assign(east=np.arange(180) % 2, north=0.0), "2 distinct customers are too few"),
    ],
)
def test_what_cannot_be_segmented_says_why(frame: pd.DataFrame, words: str) -> None:
    """Too few customers, or too much alike: no model and a reason in words, never an error."""
    fitted, _, reason = fit(frame)
    assert fitted is None
    assert words in reason


@pytest.mark.parametrize("customers", [1, 2, 3, 4, 7])
def test_fewer_customers_than_clusters(customers: int) -> None:
    """k is never as large as the number of distinct customers; with too few there is no model."""
    fitted, _, reason = fit(groups().sample(customers, random_state=3), min_customers=1)
    if customers < 3:
        assert fitted is None
        assert reason
    else:
        assert [score.k for score in fitted.scores] == list(range(2, customers))


def test_one_absurd_outlier_makes_no_segment_of_its_own() -> None:
    """A single customer with an absurd value leaves the other customers' groups as they are."""
    frame = pd.concat([groups(200), groups(200, seed=1).head(1).assign(east=1e9)])
    fitted, _, _ = fit(frame)
    assert len(fitted.centroids) == 3
    assert min(np.bincount(labels(fitted, frame))) >= 200


def test_knee_needs_three_points() -> None:
    """The knee is where inertia stops falling fast, and None with fewer than three values of k."""
    scores = [
        segmentation.KScore(k, inertia, 0, 0, 0, 0)
        for k, inertia in zip(range(2, 9), (1000, 400, 120, 110, 100, 92, 85), strict=True)
    ]
    assert segmentation.find_knee(scores) == 4
    assert segmentation.find_knee(scores[:2]) is None
