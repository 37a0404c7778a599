"""When customers buy: the BG/NBD process, and the true probability that a customer comes back.

Source: Fader, Hardie & Lee (2005), "Counting your customers the easy way". While active, customer
i buys after exponential times with rate lambda_i; after each purchase it drops out for good with
probability p_i. Different from the paper, the first purchase can be the last one, too (as in
Batislam, Denizel & Filiztekin 2007): real shops have customers who never return.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from clientele.simulator.customer_types import NO_SIGNAL_PAUSE_DAYS
from clientele.simulator.customers import Behaviour, Customers
from clientele.simulator.plan import SECONDS_PER_DAY, ShopPlan, Streams
from clientele.simulator.season import Season

CANCELLED_SHARE = 0.03
UNDELIVERED_SHARE = 0.015
SUCCESS_SHARE = 1.0 - CANCELLED_SHARE - UNDELIVERED_SHARE

REPEAT_AFTER_DAYS = 1  # a second order in the first 24 hours does not count as a repeat
REPEAT_WITHIN_DAYS = 90
PAUSED_REPEATS = 6  # terms of the series with a pause; 90 days hold no more pauses


@dataclass(frozen=True)
class Purchases:
    """All placed orders in order of time, and what became of each customer."""

    customer: np.ndarray  # index of the customer, one an order
    placed: np.ndarray  # seconds from the start, ascending
    ordinal: np.ndarray  # 0 for the customer's first order
    previous: np.ndarray  # seconds, the customer's order before; -1 for the first
    dropped: np.ndarray  # seconds, one a customer; -1 for a customer active at the end
    exposure: np.ndarray  # shop days in which the customer could have bought, one a customer


def draw_purchases(
    plan: ShopPlan, customers: Customers, season: Season, streams: Streams
) -> Purchases:
    """Let every customer buy until it drops out or the period ends.

    The process has no memory, so each phase starts it anew with that phase's parameters, and the
    first phase is the same with and without drift.
    """
    pause = NO_SIGNAL_PAUSE_DAYS if plan.no_signal else 0.0
    turning = float(season.to_shop_days(plan.turning_second))
    phases = (
        ("before", 0.0, turning, customers.before),
        ("after", turning, float(plan.days), customers.after),
    )
    active = np.zeros(customers.count, dtype=bool)
    ready = customers.acquired.copy()  # from when on the customer can buy again
    last = np.full(customers.count, -1.0)
    exposure = np.zeros(customers.count)
    buyers, times = [], []
    for phase, begin, end, behaviour in phases:
        gaps = streams(f"purchase/gap/{phase}")
        departures = streams(f"purchase/dropout/{phase}")

        def buy(who: np.ndarray, when: np.ndarray) -> np.ndarray:
            """Note the purchases; return a mask of the customers who stay."""
            buyers.append(who.astype(np.int32))
            times.append(when)
            stays = departures.random(who.size) >= behaviour.dropout[who]  # noqa: B023
            active[who] = stays
            last[who] = when
            ready[who] = when + pause
            return stays

        newcomers = np.flatnonzero((customers.acquired >= begin) & (customers.acquired < end))
        buy(newcomers, customers.acquired[newcomers])
        who = np.flatnonzero(active & (ready < end))
        clock = np.maximum(ready[who], begin)
        while who.size:
            following = clock + gaps.exponential(size=who.size) / behaviour.rate[who]
            exposure[who] += np.minimum(following, end) - clock
            in_time = following < end
            who, following = who[in_time], following[in_time]
            stays = buy(who, following)
            who = who[stays]
            clock = ready[who]
            in_time = clock < end
            who, clock = who[in_time], clock[in_time]

    customer = np.concatenate(buyers)
    placed = season.to_seconds(np.concatenate(times))
    ordinal, previous = _history(customer, placed)
    order = np.lexsort((customer, placed))
    gone = (last >= 0) & ~active
    dropped = np.where(gone, season.to_seconds(np.maximum(last, 0.0)), -1)
    return Purchases(
        customer[order], placed[order], ordinal[order], previous[order], dropped, exposure
    )


def _history(customer: np.ndarray, placed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each order's ordinal among its customer's, and the time of the one before."""
    order = np.lexsort((placed, customer))
    who, when = customer[order], placed[order]
    first = np.ones(who.size, dtype=bool)
    first[1:] = who[1:] != who[:-1]
    position = np.arange(who.size)
    begin = np.maximum.accumulate(np.where(first, position, 0))
    ordinal = np.empty(who.size, dtype=np.int32)
    previous = np.empty(who.size, dtype=np.int64)
    ordinal[order] = position - begin
    previous[order] = np.where(first, -1, np.concatenate([[-1], when[:-1]])[: who.size])
    return ordinal, previous


