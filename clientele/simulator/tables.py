"""The four native tables: which numbers they hold and how each column reads as text.

A table is a set of arrays of plain numbers, in the order of its rows, and one SQL expression for
each of its text columns. So a row is text only while it is written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from clientele.simulator.assortment import (
    BRAND_COUNT,
    CATEGORY_NAMES,
    SUBCATEGORY_NAMES,
    Assortment,
)
from clientele.simulator.customers import Customers
from clientele.simulator.orders import RATING_REASONS, Orders
from clientele.simulator.places import ADDRESS_NAMES, CITY_COUNT, DEVICE_NAMES
from clientele.simulator.promotions import DEPARTMENTS, OBJECTIVES, Catalogue

CLIENT = "lpad(client::varchar, 8, '0')"


@dataclass(frozen=True)
class NativeTable:
    """One table: its length, its text columns as SQL, and the numbers of any of its rows."""

    name: str
    rows: int
    columns: dict[str, str]  # column: SQL expression over the frame
    frame: Callable[[np.ndarray], pd.DataFrame]  # row numbers -> numbers of these rows


def text_macros(start_epoch: int) -> tuple[str, ...]:
    """Return the SQL macros that the columns use.

    Args:
        start_epoch: seconds from 1970-01-01 to second 0 of the shop.
    """
    timestamp = f"make_timestamp(({start_epoch} + second::bigint) * 1000000)"
    return (
        f"create macro clock(second) as case when second >= 0 then {timestamp}::varchar end",
        "create macro money(cents) as (cents::decimal(18, 0) * 0.01)::decimal(18, 2)::varchar",
    )


def _labels(codes: np.ndarray, names: tuple[str, ...]) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, categories=list(names))


def _numbered(prefix: str, digits: int, count: int) -> tuple[str, ...]:
    return tuple(f"{prefix}{number:0{digits}d}" for number in range(1, count + 1))


def market_order(customers: Customers, orders: Orders) -> NativeTable:
    """Return orders and carts by time of creation."""
    cities = _numbered("city_", 2, CITY_COUNT)

    def frame(rows: np.ndarray) -> pd.DataFrame:
        places = orders.places
        return pd.DataFrame(
            {
                "client": customers.client_number[orders.customer[rows]],
                "number": orders.number[rows],
                "placed": orders.placed[rows],
                "created": orders.created[rows],
                "city": _labels(places.city[rows], cities),
                "device": _labels(places.device[rows], DEVICE_NAMES),
                "address": _labels(places.address[rows], ADDRESS_NAMES),
                "metres": places.distance[rows],
                "marketing": orders.marketing_cost[rows],
                "basket": orders.basket_value[rows],
                "charged": orders.charged[rows],
                "fee": orders.delivery_fee[rows],
                "discount": orders.discount[rows],
                "supplier": orders.supplier_support[rows],
                "third_party": orders.third_party_support[rows],
                "rated": orders.rated[rows],
                "skipped": orders.is_skipped[rows],
                "rating_given": orders.rating[rows],
                "reason": _labels(orders.reason[rows], RATING_REASONS),
                "delivered": orders.delivered[rows],
                "city_code": places.city[rows],
                "warehouse": places.warehouse[rows],
                "cell": places.cell[rows],
            }
        )

    columns = {
        "client_id": CLIENT,
        "order_id": "number::varchar",
        "checkoutdate": "clock(placed)",
        "createdate": "clock(created)",
        "city_id": "city::varchar",
        "devicename": "device::varchar",
        "addressname": "address::varchar",
        "distance": "(metres::decimal(18, 0) * 0.001)::decimal(18, 3)::varchar",
        "aandm": "money(marketing)",
        "basketvalue": "money(basket)",
        "chargedamount": "money(charged)",
        "deliveryfee": "money(fee)",
        "discountamount": "money(discount)",
        "suppliersupport": "money(supplier)",
        "thirdpartysupport": "money(third_party)",
        "ratedate": "clock(rated)",
        "rateisskipped": "case when rated >= 0 then skipped::integer::varchar end",
        "rating": "case when rating_given > 0 then rating_given::varchar end",
        "ratereason": "reason::varchar",
        "deliverdate": "clock(delivered)",
        "warehouse_id": "'wh_' || right(city::varchar, 2) || '_' || (warehouse + 1)",
        # Like an H3 cell of resolution 9: mode and resolution, city, cell, unused digits.
        "hex_id": "lower('89' || hex(480 + city_code) || lpad(hex(cell * 4093), 6, '0') || 'ffff')",
    }
    return NativeTable("market_order", orders.customer.size, columns, frame)


def app_open(customers: Customers, opens: tuple[np.ndarray, np.ndarray]) -> NativeTable:
    """Return app opens by time."""
    customer, second = opens

    def frame(rows: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(
            {"client": customers.client_number[customer[rows]], "opened": second[rows]}
        )

    columns = {"client_id": CLIENT, "appopendate": "clock(opened)"}
    return NativeTable("app_open", customer.size, columns, frame)


def promo_detail(orders: Orders, catalogue: Catalogue) -> NativeTable:
    """Return the promotions used, in the order of the orders."""
    used = orders.promotions
    names = _numbered("promo_", 4, catalogue.objective.size)
    departments = tuple(f"dep_{name}" for name in DEPARTMENTS)

    def frame(rows: np.ndarray) -> pd.DataFrame:
        promotion = used.promotion[rows]
        return pd.DataFrame(
            {
                "number": orders.number[used.basket[rows]],
                "promotion": _labels(promotion, names),
                "department": _labels(catalogue.department[promotion], departments),
                "objective": _labels(catalogue.objective[promotion], OBJECTIVES),
            }
        )

    columns = {
        "order_id": "number::varchar",
        "promo_id": "promotion::varchar",
        "responsibledepartment_id": "department::varchar",
        "promoobjective": "objective::varchar",
    }
    return NativeTable("promo_detail", used.basket.size, columns, frame)


def product_detail(orders: Orders, assortment: Assortment) -> NativeTable:
    """Return the lines, in the order of the orders."""
    lines = orders.lines
    products = tuple(f"p{number:06d}" for number in assortment.product_number)
    brands = _numbered("brand_", 3, BRAND_COUNT)

    def frame(rows: np.ndarray) -> pd.DataFrame:
        product = lines.product[rows]
        return pd.DataFrame(
            {
                "number": orders.number[lines.basket[rows]],
                "position": lines.position[rows],
                "units": lines.units[rows],
                "product": _labels(product, products),
                "cents": lines.price[rows],
                "subcategory": _labels(assortment.subcategory[product], SUBCATEGORY_NAMES),
                "brand": _labels(assortment.brand[product], brands),
                "category": _labels(assortment.category[product], CATEGORY_NAMES),
            }
        )

    columns = {
        "order_id": "number::varchar",
        "_pos": "position::varchar",
        "count": "units::varchar",
        "product_id": "product::varchar",
        "price": "money(cents)",
        "subcategory_id": "subcategory::varchar",
        "brand_id": "brand::varchar",
        "mastercategory_id": "category::varchar",
    }
    return NativeTable("product_detail", lines.basket.size, columns, frame)
