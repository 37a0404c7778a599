"""The pure functions of the segmentation, and the dbt model around them with a small fake dbt."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import KMeans

import kmeans_starts
import segmentation

ROOT = Path(__file__).parents[2]


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


def test_centroids_have_a_canonical_order() -> None:
    """Whatever order centroids come in, they are numbered alike: greatest coordinates first."""
    centroids = np.array([[1.0, 2.0], [1.0, 3.0], [-1.0, 9.0], [1.0 + 1e-9, 1.0]])
    expected = [[1.0, 3.0], [1.0, 2.0], [1.0 + 1e-9, 1.0], [-1.0, 9.0]]
    for seed in range(5):
        mixed = np.random.default_rng(seed).permutation(centroids)
        assert_array_equal(mixed[segmentation.canonical_order(mixed)], expected)


# Starts


def blobs(rows: int, seed: int) -> np.ndarray:
    """Return rows of seven groups of unequal size, sorted by content."""
    draw = np.random.default_rng(seed)
    centres = np.random.default_rng(3).normal(scale=2.0, size=(7, 5))
    group = draw.choice(7, size=rows, p=[0.3, 0.25, 0.2, 0.1, 0.07, 0.05, 0.03])
    values = centres[group] + draw.normal(size=(rows, 5))
    return values[np.lexsort(values.T[::-1])]


def test_following_the_most_promising_starts_ends_as_low_as_following_all() -> None:
    """Over many fits, the inertia is on average that of ten starts which scikit-learn follows."""
    excess = []
    for seed in range(8):
        values = blobs(1_500, seed)
        counts = np.bincount(np.random.default_rng(seed).integers(1_500, size=1_500))
        weights = np.resize(counts, 1_500)
        for k in (3, 5, 8):
            ours = segmentation.fit_kmeans(values, k, seed, weights=weights).inertia_
            theirs = KMeans(k, n_init=10, random_state=seed).fit(values, sample_weight=weights)
            excess.append(ours / theirs.inertia_ - 1)
    assert np.mean(excess) < 0.001
    assert max(excess) < 0.02


def test_starts_are_compared_on_some_rows_and_followed_on_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = blobs(4_000, 1)
    on_all = segmentation.fit_kmeans(values, 5, 2).inertia_
    monkeypatch.setattr(kmeans_starts, "ROWS", 500)
    model = segmentation.fit_kmeans(values, 5, 2)
    assert len(model.labels_) == 4_000
    assert model.inertia_ == pytest.approx(on_all, rel=0.01)


def test_a_step_moves_every_start_as_the_definition_says() -> None:
    values = blobs(300, 4).astype(np.float32)
    counts = np.random.default_rng(0).integers(1, 4, 300).astype(np.float32)
    centres = values[np.random.default_rng(1).integers(300, size=(6, 4))]
    moved, inertia = kmeans_starts.step(values, centres, counts)
    for start in range(6):
        squares = ((values[:, None, :] - centres[start][None]) ** 2).sum(axis=2)
        nearest = squares.argmin(axis=1)
        assert inertia[start] == pytest.approx(counts @ squares.min(axis=1), rel=1e-4)
        for number in range(4):
            own = nearest == number
            mean = np.average(values[own], axis=0, weights=counts[own])
            assert_allclose(moved[start, number], mean, rtol=0, atol=1e-4)


def test_starts_are_the_same_every_time_and_need_no_distinct_rows() -> None:
    values = blobs(200, 4)
    centred = values - values.mean(axis=0)
    first, again = (kmeans_starts.promising(centred, 4, 9, None, 10) for _ in range(2))
    assert len(first) == kmeans_starts.FINALISTS
    assert all((one == other).all() for one, other in zip(first, again, strict=True))
    alike = kmeans_starts.promising(np.zeros((50, 3)), 4, 9, None, 10)
    assert np.isfinite(alike).all()


def test_what_was_fitted_is_read_without_loading_what_fits() -> None:
    """A daily build asks these modules what is due, and starts without the libraries."""
    code = (
        "import sys; import segment_version, quality_artifacts, tree_tables, segment_inputs; "
        "loaded = {'sklearn', 'scipy.stats', 'scipy.optimize', 'kneed'} & set(sys.modules); "
        "sys.exit(', '.join(sorted(loaded)) or 0)"
    )
    library = Path(kmeans_starts.__file__).parent
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=library, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
