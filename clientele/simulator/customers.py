"""Who the customers are: each customer's own parameters, drawn within its type.

A customer draws the numbers it lives by around those of its latent type: purchase rate from a
gamma, drop-out probability from a beta distribution (BG/NBD), mean spend from an inverse gamma
(Gamma-Gamma), promotion use from a beta, taste from a Dirichlet distribution.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from clientele.simulator.customer_types import (
    DRIFT_MOVES,
    NO_SIGNAL_TYPES,
    TYPES,
    CustomerType,
    contrasted,
)
from clientele.simulator.plan import ShopPlan, Streams
from clientele.simulator.season import Season

SPEND_SHAPE = 6.0  # Gamma-Gamma p: order values of one customer vary by 1 / sqrt(6)
SPEND_MEAN_SHAPE = 14.0  # Gamma-Gamma q: customers' means vary by 1 / sqrt(14 - 2)
PROMO_STRENGTH = 12.0  # sum of the beta's two parameters
TASTE_STRENGTH = 9.0  # sum of the Dirichlet's parameters
DISTANCE_SHAPE = 2.4  # of the gamma around the type's distance
RATING_SPREAD = 0.45  # standard deviation between customers of a type

LAUNCH_SHARE = 0.15  # newcomers of the launch, for each one of a steady flow
LAUNCH_DAYS = 45.0  # the launch wave ebbs away with this mean
GROWTH = 0.6  # by how much the daily newcomers grow from start to end

DRIFT_PROMO_PRESSURE = 1.6  # exponent on the probability of an order without promotion


@dataclass(frozen=True)
class Behaviour:
    """How each customer behaves in one phase of the shop; arrays with one element a customer."""

    type_code: np.ndarray  # index into the types
    rate: np.ndarray  # purchases per shop day while active
    dropout: np.ndarray  # probability to drop out after a purchase
    promo: np.ndarray  # probability that an order uses a promotion
    opens_per_order: np.ndarray
    browse_rate: np.ndarray  # app opens per day without a purchase in mind
    browse_half_life: np.ndarray  # days


@dataclass(frozen=True)
class Customers:
    """All customers of the shop, in random order; arrays with one element a customer."""

    types: tuple[CustomerType, ...]
    client_number: np.ndarray
    acquired: np.ndarray  # time of the first placed order, in shop days
    spend_mean: np.ndarray  # Gamma-Gamma individual mean, currency units
    taste: np.ndarray  # customers x mastercategories, rows sum to one
    rating_bias: np.ndarray
    distance: np.ndarray  # km from the warehouse to the home address
    before: Behaviour
    after: Behaviour

    @property
    def count(self) -> int:
        """Number of customers."""
        return self.client_number.size


def draw_customers(plan: ShopPlan, season: Season, streams: Streams) -> Customers:
    """Draw all customers with their parameters before and after the turning date."""
    types = NO_SIGNAL_TYPES if plan.no_signal else contrasted(TYPES, plan.contrast)
    count = plan.customers
    shares = np.cumsum([kind.share for kind in types])
    drawn = np.searchsorted(shares, streams("customer/type").random(count), side="right")
    type_code = np.minimum(drawn, len(types) - 1).astype(np.int8)

    before = _draw_behaviour(types, type_code, streams, "before")
    after = _drifted(types, before, streams) if plan.drift else before
    spend = SPEND_MEAN_SHAPE - 1.0
    inverse = streams("customer/spend").standard_gamma(SPEND_MEAN_SHAPE, count)
    weights = np.array([kind.taste for kind in types], dtype=float)
    weights *= TASTE_STRENGTH / weights.sum(axis=1, keepdims=True)
    taste = streams("customer/taste").standard_gamma(weights[type_code]) + 1e-9
    distance = streams("customer/distance").standard_gamma(DISTANCE_SHAPE, count) / DISTANCE_SHAPE
    return Customers(
        types=types,
        client_number=_client_numbers(plan, streams),
        acquired=_draw_acquisition(plan, season, streams),
        spend_mean=_of(types, type_code, "spend_mean") * spend / inverse,
        taste=_sharpened(taste / taste.sum(axis=1, keepdims=True), weights, plan.taste),
        rating_bias=streams("customer/rating").normal(0.0, RATING_SPREAD, count)
        + _of(types, type_code, "rating_level"),
        distance=np.clip(_of(types, type_code, "distance_mean") * distance, 0.05, 15.0),
        before=before,
        after=after,
    )


def _of(types: tuple[CustomerType, ...], type_code: np.ndarray, field: str) -> np.ndarray:
    """Return one number of each customer's type."""
    return np.array([getattr(kind, field) for kind in types], dtype=float)[type_code]


