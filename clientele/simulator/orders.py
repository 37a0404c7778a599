"""Orders and carts: when they are created, paid, delivered and rated, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clientele.simulator.assortment import Assortment
from clientele.simulator.baskets import Lines, draw_lines
from clientele.simulator.customers import SPEND_SHAPE, Customers
from clientele.simulator.places import Places, draw_places
from clientele.simulator.plan import SECONDS_PER_DAY, Piece, ShopPlan, Streams
from clientele.simulator.promotions import (
    DRIFT_DEPTH,
    Catalogue,
    UsedPromotions,
    draw_promotions,
)
from clientele.simulator.purchases import CANCELLED_SHARE, UNDELIVERED_SHARE, Purchases

NEVER = -1  # a time that has not come
MINUTE, HOUR = 60, 3_600

CARTS_PER_ORDER = 0.093
CART_LAG_DAYS = 9.0  # mean time from an order to a cart that is left behind
FILLING_MINUTES = 11.0  # mean time from the first product to the order
FILLING_SECONDS = (20, 6 * HOUR)  # shortest, longest

FEE_CENTS = 190
FEE_CENTS_PER_KM = 35
FEE_STEP_CENTS = 10
FREE_DELIVERY_FROM_CENTS = 7_500
ACQUISITION_COST_CENTS = 480  # mean marketing cost of a first order
RETARGETING_COST_CENTS = 90  # mean, where there is one
RETARGETING_SHARE = 0.12

SLOT_SHARE = 0.14  # of the orders wait for a slot up to three days later
FASTEST, SLOWEST = 30 * MINUTE, 3 * SECONDS_PER_DAY
EXPRESS_MINUTES, MINUTES_PER_KM = 32.0, 5.0  # beyond the fastest

ASKED_SHARE = 0.52  # of the delivered orders
SKIPPED_SHARE = 0.38  # of the asked
RATING_CUTS = np.array([-2.0, -1.45, -0.8, 0.25])  # between 1, 2, 3, 4 and 5
RATING_NOISE = 0.85
RATING_PER_HOUR_LATE, RATING_PER_KM = -0.03, -0.04
EXPECTED_HOURS, EXPECTED_KM = 1.0, 2.5
RATING_DELAY_HOURS = 9.0  # mean
RATING_REASONS = (
    "late delivery",
    "missing item",
    "poor quality",
    "wrong item",
    "unfriendly courier",
    "damaged packaging",
)
LATE_HOURS, LATE_SHARE = 4.0, 0.6  # after so many hours so many reasons are the delay
NO_RATING, NO_REASON = 0, -1


@dataclass(frozen=True)
class Orders:
    """All rows of `market_order` by time of creation; times in seconds, money in cents."""

    customer: np.ndarray
    number: np.ndarray  # the order id
    created: np.ndarray
    placed: np.ndarray  # NEVER for carts
    delivered: np.ndarray  # NEVER for carts, cancelled, undelivered, or after the end
    rated: np.ndarray  # NEVER if not asked yet
    is_skipped: np.ndarray
    rating: np.ndarray  # 1 to 5, or NO_RATING
    reason: np.ndarray  # code into RATING_REASONS, or NO_REASON
    basket_value: np.ndarray
    delivery_fee: np.ndarray
    discount: np.ndarray
    supplier_support: np.ndarray
    third_party_support: np.ndarray
    charged: np.ndarray
    marketing_cost: np.ndarray
    places: Places
    lines: Lines
    promotions: UsedPromotions


def draw_orders(
    plan: ShopPlan,
    customers: Customers,
    purchases: Purchases,
    assortment: Assortment,
    catalogue: Catalogue,
    streams: Streams,
) -> Orders:
    """Draw everything about each order and cart, one stream a quantity, in order of creation.

    So orders before the turning date do not depend on what comes after it.
    """
    customer, created, placed, ordinal, previous = _baskets(plan, purchases, streams)
    count = customer.size
    is_cart = placed == NEVER
    phase = (created >= plan.turning_second).astype(np.int8)
    drifted = (phase == 1) & plan.drift

    spend = streams("order/spend").standard_gamma(SPEND_SHAPE, count) / SPEND_SHAPE
    level = assortment.price.sum(axis=1) / assortment.price[0].sum()
    target = customers.spend_mean[customer] * spend * level[phase] * 100
    lines = draw_lines(
        np.rint(target).astype(np.int64), customers.taste, customer, phase, assortment, streams
    )
    basket_value = lines.basket_values(count)
    places = draw_places(customers, customer, streams)
    fee = FEE_CENTS + FEE_CENTS_PER_KM * places.distance / 1000
    fee = np.rint(fee / FEE_STEP_CENTS).astype(np.int64) * FEE_STEP_CENTS
    fee[basket_value >= FREE_DELIVERY_FROM_CENTS] = 0

    use = np.where(phase == 1, customers.after.promo[customer], customers.before.promo[customer])
    promotions = draw_promotions(
        catalogue,
        np.where(is_cart, 0.0, use),
        ordinal,
        placed - previous,
        basket_value,
        fee,
        np.where(drifted, DRIFT_DEPTH, 1.0),
        streams,
    )
    discount, supplier, third_party = (
        np.bincount(promotions.basket, cents, minlength=count).astype(np.int64)
        for cents in (
            promotions.discount,
            promotions.supplier_support,
            promotions.third_party_support,
        )
    )

    fate = streams("order/fate").random(count)
    is_cancelled = ~is_cart & (fate < CANCELLED_SHARE)
    is_lost = ~is_cart & ~is_cancelled & (fate < CANCELLED_SHARE + UNDELIVERED_SHARE)
    delay = _delivery_delay(places, streams)
    delivered = np.where(is_cart | is_cancelled | is_lost, NEVER, placed + delay)
    delivered[delivered >= plan.seconds] = NEVER
    rated, is_skipped, rating, reason = _ratings(
        plan, customers.rating_bias[customer], places, delivered, delay, streams
    )
    return Orders(
        customer=customer,
        number=_order_numbers(count, plan.piece, streams),
        created=created,
        placed=placed,
        delivered=delivered,
        rated=rated,
        is_skipped=is_skipped,
        rating=rating,
        reason=reason,
        basket_value=basket_value,
        delivery_fee=fee,
        discount=discount,
        supplier_support=supplier,
        third_party_support=third_party,
        charged=np.where(is_cancelled, 0, basket_value + fee - discount),
        marketing_cost=_marketing_cost(is_cart, ordinal, streams),
        places=places,
        lines=lines,
        promotions=promotions,
    )


def _baskets(
    plan: ShopPlan, purchases: Purchases, streams: Streams
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return customer, creation, placing, ordinal and order before of orders and carts.

    Carts are left behind some days after an order; they tell nothing about later orders.
    """
    count = purchases.placed.size
    filling = streams("order/filling").exponential(FILLING_MINUTES * MINUTE, count)
    filling = np.clip(filling, *FILLING_SECONDS).astype(np.int64)
    created = np.maximum(purchases.placed - filling, 0)
    has_cart = streams("cart/share").random(count) < CARTS_PER_ORDER
    lag = streams("cart/lag").exponential(CART_LAG_DAYS * SECONDS_PER_DAY, count)
    left = purchases.placed + HOUR + lag.astype(np.int64)
    cart = np.flatnonzero(has_cart & (left < plan.seconds))

    created = np.concatenate([created, left[cart]])
    customer = np.concatenate([purchases.customer, purchases.customer[cart]])
    none = np.full(cart.size, NEVER)
    placed = np.concatenate([purchases.placed, none])
    order = np.lexsort((placed, customer, created))
    ordinal = np.concatenate([purchases.ordinal, none])
    previous = np.concatenate([purchases.previous, none])
    return customer[order], created[order], placed[order], ordinal[order], previous[order]


