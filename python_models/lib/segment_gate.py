"""The gate before the choice of k: whether a clustering repeats, with groups of a usable size.

Everything here is a pure function of its arguments. Rows come sorted by content, samples are taken
in an order of content, each purpose draws from a generator of its own and sums run on one thread:
the same customers give the same measures bit for bit, however they are called or ordered.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

import segmentation

# What random numbers are drawn for: purposes do not share a stream, so none disturbs another.
FIT, RESAMPLES, SPLITS, SEEDS, REFERENCES = range(5)
DISTANCES_MIB = 64  # of memory for distances between rows, which come in slices
SERVED_STARTS = 3 * segmentation.STARTS  # of the fit on all rows, which is the one that is served
TINY = float(np.finfo(float).tiny)  # two rows may be alike: nothing is divided by 0
LOW_QUANTILE = 0.05  # of the agreements over resamples: what nearly every refit reaches


@dataclass(frozen=True)
class GateLimits:
    """How much is drawn for each measure, and what a clustering must reach.

    Rows beyond `bootstrap_rows`, `evaluation_rows` and `gap_rows` are left out of the measures
    that would cost too much on all of them.
    """

    bootstraps: int = 30
    bootstrap_rows: int = 5_000
    splits: int = 5
    seeds: int = 5
    evaluation_rows: int = 10_000
    gap_references: int = 10
    gap_rows: int = 1_000
    min_agreement: float = 0.80
    min_jaccard: float = 0.75
    min_prediction_strength: float = 0.80
    min_share: float = 0.01
    min_customers: int = 100
    min_seed_agreement: float = 0.95
    seed: int = 20260630

    def thresholds(self) -> dict[str, float]:
        """Return what each measure of the gate must at least be, by the measure's name."""
        return {
            "bootstrap_agreement": self.min_agreement,
            "cluster_jaccard": self.min_jaccard,
            "prediction_strength": self.min_prediction_strength,
            "smallest_customer_count": float(self.min_customers),
            "smallest_share": self.min_share,
            "seed_agreement": self.min_seed_agreement,
        }