def _sharpened(taste: np.ndarray, weights: np.ndarray, dial: float) -> np.ndarray:
    """Return tastes (customers x categories) to a power, so that rows differ more or less.

    At 0 every row is the mean of the types' weights, at 1 the rows stay as they were drawn.
    """
    if dial != 1.0:
        taste = weights.mean(axis=0) ** max(0.0, 1.0 - dial) * taste**dial
        taste /= taste.sum(axis=1, keepdims=True)
    return taste.astype(np.float32)


def _draw_behaviour(
    types: tuple[CustomerType, ...], type_code: np.ndarray, streams: Streams, phase: str
) -> Behaviour:
    rate_mean = _of(types, type_code, "rate_mean")
    rate_shape = _of(types, type_code, "rate_shape")
    rate_draw = streams(f"customer/rate/{phase}").standard_gamma(_finite(rate_shape))
    dropout_mean = _of(types, type_code, "dropout_mean")
    dropout_strength = _of(types, type_code, "dropout_strength")
    strength = _finite(dropout_strength)
    dropout_draw = streams(f"customer/dropout/{phase}").beta(
        dropout_mean * strength, (1 - dropout_mean) * strength
    )
    promo_mean = _of(types, type_code, "promo_mean")
    return Behaviour(
        type_code=type_code,
        rate=np.where(np.isinf(rate_shape), rate_mean, rate_mean * rate_draw / rate_shape),
        dropout=np.where(np.isinf(dropout_strength), dropout_mean, dropout_draw),
        promo=streams(f"customer/promo/{phase}").beta(
            promo_mean * PROMO_STRENGTH, (1 - promo_mean) * PROMO_STRENGTH
        ),
        opens_per_order=_of(types, type_code, "opens_per_order"),
        browse_rate=_of(types, type_code, "browse_rate"),
        browse_half_life=_of(types, type_code, "browse_half_life"),
    )


def _finite(shape: np.ndarray) -> np.ndarray:
    """Return shapes that can be drawn from; an infinite one means that all are alike."""
    return np.where(np.isinf(shape), 1.0, shape)


def _drifted(types: tuple[CustomerType, ...], before: Behaviour, streams: Streams) -> Behaviour:
    """Return the behaviour after the drift: some customers change type, all meet more promotions.

    Who keeps the type keeps all parameters but the promotion use.
    """
    names = [kind.name for kind in types]
    chance = streams("drift/moves").random(before.type_code.size)
    type_code = before.type_code.copy()
    for name, moves in DRIFT_MOVES.items():
        if name not in names:
            continue
        lower = 0.0
        for target, share in moves:
            moved = (chance >= lower) & (chance < lower + share)
            type_code[moved & (before.type_code == names.index(name))] = names.index(target)
            lower += share
    redrawn = _draw_behaviour(types, type_code, streams, "after")
    moved = type_code != before.type_code
    after = {
        field.name: np.where(moved, getattr(redrawn, field.name), getattr(before, field.name))
        for field in fields(Behaviour)
    }
    after["promo"] = 1 - (1 - after["promo"]) ** DRIFT_PROMO_PRESSURE
    return Behaviour(**after)


def _draw_acquisition(plan: ShopPlan, season: Season, streams: Streams) -> np.ndarray:
    """Return the shop day of each customer's first order: a launch wave, then growing inflow."""
    days = np.arange(plan.days + 1, dtype=float)
    launch = LAUNCH_SHARE * plan.days * -np.expm1(-days / LAUNCH_DAYS)
    inflow = days * (1 + GROWTH * days / (2 * plan.days))
    cumulated = (launch + inflow) / (launch[-1] + inflow[-1])
    chance = streams("customer/acquired").random(plan.customers)
    return np.interp(chance, cumulated, days)


def _client_numbers(plan: ShopPlan, streams: Streams) -> np.ndarray:
    """Return unique eight-digit numbers in no relation to anything (a Feistel network)."""
    half = 10_000
    rng = streams.of_shop("customer/client_number")
    begin = plan.piece.first_customer
    high, low = np.divmod(np.arange(begin, begin + plan.customers, dtype=np.int64), half)
    for _ in range(4):
        high, low = low, (high + rng.integers(0, half, half)[low]) % half
    return high * half + low
