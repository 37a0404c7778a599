"""The shop as sales transactions: one row a sale, its products as JSON, without prices or status.

A sale is an order that was delivered; it is paid when it was placed. What the tills write down
differs from sale to sale: the format of the date, the shape of the JSON, whether a discount of
nothing is null. Most members settle on account, and the till then says that 0 was paid.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from clientele.simulator.assortment import Assortment
from clientele.simulator.customers import Customers
from clientele.simulator.orders import NEVER, Orders
from clientele.simulator.plan import SECONDS_PER_DAY, ShopPlan, Streams
from clientele.simulator.tables import CLIENT, NativeTable

FRAGMENT_SHARE = 0.06  # of the sales in the gap are there all the same

# Formats of the payment date; at mess 1 all are as frequent, at mess 0 only the first is there.
DATE_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d", "%d/%m/%Y", "%d/%m/%Y %H:%M", "%Y%m%d")
PAID_AT_TILL_SHARE = 0.07
PAID_NULL_SHARE = 0.03
DISCOUNT_NULL_SHARE = 0.6  # of the sales without a discount; the others say 0.00
CHANNELS = ("Counter", "Phone", "Web")
CHANNEL_SHARES = (0.78, 0.92)  # cumulated

MAP_SHARE = 0.3  # of the sales without a repeated product: {"part_0205": 2}
SINGLE_SHARE = 0.4  # of the other sales of one line: {"product": "part_0205", "qty": 2}
TEXT_QUANTITY_SHARE = 0.12  # of the lines: "2" and not 2
NO_QUANTITY_SHARE = 0.3  # of the lines of one piece in a list


@dataclass(frozen=True)
class Sales:
    """How each order that became a sale is written down; one element a sale, by creation."""

    order: np.ndarray  # row of the order
    is_in_gap: np.ndarray
    is_kept: np.ndarray  # false for the sales that are missing from the gap
    date_format: np.ndarray  # code into DATE_FORMATS
    paid: np.ndarray  # cents paid at the till, NEVER for null
    discount: np.ndarray  # cents, NEVER for null
    channel: np.ndarray  # code into CHANNELS
    json_chance: np.ndarray  # sales x 2 numbers in [0, 1) that choose the shape
    quantity_chance: np.ndarray  # one a line of any order: how its quantity is written


def draw_sales(plan: ShopPlan, orders: Orders, streams: Streams) -> Sales:
    """Draw how the tills write the sales down.

    One number a sale or line is drawn for each quantity, so that neither the gap nor the mess
    changes anything else.
    """
    order = np.flatnonzero(orders.delivered != NEVER)
    count = order.size
    is_in_gap = np.zeros(count, dtype=bool)
    if plan.gap is not None:
        first, last = (_second(plan, day) for day in plan.gap)
        paid_at = orders.placed[order]
        is_in_gap = (paid_at >= first) & (paid_at < last + SECONDS_PER_DAY)
    is_kept = ~is_in_gap | (streams("sales/fragment").random(count) < FRAGMENT_SHARE)

    odd_share = plan.mess * (1 - 1 / len(DATE_FORMATS))
    date_chance = streams("sales/date_format").random((count, 2))
    odd_format = 1 + (date_chance[:, 1] * (len(DATE_FORMATS) - 1)).astype(np.int8)

    discount = np.minimum(orders.discount[order], orders.basket_value[order])
    due = orders.basket_value[order] - discount
    till = streams("sales/paid").random(count)
    paid = np.where(till < PAID_AT_TILL_SHARE, due, 0)
    paid = np.where(till > 1 - PAID_NULL_SHARE, NEVER, paid)
    is_unsaid = streams("sales/discount").random(count) < DISCOUNT_NULL_SHARE
    return Sales(
        order=order,
        is_in_gap=is_in_gap,
        is_kept=is_kept,
        date_format=np.where(date_chance[:, 0] < odd_share, odd_format, 0),
        paid=paid,
        discount=np.where((discount == 0) & is_unsaid, NEVER, discount),
        channel=np.searchsorted(CHANNEL_SHARES, streams("sales/channel").random(count), "right"),
        json_chance=streams("sales/json").random((count, 2)),
        quantity_chance=streams("sales/quantity").random(orders.lines.basket.size),
    )


def sales_transactions(
    customers: Customers, orders: Orders, assortment: Assortment, sales: Sales
) -> NativeTable:
    """Return the sales by time of creation, without those that are missing from the gap."""
    kept = np.flatnonzero(sales.is_kept)

    def frame(rows: np.ndarray) -> pd.DataFrame:
        sale = kept[rows]
        order = sales.order[sale]
        return pd.DataFrame(
            {
                "number": orders.number[order],
                "client": customers.client_number[orders.customer[order]],
                "placed": orders.placed[order],
                "date_format": sales.date_format[sale],
                "basket": orders.basket_value[order],
                "paid": sales.paid[sale],
                "discount_cents": sales.discount[sale],
                "products": _product_texts(orders, assortment, sales, sale),
                "channel_name": pd.Categorical.from_codes(sales.channel[sale], list(CHANNELS)),
                "city": orders.places.city[order],
                "centre": orders.places.warehouse[order],
            }
        )

    formats = " ".join(
        f"when {code} then strftime(clock(placed)::timestamp, '{text}')"
        for code, text in enumerate(DATE_FORMATS)
    )
    columns = {
        "transaction_id": "'t' || number::varchar",
        "member_id": CLIENT,
        "payment_date": f"case date_format {formats} end",
        "total_amt": "money(basket)",
        "paid_amt": f"case when paid <> {NEVER} then money(paid) end",
        "discount": f"case when discount_cents <> {NEVER} then money(discount_cents) end",
        "product_json": "products::varchar",
        "channel": "channel_name::varchar",
        "service_centre": "'SC-' || lpad((city + 1)::varchar, 2, '0') || '-' || (centre + 1)",
    }
    return NativeTable("sales_transactions", kept.size, columns, frame)


def _second(plan: ShopPlan, day: date) -> int:
    """Return the first second of a day, in seconds from the start."""
    return (day - plan.start).days * SECONDS_PER_DAY


def _product_texts(
    orders: Orders, assortment: Assortment, sales: Sales, sale: np.ndarray
) -> list[str]:
    """Return the JSON of some sales."""
    lines = orders.lines
    order = sales.order[sale]
    begin = np.searchsorted(lines.basket, order, side="left")
    end = np.searchsorted(lines.basket, order, side="right")
    names = np.array([f"part_{number:04d}" for number in assortment.product_number])
    texts = []
    for low, high, (map_chance, single_chance) in zip(
        begin.tolist(), end.tolist(), sales.json_chance[sale].tolist(), strict=True
    ):
        products = names[lines.product[low:high]].tolist()
        units = lines.units[low:high].tolist()
        chances = sales.quantity_chance[low:high].tolist()
        pieces = [
            f'"{unit}"' if chance < TEXT_QUANTITY_SHARE else str(unit)
            for unit, chance in zip(units, chances, strict=True)
        ]
        if map_chance < MAP_SHARE and len(set(products)) == len(products):
            inner = ", ".join(
                f'"{name}": {piece}' for name, piece in zip(products, pieces, strict=True)
            )
            texts.append(f"{{{inner}}}")
            continue
        objects = [
            f'{{"product": "{name}"}}'
            if unit == 1 and chance > 1 - NO_QUANTITY_SHARE
            else f'{{"product": "{name}", "qty": {piece}}}'
            for name, unit, piece, chance in zip(products, units, pieces, chances, strict=True)
        ]
        is_single = len(objects) == 1 and single_chance < SINGLE_SHARE
        texts.append(objects[0] if is_single else f"[{', '.join(objects)}]")
    return texts
