"""How long a segmentation stays good: a backtest over past month-ends, and what can be promised.

A segmentation that was fitted at an origin is frozen and applied to the customers of each later
date, with their features as they were known then, and compared with one that is fitted at that
date. What a refit would change is what the frozen one has aged. Two fits never agree fully, so
their agreement is divided by what the origin's own bootstrap reaches (the ceiling).

Two things only look alike: customers who change segment (movement), which is why segments exist,
and a model that no longer describes them (this backtest).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

import numpy as np
import pandas as pd

import population_stability
import segment_gate
import segmentation

DAYS_PER_MONTH = 365.25 / 12
ASSIGN_INTERVALS = (1, 7, 14, 30)

ESTABLISHED, NO_BREACH = "established", "no_breach_observed"
REDESIGN, NOT_ESTABLISHED = "redesign", "not_established"

# What a slice's rows are sorted by after its features, so that sums are taken in one order.
CONTENT = (
    "recency_days", "frequency_score", "net_revenue_365d", "is_new", "lifecycle_stage", "cm2_365d",
)  # fmt: skip


@dataclass(frozen=True)
class StabilityLimits:
    """What the backtest asks for. Shares are between 0 and 1, lags in days where it says so."""

    min_customers: int = 500
    max_rows: int = 5_000
    min_slices: int = 6
    max_slices: int = 12
    bootstraps: int = 30
    min_origins: int = 3
    min_ceiling: float = 0.80
    min_rho: float = 0.80
    max_phi: float = 0.10
    safety: float = 0.75
    redesign_below_days: int = 40
    max_interval_days: int = 180
    max_movement: float = 0.05
    seed: int = 20260630


@dataclass(frozen=True)
class Slice:
    """Customers with their features as they were known on a date; `month` counts months."""

    as_of: date
    month: int
    frame: pd.DataFrame


class Fitted(Protocol):
    """A segmentation that was learned from one slice."""

    def predict(self, past: Slice) -> np.ndarray:
        """Return a label (int from 0) for each row of the slice, in its order."""


class Segmenter(Protocol):
    """A way of segmenting; its `features` must be known in every slice that it is fitted on.

    labels_have_names: a label means the same in every fit, so that labels are compared as they
    are; otherwise they are matched first.
    """

    features: tuple[str, ...]
    labels_have_names: bool

    def fit(self, past: Slice) -> Fitted:
        """Learn from one slice."""

    def without(self, features: Iterable[str]) -> Segmenter:
        """Return the same way of segmenting without these features."""

    def on_resamples(self) -> Segmenter:
        """Return the same way of segmenting with the effort that a resample is worth."""


@dataclass(frozen=True)
class FittedKMeans:
    """Centroids (k x features, standardised, in canonical order) and the scaling they live in."""

    features: tuple[str, ...]
    scaling: segmentation.Scaling
    centroids: np.ndarray

    def predict(self, past: Slice) -> np.ndarray:
        """Return the nearest centroid of each row under the scaling of the fit."""
        values = past.frame[list(self.features)].to_numpy(dtype=float)
        return segmentation.assign(self.scaling.apply(values), self.centroids)


@dataclass(frozen=True)
class KMeansSegmenter:
    """k-means on winsorised, standardised features.

    starts: a date is fitted once and compared with all others, so that one poor optimum would break
    the contract; with ten starts about one fit in a hundred ends in one, with 30 hardly any.
    """

    features: tuple[str, ...]
    k: int
    seed: int
    labels_have_names: bool = False
    starts: int = 3 * segmentation.STARTS

    def fit(self, past: Slice) -> FittedKMeans:
        """Learn scaling and centroids from rows sorted by content."""
        values = past.frame[list(self.features)].to_numpy(dtype=float)
        values = values[np.lexsort(values.T[::-1])]
        scaling = segmentation.fit_scaling(values)
        # A resample may hold one value alone, which then tells nobody apart.
        spread = scaling.standard_deviation
        is_flat = spread < segmentation.MIN_STANDARD_DEVIATION
        scaling = replace(scaling, standard_deviation=np.where(is_flat, 1.0, spread))
        model = segmentation.fit_kmeans(
            scaling.apply(values), self.k, self.seed, starts=self.starts
        )
        centroids = model.cluster_centers_
        return FittedKMeans(
            self.features, scaling, centroids[segmentation.canonical_order(centroids)]
        )

    def without(self, features: Iterable[str]) -> KMeansSegmenter:
        """Return the same k-means without these features."""
        left_out = set(features)
        return replace(self, features=tuple(f for f in self.features if f not in left_out))

    def on_resamples(self) -> KMeansSegmenter:
        """Return the same k-means with the starts of any other fit."""
        return replace(self, starts=segmentation.STARTS)


@dataclass(frozen=True)
class LagRow:
    """How a segmentation of one origin agrees with a refit some months later.

    ceiling: median bootstrap ARI at the origin. agreement: ARI of frozen against refit on the
    later customers. rho: agreement / ceiling, None where the ceiling is not above 0. phi: share of
    cm2 whose label differs. psi: population stability index of each feature, origin to later date,
    None where the feature is not known on both; psi_shares: that of the frozen segments' shares.
    """

    origin: date
    lag_months: int
    lag_days: int
    ceiling: float
    agreement: float
    rho: float | None
    phi: float
    psi_shares: float
    psi: dict[str, float | None]

    def measures(self) -> dict[str, float | None]:
        """Return the numbers by the names that they have as items of a stability artifact."""
        return {
            "ceiling": self.ceiling,
            "agreement": self.agreement,
            "rho": self.rho,
            "phi": self.phi,
            "psi_shares": self.psi_shares,
            **{f"psi:{feature}": value for feature, value in self.psi.items()},
        }


@dataclass(frozen=True)
class Backtest:
    """The rows of a backtest, the dates it stands on, and features that it had to do without."""

    rows: list[LagRow]
    dates: list[date]
    dropped: dict[str, str]


@dataclass(frozen=True)
class Contract:
    """What may be promised: days between refits, or why none can be named.

    longest_lag_days: longest lag up to which the segmentation held, None if that is not
    established. observed_lag_days: longest lag that could be judged. breach: the first lag at
    which it did not hold, in words, None if there is none.
    """

    status: str
    longest_lag_days: int | None
    observed_lag_days: int
    origin_count: int
    ceiling: float | None
    refit_interval_days: int | None
    breach: str | None

    def measures(self) -> dict[str, float | None]:
        """Return the numbers by the names that they have as items of a contract artifact."""
        return {
            "longest_lag_days": self.longest_lag_days,
            "observed_lag_days": self.observed_lag_days,
            "origin_count": self.origin_count,
            "ceiling": self.ceiling,
            "refit_interval_days": self.refit_interval_days,
        }


def lag_in_days(months: int) -> int:
    """Return a lag of whole months in days, each month being a twelfth of 365.25 days."""
    return round(months * DAYS_PER_MONTH)


def content_sample(frame: pd.DataFrame, features: Iterable[str], rows: int) -> pd.DataFrame:
    """Return at most `rows` rows, chosen and sorted by what is in them and not by who they are.

    frame: needs `sample_key`, an integer hash of the features. The result has the features and
    what else segments are made of.
    """
    columns = [column for column in (*features, *CONTENT) if column in frame.columns]
    if len(frame) > rows:
        frame = frame.sort_values(["sample_key", *columns], kind="stable").head(rows)
    return frame[columns].sort_values(columns, kind="stable", ignore_index=True)


def is_known(past: Slice, feature: str) -> bool:
    """Return whether a feature is known for every row of a slice and not alike for nearly all."""
    values = past.frame[feature].to_numpy(dtype=float)
    if np.isnan(values).any():
        return False
    spread = segmentation.fit_scaling(values[:, None]).standard_deviation[0]
    return bool(spread >= segmentation.MIN_STANDARD_DEVIATION)


def usable_slices(
    slices: Sequence[Slice],
    features: Sequence[str],
    watched: Sequence[str],
    limits: StabilityLimits,
) -> tuple[list[Slice], dict[str, str]]:
    """Return the slices that a backtest may stand on, and features it must do without and why.

    Left out are slices of fewer than `min_customers` rows, and those up to the last one in which a
    feature is not known yet. Where fewer than `min_slices` would remain for a feature, the feature
    goes and the slices stay. Features that are only watched may be unknown. Of many, the latest
    `max_slices` count: a young shop of years ago says little about this one.
    """
    large = sorted(
        (past for past in slices if len(past.frame) >= limits.min_customers),
        key=lambda past: past.month,
    )[-limits.max_slices :]
    first = 0
    dropped: dict[str, str] = {}
    for feature in features:
        unknown = [number for number, past in enumerate(large) if not is_known(past, feature)]
        if not unknown:
            continue
        start = unknown[-1] + 1
        if len(large) - start < limits.min_slices:
            dropped[feature] = (
                f"known and varied on only the last {len(large) - start} of {len(large)} month-ends"
            )
        else:
            first = max(first, start)
    columns = list(dict.fromkeys([*features, *watched]))
    kept = [
        replace(past, frame=content_sample(past.frame, columns, limits.max_rows))
        for past in large[first:]
    ]
    return kept, dropped


def cross_table(labels: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return how many rows have each pair of labels (ints from 0): labels x others."""
    width = int(others.max(initial=0)) + 1
    height = int(labels.max(initial=0)) + 1
    counts = np.bincount(labels * width + others, minlength=height * width)
    return counts.reshape(height, width)


