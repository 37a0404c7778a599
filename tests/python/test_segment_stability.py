"""How long a segmentation stays good: shops whose truth is known, and each rule of the contract.

The shops live here: customers of three kinds buy and open the app at the rates of their kind, and
features are computed from what had happened by each month-end.
"""

from __future__ import annotations

import itertools
import math
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import adjusted_rand_score

import population_stability
import rule_segments
import segment_stability as stability
import segmentation
from rule_segments import RuleSegmenter
from segment_stability import KMeansSegmenter, LagRow, Slice, StabilityLimits

OPENING = date(2019, 1, 1)
MONTH_ENDS = [date(2024 + number // 12, number % 12 + 1, 1) for number in range(1, 13)]
MONTH_ENDS = [first - timedelta(days=1) for first in MONTH_ENDS]  # January to December 2024
DRIFT_DATE = date(2024, 7, 1)
FEATURES = ("recency", "frequency", "average_order_value", "opens")
FEW = StabilityLimits(bootstraps=10)

# Orders a day, mean basket and app opens in 30 days of each kind of customer, while they stay.
KINDS = ((1 / 4, 20.0, 60.0), (1 / 20, 60.0, 10.0))
CHANGED = (1.0, 400.0, 0.0)
MEAN_STAY_DAYS = 250


@dataclass(frozen=True)
class Shop:
    """Customers, their orders (customer, day since the opening, value), and who has changed."""

    joined: np.ndarray
    left: np.ndarray
    kind: np.ndarray
    has_changed: np.ndarray
    customer: np.ndarray
    day: np.ndarray
    value: np.ndarray


def simulate(is_drifting: bool, customers: int = 3_000, seed: int = 7) -> Shop:
    """Return a shop that people have joined and left at the same pace for five years.

    Drifting: on DRIFT_DATE every third customer who was there in the year before, of whatever kind
    and whether or not they had left, begins to order large baskets daily, and not through the app,
    for good; and so does every third who joins later.
    """
    draw = np.random.default_rng(seed)
    last_day = (MONTH_ENDS[-1] - OPENING).days
    drift_day = (DRIFT_DATE - OPENING).days
    joined = np.sort(draw.integers(0, last_day, customers))
    left = joined + draw.exponential(MEAN_STAY_DAYS, customers).astype(int)
    kind = draw.integers(0, len(KINDS), customers)
    has_changed = (np.arange(customers) % 3 == 0) & (left > drift_day - 365) & is_drifting
    orders = []
    for number in range(customers):
        rate, basket, _ = KINDS[kind[number]]
        orders.append((number, joined[number], basket))
        parts = [(joined[number], min(left[number], last_day), rate, basket)]
        if has_changed[number]:
            first = max(drift_day, joined[number])
            parts = [(joined[number], min(left[number], first), rate, basket)]
            parts.append((first, last_day, CHANGED[0], CHANGED[1]))
        for start, end, rate_of_part, basket_of_part in parts:
            count = draw.poisson(rate_of_part * max(0, end - start))
            days = draw.integers(start, max(end, start + 1), count)
            orders += [(number, day, draw.gamma(20, basket_of_part / 20)) for day in days]
    return Shop(joined, left, kind, has_changed, *map(np.array, zip(*orders, strict=True)))


def features_as_of(shop: Shop, as_of: date, known_by: date | None = None) -> pd.DataFrame:
    """Return one row per customer who had joined by `as_of` and bought in the year before it.

    known_by: the date by which orders and app opens are counted. Anything but `as_of` itself is the
    fault that a test below shows: one set of totals for all dates, and recency measured from each.
    """
    day = (as_of - OPENING).days
    until = ((known_by or as_of) - OPENING).days
    people = len(shop.joined)

    def totals(since: int) -> tuple[np.ndarray, np.ndarray]:
        within = (shop.day > since) & (shop.day <= until)
        value = np.bincount(shop.customer[within], shop.value[within], minlength=people)
        return np.bincount(shop.customer[within], minlength=people), value

    count, value = totals(-1)
    year_count, year_value = totals(until - 365)
    quarter_count, quarter_value = totals(until - 90)
    basket = np.where(
        quarter_count > 0,
        quarter_value / np.maximum(quarter_count, 1),
        value / np.maximum(count, 1),
    )
    last = np.full(people, -1)
    past = shop.day <= until
    np.maximum.at(last, shop.customer[past], shop.day[past])
    recency = np.maximum(0, day - last)
    opens = np.array([opens for _, _, opens in KINDS])[shop.kind] * (shop.left > until)
    if until >= (DRIFT_DATE - OPENING).days:
        opens[shop.has_changed] = CHANGED[2]
    draw = np.random.default_rng(until)
    bands = np.digitize(year_count, [1, 2, 3, 5, 10])
    frame = pd.DataFrame(
        {
            "recency": np.log1p(recency),
            "frequency": np.log1p(count),
            "average_order_value": np.log1p(basket),
            "opens": np.log1p(draw.poisson(opens)),
            "recency_days": recency,
            "frequency_score": pd.array(bands, dtype="Int64"),
            "net_revenue_365d": year_value,
            "cm2_365d": 0.3 * year_value - 5,
            "is_new": day - shop.joined <= 30,
            "lifecycle_stage": np.where(recency >= 365, "dormant", "active"),
            "sample_key": draw.permutation(people),
        }
    ).round(6)
    frame["frequency_score"] = frame["frequency_score"].mask(frame["frequency_score"] == 0)
    return frame[(shop.joined <= day) & (recency < 365)].reset_index(drop=True)


def month_slices(shop: Shop, known_by: date | None = None) -> list[Slice]:
    """Return a slice per month-end."""
    return [
        Slice(as_of, number, features_as_of(shop, as_of, known_by))
        for number, as_of in enumerate(MONTH_ENDS)
    ]


def kmeans(k: int = 4) -> KMeansSegmenter:
    """Return k-means on the features of these shops."""
    return KMeansSegmenter(FEATURES, k, seed=1)


@pytest.fixture(scope="module")
def stationary() -> Shop:
    """A shop where nobody changes."""
    return simulate(is_drifting=False)


@pytest.fixture(scope="module")
def stationary_rows(stationary: Shop) -> list[LagRow]:
    """The backtest of the shop where nobody changes."""
    return stability.backtest(month_slices(stationary), kmeans(), FEW).rows


@pytest.fixture(scope="module")
def drifting_rows() -> list[LagRow]:
    """The backtest of the shop where a third changes on DRIFT_DATE."""
    return stability.backtest(month_slices(simulate(is_drifting=True)), kmeans(), FEW).rows


def test_a_shop_where_nobody_changes_needs_no_refit_for_half_a_year(
    stationary_rows: list[LagRow],
) -> None:
    """No lag of up to nine months breaks a limit, so the contract is the longest there is."""
    promise = stability.contract(stationary_rows, FEW)
    assert promise.status == "no_breach_observed"
    assert promise.refit_interval_days == 180
    assert promise.observed_lag_days == promise.longest_lag_days == 274
    assert promise.origin_count == 11
    assert promise.breach is None
    assert len(stationary_rows) == 11 * 12 / 2
    assert max(row.psi_shares for row in stationary_rows) < 0.02


def test_a_refit_keeps_the_labels_of_a_shop_where_nobody_changes(stationary: Shop) -> None:
    """Eleven months later a refit, once matched, gives 99 % of customers the label they have."""
    slices = month_slices(stationary)
    for origin, later in itertools.combinations(slices, 2):
        if later.month - origin.month in (1, 6, 11):
            frozen = kmeans().fit(origin).predict(later)
            refit = kmeans().fit(later).predict(later)
            assert (stability.match_labels(frozen, refit) == frozen).mean() >= 0.99


def test_a_drift_is_found_at_the_first_month_end_after_it(drifting_rows: list[LagRow]) -> None:
    """Every origin before the drift holds until it, and breaks at the very next month-end."""
    first_after = next(day for day in MONTH_ENDS if day >= DRIFT_DATE)
    assert (first_after - DRIFT_DATE).days <= 31
    before = [day for day in MONTH_ENDS if day < DRIFT_DATE]
    for origin in before:
        rows = [row for row in drifting_rows if row.origin == origin]
        held = {MONTH_ENDS[MONTH_ENDS.index(origin) + row.lag_months]: row.rho for row in rows}
        broken_on = min(day for day, rho in held.items() if rho < 0.80)
        assert broken_on == first_after
        assert all(rho > 0.95 for day, rho in held.items() if day < DRIFT_DATE)
        assert all(rho < 0.70 for day, rho in held.items() if day > DRIFT_DATE)
    after = [row.rho for row in drifting_rows if row.origin > DRIFT_DATE]
    assert np.median(after) > 0.95


def test_a_drift_shortens_the_contract_and_shows_in_the_features(
    drifting_rows: list[LagRow], stationary_rows: list[LagRow]
) -> None:
    """A tenth of the origins may look across the drift at one lag, but not at two."""
    promise = stability.contract(drifting_rows, FEW)
    assert promise.status == "redesign"
    assert promise.longest_lag_days == 30
    assert promise.refit_interval_days is None
    assert promise.breach.startswith("after 2 months (61 days) rho is 0.")
    for rows, is_far in ((drifting_rows, True), (stationary_rows, False)):
        across = [row.psi["average_order_value"] for row in rows if row.origin == MONTH_ENDS[0]]
        assert (across[-1] > 0.25) is is_far


def test_features_of_the_end_would_give_a_false_short_interval(
    stationary: Shop, stationary_rows: list[LagRow]
) -> None:
    """Totals counted to the end and dated back age a model of a shop where nobody changes.

    The customers who are to leave in the months between have already stopped opening the app,
    and by their last order of all they have only just bought.
    """
    slices = month_slices(stationary, known_by=MONTH_ENDS[-1])
    wrong = stability.contract(stability.backtest(slices, kmeans(), FEW).rows, FEW)
    right = stability.contract(stationary_rows, FEW)
    assert wrong.status == "established"
    assert wrong.breach is not None
    assert wrong.refit_interval_days < 90
    assert (right.status, right.refit_interval_days) == ("no_breach_observed", 180)


def test_rows_agree_with_a_plain_computation(stationary: Shop) -> None:
    """Ceiling, agreement and phi of one pair of dates, with scikit-learn's index and by hand."""
    slices = month_slices(stationary)[:3]
    limits = StabilityLimits(bootstraps=5, min_slices=2)
    row = next(
        row
        for row in stability.backtest(slices, kmeans(), limits).rows
        if (row.origin, row.lag_months) == (MONTH_ENDS[0], 2)
    )
    origin, later = (
        replace(past, frame=stability.content_sample(past.frame, FEATURES, 5_000))
        for past in (slices[0], slices[2])
    )
    frozen, refit = kmeans().fit(origin), kmeans().fit(later)
    labels, others = frozen.predict(later), refit.predict(later)
    assert row.agreement == pytest.approx(adjusted_rand_score(labels, others), abs=1e-12)
    draw = np.random.default_rng([limits.seed, MONTH_ENDS[0].toordinal()])
    agreements = []
    for _ in range(5):
        rows = draw.integers(0, len(origin.frame), len(origin.frame))
        again = kmeans().fit(replace(origin, frame=origin.frame.iloc[rows]))
        agreements.append(adjusted_rand_score(frozen.predict(origin), again.predict(origin)))
    assert row.ceiling == pytest.approx(sorted(agreements)[2], abs=1e-12)
    assert row.rho == pytest.approx(row.agreement / row.ceiling)
    best = 1.0
    cm2 = later.frame["cm2_365d"].clip(lower=0).to_numpy()
    most_alike = 0
    for names in itertools.permutations(range(4)):
        is_alike = np.array(names)[others] == labels
        if is_alike.sum() > most_alike:
            most_alike, best = is_alike.sum(), cm2[~is_alike].sum() / cm2.sum()
    assert row.phi == pytest.approx(best, abs=1e-12)
    before = np.bincount(frozen.predict(origin)) / len(origin.frame)
    after = np.bincount(labels) / len(labels)
    assert row.psi_shares == pytest.approx(((after - before) * np.log(after / before)).sum())


def test_a_frozen_model_keeps_its_scaling(stationary: Shop) -> None:
    """Customers who all become ten times as active change segment; relative to one another not."""
    origin = month_slices(stationary)[0]
    later = replace(origin, frame=origin.frame.assign(opens=origin.frame["opens"] + 3))
    frozen = kmeans().fit(origin)
    assert (frozen.predict(later) != frozen.predict(origin)).mean() > 0.2
    assert (kmeans().fit(later).predict(later) == frozen.predict(origin)).all()


@pytest.mark.parametrize("seed", range(3))
def test_the_index_is_scikit_learns(seed: int) -> None:
    """The adjusted Rand index agrees with scikit-learn's, and gives 0 and 1 where one is all."""
    draw = np.random.default_rng(seed)
    labels, others = draw.integers(0, 4, 500), draw.integers(0, 3, 500)
    others[labels == 2] = 1
    assert_allclose(
        stability.adjusted_rand(labels, others), adjusted_rand_score(labels, others), atol=1e-12
    )
    alone = np.zeros(500, dtype=int)
    assert stability.adjusted_rand(labels, labels) == 1.0
    assert stability.adjusted_rand(alone, alone) == 1.0
    assert stability.adjusted_rand(labels, alone) == 0.0
    assert stability.adjusted_rand(alone, labels) == 0.0


def test_labels_are_matched_one_to_one() -> None:
    """Swapped names are no change; a label without a partner is nobody's."""
    reference = np.array([0, 0, 0, 1, 1, 1])
    assert list(stability.match_labels(reference, np.array([1, 1, 1, 0, 0, 1]))) == [
        0,
        0,
        0,
        1,
        1,
        0,
    ]
    assert list(stability.match_labels(reference, np.array([2, 2, 0, 1, 1, 1]))) == [
        0,
        0,
        -1,
        1,
        1,
        1,
    ]


class Renaming:
    """Segments by the sign of a feature that are called otherwise every month."""

    features = ("a",)
    labels_have_names = False

    def fit(self, past: Slice) -> Renaming:
        """Learn the month."""
        fitted = Renaming()
        fitted.month = past.month
        return fitted

    def predict(self, past: Slice) -> np.ndarray:
        """Return 0 and 1, in months of odd number the other way round."""
        return (past.frame["a"].to_numpy() > 0).astype(int) ^ (self.month % 2)

    def without(self, features: object) -> Renaming:
        """Return itself."""
        return self


def test_segments_that_are_only_called_otherwise_have_not_changed() -> None:
    """Labels of a refit are matched before they are compared, unless they are names."""
    slices = [blank_slice(month) for month in range(4)]
    for labels_have_names, phi in ((False, 0.0), (True, 1.0)):
        segmenter = Renaming()
        segmenter.labels_have_names = labels_have_names
        rows = stability.backtest(slices, segmenter, StabilityLimits(bootstraps=2)).rows
        assert {row.agreement for row in rows} == {1.0}
        assert [row.phi for row in rows if row.lag_months == 1] == [phi] * 3


def test_shares_weigh_by_cm2_and_losses_weigh_nothing() -> None:
    """Of 40 earned, 10 moved; where nobody earned anything, customers are counted."""
    has_moved = np.array([True, False, True, False])
    assert stability.weighted_share(has_moved, np.array([10.0, 30.0, -50.0, 0.0])) == 0.25
    assert stability.weighted_share(has_moved, np.array([10.0, 30.0, np.nan, 0.0])) == 0.25
    assert stability.weighted_share(has_moved, np.array([-1.0, 0.0, -2.0, -3.0])) == 0.5


def test_psi_by_hand() -> None:
    """Shares of 0.5, 0.3, 0.2 that become 0.4, 0.3, 0.3; an empty bin counts as 0.0001."""
    index = population_stability.index(np.array([0.5, 0.3, 0.2]), np.array([0.4, 0.3, 0.3]))
    assert index == pytest.approx(0.1 * math.log(0.5 / 0.4) + 0.1 * math.log(0.3 / 0.2))
    index = population_stability.index(np.array([0.5, 0.5]), np.array([1.0, 0.0]))
    assert index == pytest.approx(0.5 * math.log(2) + 0.4999 * math.log(5_000))
    assert population_stability.index(np.array([0.2, 0.8]), np.array([0.2, 0.8])) == 0


@pytest.mark.parametrize(
    ("values", "shares"),
    [
        (range(1, 21), [0.1] * 10),
        (range(1, 1_001), [0.1] * 10),
        ([0] * 60 + list(range(11, 51)), [0.6, 0.1, 0.1, 0.1, 0.1]),
        # Half of them have 5: what lies below and above is told apart from it.
        ([1] * 15 + [4] * 10 + [5] * 50 + [9] * 25, [0.15, 0.1, 0.5, 0.25]),
        ([0] * 5 + [1] * 95, [0.05, 0.95]),
        ([3] * 40, [1.0]),
    ],
)
def test_bins_are_tenths_that_never_part_customers_alike(values: list, shares: list) -> None:
    """Equal deciles are one bin, and no bin is empty at the fit."""
    draw = np.random.default_rng(0)
    edges, found = population_stability.psi_bins(draw.permutation(np.array(values, dtype=float)))
    assert_allclose(found, shares)
    assert len(edges) == len(shares) - 1
    assert list(edges) == sorted(set(edges))


def one_feature(values: np.ndarray) -> Slice:
    """Return a slice of one feature."""
    return Slice(date(2024, 1, 31), 0, pd.DataFrame({"rating": values}))


def test_a_filled_in_mean_that_creeps_is_no_drift() -> None:
    """Four in ten have the shop's mean, and it moves by a hundredth: deciles alone would jump."""
    draw = np.random.default_rng(3)
    known = draw.normal(4.0, 0.5, 1_200)

    def ratings(mean: float) -> np.ndarray:
        return np.concatenate([known, np.full(800, mean)])

    before = one_feature(ratings(4.0))
    for mean in (3.99, 4.01):
        assert stability.feature_psi(before, one_feature(ratings(mean)), "rating") < 0.001
    assert stability.feature_psi(before, one_feature(ratings(4.5)), "rating") > 1
    deciles = np.unique(np.quantile(ratings(4.0), np.arange(1, 10) / 10))
    naive = [population_stability.bin_shares(ratings(mean), deciles) for mean in (4.0, 4.01)]
    assert population_stability.index(*naive) > 1


def test_shrunk_means_that_creep_together_are_no_drift() -> None:
    """Ratings drawn to the shop's mean are a handful of values close together, and all move."""
    draw = np.random.default_rng(4)
    stars, counts = draw.choice([3, 4, 5], 2_000), draw.choice([0, 1, 2], 2_000, p=[0.4, 0.4, 0.2])

    def ratings(mean: float) -> np.ndarray:
        return ((stars * counts + 3 * mean) / (counts + 3)).round(6)

    before = one_feature(ratings(4.09))
    for mean in (4.08, 4.10):
        assert stability.feature_psi(before, one_feature(ratings(mean)), "rating") < 0.001
    assert stability.feature_psi(before, one_feature(ratings(4.30)), "rating") > 0.25


def test_small_shifts_end_at_a_quarter_of_a_standard_deviation() -> None:
    """What a feature with filled-in means moves as a whole is taken off as long as it is small."""
    values = np.random.default_rng(5).normal(10.0, 2.0, 4_000)
    deviation = segmentation.fit_scaling(values[:, None]).standard_deviation[0]
    assert population_stability.small_shift(values, values) == 0
    near = population_stability.small_shift(values, values + 0.24 * deviation)
    assert near == pytest.approx(0.24 * deviation, rel=0.02)
    assert population_stability.small_shift(values, values + 0.26 * deviation) == 0
    moved = values + 0.24 * deviation
    before, after = one_feature(values), one_feature(moved)
    assert stability.feature_psi(before, after, "rating") < 0.001
    before, after = (replace(x, frame=x.frame.rename(columns={"rating": "recency"}))
                     for x in (before, after))  # fmt: skip
    assert stability.feature_psi(before, after, "recency") == pytest.approx(0.24**2, abs=0.02)


def test_values_beyond_the_fit_fall_into_the_outer_bins() -> None:
    """A bin holds its upper edge; what lies below or above everything is in the first or last."""
    shares = population_stability.bin_shares(
        np.array([-9.0, 1.0, 1.5, 2.0, 99.0]), np.array([1.0, 2.0])
    )
    assert_allclose(shares, [0.4, 0.4, 0.2])


def blank_slice(month: int, rows: int = 600, **columns: object) -> Slice:
    """Return a slice of random features, with some columns set."""
    draw = np.random.default_rng(month)
    frame = pd.DataFrame({name: draw.normal(size=rows).round(6) for name in ("a", "b")})
    frame = frame.assign(cm2_365d=1.0, sample_key=draw.permutation(rows), **columns)
    return Slice(date(2024, 1, 1) + timedelta(days=30 * month), month, frame)


def test_small_and_unknowing_months_are_left_out() -> None:
    """Below 500 customers a month does not count; a feature's first, unknown months neither."""
    limits = StabilityLimits()
    slices = [blank_slice(0, rows=499), blank_slice(1, rows=500, a=np.nan)]
    slices += [blank_slice(2, b=1.0), *(blank_slice(month) for month in range(3, 9))]
    kept, dropped = stability.usable_slices(slices[::-1], ["a", "b"], ["a", "b"], limits)
    assert [past.month for past in kept] == [3, 4, 5, 6, 7, 8]
    assert dropped == {}


def test_a_feature_that_came_late_goes_rather_than_the_months() -> None:
    """Where fewer than six months would remain, the feature is left out, and the rest is judged."""
    slices = [blank_slice(month, a=1.0) for month in range(3)]
    slices += [blank_slice(month) for month in range(3, 8)]
    limits = StabilityLimits(bootstraps=2)
    result = stability.backtest(slices, KMeansSegmenter(("a", "b"), 2, seed=1), limits)
    assert result.dropped == {"a": "known and varied on only the last 5 of 8 month-ends"}
    assert len(result.dates) == 8
    assert len(result.rows) == 8 * 7 / 2
    nothing = stability.backtest(slices, KMeansSegmenter(("a",), 2, seed=1), limits)
    assert (nothing.rows, list(nothing.dropped)) == ([], ["a"])


def test_a_watched_feature_may_be_unknown() -> None:
    """Its PSI is then not known, and no month is lost."""
    slices = [blank_slice(0, b=np.nan), blank_slice(1), blank_slice(2)]
    segmenter = KMeansSegmenter(("a",), 2, seed=1)
    rows = stability.backtest(slices, segmenter, StabilityLimits(bootstraps=2), ["a", "b"]).rows
    assert [row.psi["b"] is None for row in rows] == [True, True, False]
    assert all(row.psi["a"] >= 0 for row in rows)


def test_samples_are_taken_and_sorted_by_content() -> None:
    """The rows with the least content keys remain, in an order that does not depend on theirs."""
    frame = blank_slice(0).frame
    sample = stability.content_sample(frame.sample(frac=1, random_state=1), ["a", "b"], 50)
    expected = frame[frame["sample_key"] < 50].sort_values("a")
    assert list(sample["a"]) == list(expected["a"])


def lag_rows(rho: list[list[float]], phi: float = 0.0, ceiling: float = 0.9) -> list[LagRow]:
    """Return rows of a backtest from the rho of each origin at lags of 1, 2, ... months."""
    return [
        LagRow(
            date(2024, 1, 1) + timedelta(days=30 * number),
            lag,
            stability.lag_in_days(lag),
            ceiling,
            value * ceiling,
            value,
            phi,
            0.0,
            {},
        )
        for number, values in enumerate(rho)
        for lag, value in enumerate(values, start=1)
    ]


def triangle(months: int, value: float = 0.95) -> list[list[float]]:
    """Return rho of as many origins as `months` has, each with all later lags."""
    return [[value] * (months - number) for number in range(months)]


def test_lags_count_a_twelfth_of_a_year_each() -> None:
    """Whole months in days."""
    assert [stability.lag_in_days(months) for months in (1, 2, 3, 6, 9, 12)] == [
        30, 61, 91, 183, 274, 365,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("months", "observed", "interval"), [(12, 304, 180), (8, 183, 137), (4, 61, 45), (3, 30, 22)]
)
def test_without_a_breach_three_quarters_of_what_was_seen_are_promised(
    months: int, observed: int, interval: int
) -> None:
    """A lag counts with three origins; the promise is at most 180 days."""
    promise = stability.contract(lag_rows(triangle(months)), StabilityLimits())
    assert promise.status == "no_breach_observed"
    assert (promise.observed_lag_days, promise.refit_interval_days) == (observed, interval)


@pytest.mark.parametrize(
    ("broken_lag", "status", "longest", "interval"),
    [(1, "redesign", 0, None), (2, "redesign", 30, None), (3, "established", 61, 45),
     (4, "established", 91, 68), (10, "established", 274, 180)],
)  # fmt: skip
def test_the_longest_lag_ends_before_the_first_breach(
    broken_lag: int, status: str, longest: int, interval: int | None
) -> None:
    """Later lags that hold again do not count; below 40 days the segmentation is redesigned."""
    rho = triangle(12)
    for values in rho:
        if len(values) >= broken_lag:
            values[broken_lag - 1] = 0.79
    promise = stability.contract(lag_rows(rho), StabilityLimits())
    assert (promise.status, promise.longest_lag_days) == (status, longest)
    assert promise.refit_interval_days == interval
    days = stability.lag_in_days(broken_lag)
    words = f"({days} days) rho is 0.790, below 0.80 ({13 - broken_lag} origins)"
    assert promise.breach.endswith(words)


def test_limits_themselves_hold() -> None:
    """A rho of 0.80 and a phi of 0.10 are no breach; a phi above it is one, and says so."""
    limits = StabilityLimits()
    assert stability.contract(lag_rows(triangle(5, 0.80), phi=0.10), limits).breach is None
    promise = stability.contract(lag_rows(triangle(5), phi=0.101), limits)
    assert promise.status == "redesign"
    assert promise.breach == "after 1 month (30 days) phi is 0.101, above 0.10 (5 origins)"


def test_one_bad_origin_in_eleven_breaks_nothing_and_one_in_four_does() -> None:
    """What counts is the 10th percentile of rho over origins, and the 90th of phi."""
    for months, is_broken in ((11, False), (4, True)):
        rho = triangle(months)
        rho[0][0] = 0.3
        promise = stability.contract(lag_rows(rho), StabilityLimits())
        assert (promise.breach is not None) is is_broken


def test_too_little_is_not_established() -> None:
    """Fewer than three origins, none, or bootstraps that do not agree with themselves."""
    limits = StabilityLimits()
    for rows in ([], lag_rows(triangle(2)), lag_rows(triangle(12), ceiling=0.79)):
        promise = stability.contract(rows, limits)
        assert promise.status == "not_established"
        assert promise.refit_interval_days is None
        assert promise.longest_lag_days is None
    assert stability.contract(lag_rows(triangle(12), ceiling=0.80), limits).refit_interval_days
    assert stability.contract([], limits).ceiling is None


def test_customers_are_assigned_as_rarely_as_five_percent_allow() -> None:
    """The largest of the intervals up to which at most 5 % move, and none if a day is too long."""
    limits = StabilityLimits()
    for shares, expected in (
        ({1: 0.01, 7: 0.03, 14: 0.05, 30: 0.051}, 14),
        ({1: 0.01, 7: 0.02, 14: 0.03, 30: 0.04}, 30),
        ({1: 0.01, 7: 0.06, 14: 0.03, 30: 0.04}, 1),
        ({1: 0.06, 7: 0.02}, None),
        ({1: 0.02, 7: None, 14: 0.02}, 1),
        ({}, None),
    ):
        assert stability.assign_interval(shares, limits) == expected


def test_movement_counts_those_who_were_there_on_both_dates() -> None:
    """Of three who were there on both dates one moved, with 20 of 50; others do not count."""
    then = pd.Series({11: 0, 12: 1, 13: 1, 99: 0})
    now = pd.Series({13: 1, 12: 0, 11: 0, 77: 0})
    cm2 = pd.Series({11: 30.0, 12: 20.0, 13: -10.0, 77: 900.0})
    assert stability.movement(then, now, cm2) == pytest.approx((1 / 3, 0.4))
    assert stability.movement(then, pd.Series(dtype=int), cm2) is None


def rule_cells() -> pd.DataFrame:
    """Return the segment of each of the 250 combinations of scores, written down plainly."""

    def segment(recency: int, frequency: int, monetary: int, is_new: bool) -> str:
        if recency >= 4 and frequency >= 4 and monetary >= 4:
            return "champions"
        if frequency == 1 and is_new:
            return "new"
        if frequency >= 3:
            if recency >= 3:
                return "loyal"
            return "cant_lose" if frequency >= 4 and monetary >= 4 else "at_risk"
        if recency >= 3 and frequency == 2:
            return "promising"
        if frequency == 1 and recency >= 3:
            return "big_first_basket" if monetary >= 4 else "one_timer_recent"
        return "slipping" if recency == 2 else "lost"

    scores = itertools.product(range(1, 6), range(1, 6), range(1, 6), (False, True))
    return pd.DataFrame(
        [(*cell, segment(*cell)) for cell in scores],
        columns=[*rule_segments.CELL_COLUMNS, "rfm_segment"],
    )


def plain_rules(frame: pd.DataFrame, cells: pd.DataFrame) -> list[str]:
    """Return the rule segment of each row as definitions say it, without any cut points."""
    buyers = frame[frame["frequency_score"].notna()].copy()
    count = len(buyers)
    for metric, column, is_high_good in (
        ("recency_score", "recency_days", False),
        ("monetary_score", "net_revenue_365d", True),
    ):
        share = (buyers[column].rank(ascending=is_high_good, method="average") - 0.5) / count
        buyers[metric] = np.minimum(5, 1 + np.floor(5 * share + 1e-9)).astype(int)
    buyers["frequency_score"] = buyers["frequency_score"].astype(int)
    segments = buyers.reset_index().merge(cells, how="left").set_index("index")["rfm_segment"]
    return list(segments.reindex(frame.index).fillna(frame["lifecycle_stage"]))


def rule_slice(month: int, rows: int = 700) -> Slice:
    """Return a slice with many ties, and one customer in ten without an order in the year."""
    draw = np.random.default_rng(month)
    frequency = pd.Series(draw.integers(1, 6, rows), dtype="Int64")
    frequency = frequency.mask(draw.random(rows) < 0.1)
    frame = pd.DataFrame(
        {
            "recency_days": np.where(frequency.isna(), 400, draw.integers(0, 12 + month, rows)),
            "frequency_score": frequency,
            "net_revenue_365d": draw.choice([5.0, 5.5, 9.99, 20.0, 20.01, 80.0, 81.0, -3.0], rows),
            "is_new": draw.random(rows) < 0.2,
            "lifecycle_stage": np.where(frequency.isna(), "dormant", "active"),
            "cm2_365d": draw.gamma(2, 10, rows).round(4),
            "sample_key": draw.permutation(rows),
        }
    )
    return Slice(date(2024, 1, 31) + timedelta(days=30 * month), month, frame)


@pytest.mark.parametrize("month", range(4))
def test_rules_agree_with_a_plain_computation(month: int) -> None:
    """Labels of the date of the fit are those of mid-ranks over its buyers."""
    past = rule_slice(month)
    rules = RuleSegmenter(rule_cells(), is_scored=True)
    found = [rules.names[label] for label in rules.fit(past).predict(past)]
    assert found == plain_rules(past.frame, rule_cells())
    assert len(set(found)) > 8


def test_frozen_rules_keep_their_cut_points() -> None:
    """Later customers are scored by the values of the fit, also ones that did not occur in it."""
    values = np.array([10.0] * 8 + [20.0, 30.0])
    monetary = rule_segments.fit_cut_points(values, is_high_good=True)
    assert (monetary.limits, monetary.lowest_score) == ({3: 10.0, 5: 20.0}, 3)
    assert list(monetary.score(np.array([-5.0, 10.0, 19.99, 20.0, 999.0]))) == [3, 3, 3, 5, 5]
    recency = rule_segments.fit_cut_points(np.arange(10.0), is_high_good=False)
    assert recency.limits == {5: 1.0, 4: 3.0, 3: 5.0, 2: 7.0}
    assert list(recency.score(np.array([0.0, 2.0, 7.0, 8.0, 300.0]))) == [5, 4, 2, 1, 1]
    early = rule_slice(0)
    later = replace(early, frame=early.frame.assign(recency_days=early.frame["recency_days"] + 6))
    rules = RuleSegmenter(rule_cells(), is_scored=True)
    frozen, refit = rules.fit(early).predict(later), rules.fit(later).predict(later)
    assert list(refit) == list(rules.fit(early).predict(early))
    assert (frozen != refit).mean() > 0.3


def test_rules_without_scores_are_stages_of_life() -> None:
    """A shop that RFM has too little of has nothing that could age; a strange stage is refused."""
    rules = RuleSegmenter(rule_cells(), is_scored=False)
    past = rule_slice(0)
    labels = rules.fit(past).predict(past)
    assert [rules.names[label] for label in labels] == list(past.frame["lifecycle_stage"])
    slices = [rule_slice(month) for month in range(12)]
    promise = stability.contract(
        stability.backtest(slices, rules, StabilityLimits(bootstraps=2)).rows, FEW
    )
    assert (promise.status, promise.ceiling) == ("no_breach_observed", 1.0)
    strange = replace(past, frame=past.frame.assign(lifecycle_stage="asleep"))
    with pytest.raises(ValueError, match="asleep"):
        rules.fit(strange).predict(strange)


def test_rules_are_compared_by_name() -> None:
    """Champions who would be called loyal have changed, however well the groups overlap."""
    slices = [rule_slice(month) for month in range(4)]
    rules = RuleSegmenter(rule_cells(), is_scored=True)
    row = stability.backtest(slices, rules, StabilityLimits(bootstraps=3)).rows[2]
    frozen = rules.fit(slices[0]).predict(slices[3])
    refit = rules.fit(slices[3]).predict(slices[3])
    expected = stability.weighted_share(frozen != refit, slices[3].frame["cm2_365d"].to_numpy())
    assert row.phi == pytest.approx(expected, abs=1e-12)
    assert row.phi > 0


PRINT_ROWS = """
import test_segment_stability as shops
import segment_stability as stability

slices = shops.month_slices(shops.simulate(is_drifting=True))[4:9]
limits = stability.StabilityLimits(bootstraps=4)
for row in stability.backtest(slices, shops.kmeans(), limits).rows:
    print(repr(row))
"""


def test_threads_and_the_order_of_rows_change_no_bit() -> None:
    """One thread, two threads, and customers in another order give the same rows, bit for bit."""
    folder = Path(__file__).parent
    library = folder.parents[1] / "python_models" / "lib"
    printed = set()
    for threads in ("1", "2"):
        environment = os.environ | {
            "OMP_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
            "PYTHONPATH": os.pathsep.join([str(folder), str(library)]),
        }
        run = subprocess.run(
            [sys.executable, "-c", PRINT_ROWS],
            env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        printed.add(run.stdout)
    slices = [
        replace(past, frame=past.frame.sample(frac=1, random_state=past.month))
        for past in month_slices(simulate(is_drifting=True))[4:9]
    ]
    rows = stability.backtest(slices[::-1], kmeans(), StabilityLimits(bootstraps=4)).rows
    printed.add("".join(f"{row!r}\n" for row in rows))
    assert len(printed) == 1
