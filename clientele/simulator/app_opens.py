"""When customers open the app: before orders and carts, and just to look."""

from __future__ import annotations

import numpy as np

from clientele.simulator.customers import Behaviour, Customers
from clientele.simulator.orders import NEVER, Orders
from clientele.simulator.plan import SECONDS_PER_DAY, ShopPlan, Streams
from clientele.simulator.purchases import Purchases

WINDOW_HOURS = 48  # opens that belong to an order lie in these hours before it
LAG_HOURS = 9.0  # mean of the exponential that the window cuts off
LAST_OPEN_SECONDS = (3, 120)  # from the open that leads to the basket to the basket


def draw_app_opens(
    plan: ShopPlan, customers: Customers, purchases: Purchases, orders: Orders, streams: Streams
) -> tuple[np.ndarray, np.ndarray]:
    """Return customer and second of every app open, in order of time.

    Each basket has an open shortly before it, each order some more in the two days before. Between
    orders customers look without buying, and go on for a while after they have bought for the last
    time. In a shop without signal looking does not depend on buying.
    """
    baskets = orders.customer.size
    last = streams("open/last").integers(*LAST_OPEN_SECONDS, baskets)
    who, when = [orders.customer.astype(np.int32)], [orders.created - last]

    phase_after = orders.created >= plan.turning_second
    mean = np.where(
        phase_after,
        customers.after.opens_per_order[orders.customer],
        customers.before.opens_per_order[orders.customer],
    )
    number = streams("open/number").poisson(np.where(orders.placed == NEVER, 0.0, mean))
    basket = np.repeat(np.arange(baskets), number)
    chance = streams("open/lag").random(basket.size)
    reach = -np.expm1(-WINDOW_HOURS / LAG_HOURS)
    lag = -LAG_HOURS * np.log1p(-chance * reach) * 3600
    who.append(orders.customer[basket].astype(np.int32))
    when.append(orders.created[basket] - 1 - lag.astype(np.int64))

    for part in _browsing(plan, customers, purchases, orders, streams):
        who.append(part[0])
        when.append(part[1])
    return _unique_in_order(np.concatenate(who), np.concatenate(when), customers.count)


def _browsing(
    plan: ShopPlan, customers: Customers, purchases: Purchases, orders: Orders, streams: Streams
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return opens without an order, for each phase while active and after the drop-out."""
    first = np.full(customers.count, plan.seconds)
    np.minimum.at(first, purchases.customer, purchases.placed)
    gone = np.where((purchases.dropped == NEVER) | plan.no_signal, plan.seconds, purchases.dropped)
    parts = []
    for phase, begin, end, behaviour in (
        ("before", 0, plan.turning_second, customers.before),
        ("after", plan.turning_second, plan.seconds, customers.after),
    ):
        lower, upper = np.maximum(first, begin), np.minimum(gone, end)
        parts.append(_steady_opens(behaviour, lower, upper, streams, phase))
        parts.append(_fading_opens(behaviour, gone, begin, end, streams, phase))
    return parts


def _steady_opens(
    behaviour: Behaviour, lower: np.ndarray, upper: np.ndarray, streams: Streams, phase: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return opens at each customer's constant rate in [lower, upper)."""
    length = np.maximum(0, upper - lower)
    number = streams(f"browse/number/{phase}").poisson(
        behaviour.browse_rate * length / SECONDS_PER_DAY
    )
    who = np.repeat(np.arange(number.size, dtype=np.int32), number)
    chance = streams(f"browse/time/{phase}").random(who.size)
    return who, lower[who] + (chance * length[who]).astype(np.int64)


def _fading_opens(
    behaviour: Behaviour, gone: np.ndarray, begin: int, end: int, streams: Streams, phase: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return opens after the drop-out in [begin, end), at a rate that halves again and again."""
    decay = np.log(2) / (behaviour.browse_half_life * SECONDS_PER_DAY)
    from_second = np.maximum(gone, begin)
    length = np.maximum(0, end - from_second)
    with np.errstate(invalid="ignore", divide="ignore"):
        mass = np.where(length > 0, -np.expm1(-decay * length) / decay, 0.0)
    level = behaviour.browse_rate * np.exp(-decay * (from_second - gone))
    number = streams(f"fade/number/{phase}").poisson(level * mass / SECONDS_PER_DAY)
    who = np.repeat(np.arange(number.size, dtype=np.int32), number)
    chance = streams(f"fade/time/{phase}").random(who.size)
    later = -np.log1p(chance * np.expm1(-decay[who] * length[who])) / decay[who]
    return who, from_second[who] + later.astype(np.int64)


def _unique_in_order(
    who: np.ndarray, when: np.ndarray, customers: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return opens by time, one a customer and second, none before the start."""
    key = np.maximum(when, 0)
    key *= max(customers, 1)
    key += who
    key.sort()
    is_new = np.ones(key.size, dtype=bool)
    np.not_equal(key[1:], key[:-1], out=is_new[1:])
    second, customer = np.divmod(key[is_new], max(customers, 1))
    return customer.astype(np.int32), second.astype(np.int32)
