"""k-means segmentation of customers: features kept, scaling, the fit, names.

Everything here is a pure function of its arguments. Rows are sorted by content before any fit and
the seed is fixed, so that neither the order of rows nor the names of customers change a label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.stats import rankdata
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

WINSOR_QUANTILES = (0.005, 0.995)
MIN_STANDARD_DEVIATION = 1e-6
MAX_RANK_CORRELATION = 0.9
STARTS = 10
MAX_MATCH_DISTANCE = 1.6
MIN_NAMED_COORDINATE = 0.25
IMPOSSIBLE = 1e6


@dataclass(frozen=True)
class Scaling:
    """Winsorising bounds and the mean and standard deviation after it, one value a feature."""

    lower: np.ndarray
    upper: np.ndarray
    mean: np.ndarray
    standard_deviation: np.ndarray

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Return values (rows x features) winsorised and standardised, without units."""
        clipped = np.clip(values, self.lower, self.upper)
        return (clipped - self.mean) / self.standard_deviation


def sort_by_content(frame: pd.DataFrame, features: list[str]) -> pd.DataFrame:
    """Return the rows in an order that depends on their feature values alone."""
    return frame.sort_values(features, kind="stable", na_position="last", ignore_index=True)


def fit_scaling(values: np.ndarray) -> Scaling:
    """Learn winsorising bounds at 0.5 and 99.5 % and the moments after it.

    values: rows x features, without nulls. Returns arrays of one value a feature.
    """
    lower, upper = np.quantile(values, WINSOR_QUANTILES, axis=0)
    clipped = np.clip(values, lower, upper)
    return Scaling(lower, upper, clipped.mean(axis=0), clipped.std(axis=0))


def select_features(frame: pd.DataFrame, features: list[str]) -> dict[str, str]:
    """Decide which features k-means sees.

    Returns each feature with the reason for leaving it out, or '' where it is kept. Left out are
    features whose source is absent (null for any row), whose spread after winsorising is near
    zero, and of a pair with an absolute Spearman correlation over 0.9 the one that stands later
    in `features`.
    """
    reasons: dict[str, str] = {}
    ranks: dict[str, np.ndarray] = {}
    for feature in features:
        values = frame[feature].to_numpy(dtype=float)
        if np.isnan(values).any():
            reasons[feature] = "its source is absent"
            continue
        if fit_scaling(values[:, None]).standard_deviation[0] < MIN_STANDARD_DEVIATION:
            reasons[feature] = "it is alike for nearly all customers"
            continue
        ranked = rankdata(values)
        twin = next(
            (
                other
                for other, other_ranks in ranks.items()
                if abs(np.corrcoef(ranked, other_ranks)[0, 1]) > MAX_RANK_CORRELATION
            ),
            None,
        )
        if twin is not None:
            reasons[feature] = f"it moves together with {twin}"
            continue
        ranks[feature] = ranked
        reasons[feature] = ""
    return reasons


def fit_kmeans(values: np.ndarray, k: int, seed: int, weights: np.ndarray | None = None) -> KMeans:
    """Fit k-means (Lloyd, k-means++ with ten starts) on standardised rows, on one thread.

    Rows must be sorted by content. weights: one a row, how often it counts; None is once each. One
    thread keeps sums in one order, hence bits equal.
    """
    with threadpool_limits(limits=1):
        model = KMeans(n_clusters=k, n_init=STARTS, random_state=seed)
        return model.fit(values, sample_weight=weights)


def assign(values: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """Return the number (from 0) of the nearest centroid of each row, the first of equals.

    values: rows x features; centroids: clusters x features, in the same units.
    """
    squares = (centroids**2).sum(axis=1) - 2.0 * values @ centroids.T
    return squares.argmin(axis=1)


def canonical_order(centroids: np.ndarray) -> np.ndarray:
    """Return the order of centroids by coordinates, greatest first, so that ids are stable."""
    keys = np.round(centroids, 6)
    return np.lexsort(tuple(-keys[:, column] for column in reversed(range(keys.shape[1]))))


def match_archetypes(
    centroids: np.ndarray, kept: list[str], playbook: pd.DataFrame
) -> list[str | None]:
    """Give each centroid the archetype it resembles, one to one.

    centroids: segments x kept features, standardised. playbook: one row per archetype, with its
    name in `archetype` and the expected standardised value of each feature in `expected_<feature>`
    (null: the archetype says nothing about it). The pairs have the least sum of root mean square
    distances (Hungarian method). A centroid matches no archetype that is further away than 1.6
    standard deviations, or no nearer than the average customer is: such a name would say more
    than the data do.
    """
    playbook = playbook.sort_values("archetype", ignore_index=True)
    expected = playbook[[f"expected_{feature}" for feature in kept]].to_numpy(dtype=float)
    known = ~np.isnan(expected)
    counts = np.maximum(known.sum(axis=1), 1)
    gaps = (centroids[:, None, :] - expected[None, :, :]) ** 2
    cost = np.sqrt(np.nansum(gaps, axis=2) / counts)
    from_average = np.sqrt((centroids**2) @ known.T / counts)
    possible = (cost <= MAX_MATCH_DISTANCE) & (cost < from_average)
    cost = np.where(possible, cost, IMPOSSIBLE)
    rows, columns = linear_sum_assignment(cost)
    names: list[str | None] = [None] * len(centroids)
    for row, column in zip(rows, columns, strict=True):
        if possible[row, column]:
            names[row] = str(playbook["archetype"][column])
    return names


def describe_centroid(centroid: np.ndarray, kept: list[str]) -> str:
    """Name a centroid by the two features that set it apart most, as 'high x, low y'.

    Features less than a quarter of a standard deviation from the mean set nothing apart; without
    any other the centroid is called 'average customers'.
    """
    order = np.argsort(-np.abs(np.round(centroid, 6)), kind="stable")[:2]
    words = [
        f"{'high' if centroid[index] > 0 else 'low'} {kept[index].replace('_', ' ')}"
        for index in order
        if abs(centroid[index]) >= MIN_NAMED_COORDINATE
    ]
    return ", ".join(words) or "average customers"


def unique_names(names: list[str]) -> list[str]:
    """Number the names that occur more than once, in their order."""
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return unique
