"""The latent types of customers: the numbers that make one kind of customer unlike another."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

Number = Callable[[float], float]

ALIKE = math.inf  # strength of a distribution without spread


@dataclass(frozen=True)
class CustomerType:
    """One latent type. Rates are per day, money is in currency units, distances in km."""

    name: str
    share: float  # of the customers
    rate_mean: float  # purchases while active: gamma distributed within the type
    rate_shape: float
    dropout_mean: float  # probability to leave after a purchase: beta distributed
    dropout_strength: float  # sum of the beta's two parameters
    spend_mean: float  # of an order
    promo_mean: float  # probability that an order uses a promotion
    opens_per_order: float  # app opens in the two days before an order
    browse_rate: float  # app opens without a purchase in mind
    browse_half_life: float  # days after the drop-out until browsing has halved
    rating_level: float  # mood on the scale of the rating cuts (see `orders`)
    distance_mean: float  # from the warehouse to the home
    taste: tuple[float, ...]  # relative weight of each mastercategory, as in the assortment


TYPES = (
    CustomerType(
        name="loyal",
        share=0.12,
        rate_mean=0.032,
        rate_shape=6.0,
        dropout_mean=0.02,
        dropout_strength=40.0,
        spend_mean=27.0,
        promo_mean=0.1,
        opens_per_order=4.2,
        browse_rate=0.05,
        browse_half_life=25.0,
        rating_level=0.55,
        distance_mean=2.1,
        taste=(5, 4, 2, 2, 2, 1, 1, 1),
    ),
    CustomerType(
        name="promo_hunter",
        share=0.22,
        rate_mean=0.014,
        rate_shape=6.0,
        dropout_mean=0.09,
        dropout_strength=30.0,
        spend_mean=19.0,
        promo_mean=0.82,
        opens_per_order=6.2,
        browse_rate=0.07,
        browse_half_life=30.0,
        rating_level=0.2,
        distance_mean=2.6,
        taste=(1, 1, 3, 5, 4, 1, 1, 2),
    ),
    CustomerType(
        name="one_timer",
        share=0.39,
        rate_mean=0.008,
        rate_shape=3.0,
        dropout_mean=0.85,
        dropout_strength=20.0,
        spend_mean=22.0,
        promo_mean=0.86,
        opens_per_order=3.0,
        browse_rate=0.01,
        browse_half_life=10.0,
        rating_level=-0.3,
        distance_mean=3.3,
        taste=(1, 1, 2, 4, 3, 1, 1, 2),
    ),
    CustomerType(
        name="fading",
        share=0.14,
        rate_mean=0.058,
        rate_shape=5.0,
        dropout_mean=0.15,
        dropout_strength=30.0,
        spend_mean=25.0,
        promo_mean=0.2,
        opens_per_order=4.6,
        browse_rate=0.17,
        browse_half_life=250.0,
        rating_level=-0.1,
        distance_mean=2.8,
        taste=(3, 2, 3, 3, 3, 1, 1, 1),
    ),
    CustomerType(
        name="big_basket",
        share=0.13,
        rate_mean=0.011,
        rate_shape=6.0,
        dropout_mean=0.04,
        dropout_strength=40.0,
        spend_mean=95.0,
        promo_mean=0.07,
        opens_per_order=4.6,
        browse_rate=0.02,
        browse_half_life=20.0,
        rating_level=0.4,
        distance_mean=4.8,
        taste=(2, 2, 1, 1, 3, 4, 3, 2),
    ),
)

# A shop without signal has one type; rate and drop-out are the same for all, so that a
# customer's future is luck alone, whatever was seen before.
NO_SIGNAL_TYPES = (
    CustomerType(
        name="uniform",
        share=1.0,
        rate_mean=0.02,
        rate_shape=ALIKE,
        dropout_mean=0.2,
        dropout_strength=ALIKE,
        spend_mean=31.0,
        promo_mean=0.33,
        opens_per_order=5.0,
        browse_rate=0.02,
        browse_half_life=ALIKE,
        rating_level=0.2,
        distance_mean=2.7,
        taste=(2, 2, 2, 2, 2, 2, 1, 1),
    ),
)
# Days without purchase after each purchase in a shop without signal: longer than the week after
# the first order plus the app opens before the next, so that neither shows who comes back.
NO_SIGNAL_PAUSE_DAYS = 12.0

# Drift: shares of a type that turn into others.
DRIFT_MOVES = {"loyal": (("fading", 0.2), ("promo_hunter", 0.2)), "big_basket": (("fading", 0.15),)}


def contrasted(types: tuple[CustomerType, ...], contrast: float) -> tuple[CustomerType, ...]:
    """Return the types moved away from their average, or towards it, by a factor.

    Logarithms of spend, distance and browsing, log-odds of promotions and the mood move by
    `contrast`, purchase rates by its root, so that nobody buys every day. Within a type customers
    differ less the greater it is. At 1 the types stay as they are.
    """
    if contrast == 1.0:
        return types

    def moved(field: str, factor: float, to: Number, back: Number) -> list[float]:
        values = [to(getattr(kind, field)) for kind in types]
        middle = sum(kind.share * value for kind, value in zip(types, values, strict=True))
        return [back(middle + factor * (value - middle)) for value in values]

    columns = {
        "rate_mean": moved("rate_mean", math.sqrt(contrast), math.log, math.exp),
        "spend_mean": moved("spend_mean", contrast, math.log, math.exp),
        "distance_mean": moved("distance_mean", contrast, math.log, math.exp),
        "browse_rate": moved("browse_rate", contrast, math.log, math.exp),
        "promo_mean": moved("promo_mean", contrast, _log_odds, _share),
        "rating_level": [kind.rating_level * contrast for kind in types],
    }
    narrower = max(1.0, contrast**2)
    return tuple(
        replace(
            kind,
            rate_shape=kind.rate_shape * narrower,
            dropout_strength=kind.dropout_strength * narrower,
            **{field: values[number] for field, values in columns.items()},
        )
        for number, kind in enumerate(types)
    )


def _log_odds(share: float) -> float:
    return math.log(share / (1 - share))


def _share(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))