def true_repeat_probability(
    plan: ShopPlan, customers: Customers, season: Season, first_success: np.ndarray
) -> np.ndarray:
    """Return the probability of another successful order in (24 h, 90 d] after the first one.

    Exact, given the customer's parameters (of both phases): an active customer buys with rate
    lambda per shop day; an order succeeds with probability s, and is the last one with
    probability p. In the first day the customer is lost with rate lambda p; after it, "a success"
    competes with "lost without a success" at rates lambda s and lambda (1 - s) p. The window may
    reach past the end of the period: the process is then taken to go on.

    Args:
        first_success: seconds from the start of the first successful order, -1 where none; one
            element a customer.

    Returns:
        Probabilities, NaN for customers without a successful order.
    """
    known = first_success >= 0
    origin = np.where(known, first_success, 0)
    if plan.no_signal:
        probability = _paused_repeat_probability(customers.before, season, origin)
        return np.where(known, probability, np.nan)

    late = origin >= plan.turning_second
    waiting = 1.0 - np.where(late, customers.after.dropout, customers.before.dropout)
    repeated = np.zeros(customers.count)
    edges = [origin + days * SECONDS_PER_DAY for days in (0, REPEAT_AFTER_DAYS, REPEAT_WITHIN_DAYS)]
    for index, (begin, end) in enumerate(pairwise(edges)):
        for behaviour, lower, upper in (
            (customers.before, 0, plan.turning_second),
            (customers.after, plan.turning_second, np.iinfo(np.int64).max),
        ):
            days = season.to_shop_days(np.clip(end, lower, upper))
            days -= season.to_shop_days(np.clip(begin, lower, upper))
            failing = (1.0 - SUCCESS_SHARE) * behaviour.dropout
            if index == 0:
                waiting *= np.exp(-behaviour.rate * behaviour.dropout * days)
                continue
            leaving = SUCCESS_SHARE + failing
            left = waiting * -np.expm1(-behaviour.rate * leaving * days)
            repeated += left * SUCCESS_SHARE / leaving
            waiting -= left
    return np.where(known, repeated, np.nan)


def _paused_repeat_probability(
    behaviour: Behaviour, season: Season, origin: np.ndarray
) -> np.ndarray:
    """Return the repeat probability where every purchase is followed by a pause.

    The j-th next purchase comes after j pauses and an Erlang(j) time; it is the first success with
    probability (1 - p)^j (1 - s)^(j - 1) s.
    """
    end = season.to_shop_days(origin + REPEAT_WITHIN_DAYS * SECONDS_PER_DAY)
    window = end - season.to_shop_days(origin)
    repeated = np.zeros(origin.size)
    for purchase in range(1, PAUSED_REPEATS + 1):
        load = behaviour.rate * np.maximum(0.0, window - purchase * NO_SIGNAL_PAUSE_DAYS)
        term = np.exp(-load)
        not_yet = term.copy()
        for count in range(1, purchase):
            term = term * load / count
            not_yet += term
        first = (1 - behaviour.dropout) ** purchase * (1 - SUCCESS_SHARE) ** (purchase - 1)
        repeated += first * SUCCESS_SHARE * (1 - not_yet)
    return repeated
