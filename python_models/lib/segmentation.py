"""k-means segmentation of customers: features kept, scaling, choice of k, names.

Everything here is a pure function of its arguments. Rows are sorted by content before any fit and
the seed is fixed, so that neither the order of rows nor the names of customers change a label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from kneed import KneeLocator
from scipy.stats import rankdata
from sklearn.cluster import KMeans
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score
from threadpoolctl import threadpool_limits

WINSOR_QUANTILES = (0.005, 0.995)
MIN_STANDARD_DEVIATION = 1e-6
MAX_RANK_CORRELATION = 0.9
ABSENT = "its source is absent"
EVALUATION_ROWS = 10_000
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


@dataclass(frozen=True)
class KScore:
    """How well one number of clusters fits; higher is better but for inertia and Davies-Bouldin."""

    k: int
    inertia: float
    silhouette: float
    calinski_harabasz: float
    davies_bouldin: float
    smallest_share: float


@dataclass(frozen=True)
class Segmentation:
    """A fitted segmentation; `centroids` is (k x kept features) in standardised units."""

    kept: list[str]
    scaling: Scaling
    centroids: np.ndarray
    scores: list[KScore]
    knee: int | None


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


def score_k(values: np.ndarray, model: KMeans, evaluation: np.ndarray) -> KScore:
    """Score one fit; `evaluation` holds the row numbers that stand for all rows.

    Silhouette is quadratic in rows, so it and its companions are taken on the evaluation rows.
    """
    labels = model.labels_
    sample, sample_labels = values[evaluation], labels[evaluation]
    if len(np.unique(sample_labels)) < 2:
        silhouette = calinski = davies = float("nan")
    else:
        with threadpool_limits(limits=1):
            silhouette = float(silhouette_score(sample, sample_labels))
            calinski = float(calinski_harabasz_score(sample, sample_labels))
            davies = float(davies_bouldin_score(sample, sample_labels))
    shares = np.bincount(labels, minlength=model.n_clusters) / len(labels)
    return KScore(
        model.n_clusters, float(model.inertia_), silhouette, calinski, davies, float(shares.min())
    )


def find_knee(scores: list[KScore]) -> int | None:
    """Return the k at which inertia stops falling fast (Satopaa et al. 2011), or None."""
    if len(scores) < 3:
        return None
    locator = KneeLocator(
        [score.k for score in scores],
        [score.inertia for score in scores],
        curve="convex",
        direction="decreasing",
    )
    return int(locator.knee) if locator.knee is not None else None


def segment(
    frame: pd.DataFrame,
    features: list[str],
    *,
    k_values: range,
    seed: int,
    min_customers: int,
) -> tuple[Segmentation | None, dict[str, str], str]:
    """Choose features and k, and fit.

    frame: one row per customer with the columns `features` (numbers, null where unknown) and
    `sample_key` (an integer hash of the row's content).
    Returns the segmentation or None, the reason per feature left out, and the reason in words for
    having or not having a segmentation. k is the one with the best silhouette on a sample of
    rows, the smallest of equals.
    """
    if len(frame) < min_customers:
        return None, {}, f"{len(frame)} customers are fewer than the {min_customers} needed"
    frame = sort_by_content(frame, features)
    reasons = select_features(frame, features)
    kept = [feature for feature, reason in reasons.items() if not reason]
    if not kept:
        return None, reasons, "all customers are alike in every feature"
    values = frame[kept].to_numpy(dtype=float)
    scaling = fit_scaling(values)
    standardised = scaling.apply(values)
    distinct = len(np.unique(standardised, axis=0))
    candidates = [k for k in k_values if k < distinct]
    if not candidates:
        return None, reasons, f"{distinct} distinct customers are too few for {k_values[0]} groups"
    evaluation = np.argsort(frame["sample_key"].to_numpy(), kind="stable")[:EVALUATION_ROWS]
    models = {k: fit_kmeans(standardised, k, seed) for k in candidates}
    scores = [score_k(standardised, model, evaluation) for model in models.values()]
    best = max(scores, key=lambda score: (np.nan_to_num(score.silhouette, nan=-1.0), -score.k))
    centroids = models[best.k].cluster_centers_
    centroids = centroids[canonical_order(centroids)]
    fitted = Segmentation(kept, scaling, centroids, scores, find_knee(scores))
    reason = f"k = {best.k} has the best silhouette on a sample, {best.silhouette:.3f}"
    return fitted, reasons, reason