def _order_numbers(count: int, piece: Piece, streams: Streams) -> np.ndarray:
    """Return unique numbers that grow with creation, a little out of order now and then.

    Pieces of a shop take turns, so that numbers grow with creation in all of them alike.
    """
    rng = streams("order/number")
    numbers = 100_000_000 + np.cumsum(rng.integers(1, 5, count)) * piece.count + piece.number
    swapped = np.flatnonzero(streams("order/number_swap").random(count // 2) < 0.2) * 2
    numbers[swapped], numbers[swapped + 1] = numbers[swapped + 1], numbers[swapped]
    return numbers


def _marketing_cost(is_cart: np.ndarray, ordinal: np.ndarray, streams: Streams) -> np.ndarray:
    """Return the marketing cost of each order in cents."""
    size = streams("order/marketing").standard_gamma(2.0, is_cart.size) / 2
    is_retargeted = streams("order/retargeting").random(is_cart.size) < RETARGETING_SHARE
    mean = np.where(ordinal == 0, ACQUISITION_COST_CENTS, RETARGETING_COST_CENTS * is_retargeted)
    return np.where(is_cart, 0, np.rint(mean * size)).astype(np.int64)


def _delivery_delay(places: Places, streams: Streams) -> np.ndarray:
    """Return seconds from order to delivery, from 30 minutes to three days."""
    count = places.distance.size
    is_slot = streams("delivery/slot").random(count) < SLOT_SHARE
    slot = streams("delivery/slot_time").uniform(4 * HOUR, SLOWEST, count)
    mean = (EXPRESS_MINUTES + MINUTES_PER_KM * places.distance / 1000) * MINUTE
    express = FASTEST + mean * streams("delivery/express").standard_gamma(3.0, count) / 3
    return np.clip(np.where(is_slot, slot, express), FASTEST, SLOWEST).astype(np.int64)


def _ratings(
    plan: ShopPlan,
    bias: np.ndarray,
    places: Places,
    delivered: np.ndarray,
    delay: np.ndarray,
    streams: Streams,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return rated, is_skipped, rating and reason of each order."""
    count = bias.size
    asked = streams("rating/asked").random(count) < ASKED_SHARE
    wait = MINUTE + streams("rating/delay").exponential(RATING_DELAY_HOURS * HOUR, count)
    rated = delivered + wait.astype(np.int64)
    asked &= (delivered != NEVER) & (rated < plan.seconds)
    rated = np.where(asked, rated, NEVER)
    is_skipped = asked & (streams("rating/skipped").random(count) < SKIPPED_SHARE)

    hours = delay / HOUR
    mood = bias + streams("rating/noise").normal(0.0, RATING_NOISE, count)
    mood += RATING_PER_HOUR_LATE * np.maximum(0.0, hours - EXPECTED_HOURS)
    mood += RATING_PER_KM * (places.distance / 1000 - EXPECTED_KM)
    given = asked & ~is_skipped
    rating = np.where(given, 1 + np.searchsorted(RATING_CUTS, mood), NO_RATING)
    chance = streams("rating/reason").random((count, 2))
    is_late = (hours > LATE_HOURS) & (chance[:, 0] < LATE_SHARE)
    reason = np.where(is_late, 0, (chance[:, 1] * len(RATING_REASONS)).astype(np.int8))
    reason = np.where(given & (rating <= 3), reason, NO_REASON)
    return rated, is_skipped, rating.astype(np.int8), reason.astype(np.int8)