def effort(resamples: object) -> dict[str, int]:
    """Return how much is drawn where a var says how many resamples there are, 30 by default.

    Raises:
        ValueError: if it is not a whole number from 5 to 1,000.
    """
    text = str(resamples).strip()
    if not (text.isascii() and text.isdigit()) or not 5 <= int(text) <= 1_000:
        raise ValueError(f"var segment_resamples must be from 5 to 1000, not {resamples!r}")
    return {"bootstraps": int(text), "splits": max(2, int(text) // 6)}


@dataclass(frozen=True)
class Measured:
    """The fit of one k and all that is measured of it.

    centroids: k x features in standardised units, in canonical order; a cluster's number is its
    place. `smallest_row_count` is of the `row_count` rows that were fitted. What cannot be
    measured is nan.
    """

    k: int
    row_count: int
    centroids: np.ndarray
    bootstrap_agreement: float
    cluster_jaccard: float
    prediction_strength: float
    smallest_row_count: int
    seed_agreement: float
    inertia: float
    silhouette: float
    silhouette_error: float
    calinski_harabasz: float
    davies_bouldin: float
    gap: float
    gap_error: float

    @property
    def smallest_share(self) -> float:
        """Share of the fitted rows that fall to the smallest cluster."""
        return self.smallest_row_count / self.row_count

    def smallest_customer_count(self, customer_count: int) -> int:
        """Return the customers of the smallest cluster, rounded down.

        Where the rows are a sample of `customer_count` customers, its rows stand for
        customer_count / row_count customers each.
        """
        return self.smallest_row_count * customer_count // self.row_count

    def scores(self, customer_count: int) -> dict[str, float]:
        """Return every measure by its name, gate first; `customer_count` as above."""
        return {
            "bootstrap_agreement": self.bootstrap_agreement,
            "cluster_jaccard": self.cluster_jaccard,
            "prediction_strength": self.prediction_strength,
            "smallest_customer_count": float(self.smallest_customer_count(customer_count)),
            "smallest_share": self.smallest_share,
            "seed_agreement": self.seed_agreement,
            "inertia": self.inertia,
            "silhouette": self.silhouette,
            "silhouette_error": self.silhouette_error,
            "calinski_harabasz": self.calinski_harabasz,
            "davies_bouldin": self.davies_bouldin,
            "gap": self.gap,
            "gap_error": self.gap_error,
        }


def measurable(values: np.ndarray, k_values: Iterable[int]) -> list[int]:
    """Return the k of `k_values` for which there are at least k distinct rows."""
    wanted = list(k_values)
    distinct, others = 0, values
    # Counting all distinct rows would sort them; a few passes tell whether there are enough.
    while len(others) and distinct < max(wanted, default=0):
        others = others[(others != others[0]).any(axis=1)]
        distinct += 1
    return [k for k in wanted if k <= distinct]


def measure(values: np.ndarray, order: np.ndarray, k: int, limits: GateLimits) -> Measured:
    """Fit and measure one k; see `measure_each`."""
    return measure_each(values, order, [k], limits)[0]


def measure_each(
    values: np.ndarray, order: np.ndarray, k_values: Sequence[int], limits: GateLimits
) -> list[Measured]:
    """Fit k clusters on all rows and measure them, for each of some k.

    values: rows x features, standardised, sorted by content. order: row numbers in the order of a
    key of the content, whose first rows stand for all. Raises ValueError where fewer than k rows
    are distinct.

    Frozen labels are those of the fit on all rows, for they are what would be served; a refit in
    a resample has fewer rows to learn from, so agreement errs on the strict side where the sample
    is smaller than the whole.

    What a sample costs in certainty was measured on 200,000 rows of five overlapping types, with
    six samples of 5,000 rows: the standard deviation of agreement, Jaccard and prediction strength
    over samples is about 0.01 where a k is clear, and about 0.1 where two optima are nearly equal.
    All three are lower than on 20,000 rows, by 0.01 to 0.1: a sample refuses rather too much.
    """
    from sklearn.exceptions import ConvergenceWarning

    if len(measurable(values, k_values)) < len(k_values):
        most = max(k_values)
        raise ValueError(f"fewer than {most} distinct rows cannot fall into {most} clusters")
    sample = content_sample(values, order, limits.bootstrap_rows)
    evaluation = content_sample(values, order, limits.evaluation_rows)
    spread = content_sample(values, order, limits.gap_rows)
    with segmentation.one_thread(), warnings.catch_warnings():
        # A sample may hold fewer distinct rows than clusters; that shows in the measures.
        warnings.simplefilter("ignore", ConvergenceWarning)
        models = [
            segmentation.fit_kmeans(values, k, _seed(limits, k, FIT), starts=SERVED_STARTS)
            for k in k_values
        ]
        found = [
            model.cluster_centers_[segmentation.canonical_order(model.cluster_centers_)]
            for model in models
        ]
        # Distances between rows are what separation costs, and are the same for every k.
        apart = separations(
            evaluation, [segmentation.assign(evaluation, centroids) for centroids in found]
        )
        measured = []
        for k, model, centroids, separation in zip(k_values, models, found, apart, strict=True):
            sizes = np.bincount(segmentation.assign(values, centroids), minlength=k)
            agreement, jaccard = bootstrap_stability(sample, centroids, limits)
            gap, gap_error = gap_statistic(spread, k, limits)
            silhouette, silhouette_error, calinski, davies = separation
            measured.append(
                Measured(
                    k=k,
                    row_count=len(values),
                    centroids=centroids,
                    bootstrap_agreement=agreement,
                    cluster_jaccard=jaccard,
                    prediction_strength=prediction_strength(sample, k, limits),
                    smallest_row_count=int(sizes.min()),
                    seed_agreement=seed_agreement(evaluation, k, limits),
                    inertia=float(model.inertia_),
                    silhouette=silhouette,
                    silhouette_error=silhouette_error,
                    calinski_harabasz=calinski,
                    davies_bouldin=davies,
                    gap=gap,
                    gap_error=gap_error,
                )
            )
    return measured


def verdicts(measured: Measured, limits: GateLimits, customer_count: int) -> dict[str, bool]:
    """Return for each measure of the gate whether it reaches its threshold.

    customer_count: of the shop, of which the fitted rows may be a sample. What could not be
    measured fails.
    """
    scores = measured.scores(customer_count)
    return {name: bool(scores[name] >= least) for name, least in limits.thresholds().items()}


def is_eligible(measured: Measured, limits: GateLimits, customer_count: int) -> bool:
    """Return whether a clustering reaches every threshold of the gate."""
    return all(verdicts(measured, limits, customer_count).values())


def content_sample(values: np.ndarray, order: np.ndarray, rows: int) -> np.ndarray:
    """Return the first `rows` rows of `order`, in the order in which they stand in `values`."""
    return values[np.sort(order[:rows])]


def contingency(first: np.ndarray, second: np.ndarray, k: int) -> np.ndarray:
    """Count rows by two labels from 0 to k - 1; returns integers, first x second labels."""
    return np.bincount(first * k + second, minlength=k * k).reshape(k, k)


def adjusted_rand(table: np.ndarray) -> float:
    """Return the adjusted Rand index of a contingency table (Hubert & Arabie 1985).

    1 is agreement in every pair of rows, 0 what chance gives. Two partitions that leave nothing to
    chance (all rows in one group on both sides) agree fully.
    """
    together = _pairs(table).sum()
    first, second = _pairs(table.sum(axis=1)).sum(), _pairs(table.sum(axis=0)).sum()
    total = _pairs(table.sum())
    expected = first * second / total if total else 0.0
    most = (first + second) / 2
    return 1.0 if most == expected else float((together - expected) / (most - expected))


def best_jaccard(table: np.ndarray) -> np.ndarray:
    """Return for each first label the Jaccard similarity with the second label most like it.

    A label without rows is like nothing: 0.
    """
    united = table.sum(axis=1)[:, None] + table.sum(axis=0)[None, :] - table
    return (table / np.maximum(united, 1)).max(axis=1)


def kept_together(table: np.ndarray) -> float:
    """Return the least share of a cluster's pairs that another clustering puts together.

    table: the clusters on the rows, the other clustering's on the columns. A cluster of one row
    has no pairs, and nothing of it was repeated: 0.
    """
    pairs = _pairs(table.sum(axis=1))
    return float((_pairs(table).sum(axis=1) / np.maximum(pairs, 1)).min())


def bootstrap_stability(
    sample: np.ndarray, centroids: np.ndarray, limits: GateLimits
) -> tuple[float, float]:
    """Refit on resamples; compare the frozen labels of the sample with each refit's.

    Returns the 5th percentile of the adjusted Rand index, and the least over clusters of the mean
    over resamples of a cluster's best Jaccard similarity (Hennig 2007; there the comparison is on
    the drawn rows alone, here on all rows of the sample, as for the Rand index). A row drawn
    several times has that weight. A refit starts anew: starts at the frozen centroids would hide
    a second optimum.
    """
    k = len(centroids)
    draw = _generator(limits, k, RESAMPLES)
    frozen = segmentation.assign(sample, centroids)
    agreements, similarities = [], []
    for _ in range(limits.bootstraps):
        counts = np.bincount(draw.integers(len(sample), size=len(sample)), minlength=len(sample))
        seed = int(draw.integers(2**31))
        drawn = counts > 0
        if drawn.sum() < k:  # fewer customers than clusters: nothing can be repeated
            agreements.append(0.0)
            similarities.append(np.zeros(k))
            continue
        refit = segmentation.fit_kmeans(sample[drawn], k, seed, weights=counts[drawn])
        table = contingency(frozen, segmentation.assign(sample, refit.cluster_centers_), k)
        agreements.append(adjusted_rand(table))
        similarities.append(best_jaccard(table))
    least = np.mean(similarities, axis=0).min()
    return float(np.quantile(agreements, LOW_QUANTILE)), float(least)


def prediction_strength(sample: np.ndarray, k: int, limits: GateLimits) -> float:
    """Return how well one half of the rows foretells the clusters of the other.

    Tibshirani & Walther 2005: both halves are clustered; of each cluster of one half, the share
    of its pairs of rows that the other half's centroids put together; the least of clusters, and
    the mean over splits and both directions. nan where a half has fewer than k rows.
    """
    half = len(sample) // 2
    if half < k:
        return float("nan")
    draw = _generator(limits, k, SPLITS)
    strengths = []
    for _ in range(limits.splits):
        mixed = draw.permutation(len(sample))
        halves = [sample[np.sort(rows)] for rows in (mixed[:half], mixed[half:])]
        models = [segmentation.fit_kmeans(rows, k, int(draw.integers(2**31))) for rows in halves]
        for rows, own, other in ((halves[0], *models), (halves[1], *models[::-1])):
            table = contingency(
                segmentation.assign(rows, own.cluster_centers_),
                segmentation.assign(rows, other.cluster_centers_),
                k,
            )
            strengths.append(kept_together(table))
    return float(np.mean(strengths))


def seed_agreement(sample: np.ndarray, k: int, limits: GateLimits) -> float:
    """Fit with several seeds and return how far the worst of them falls behind."""
    draw = _generator(limits, k, SEEDS)
    fits = [
        segmentation.fit_kmeans(sample, k, int(draw.integers(2**31))) for _ in range(limits.seeds)
    ]
    labels = [segmentation.assign(sample, fit.cluster_centers_) for fit in fits]
    agreements = np.array(
        [[adjusted_rand(contingency(one, other, k)) for other in labels] for one in labels]
    )
    return least_to_median(agreements, limits.min_agreement)


def least_to_median(agreements: np.ndarray, floor: float) -> float:
    """Return the least agreement with the medoid seed as a share of the median agreement with it.

    agreements: seeds x seeds, adjusted Rand indices. The medoid is the seed that agrees most with
    the others, the first of equals. All pairs would not do: where three seeds end in one optimum
    and two in another, six pairs of ten disagree, so the disagreement is the median and also the
    minimum, and their ratio is 1. The median counts as at least `floor`, else seeds that end in
    five different places, each as far from the medoid as the others, would pass as well.
    """
    medoid = int(agreements.sum(axis=1).argmax())
    others = np.delete(agreements[medoid], medoid)
    return float(others.min() / max(np.median(others), floor))


def separations(
    sample: np.ndarray, labellings: Sequence[np.ndarray]
) -> list[tuple[float, float, float, float]]:
    """Return silhouette, its standard error over rows, Calinski-Harabasz and Davies-Bouldin.

    sample: rows x features; labellings: each a label from 0 for every row. All are nan where the
    labels are one group or each row is its own.
    """
    from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score

    usable = [2 <= len(np.unique(labels)) < len(sample) for labels in labellings]
    kept = [labels for labels, is_usable in zip(labellings, usable, strict=True) if is_usable]
    each = iter(silhouettes(sample, kept))
    found = []
    for labels, is_usable in zip(labellings, usable, strict=True):
        if not is_usable:
            found.append((float("nan"),) * 4)
            continue
        values = next(each)
        found.append(
            (
                float(values.mean()),
                float(values.std() / np.sqrt(len(values))),
                float(calinski_harabasz_score(sample, labels)),
                float(davies_bouldin_score(sample, labels)),
            )
        )
    return found


def silhouettes(sample: np.ndarray, labellings: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the silhouette of every row under each labelling (Rousseeuw 1987).

    Arguments as in `separations`; every labelling has two groups or more. Distances are taken once
    for all labellings, some rows at a time. A row that is its group alone has 0.
    """
    from sklearn.metrics.pairwise import euclidean_distances

    if not labellings:
        return []
    groups = [labels[:, None] == np.unique(labels)[None, :] for labels in labellings]
    # A product for each: one of all at once would add up in an order that depends on the others.
    belongs = [own.astype(float) for own in groups]
    sums = [np.empty_like(own) for own in belongs]
    step = max(1, (DISTANCES_MIB << 20) // (8 * len(sample)))
    for begin in range(0, len(sample), step):
        rows = slice(begin, begin + step)
        apart = euclidean_distances(sample[rows], sample)
        for own, total in zip(belongs, sums, strict=True):
            total[rows] = apart @ own
    found = []
    for own, total in zip(groups, sums, strict=True):
        sizes = own.sum(axis=0)
        within = total[own] / np.maximum(own @ sizes - 1, 1)
        others = np.where(own, np.inf, total / sizes).min(axis=1)
        values = (others - within) / np.maximum(np.maximum(within, others), TINY)
        found.append(np.where(own @ sizes > 1, values, 0.0))
    return found


def gap_statistic(sample: np.ndarray, k: int, limits: GateLimits) -> tuple[float, float]:
    """Return the gap statistic and its error (Tibshirani, Walther & Hastie 2001).

    The mean over references of log inertia, less the sample's: how much tighter its clusters are
    than those of rows spread evenly over a box along its principal components. Every k is compared
    with the same references. nan where the sample has no spread left within its clusters.
    """
    if len(sample) < k:
        return float("nan"), float("nan")
    draw = np.random.default_rng([limits.seed, REFERENCES])
    centred = sample - sample.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    # Turning the box back would change no distance within it.
    turned = centred @ axes.T
    lower, upper = turned.min(axis=0), turned.max(axis=0)
    inertias = [
        segmentation.fit_kmeans(
            draw.uniform(lower, upper, turned.shape), k, _seed(limits, k, REFERENCES)
        ).inertia_
        for _ in range(limits.gap_references)
    ]
    inertia = segmentation.fit_kmeans(sample, k, _seed(limits, k, REFERENCES)).inertia_
    if min(inertia, *inertias) <= 0:
        return float("nan"), float("nan")
    logs = np.log(inertias)
    error = logs.std() * np.sqrt(1 + 1 / limits.gap_references)
    return float(logs.mean() - np.log(inertia)), float(error)


def _pairs(counts: np.ndarray) -> np.ndarray:
    """Return the number of pairs among so many rows."""
    return counts * (counts - 1) // 2


def _generator(limits: GateLimits, k: int, purpose: int) -> np.random.Generator:
    """Return the random numbers of one k and purpose."""
    return np.random.default_rng([limits.seed, k, purpose])


def _seed(limits: GateLimits, k: int, purpose: int) -> int:
    """Return one seed for scikit-learn."""
    return int(_generator(limits, k, purpose).integers(2**31))
