"""What is most telling of a segment, and the words for its habits."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

MOST_TELLING = 5
# Of metrics that tell the same, one; in the order in which equals are named.
TELLING = {
    "cm2_per_customer": "margin per customer",
    "clv_365_per_customer": "margin expected in 365 days",
    "orders_per_customer": "orders per customer",
    "median_recency_days": "days since the last order",
    "average_order_value": "average order",
    "own_discount_share": "own discount of the basket",
    "promo_share": "orders with a promotion",
    "predicted_quality": "chance to turn out good",
    "active_customer_share": "ordered within 365 days",
    "app_opens_90d_per_customer": "app openings in 90 days",
    "categories_per_customer": "categories bought",
    "mean_rating": "stars given",
    "mean_distance_km": "delivery distance",
    "mean_tenure_days": "days since the first order",
}
# The others, which say in other words what those above say.
HABITS = TELLING | {
    "net_revenue_per_customer": "revenue per customer",
    "cm2_rate": "margin of revenue",
    "app_opens_30d_per_customer": "app openings in 30 days",
    "mean_recency_score": "recency score, 1 to 5",
    "mean_frequency_score": "frequency score, 1 to 5",
    "mean_monetary_score": "monetary score, 1 to 5",
}

Metric = TypeVar("Metric", bound=Mapping[str, Any])


def most_telling(metrics: Iterable[Metric], most: int = MOST_TELLING) -> list[Metric]:
    """Return the metrics in which a segment differs most from all customers, times or parts.

    metrics: rows of segment_profile_metrics of one segment, which are returned as they are.
    Twice as much and half as much are equally telling; nothing at all is the most telling.
    """

    def difference(row: Metric) -> float:
        index = float(row["index_to_all"])
        return abs(math.log(index / 100)) if index > 0 else math.inf

    order = list(TELLING)
    known = [row for row in metrics if row["metric"] in TELLING and row["index_to_all"] is not None]
    known.sort(key=lambda row: (-round(difference(row), 6), order.index(row["metric"])))
    return known[:most]
