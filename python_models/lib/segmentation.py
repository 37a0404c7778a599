"""k-means segmentation of customers: features kept, scaling, the fit, names.

Everything here is a pure function of its arguments. Rows are sorted by content before any fit and
the seed is fixed, so that neither the order of rows nor the names of customers change a label.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from threadpoolctl import ThreadpoolController

import kmeans_starts

# A build that fits nothing asks this module what was fitted, and need not wait for the libraries
# that fit: they are imported where they are used.
if TYPE_CHECKING:
    from sklearn.cluster import KMeans

WINSOR_QUANTILES = (0.005, 0.995)
MIN_STANDARD_DEVIATION = 1e-6
MAX_RANK_CORRELATION = 0.9
ABSENT = "its source is absent"
STARTS = 10


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
    from scipy.stats import rankdata

    reasons: dict[str, str] = {}
    ranks: dict[str, np.ndarray] = {}
    for feature in features:
        values = frame[feature].to_numpy(dtype=float)
        if np.isnan(values).any():
            reasons[feature] = ABSENT
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


@cache
def threads() -> ThreadpoolController:
    """Return what limits the threads of the libraries that fit.

    Made once: to find them again for each of hundreds of small fits costs as much as a fit. And
    made late: it finds only what has been loaded.
    """
    import sklearn.cluster  # noqa: F401

    return ThreadpoolController()


def one_thread():
    """Return a context in which sums run on one thread: in one order, hence with equal bits."""
    return threads().limit(limits=1)


def fit_kmeans(
    values: np.ndarray,
    k: int,
    seed: int,
    weights: np.ndarray | None = None,
    starts: int = STARTS,
) -> KMeans:
    """Fit k-means (Lloyd) on standardised rows, from the best of ten starts, on one thread.

    Rows must be sorted by content. weights: one a row, how often it counts; None is once each. One
    thread keeps sums in one order, hence bits equal. starts: how many are drawn; the most promising
    of them are followed to their end (kmeans_starts).
    """
    from sklearn import config_context
    from sklearn.cluster import KMeans

    with one_thread(), config_context(assume_finite=True, skip_parameter_validation=True):
        centred = values - values.mean(axis=0)
        found = kmeans_starts.promising(centred, k, seed, weights, starts)
        turns = iter(found)
        model = KMeans(k, init=lambda *_, **__: next(turns), n_init=len(found))
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