def adjusted_rand(labels: np.ndarray, others: np.ndarray) -> float:
    """Return the adjusted Rand index of two labellings of the same rows; labels are ints from 0.

    1 where they part the rows alike, near 0 by chance. Where both put all rows into one segment it
    is 1, where only one of them does 0.
    """
    return segment_gate.adjusted_rand(cross_table(labels, others))


def ceiling(past: Slice, fitted: Fitted, segmenter: Segmenter, bootstraps: int, seed: int) -> float:
    """Return the median ARI of a fit against refits on resamples of its own rows.

    Each resample has as many rows, drawn with replacement; both label the original rows. An ARI is
    1 where both put all rows into one segment and 0 where only one of them does.
    """
    draw = np.random.default_rng([seed, past.as_of.toordinal()])
    frozen = fitted.predict(past)
    agreements = []
    segmenter = segmenter.on_resamples()
    for _ in range(bootstraps):
        # Sorted numbers of sorted rows: the resample is sorted by content too.
        rows = np.sort(draw.integers(0, len(past.frame), len(past.frame)))
        refit = segmenter.fit(replace(past, frame=past.frame.iloc[rows]))
        agreements.append(adjusted_rand(frozen, refit.predict(past)))
    return float(np.median(agreements))


def match_labels(reference: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return `other` in the labels of `reference`: one to one, with the most rows alike.

    Labels are ints from 0. A label without a partner becomes -1. The pairs are those of the
    Hungarian method on the table of both.
    """
    from scipy.optimize import linear_sum_assignment

    table = cross_table(reference, other)
    rows, columns = linear_sum_assignment(table, maximize=True)
    names = np.full(table.shape[1], -1)
    names[columns] = rows
    return names[other]


def weighted_share(is_counted: np.ndarray, cm2: np.ndarray) -> float:
    """Return the share of cm2 of the rows that are counted; losses weigh nothing.

    Where nobody has brought anything, the share of rows.
    """
    weights = np.maximum(0.0, np.nan_to_num(cm2))
    total = math.fsum(weights)  # exact, so the order of customers does not matter
    return float(is_counted.mean()) if total == 0 else math.fsum(weights[is_counted]) / total


def feature_psi(origin: Slice, later: Slice, feature: str) -> float | None:
    """Return how far a feature's distribution has moved, None where it is not known on both."""
    before = origin.frame[feature].to_numpy(dtype=float)
    after = later.frame[feature].to_numpy(dtype=float)
    if np.isnan(before).any() or np.isnan(after).any():
        return None
    edges, shares = population_stability.psi_bins(before)
    if not len(edges):
        return None
    if feature in population_stability.FILLED_WITH_MEANS:
        after = after - population_stability.small_shift(before, after)
    return population_stability.index(shares, population_stability.bin_shares(after, edges))


def backtest(
    slices: Sequence[Slice],
    segmenter: Segmenter,
    limits: StabilityLimits,
    watched: Sequence[str] | None = None,
) -> Backtest:
    """Compare the segmentation of every origin with a refit on every later date.

    slices: month-ends, in any order, no two of one month. watched: the features whose PSI is
    measured, those of the segmenter by default. Each date is fitted once. Every row depends on
    the content of two slices alone.
    """
    watched = segmenter.features if watched is None else watched
    used, dropped = usable_slices(slices, segmenter.features, watched, limits)
    segmenter = segmenter.without(dropped)
    if not segmenter.features and dropped:
        return Backtest([], [past.as_of for past in used], dropped)
    rows = []
    with segmentation.one_thread():
        fits = [segmenter.fit(past) for past in used]
        own_labels = [fit.predict(past) for fit, past in zip(fits, used, strict=True)]
        for number, origin in enumerate(used[:-1]):
            most = ceiling(origin, fits[number], segmenter, limits.bootstraps, limits.seed)
            for later_number in range(number + 1, len(used)):
                later = used[later_number]
                frozen, refit = fits[number].predict(later), own_labels[later_number]
                agreement = adjusted_rand(frozen, refit)
                if not segmenter.labels_have_names:
                    refit = match_labels(frozen, refit)
                months = later.month - origin.month
                rows.append(
                    LagRow(
                        origin.as_of,
                        months,
                        lag_in_days(months),
                        most,
                        agreement,
                        agreement / most if most > 0 else None,
                        weighted_share(
                            frozen != refit, later.frame["cm2_365d"].to_numpy(dtype=float)
                        ),
                        population_stability.shares_psi(own_labels[number], frozen),
                        {feature: feature_psi(origin, later, feature) for feature in watched},
                    )
                )
    return Backtest(rows, [past.as_of for past in used], dropped)


def low_rho(rows: Sequence[LagRow]) -> float:
    """Return the 10th percentile of rho."""
    return float(np.quantile([row.rho for row in rows], 0.10))


def high_phi(rows: Sequence[LagRow]) -> float:
    """Return the 90th percentile of phi."""
    return float(np.quantile([row.phi for row in rows], 0.90))


def describe_breach(rows: Sequence[LagRow], limits: StabilityLimits) -> str | None:
    """Say by what the rows of one lag break the limits, or None where they keep them."""
    rho, phi = low_rho(rows), high_phi(rows)
    broken = []
    if not rho >= limits.min_rho:
        broken.append(f"rho is {rho:.3f}, below {limits.min_rho:.2f}")
    if not phi <= limits.max_phi:
        broken.append(f"phi is {phi:.3f}, above {limits.max_phi:.2f}")
    if not broken:
        return None
    months = rows[0].lag_months
    return (
        f"after {months} {'month' if months == 1 else 'months'} ({rows[0].lag_days} days) "
        f"{' and '.join(broken)} ({len(rows)} origins)"
    )


def contract(rows: Sequence[LagRow], limits: StabilityLimits) -> Contract:
    """Return what the backtest allows to promise.

    A lag is judged where at least `min_origins` origins have it, and all shorter lags are judged
    too. It holds where the 10th percentile of rho and the 90th of phi keep their limits. Without a
    breach the longest judged lag stands for the longest that held: a lower bound, however short.
    """
    known = [row for row in rows if row.rho is not None]
    ceilings = {row.origin: row.ceiling for row in rows}
    median = float(np.median(list(ceilings.values()))) if ceilings else None
    by_lag: list[list[LagRow]] = []
    while True:
        at_lag = [row for row in known if row.lag_months == len(by_lag) + 1]
        if len(at_lag) < limits.min_origins:
            break
        by_lag.append(at_lag)
    observed = lag_in_days(len(by_lag))
    origins = sum(row.lag_months == 1 for row in known)
    if not by_lag or median < limits.min_ceiling:
        return Contract(NOT_ESTABLISHED, None, observed, origins, median, None, None)
    held, breach = len(by_lag), None
    for number, at_lag in enumerate(by_lag):
        breach = describe_breach(at_lag, limits)
        if breach is not None:
            held = number
            break
    longest = lag_in_days(held)
    if breach is not None and longest < limits.redesign_below_days:
        return Contract(REDESIGN, longest, observed, origins, median, None, breach)
    interval = min(limits.max_interval_days, math.floor(limits.safety * longest))
    status = NO_BREACH if breach is None else ESTABLISHED
    return Contract(status, longest, observed, origins, median, interval, breach)


def assign_interval(
    movement_by_days: Mapping[int, float | None], limits: StabilityLimits
) -> int | None:
    """Return every how many days customers should be put into segments anew.

    movement_by_days: share of customers whose frozen label changes in so many days, None where not
    known. The largest of 1, 7, 14 and 30 days up to which at most `max_movement` change; None where
    even one day moves more, or is not known.
    """
    interval = None
    for days in ASSIGN_INTERVALS:
        share = movement_by_days.get(days)
        if share is None or not share <= limits.max_movement:
            break
        interval = days
    return interval


def movement(
    labels_then: pd.Series, labels_now: pd.Series, cm2: pd.Series
) -> tuple[float, float] | None:
    """Return the share of customers whose label changed, and their share of cm2.

    All three are indexed by customer; only customers who have a label on both dates count. None
    where there is nobody. cm2: what weighs a customer, below 0 as 0.
    """
    both = labels_then.index.intersection(labels_now.index).sort_values()
    if both.empty:
        return None
    has_moved = labels_then.loc[both].to_numpy() != labels_now.loc[both].to_numpy()
    weights = cm2.reindex(both).to_numpy(dtype=float)
    return float(has_moved.mean()), weighted_share(has_moved, weights)
