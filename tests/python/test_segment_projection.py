"""Principal components of standardised features: direction, share, sign and edges."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

import segment_projection


def correlated(rows: int, seed: int) -> np.ndarray:
    """Return rows of five features that move together, standardised."""
    rng = np.random.default_rng(seed)
    mixed = rng.normal(size=(rows, 3)) @ rng.normal(size=(3, 5)) + 0.3 * rng.normal(size=(rows, 5))
    return (mixed - mixed.mean(axis=0)) / mixed.std(axis=0)


@pytest.mark.parametrize("seed", range(5))
def test_components_are_those_of_scikit_learn_but_for_the_sign(seed: int) -> None:
    values = correlated(400, seed)
    expected = PCA(n_components=2, svd_solver="full").fit(values)
    loadings, shares = segment_projection.components(values)

    np.testing.assert_allclose(shares, expected.explained_variance_ratio_, rtol=1e-10)
    signs = np.sign((loadings * expected.components_).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(loadings * signs, expected.components_, atol=1e-10)
    for loading in loadings:
        assert loading[np.abs(loading).argmax()] > 0
        assert np.linalg.norm(loading) == pytest.approx(1.0, abs=1e-12)


def test_a_known_direction_is_found() -> None:
    """Points on a line with slope 3/4 and a tenth of its spread across it, moved off the origin."""
    along, across = np.array([-2.0, -1, 0, 1, 2]), np.array([0.1, -0.2, 0.2, -0.2, 0.1])
    points = along[:, None] * [0.8, 0.6] + across[:, None] * [-0.6, 0.8] + [5.0, -3.0]
    loadings, shares = segment_projection.components(points)

    np.testing.assert_allclose(loadings, [[0.8, 0.6], [-0.6, 0.8]], atol=1e-12)
    np.testing.assert_allclose(shares, np.array([10.0, 0.14]) / 10.14, atol=1e-12)


def test_the_sign_does_not_depend_on_which_way_the_data_point() -> None:
    values = correlated(300, 7)
    loadings, shares = segment_projection.components(values)
    mirrored, mirrored_shares = segment_projection.components(-values)

    np.testing.assert_allclose(mirrored, loadings, atol=1e-12)
    np.testing.assert_allclose(mirrored_shares, shares, atol=1e-12)


def test_of_two_loadings_that_are_equally_great_the_first_is_positive() -> None:
    """Two opposite features: rounding must not decide which of the two is positive."""
    column = np.random.default_rng(3).normal(size=200)
    for noise in (0.0, 1e-13, -1e-13):
        loadings, shares = segment_projection.components(
            np.column_stack([column, -column * (1 + noise)])
        )
        np.testing.assert_allclose(loadings[0], [0.5**0.5, -(0.5**0.5)], atol=1e-9)
        assert shares[0] == pytest.approx(1.0)


def test_shuffled_rows_give_the_same_picture() -> None:
    values = correlated(500, 11)
    shuffled = np.random.default_rng(1).permutation(values)
    for found, expected in zip(
        segment_projection.components(shuffled),
        segment_projection.components(values),
        strict=True,
    ):
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_what_is_not_there_has_no_share() -> None:
    one_feature = np.array([[-1.0], [0.0], [1.0]])
    loadings, shares = segment_projection.components(one_feature)
    assert loadings.tolist() == [[1.0], [0.0]]
    assert shares.tolist() == [1.0, 0.0]

    on_a_line = np.array([[-1.0, 2.0], [0.0, 0.0], [1.0, -2.0]])
    loadings, shares = segment_projection.components(on_a_line)
    assert shares.tolist() == [1.0, 0.0]
    assert loadings[1].tolist() == [0.0, 0.0]

    for alike in (np.ones((4, 3)), np.array([[1.0, 2.0, 3.0]])):
        loadings, shares = segment_projection.components(alike)
        assert not loadings.any()
        assert not shares.any()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((0, 3)), "rows and features are needed"),
        (np.zeros((3, 0)), "rows and features are needed"),
        (np.zeros(3), "rows and features are needed"),
        (np.array([[1.0, np.nan], [0.0, 1.0]]), "not a finite number"),
        (np.array([[1.0, np.inf], [0.0, 1.0]]), "not a finite number"),
    ],
)
def test_what_cannot_be_projected_is_refused(values: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        segment_projection.components(values)
