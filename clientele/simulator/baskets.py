"""What is in the baskets: lines that add up to a drawn order value.

The order value follows the Gamma-Gamma model (Fader, Hardie & Lee 2005). Lines are drawn by taste
and popularity until the value is nearly reached; the last line is the product of its category
whose list price comes nearest to the rest. So the sum of the lines keeps the drawn mean, and
prices are list prices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clientele.simulator.assortment import CATEGORY_NAMES, Assortment
from clientele.simulator.plan import Streams

COUNT_THRESHOLDS = np.array([0.8, 0.94, 0.985])  # cumulated probability of 1, 2, 3, else 4 units
TYPICAL_LINE_CENTS = 700
SPARE_LINES = 1.7  # candidates for each line that an order value is worth on average
MAX_LINES = 45
SMALLEST_LINE_CENTS = 70
SMALLEST_BASKET_CENTS = 250
ORDERS_PER_CHUNK = 150_000  # bounds the memory; the lines do not depend on it


@dataclass(frozen=True)
class Lines:
    """All lines, in the order of their baskets; arrays with one element a line."""

    basket: np.ndarray
    position: np.ndarray  # from 1
    units: np.ndarray
    product: np.ndarray
    price: np.ndarray  # cents a unit

    def basket_values(self, baskets: int) -> np.ndarray:
        """Return the value of each basket in cents, exactly."""
        cents = self.price.astype(np.float64) * self.units  # whole numbers below 2 ** 53
        return np.bincount(self.basket, cents, minlength=baskets).astype(np.int64)


def draw_lines(
    target: np.ndarray,
    taste: np.ndarray,
    customer: np.ndarray,
    phase: np.ndarray,
    assortment: Assortment,
    streams: Streams,
) -> Lines:
    """Fill baskets with products.

    Args:
        target: wanted value of each basket in cents.
        taste: customers x mastercategories, rows sum to one.
        customer: index of each basket's customer.
        phase: 0 or 1, the price list of each basket.

    Returns:
        Lines whose sum is near `target`, on average equal.
    """
    random = {name: streams(f"line/{name}") for name in ("category", "product", "units")}
    cumulated_taste = np.cumsum(taste, axis=1, dtype=np.float32)
    nearest = [_NearestPrice(assortment, which) for which in (0, 1)]
    parts = []
    for begin in range(0, target.size, ORDERS_PER_CHUNK):
        chunk = slice(begin, begin + ORDERS_PER_CHUNK)
        part = _fill(
            np.maximum(target[chunk], SMALLEST_BASKET_CENTS),
            cumulated_taste[customer[chunk]],
            phase[chunk],
            assortment,
            nearest,
            random,
        )
        part[0] += begin
        parts.append(part)
    types = (np.int32, np.int8, np.int16, np.int16, np.int32)
    if not parts:
        return Lines(*(np.zeros(0, dtype=kind) for kind in types))
    columns = zip(*parts, strict=True)
    return Lines(*(np.concatenate(c).astype(kind) for c, kind in zip(columns, types, strict=True)))


class _NearestPrice:
    """Looks up the product of a mastercategory whose list price is nearest to a value."""

    def __init__(self, assortment: Assortment, phase: int) -> None:
        self._products = assortment.by_price(phase)
        self._price = assortment.price[phase][self._products]
        category = assortment.category[self._products]
        self._stride = int(self._price.max()) + 1
        self._key = category * self._stride + self._price
        codes = np.arange(len(CATEGORY_NAMES))
        self._first = np.searchsorted(category, codes, side="left")
        self._last = np.searchsorted(category, codes, side="right") - 1

    def dearest(self, category: np.ndarray) -> np.ndarray:
        """Return the highest price in each category."""
        return self._price[self._last[category]]

    def find(self, category: np.ndarray, price: np.ndarray) -> np.ndarray:
        """Return the product of `category` with the price nearest to `price`."""
        key = category * self._stride + np.minimum(price, self._stride - 1)
        above = np.searchsorted(self._key, key)
        above = np.clip(above, self._first[category], self._last[category])
        below = np.maximum(above - 1, self._first[category])
        nearer_below = price - self._price[below] <= self._price[above] - price
        return self._products[np.where(nearer_below, below, above)]


def _fill(
    target: np.ndarray,
    cumulated_taste: np.ndarray,
    phase: np.ndarray,
    assortment: Assortment,
    nearest: list[_NearestPrice],
    random: dict[str, np.random.Generator],
) -> list[np.ndarray]:
    """Return basket, position, units, product and price of the lines of one chunk."""
    candidates = np.minimum(SPARE_LINES * target / TYPICAL_LINE_CENTS + 2, MAX_LINES).astype(int)
    begin = np.cumsum(candidates) - candidates
    basket = np.repeat(np.arange(target.size), candidates)
    total = basket.size

    chance = random["category"].random(total).astype(np.float32)
    category = (cumulated_taste[basket, :-1] < chance[:, None]).sum(axis=1)
    product = np.searchsorted(assortment.popularity, category + random["product"].random(total))
    product = np.minimum(product, np.searchsorted(assortment.category, category, "right") - 1)
    units = 1 + np.searchsorted(COUNT_THRESHOLDS, random["units"].random(total))
    price = assortment.price[phase[basket], product]
    value = units * price
    running = np.cumsum(value)
    running -= np.repeat(running[begin] - value[begin], candidates)

    fits = running <= target[basket] - SMALLEST_LINE_CENTS
    kept = np.minimum(np.add.reduceat(fits, begin, dtype=np.int64), candidates - 1)
    position = np.arange(total) - begin[basket]
    wanted = position <= kept[basket]

    last = begin + kept
    rest = target - (running[last] - value[last])
    for which in (0, 1):
        chosen = np.flatnonzero(phase == which)
        where, amount = last[chosen], rest[chosen]
        dearest = nearest[which].dearest(category[where])
        units[where] = np.maximum(1, -(-amount // dearest))
        product[where] = nearest[which].find(category[where], amount // units[where])
        price[where] = assortment.price[which][product[where]]
    return [
        basket[wanted],
        position[wanted] + 1,
        units[wanted],
        product[wanted],
        price[wanted],
    ]
