"""What the shop sells: products with categories, brands, popularity and list prices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clientele.simulator.plan import Streams

# Mastercategory: number of products, level of prices against the shop's, subcategories.
CATEGORIES = {
    "produce": (190, 0.7, ("fruit", "vegetables", "salad", "herbs", "organic_produce")),
    "dairy": (200, 0.8, ("milk", "cheese", "yoghurt", "butter", "eggs")),
    "bakery": (140, 0.7, ("bread", "pastry", "cakes", "breakfast", "gluten_free")),
    "snacks": (230, 0.75, ("chips", "chocolate", "biscuits", "nuts", "ice_cream")),
    "beverages": (220, 0.9, ("water", "soft_drinks", "juice", "coffee_tea", "energy_drinks")),
    "household": (190, 1.6, ("cleaning", "laundry", "paper", "kitchenware", "pet_care")),
    "personal_care": (180, 1.7, ("hair", "skin", "oral_care", "baby_care", "hygiene")),
    "frozen_meals": (150, 1.3, ("pizza", "ready_meals", "frozen_vegetables", "fish", "meat")),
}
CATEGORY_NAMES = tuple(CATEGORIES)
SUBCATEGORY_NAMES = tuple(name for _, _, names in CATEGORIES.values() for name in names)
BRANDS_PER_CATEGORY = 25
BRAND_COUNT = BRANDS_PER_CATEGORY * len(CATEGORIES)

POPULARITY_EXPONENT = 0.95  # Zipf
PRICE_MEDIAN = 4.2  # currency units
PRICE_SPREAD = 0.6  # of the logarithm
PRICE_LOWEST, PRICE_HIGHEST = 0.49, 45.0
PRICE_STEP_CENTS = 10  # prices end in 9
DRIFT_PRICE_LEVEL = 1.09  # prices after a drift against those before


@dataclass(frozen=True)
class Assortment:
    """Products grouped by mastercategory, the most popular of each first."""

    product_number: np.ndarray  # unique, in no relation to popularity
    category: np.ndarray  # mastercategory code, ascending
    subcategory: np.ndarray
    brand: np.ndarray
    popularity: np.ndarray  # category code + cumulated share of the category's sales
    price: np.ndarray  # list price in cents; phases x products

    def by_price(self, phase: int) -> np.ndarray:
        """Return product indexes ordered by mastercategory, then list price."""
        return np.lexsort((self.price[phase], self.category))


def draw_assortment(streams: Streams, *, drift: bool) -> Assortment:
    """Draw the shop's products and their price lists before and after the turning date."""
    rng = streams.of_shop("assortment")
    sizes = np.array([size for size, _, _ in CATEGORIES.values()])
    levels = np.array([level for _, level, _ in CATEGORIES.values()])
    category = np.repeat(np.arange(sizes.size), sizes)
    rank = np.concatenate([np.arange(size) for size in sizes])
    weight = 1.0 / (rank + 1.0) ** POPULARITY_EXPONENT
    cumulated = np.concatenate([np.cumsum(part) / part.sum() for part in _split(weight, sizes)])

    subcategories = len(SUBCATEGORY_NAMES) // len(CATEGORIES)
    subcategory = category * subcategories + rng.integers(0, subcategories, category.size)
    brand = category * BRANDS_PER_CATEGORY + np.minimum(
        rng.integers(0, BRANDS_PER_CATEGORY, category.size),
        rng.integers(0, BRANDS_PER_CATEGORY, category.size),  # the smaller: some brands lead
    )
    price = PRICE_MEDIAN * levels[category] * rng.lognormal(0.0, PRICE_SPREAD, category.size)
    price = np.clip(price, PRICE_LOWEST, PRICE_HIGHEST)
    levels_of_phases = (1.0, DRIFT_PRICE_LEVEL if drift else 1.0)
    return Assortment(
        product_number=rng.permutation(category.size) + 1,
        category=category,
        subcategory=subcategory,
        brand=brand,
        popularity=category + cumulated,
        price=np.stack([_shelf_price(price * level) for level in levels_of_phases]),
    )


def _split(values: np.ndarray, sizes: np.ndarray) -> list[np.ndarray]:
    return np.split(values, np.cumsum(sizes)[:-1])


def _shelf_price(price: np.ndarray) -> np.ndarray:
    """Return prices in cents that end in 9."""
    steps = np.maximum(1, np.round(price * 100 / PRICE_STEP_CENTS))
    return (steps * PRICE_STEP_CENTS - 1).astype(np.int64)
