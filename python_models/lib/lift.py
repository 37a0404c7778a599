"""What a campaign brought: people who were sent it against those held back, with intervals.

Everything starts from a plain table, one row per person: `arm`, `converted` (whether they bought),
`money` (what they brought, 0 for those who did not buy) and, where it is known, `pre_money` (what
they brought in as many days before). So published experiments can be fed in as well. Arms are
compared as they were assigned, whatever then happened to the contact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

CONFIDENCE = 0.95
# The normal quantiles of 97.5 % and 80 %: an effect of so many standard errors is found in four of
# five experiments.
DETECTABLE_ERRORS = 2.80
SRM_THRESHOLD = 0.001
MIN_HOLDOUT_BUYERS = 50
WINSOR_SHARE = 0.01
SENT, HOLDOUT = "sent", "holdout_campaign"
CONVERSION, CM2 = "conversion", "cm2"


def wilson_interval(
    buyers: np.ndarray | int, people: np.ndarray | int, confidence: float = CONFIDENCE
) -> tuple[np.ndarray, np.ndarray]:
    """Return the score interval of a share: Wilson 1927.

    buyers, people: counts of the same shape, people at least 1. Shares, so 0 to 1.
    """
    z = special.ndtri(0.5 + confidence / 2)
    share = np.asarray(buyers) / people
    middle = share + z**2 / (2 * people)
    half = z * np.sqrt(share * (1 - share) / people + z**2 / (4 * np.square(people, dtype=float)))
    scale = 1 + z**2 / people
    return np.maximum(0, (middle - half) / scale), np.minimum(1, (middle + half) / scale)


def newcombe_interval(
    buyers: tuple[np.ndarray | int, np.ndarray | int],
    people: tuple[np.ndarray | int, np.ndarray | int],
    confidence: float = CONFIDENCE,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the interval of the difference of two shares, first minus second.

    The hybrid of two score intervals, method 10 of Newcombe 1998 (Statistics in Medicine 17,
    873-890). It keeps its coverage with few buyers and with none, where the textbook's interval
    has no width.

    buyers, people: two counts each (or arrays of counts), people at least 1.
    """
    first, second = (np.asarray(count) / total for count, total in zip(buyers, people, strict=True))
    (low_1, high_1), (low_2, high_2) = (
        wilson_interval(count, total, confidence)
        for count, total in zip(buyers, people, strict=True)
    )
    difference = first - second
    return (
        difference - np.hypot(first - low_1, high_2 - second),
        difference + np.hypot(high_1 - first, second - low_2),
    )


def two_proportion_p(
    buyers: tuple[np.ndarray | int, np.ndarray | int],
    people: tuple[np.ndarray | int, np.ndarray | int],
) -> np.ndarray:
    """Return the two-sided p of two equal shares, by the pooled z test (chi-square of 2 x 2).

    Where all bought or none did, the arms do not differ and p is 1.
    """
    (buyers_1, buyers_2), (people_1, people_2) = buyers, people
    pooled = (np.asarray(buyers_1) + buyers_2) / (np.asarray(people_1) + people_2)
    variance = pooled * (1 - pooled) * (1 / np.asarray(people_1) + 1 / np.asarray(people_2))
    difference = np.asarray(buyers_1) / people_1 - np.asarray(buyers_2) / people_2
    errors = np.divide(
        np.abs(difference), np.sqrt(variance), out=np.zeros_like(variance), where=variance > 0
    )
    return 2 * special.ndtr(-errors)


def arm_ratio_p(sent: int, holdout: int, planned_holdout: float) -> float:
    """Return the p of the arms' sizes being as planned: chi-square with one degree of freedom.

    planned_holdout: how many of all were expected in the holdout, the sum of the shares by which
    each person was drawn. A person in an arm that nobody was planned for gives 0.
    """
    people = sent + holdout
    planned = np.array([people - planned_holdout, planned_holdout])
    if people == 0:
        return 1.0
    if min(planned) <= 0:
        return 1.0 if np.all(np.array([sent, holdout])[planned <= 0] == 0) else 0.0
    statistic = float(np.sum((np.array([sent, holdout]) - planned) ** 2 / planned))
    return float(special.chdtrc(1, statistic))


def winsor_limits(values: np.ndarray, share: float = WINSOR_SHARE) -> tuple[float, float]:
    """Return the limits to which values of both arms together are drawn in.

    They are quantiles of the values other than 0: nine of ten people buy nothing, so that a
    quantile of all would cut deep into the usual baskets. 0 stays between the limits, and nobody
    who did not buy is moved.

    values: money of both arms pooled, so that the limits know nothing of the arms. share: cut off
    at each end.
    """
    spent = values[values != 0]
    if not len(spent):
        return 0.0, 0.0
    low, high = np.quantile(spent, [share, 1 - share])
    return min(0.0, float(low)), max(0.0, float(high))


