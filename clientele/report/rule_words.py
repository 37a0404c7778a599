"""The rules of campaigns in the words of those who decide.

The marts write a rule as the seed has it (`promo_share is at least 0.8`), and what a customer has
before what the rule asks (`promo_share is 0.875 (at least 0.8)`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from clientele.pages.numbers import Numbers
from clientele.report.reading import Query

# What `rules_in_words` calls the segments of RFM by.
RFM_NAMES = Query(
    "marts.rule_segment_sizes",
    "select source, rule_segment, segment_name from marts.rule_segment_sizes order by all",
    grain=("rule_segment",),
    name="rfm_names",
)

TITLES = {
    "rfm_segment": "RFM segment",
    "segment_name": "segment",
    "archetype": "segment",
    "lifecycle_stage": "stage",
    "quadrant_forecast": "forecast",
    "quality_probability": "chance to turn out good",
    "quality_decile": "tenth by forecast, 1 is best",
    "quality_status": "forecast of quality",
    "clv_365": "margin expected in 365 days",
    "order_count": "orders placed",
    "successful_order_count": "orders",
    "cancelled_order_count": "orders cancelled",
    "promo_order_count": "orders with a promotion",
    "successful_orders_365d": "orders in 365 days",
    "category_count": "categories bought",
    "rating_count": "ratings",
    "skipped_rating_count": "ratings not given",
    "app_opens_7d": "app openings in 7 days",
    "app_opens_30d": "app openings in 30 days",
    "app_opens_90d": "app openings in 90 days",
    "recency_days": "days since the last order",
    "tenure_days": "days since the first order",
    "expected_gap_days": "usual days between orders",
    "overdue_ratio": "usual gaps since the last order",
    "net_revenue_365d": "net revenue in 365 days",
    "cm2": "margin (cm2)",
    "cm2_365d": "margin (cm2) in 365 days",
    "average_order_value": "average order",
    "promo_share": "orders with a promotion",
    "own_discount_share": "own discount of the basket",
    "cm2_rate": "margin of revenue",
    "mean_rating": "stars given",
    "average_distance_km": "delivery distance in km",
    "device_class": "device",
    "payment_type": "payment",
    "first_order_date": "first order",
    "last_order_date": "last order",
}
# Without words of their own, and so named as the column is.
PLAIN = (
    "source", "city", "state", "favourite_category", "segment_id", "segment_margin",
    "recency_score", "frequency_score", "monetary_score", "basket_value", "discount_amount",
    "own_discount", "net_revenue", "cm1", "is_overdue", "is_borderline",
)  # fmt: skip
SHARES = ("promo_share", "own_discount_share", "cm2_rate", "quality_probability")
CODES = ("lifecycle_stage", "rfm_segment", "quadrant_forecast", "quality_status")
COLUMN = "|".join(sorted((*TITLES, *PLAIN), key=len, reverse=True))
ASKS = r"at least|at most|above|below|not in|in|is not"


def rules_in_words(reason: str, rfm_names: Mapping[str, str], numbers: Numbers) -> str | None:
    """Return rules in words, joined by semicolons; null where the reason is not made of rules.

    rfm_names: the names of the RFM segments by their ids.
    """
    rules = re.split(rf" and (?=(?:{COLUMN}) is )", reason)
    told = [_rule(rule, rfm_names, numbers) for rule in rules]
    return None if None in told else "; ".join(one for one in told if one)


def _rule(rule: str, rfm_names: Mapping[str, str], numbers: Numbers) -> str | None:
    found = re.fullmatch(rf"({COLUMN}) is (.+)", rule)
    if not found:
        return None
    column, rest = found.groups()
    asked = ""
    if of_one := re.fullmatch(rf"(.+?) \(({ASKS}) (.+)\)", rest):
        rest, operator, wanted = of_one.groups()
        if operator in ("at least", "at most", "above", "below"):
            asked = f" ({operator} {_value(column, wanted, rfm_names, numbers)})"
    sign, value = re.fullmatch(r"((?:not|at least|at most|above|below) )?(.+)", rest).groups()
    shown = _value(column, value, rfm_names, numbers)
    return f"{TITLES.get(column, column.replace('_', ' '))}: {sign or ''}{shown}{asked}"


def _value(column: str, value: str, rfm_names: Mapping[str, str], numbers: Numbers) -> str:
    if column in SHARES:
        try:
            share = Decimal(value)
        except InvalidOperation:
            return value
        return numbers.percent(share, 0 if share * 100 == (share * 100).to_integral() else 1)
    if column in CODES:
        names = rfm_names if column == "rfm_segment" else {}
        return " or ".join(names.get(one, one.replace("_", " ")) for one in value.split(" or "))
    return value
