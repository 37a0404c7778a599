"""The choice of k among clusterings that passed the gate, or of the rules in their place.

A segmentation is chosen by what it says of the time after it: how much of the customers' next
quarter its labels explain. Rules that explain as much are served instead, for they need no fit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from segment_gate import GateLimits, Measured, is_eligible, verdicts

WINSOR_QUANTILES = (0.005, 0.995)
MIN_KNOWN_ROWS = 200
DRAWS = 200

SEGMENTED, RULES_BETTER, NO_ELIGIBLE_K = "segmented", "rules_better", "no_eligible_k"

# The measures of the gate as a marketer reads them.
CRITERIA = {
    "bootstrap_agreement": "agreement of refits",
    "cluster_jaccard": "repeatability of the weakest group",
    "prediction_strength": "prediction strength",
    "smallest_customer_count": "customers in the smallest group",
    "smallest_share": "share of the smallest group",
    "seed_agreement": "agreement of seeds",
}


@dataclass(frozen=True)
class Choice:
    """What is served and why.

    status: segmented, rules_better or no_eligible_k. k: the best eligible one, None without any;
    with rules_better it is what the rules were compared with.
    """

    status: str
    k: int | None
    reason: str
    eligible: tuple[int, ...]


def usefulness(labels: np.ndarray, outcome: np.ndarray, seed: int) -> tuple[float, float]:
    """Return the share of the outcome's variance that labels explain, and its standard error.

    labels: one a row, of any type that sorts. outcome: one number a row, nan where it is not
    known; such rows count for nothing. The share is epsilon squared of the outcome winsorised at
    0.5 and 99.5 %, which many groups do not raise by chance as they raise eta squared; its standard
    error is the standard deviation over 200 bootstraps of rows, with the bounds of the winsorising
    kept. Both are nan with fewer than 200 known rows, and 0 where the outcome is the same for all:
    there is nothing to explain.
    """
    known = ~np.isnan(outcome)
    if known.sum() < MIN_KNOWN_ROWS:
        return math.nan, math.nan
    values = np.clip(outcome[known], *np.quantile(outcome[known], WINSOR_QUANTILES))
    if values.min() == values.max():
        return 0.0, 0.0
    groups = np.unique(labels[known], return_inverse=True)[1]
    # Rows of one group and value are interchangeable, so their order cannot change a digit.
    order = np.lexsort((values, groups))
    values, groups = values[order], groups[order]
    values = values - values.mean()
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    draw = np.random.default_rng(seed)
    rows = len(values)
    draws = [
        explained_share(values, starts, np.bincount(draw.integers(rows, size=rows), minlength=rows))
        for _ in range(DRAWS)
    ]
    return explained_share(values, starts, np.ones(rows, dtype=int)), float(np.nanstd(draws))


def explained_share(values: np.ndarray, starts: np.ndarray, counts: np.ndarray) -> float:
    """Return epsilon squared (Kelley 1935): the share of variance that lies between groups.

    It is eta squared less what as many groups explain by chance, and below 0 where they explain
    less than that.
    values: sorted by group; starts: row at which each group begins; counts: how often each row
    counts. nan where all rows that count are alike.
    """
    weighted = counts * values
    sizes = np.add.reduceat(counts, starts)
    sums = np.add.reduceat(weighted, starts)
    centre = sums.sum() ** 2 / sizes.sum()
    between = float((sums**2 / np.maximum(sizes, 1)).sum() - centre)
    total = float(weighted @ values - centre)
    rows, groups = int(sizes.sum()), int((sizes > 0).sum())
    if total <= 0 or rows <= groups:
        return math.nan
    return 1 - (1 - between / total) * (rows - 1) / (rows - groups)


def find_knee(measured: Sequence[Measured]) -> int | None:
    """Return the k at which inertia stops falling fast (Satopaa et al. 2011), or None."""
    if len(measured) < 3:
        return None
    # Its import brings signal processing along, which nothing else needs.
    from kneed import KneeLocator

    locator = KneeLocator(
        [one.k for one in measured],
        [one.inertia for one in measured],
        curve="convex",
        direction="decreasing",
    )
    return int(locator.knee) if locator.knee is not None else None


def choose(
    measured: Sequence[Measured],
    useful: Mapping[int, tuple[float, float]],
    rules: tuple[float, float] | None,
    limits: GateLimits,
    customer_count: int,
) -> Choice:
    """Choose k, or the rules, or nothing, with the reason in words.

    useful: usefulness and its standard error by k, of eligible k at least; rules: those of the
    rule segments, None where there are none. Both may be nan: not known. Among the eligible the
    smallest k is taken whose usefulness is within one standard error (the best one's) of the
    highest; where none is known, the smallest eligible. Rules that explain as much, less one
    standard error, are better, and so are they where clusters explain nothing.
    """
    eligible = tuple(sorted(one.k for one in measured if is_eligible(one, limits, customer_count)))
    if not eligible:
        reason = _why_none(measured, limits, customer_count)
        return Choice(NO_ELIGIBLE_K, None, reason, eligible)
    passed = f"{_list_of_k(eligible)} {'passes' if len(eligible) == 1 else 'pass'} the gate"
    known = {k: useful[k] for k in eligible if k in useful and not math.isnan(useful[k][0])}
    if not known:
        reason = (
            f"{passed}; what it tells of a next quarter cannot be checked, so the smallest serves"
        )
        return Choice(SEGMENTED, eligible[0], reason, eligible)
    best = max(known, key=lambda k: (known[k][0], -k))
    highest, error = known[best]
    least = highest - (0.0 if math.isnan(error) else error)
    k = min(k for k in known if known[k][0] >= least)
    reason = f"{passed}; k = {k} explains {_percent(known[k][0])} of the next quarter's margin"
    if k != best:
        reason += f" (k = {best}: {_percent(highest)} +- {100 * error:.1f})"
    else:
        reason += f" (+- {100 * error:.1f})"
    value, error = known[k]
    if value <= 0:
        return Choice(RULES_BETTER, k, f"{reason}, so the rules serve as well", eligible)
    if rules is None or math.isnan(rules[0]):
        return Choice(SEGMENTED, k, f"{reason}; what the rules explain is not known", eligible)
    reason += f"; the rules explain {_percent(rules[0])}"
    if rules[0] >= value - (0.0 if math.isnan(error) else error):
        return Choice(RULES_BETTER, k, f"{reason}, so they serve as well and are kept", eligible)
    return Choice(SEGMENTED, k, reason, eligible)


def _why_none(measured: Sequence[Measured], limits: GateLimits, customer_count: int) -> str:
    """Say what the nearest miss fails, with what was needed, and where each other k fails most."""
    if not measured:
        return "no k could be measured: too few customers differ from one another"
    thresholds = limits.thresholds()
    missed: dict[int, list[str]] = {}
    distances: dict[int, tuple[int, float, int]] = {}
    for one in measured:
        scores = one.scores(customer_count)
        met = verdicts(one, limits, customer_count)
        shortfalls = {
            name: 1 - (0.0 if math.isnan(scores[name]) else scores[name]) / thresholds[name]
            for name in thresholds
            if not met[name]
        }
        distances[one.k] = (len(shortfalls), sum(shortfalls.values()), one.k)
        missed[one.k] = [
            f"{CRITERIA[name]} {_number(name, scores[name])} of {_number(name, thresholds[name])}"
            for name in sorted(shortfalls, key=lambda name: -shortfalls[name])
        ]
    nearest = min(distances, key=distances.__getitem__)
    reason = f"no k passes the gate; k = {nearest} comes nearest, with {', '.join(missed[nearest])}"
    others = [f"k = {k} {words[0]}" for k, words in missed.items() if k != nearest]
    return f"{reason}; the worst of the others: {', '.join(others)}" if others else reason


def _number(measure: str, value: float) -> str:
    """Write a measure of the gate, cut rather than rounded: a miss never looks like a hit."""
    if math.isnan(value):
        return "unknown"
    if measure == "smallest_customer_count":
        return str(int(value))
    # The little that is added is the noise of floats: 0.57 stays 0.57.
    if measure == "smallest_share":
        return f"{math.floor(10_000 * value + 1e-9) / 100:g} %"
    return f"{math.floor(100 * value + 1e-9) / 100:.2f}"


def _list_of_k(numbers: Sequence[int]) -> str:
    """Write numbers as 'k = 2', 'k = 2 and 3' or 'k = 2, 3 and 5'."""
    *first, last = map(str, numbers)
    return f"k = {', '.join(first)} and {last}" if first else f"k = {last}"


def _percent(share: float) -> str:
    """Write a share in percent with one decimal place."""
    return f"{100 * share:.1f} %"
