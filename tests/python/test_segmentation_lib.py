"""The pure functions of the segmentation, and the dbt model around them with a small fake dbt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.testing import assert_allclose, assert_array_equal

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