@dataclass(frozen=True)
class Estimate:
    """A difference of two means, first minus second, with its interval."""

    difference: float
    lower: float
    upper: float
    p_value: float
    standard_error: float


def welch(treated: np.ndarray, control: np.ndarray, confidence: float = CONFIDENCE) -> Estimate:
    """Return the difference of the means of two samples with unequal variances: Welch 1947.

    treated, control: at least two values each.

    Raises:
        ValueError: if an arm has fewer than two values, or no value of either differs.
    """
    if min(len(treated), len(control)) < 2:
        raise ValueError("an arm of fewer than two people has no variance")
    parts = [float(np.var(arm, ddof=1)) / len(arm) for arm in (treated, control)]
    if sum(parts) == 0:
        raise ValueError("the values of neither arm vary")
    freedom = sum(parts) ** 2 / sum(
        part**2 / (len(arm) - 1) for part, arm in zip(parts, (treated, control), strict=True)
    )
    error = math.sqrt(sum(parts))
    difference = float(np.mean(treated) - np.mean(control))
    half = float(special.stdtrit(freedom, 0.5 + confidence / 2)) * error
    p_value = 2 * float(special.stdtr(freedom, -abs(difference) / error))
    return Estimate(difference, difference - half, difference + half, p_value, error)


def cuped(values: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Return values less what the time before foretold: Deng, Xu, Kohavi & Walker 2013 (WSDM).

    The mean stays as it is. The slope is that of both arms pooled, so that it knows nothing of the
    arms; what was known before the arms were drawn cannot differ between them but by chance.

    values, before: n values of the same people, both arms pooled. Without any variation before,
    the values are returned as they are.
    """
    deviations = before - np.mean(before)
    variation = float(deviations @ deviations)
    if variation == 0:
        return values
    slope = float(deviations @ (values - np.mean(values))) / variation
    return values - slope * deviations


def benjamini_hochberg(p_values: Sequence[float | None]) -> list[float | None]:
    """Return p-values adjusted for their number: Benjamini & Hochberg 1995.

    Of those at most 0.05 afterwards, 5 % are expected to be false. None stays None and does not
    count.
    """
    known = [place for place, value in enumerate(p_values) if value is not None]
    adjusted: list[float | None] = [None] * len(p_values)
    least = 1.0
    falling = sorted(known, key=lambda place: p_values[place], reverse=True)
    for number, place in enumerate(falling):
        least = min(least, p_values[place] * len(known) / (len(known) - number))
        adjusted[place] = least
    return adjusted


def detectable_effect(rate: float, treated: int, control: int) -> float | None:
    """Return the least rise of a share that is found in four of five experiments.

    2.80 * sqrt(p (1 - p) (1 / n1 + 1 / n0)), absolute. None where nothing can be found: an arm is
    empty, nobody or everybody buys anyway, or even everybody buying would be too small a rise.
    """
    if min(treated, control) < 1 or not 0 < rate < 1:
        return None
    effect = DETECTABLE_ERRORS * math.sqrt(rate * (1 - rate) * (1 / treated + 1 / control))
    return effect if rate + effect <= 1 else None


def people_needed(rate: float, effect: float, holdout_share: float) -> int | None:
    """Return how many people, both arms together, it takes until an effect is detectable.

    rate: the share that buys anyway. effect: its absolute change. None where there is no such
    number.
    """
    if effect == 0 or not 0 < rate < 1 or not 0 < holdout_share < 1:
        return None
    spread = rate * (1 - rate) * (1 / (1 - holdout_share) + 1 / holdout_share)
    return math.ceil((DETECTABLE_ERRORS / effect) ** 2 * spread)


def runs_needed(rate: float, effect: float, holdout_share: float, people: int) -> int | None:
    """Return how many runs of so many people are to be pooled until an effect is detectable."""
    needed = people_needed(rate, effect, holdout_share)
    return None if needed is None or people < 1 else math.ceil(needed / people)


@dataclass(frozen=True)
class Limits:
    """When a comparison says something.

    smallest_group: people of an arm below which it is not summarised. min_holdout_buyers: below
    it money is not compared. winsor_share: see winsor_limits.
    """

    smallest_group: int = 10
    min_holdout_buyers: int = MIN_HOLDOUT_BUYERS
    winsor_share: float = WINSOR_SHARE
    srm_threshold: float = SRM_THRESHOLD
    alpha: float = 1 - CONFIDENCE


@dataclass(frozen=True)
class Comparison:
    """One metric of one campaign, arm against arm; what is not known is None.

    Of `conversion` values are shares, of `cm2` money per person, as `method` computes it (cuped:
    less what the time before foretold). detectable: the effect that people of this number show in
    four of five experiments. withheld: why nothing is said, in words.
    """

    metric: str
    sent_people: int
    holdout_people: int
    sent_buyers: int | None = None
    holdout_buyers: int | None = None
    method: str | None = None
    sent_mean: float | None = None
    holdout_mean: float | None = None
    lift: float | None = None
    lower: float | None = None
    upper: float | None = None
    p_value: float | None = None
    variance_reduction: float | None = None
    detectable: float | None = None
    srm_p_value: float | None = None
    withheld: str | None = None

    @property
    def relative_lift(self) -> float | None:
        """The lift as a share of the holdout's mean, None where that is not above 0."""
        if self.lift is None or self.holdout_mean is None or self.holdout_mean <= 0:
            return None
        return self.lift / self.holdout_mean


def compare(
    people: pd.DataFrame,
    planned_holdout: float | None = None,
    limits: Limits | None = None,
    arms: tuple[object, object] = (SENT, HOLDOUT),
    planned_shares: Sequence[float] = (),
) -> list[Comparison]:
    """Compare the arms of one campaign: how many bought, and what a person brought.

    people: one row per person with `arm`, `converted` (true or 1 for buyers), `money` and, where
    known, `pre_money`; rows of other arms do not count. planned_holdout: how many the draw planned
    to hold back, None where there was no plan to hold it to. arms: names of the one that was
    treated and of the one that was not. planned_shares: the shares by which people were held back,
    where they were drawn in several runs. If they differ nothing is compared: a run with another
    share weighs more in one arm than in the other, and what differs may be the season.

    Raises:
        ValueError: if a column is missing, or a value of it is.
    """
    columns = ["arm", "converted", "money"]
    missing = [column for column in columns if column not in people]
    if missing:
        raise ValueError(f"the table of people has no column {', '.join(missing)}")
    people = people[people["arm"].isin(arms)]
    columns += ["pre_money"] if "pre_money" in people else []
    unknown = [column for column in columns if people[column].isna().any()]
    if unknown:
        raise ValueError(f"not every person has a value of {', '.join(unknown)}")

    return compare_arms(
        (people["arm"] == arms[0]).to_numpy(),
        people["converted"].to_numpy(dtype=bool),
        people["money"].to_numpy(dtype=float),
        people["pre_money"].to_numpy(dtype=float) if "pre_money" in people else None,
        planned_holdout,
        limits,
        planned_shares,
    )


def compare_arms(
    is_sent: np.ndarray,
    has_bought: np.ndarray,
    money: np.ndarray,
    before: np.ndarray | None = None,
    planned_holdout: float | None = None,
    limits: Limits | None = None,
    planned_shares: Sequence[float] = (),
) -> list[Comparison]:
    """Compare the arms as `compare` does, from the columns of its table: one value per person.

    is_sent: whether the person is in the arm that was treated. before: `pre_money`, or None.
    """
    limits = limits or Limits()
    # Sums of doubles depend on their order, so people are put in one that rests on content alone.
    order = np.lexsort((money, is_sent) if before is None else (before, money, is_sent))
    is_sent, money, has_bought = is_sent[order], money[order], has_bought[order]
    before = None if before is None else before[order]

    counts = (int(is_sent.sum()), int((~is_sent).sum()))
    buyers = (int(has_bought[is_sent].sum()), int(has_bought[~is_sent].sum()))
    srm_p = None if planned_holdout is None else arm_ratio_p(*counts, planned_holdout)
    withheld = _withheld(counts, srm_p, limits, planned_holdout, planned_shares)
    if withheld:
        few = min(counts) < limits.smallest_group
        known = (None, None) if few else buyers
        return [
            Comparison(metric, *counts, *known, srm_p_value=srm_p, withheld=withheld)
            for metric in (CONVERSION, CM2)
        ]
    return [
        compare_conversion(buyers, counts, srm_p),
        _compare_money(money, before, is_sent, buyers, srm_p, limits),
    ]


def compare_conversion(
    buyers: tuple[int, int], people: tuple[int, int], srm_p_value: float | None = None
) -> Comparison:
    """Compare the shares of buyers of two arms, sent and holdout, from their counts.

    people: at least 1 each.
    """
    lower, upper = newcombe_interval(buyers, people)
    shares = [count / total for count, total in zip(buyers, people, strict=True)]
    return Comparison(
        CONVERSION, *people, *buyers,
        method="newcombe",
        sent_mean=shares[0],
        holdout_mean=shares[1],
        lift=shares[0] - shares[1],
        lower=float(lower),
        upper=float(upper),
        p_value=float(two_proportion_p(buyers, people)),
        detectable=detectable_effect(sum(buyers) / sum(people), *people),
        srm_p_value=srm_p_value,
    )  # fmt: skip


def _compare_money(
    money: np.ndarray,
    before: np.ndarray | None,
    is_sent: np.ndarray,
    buyers: tuple[int, int],
    srm_p: float | None,
    limits: Limits,
) -> Comparison:
    """Compare what a person brought, from one value per person of both arms."""
    counts = (int(is_sent.sum()), int((~is_sent).sum()))
    about = {"srm_p_value": srm_p}
    if buyers[1] < limits.min_holdout_buyers:
        about["withheld"] = (
            f"{buyers[1]} of the holdout bought; what a person brings is compared from "
            f"{limits.min_holdout_buyers} on"
        )
        return Comparison(CM2, *counts, *buyers, **about)
    values = np.clip(money, *winsor_limits(money, limits.winsor_share))
    method, final, reduction = "welch", values, None
    if before is not None:
        known = np.clip(before, *winsor_limits(before, limits.winsor_share))
        if np.ptp(known) > 0:
            method, final = "cuped", cuped(values, known)
            variance = _variance_within(values, is_sent)
            if variance > 0:
                reduction = 1 - _variance_within(final, is_sent) / variance
    try:
        found = welch(final[is_sent], final[~is_sent])
    except ValueError as error:
        return Comparison(CM2, *counts, *buyers, withheld=str(error), srm_p_value=srm_p)
    return Comparison(
        CM2, *counts, *buyers,
        method=method,
        sent_mean=float(np.mean(final[is_sent])),
        holdout_mean=float(np.mean(final[~is_sent])),
        lift=found.difference,
        lower=found.lower,
        upper=found.upper,
        p_value=found.p_value,
        variance_reduction=reduction,
        detectable=DETECTABLE_ERRORS * found.standard_error,
        srm_p_value=srm_p,
    )  # fmt: skip


def _variance_within(values: np.ndarray, is_sent: np.ndarray) -> float:
    """Return the squared standard error of the difference of the arms' means."""
    return sum(
        float(np.var(values[arm], ddof=1)) / int(arm.sum())
        for arm in (is_sent, ~is_sent)
        if arm.sum() > 1
    )


def _withheld(
    counts: tuple[int, int],
    srm_p: float | None,
    limits: Limits,
    planned_holdout: float | None,
    planned_shares: Sequence[float],
) -> str | None:
    """Return why neither metric may be compared, or None."""
    sent, holdout = counts
    if holdout == 0:
        return "nobody was held back, so there is nothing to compare with"
    if sent == 0:
        return "nobody was sent the campaign"
    if min(counts) < limits.smallest_group:
        return f"an arm of {min(counts)} people is not summarised; it takes {limits.smallest_group}"
    if srm_p is not None and srm_p < limits.srm_threshold:
        return (
            f"the holdout has {holdout} people where {planned_holdout:.0f} were planned "
            f"(p {srm_p:.1g}): the arms are not those that were drawn"
        )
    if len(set(planned_shares)) > 1:
        return (
            f"the share held back changed from run to run ({min(planned_shares):.1%} to "
            f"{max(planned_shares):.1%}); a new version of the campaign measures anew"
        )
    return None


@dataclass(frozen=True)
class Decision:
    """What a comparison means among all that were made at once."""

    decision: str
    reason: str
    adjusted_p_value: float | None


def decide(comparisons: Sequence[Comparison], limits: Limits | None = None) -> list[Decision]:
    """Return the decision on each of the comparisons of one metric over campaigns.

    positive or negative only if the p-value, adjusted for the number of campaigns, is at most 5 %
    and the interval leaves 0 out; else inconclusive, which is not "no effect".
    """
    limits = limits or Limits()
    adjusted = benjamini_hochberg([one.p_value for one in comparisons])
    return [
        _decision(one, p_value, limits.alpha)
        for one, p_value in zip(comparisons, adjusted, strict=True)
    ]


def _decision(one: Comparison, adjusted: float | None, alpha: float) -> Decision:
    """Return the decision on one comparison."""
    if one.withheld or one.lift is None or adjusted is None:
        return Decision("withheld", one.withheld or "nothing could be compared", None)
    shown = [amount(value, one.metric) for value in (one.lift, one.lower, one.upper)]
    found = f"{shown[0]} a person, between {shown[1]} and {shown[2]}"
    is_clear = one.lower > 0 or one.upper < 0
    if is_clear and adjusted <= alpha:
        return Decision("positive" if one.lift > 0 else "negative", found, adjusted)
    if one.detectable is None:
        detectable = "so few people, or so few who bought, show no rise"
    else:
        detectable = f"people of this number show {amount(one.detectable, one.metric, '')} or more"
    among = "; clear by itself, not among so many campaigns" if is_clear else ""
    return Decision("inconclusive", f"{found}{among}; {detectable}", adjusted)


def amount(value: float, metric: str, sign: str = "+") -> str:
    """Return an effect as people read it: points of conversion, or money."""
    if metric == CONVERSION:
        return f"{100 * value:{sign}.2f} points"
    return f"{value:{sign}.2f}"
