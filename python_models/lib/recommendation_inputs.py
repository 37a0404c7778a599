"""Reads what a window taught, and what its customers bought, from the tables of the warehouse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from recommendation_evidence import Window
from recommendations import Histories, Shop

HISTORY = (
    "product_number - 1 as product, day_count, "
    "date_diff('day', date '1970-01-01', last_order_date) as last_day"
)


@dataclass(frozen=True)
class Relations:
    """The tables of the room, as dbt gives them."""

    products: Any
    pairs: Any
    group_products: Any
    items: Any
    groups: Any


def where(window_number: int) -> str:
    """Return the condition that picks a window, which is of one source."""
    return f"window_number = {int(window_number)}"


def shop_of(window_number: int, relations: Relations) -> Shop:
    """Read what a window taught; categories are coded in the order of their names."""
    of_window = where(window_number)
    products = (
        relations.products.filter(of_window)
        .order("product_number")
        .project("buyer_count, customer_count, is_recommendable, category")
        .df()
    )
    pairs = (
        relations.pairs.filter(of_window)
        .project("first_product_number - 1, second_product_number - 1, customer_count")
        .fetchnumpy()
    )
    names = sorted(products["category"].dropna().unique())
    codes = pd.Categorical(products["category"], categories=names).codes
    lists = (
        relations.group_products.filter(of_window)
        .order("customer_group, group_rank")
        .project("customer_group, product_number - 1 as product")
        .df()
    )
    return Shop(
        products["buyer_count"].to_numpy(dtype=float),
        int(products["customer_count"].max()) if len(products) else 0,
        products["is_recommendable"].to_numpy(dtype=bool),
        codes.astype(np.int64),
        tuple(np.asarray(values).astype(np.int64) for values in pairs.values()),
        {
            name: rows["product"].to_numpy(dtype=np.int64)
            for name, rows in lists.groupby("customer_group", sort=True)
        },
    )


def histories_of(items: pd.DataFrame, groups: np.ndarray) -> Histories:
    """Return the histories of customers from their items, which name them by number from 0.

    The latest item is number 1; of those of a day it is the one bought on more days, then the more
    popular one.
    """
    columns = ("customer", "product", "day_count", "last_day")
    customer, product, day_count, last_day = (
        items[column].to_numpy(dtype=np.int64) for column in columns
    )
    order = np.lexsort((product, -day_count, -last_day, customer))
    customer = customer[order]
    first = np.searchsorted(customer, customer)  # of the same customer
    item_number = np.arange(len(order)) - first + 1
    return Histories(
        len(groups), customer, product[order], item_number, day_count[order], last_day[order],
        groups,
    )  # fmt: skip


def window_of(window_number: int, targets: Any, relations: Relations) -> Window:
    """Read a window of judgement: what it taught, its sampled customers, what they then bought.

    targets: one row per customer and product of the sample, with the customer's number.
    """
    of_window = where(window_number)
    bought = (
        targets.filter(of_window)
        .project(
            "customer_key, customer_number - 1 as customer, "
            "coalesce(product_number - 1, -1) as product"
        )
        .df()
    )
    customers = bought[["customer_key", "customer"]].drop_duplicates().sort_values("customer")
    items = (
        relations.items.filter(of_window)
        .join(targets.filter(of_window).project("customer_key").distinct(), "customer_key")
        .project(f"customer_key, {HISTORY}")
        .df()
    )
    groups = (
        relations.groups.filter(of_window)
        .join(targets.filter(of_window).project("customer_key").distinct(), "customer_key")
        .project("customer_key, customer_group")
        .df()
    )
    number = customers.set_index("customer_key")["customer"]
    items["customer"] = items["customer_key"].map(number)
    of_customer = groups.set_index("customer_key")["customer_group"]
    found = of_customer.reindex(number.index)
    return Window(
        shop_of(window_number, relations),
        histories_of(items, found.where(found.notna(), None).to_numpy(dtype=object)),
        bought["customer"].to_numpy(dtype=np.int64),
        bought["product"].to_numpy(dtype=np.int64),
    )
