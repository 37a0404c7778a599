"""Promotions: the catalogue, which orders use which, and who pays the discount."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clientele.simulator.plan import SECONDS_PER_DAY, Streams

OBJECTIVES = (
    "acquisition",
    "activation",
    "retention",
    "reactivation",
    "basket_size",
    "service_recovery",
)
DEPARTMENTS = ("growth", "crm", "category", "partnerships", "customer_care")
# Objective: departments that run it, number of promotions, how many of them are free deliveries.
PROGRAMMES = {
    "acquisition": (("growth", "partnerships"), 12, 3),
    "activation": (("growth", "crm"), 9, 3),
    "retention": (("crm", "category"), 14, 4),
    "reactivation": (("crm", "partnerships"), 9, 0),
    "basket_size": (("category", "partnerships"), 16, 0),
    "service_recovery": (("customer_care",), 5, 2),
}
# Department: share of a discount that suppliers, and that third parties such as banks, pay.
SUPPLIER_SHARE = {"category": 0.7}
THIRD_PARTY_SHARE = {"partnerships": 0.6}

PERCENT_OFF = (10, 30)
CENTS_OFF = (200, 800)
FIXED_SHARE = 0.35  # of the promotions that are no free deliveries
LARGEST_FIXED_SHARE = 0.5  # a fixed discount is at most half of the basket
SECOND_PROMOTION_SHARE = 0.07
REACTIVATION_DAYS = 60
RETENTION_SHARE, BASKET_SIZE_SHARE = 0.5, 0.92  # cumulated; the rest is service recovery
DRIFT_DEPTH = 1.2  # discounts after a drift against those before


@dataclass(frozen=True)
class Catalogue:
    """All promotions, grouped by objective, free deliveries last in each group."""

    objective: np.ndarray
    department: np.ndarray
    percent: np.ndarray  # 0 for others
    cents: np.ndarray  # 0 for others
    is_free_delivery: np.ndarray
    supplier_share: np.ndarray
    third_party_share: np.ndarray
    first: np.ndarray  # one an objective: its first promotion
    size: np.ndarray  # its number of promotions
    paid_size: np.ndarray  # those that are no free deliveries


@dataclass(frozen=True)
class UsedPromotions:
    """One element a promotion used in an order, in the order of the baskets."""

    basket: np.ndarray
    promotion: np.ndarray
    discount: np.ndarray  # cents
    supplier_support: np.ndarray  # cents, part of the discount
    third_party_support: np.ndarray  # cents, part of the discount


def draw_catalogue(streams: Streams) -> Catalogue:
    """Draw the shop's promotions."""
    rng = streams.of_shop("promotion/catalogue")
    objective, department, is_free, first, size, paid = [], [], [], [], [], []
    for code, (runners, count, free) in enumerate(PROGRAMMES.values()):
        first.append(len(objective))
        size.append(count)
        paid.append(count - free)
        objective += [code] * count
        department += [DEPARTMENTS.index(runners[i % len(runners)]) for i in range(count)]
        is_free += [False] * (count - free) + [True] * free
    count = len(objective)
    is_free_delivery = np.array(is_free)
    is_fixed = (rng.random(count) < FIXED_SHARE) & ~is_free_delivery
    percent = 5 * rng.integers(PERCENT_OFF[0] // 5, PERCENT_OFF[1] // 5 + 1, count)
    cents = 50 * rng.integers(CENTS_OFF[0] // 50, CENTS_OFF[1] // 50 + 1, count)
    supplier = np.array([SUPPLIER_SHARE.get(name, 0.0) for name in DEPARTMENTS])
    third_party = np.array([THIRD_PARTY_SHARE.get(name, 0.0) for name in DEPARTMENTS])
    code = np.array(department)
    return Catalogue(
        objective=np.array(objective),
        department=code,
        percent=np.where(is_fixed | is_free_delivery, 0, percent),
        cents=np.where(is_fixed, cents, 0),
        is_free_delivery=is_free_delivery,
        supplier_share=supplier[code],
        third_party_share=third_party[code],
        first=np.array(first),
        size=np.array(size),
        paid_size=np.array(paid),
    )


def draw_promotions(
    catalogue: Catalogue,
    chance_to_use: np.ndarray,
    ordinal: np.ndarray,
    pause: np.ndarray,
    basket_value: np.ndarray,
    delivery_fee: np.ndarray,
    depth: np.ndarray,
    streams: Streams,
) -> UsedPromotions:
    """Draw the promotions of each basket; every discount is above zero.

    Args:
        chance_to_use: probability that the basket uses a promotion; 0 for carts.
        ordinal: 0 for a customer's first order.
        pause: seconds since the customer's order before.
        basket_value, delivery_fee: cents.
        depth: factor on discounts.
    """
    count = chance_to_use.size
    basket = np.flatnonzero(streams("promotion/use").random(count) < chance_to_use)
    kind = streams("promotion/objective").random(count)[basket]
    objective = np.select(
        [
            ordinal[basket] == 0,
            ordinal[basket] == 1,
            pause[basket] > REACTIVATION_DAYS * SECONDS_PER_DAY,
            kind < RETENTION_SHARE,
            kind < BASKET_SIZE_SHARE,
        ],
        [OBJECTIVES.index(name) for name in OBJECTIVES[:5]],
        default=OBJECTIVES.index("service_recovery"),
    )
    choices = np.where(
        delivery_fee[basket] > 0, catalogue.size[objective], catalogue.paid_size[objective]
    )
    pick = streams("promotion/pick").random(count)[basket]
    promotion = catalogue.first[objective] + (pick * choices).astype(np.int64)

    # A second promotion has another objective, and is never a second free delivery.
    chance = streams("promotion/second").random((count, 2))[basket]
    is_double = chance[:, 0] < SECOND_PROMOTION_SHARE
    basket_size, reactivation = OBJECTIVES.index("basket_size"), OBJECTIVES.index("reactivation")
    other = np.where(objective == basket_size, reactivation, basket_size)[is_double]
    pick = (chance[is_double, 1] * catalogue.paid_size[other]).astype(np.int64)
    basket = np.concatenate([basket, basket[is_double]])
    promotion = np.concatenate([promotion, catalogue.first[other] + pick])
    order = np.argsort(basket, kind="stable")
    basket, promotion = basket[order], promotion[order]

    value = basket_value[basket]
    share = np.minimum(catalogue.percent[promotion] / 100 * depth[basket], LARGEST_FIXED_SHARE)
    fixed = np.minimum(catalogue.cents[promotion] * depth[basket], value * LARGEST_FIXED_SHARE)
    discount = np.where(
        catalogue.is_free_delivery[promotion],
        delivery_fee[basket],
        np.maximum(1, np.floor(value * share + fixed)),
    ).astype(np.int64)
    return UsedPromotions(
        basket=basket,
        promotion=promotion,
        discount=discount,
        supplier_support=(discount * catalogue.supplier_share[promotion]).astype(np.int64),
        third_party_support=(discount * catalogue.third_party_share[promotion]).astype(np.int64),
    )
