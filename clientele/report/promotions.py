"""Promotions: what they cost, who pays for it, and whom they win."""

from __future__ import annotations

from typing import Any

import altair as alt
from markupsafe import Markup

from clientele.pages.charts import SERIES, SHORT_MONEY
from clientele.report.bars import height_of, names, number_axis, rate_value, rates
from clientele.report.reading import Query, Row, Tables
from clientele.report.shop import Shop

NAME = "promotions"
TITLE = "Promotions"
MOST_GROUPS = 30
MOST_BARS = 10
PAYERS = {
    "own_discount": "the shop",
    "supplier_support": "suppliers",
    "third_party_support": "third parties",
}
QUERIES = (
    Query(
        "marts.promo_performance",
        f"""
        select
            source, has_promo, promo_objective, department_id, order_count, discount_amount,
            own_discount, supplier_support, third_party_support, own_discount_share,
            own_discount_per_order, cm2_per_order, cm2, new_customer_count, mature_customer_count,
            good_share, predicted_quality,
            count(*) over (partition by source) as group_count
        from marts.promo_performance
        qualify
            row_number() over (
                partition by source
                order by has_promo, own_discount desc, promo_objective, department_id
            ) <= {MOST_GROUPS} + 1
        order by source, has_promo desc, own_discount desc, promo_objective, department_id
        """,
        grain=("has_promo", "promo_objective", "department_id"),
    ),
)


def prepare(tables: Tables, shop: Shop) -> dict[str, Any]:
    """Return the charts, and the rows that the first words are about."""
    rows = tables["promo_performance"]
    promotions = [row for row in rows if row["has_promo"]]
    without = [row for row in rows if not row["has_promo"]]
    told = [row for row in promotions if row["own_discount_per_order"] is not None]
    judged = [row for row in [*promotions, *without] if row["good_share"] is not None]
    return {
        "most_groups": MOST_GROUPS,
        "promotions": promotions,
        "without": without[0] if without else None,
        "dearest": told[0] if told else None,
        "winner": max(
            (row for row in told if row["good_share"] is not None),
            key=lambda row: row["new_customer_count"],
            default=None,
        ),
        "label": label,
        "payer_chart": _payer_chart(told[:MOST_BARS], shop) if told else None,
        "quality_chart": _quality_chart(judged, shop)
        if any(row["has_promo"] for row in judged)
        else None,
    }


def label(row: Row, between: str = " ") -> str:
    """Return what a group of promotions is called: its objective and its department."""
    if not row["has_promo"]:
        return "no promotion"
    objective, department = (
        row[column].replace("_", " ") for column in ("promo_objective", "department_id")
    )
    return f"{objective}{between}({department})"


def _payer_chart(rows: list[Row], shop: Shop) -> Markup | None:
    values = [
        {
            "label": label(row, "\n"),
            "payer": payer,
            "place": place,
            "value": float(row[column]),
            "tip": f"{label(row)}: {shop.numbers.money(row[column])} paid by {payer}",
        }
        for row in rows
        for place, (column, payer) in enumerate(PAYERS.items())
        if row[column] and row[column] > 0
    ]
    if not values:
        return None

    def chart(width: int) -> alt.Chart:
        payers = list(PAYERS.values())
        return (
            alt.Chart(alt.Data(values=values), width=width, height=height_of(values))
            .mark_bar(height={"band": 0.7})
            .encode(
                y=names(values, width),
                x=alt.X("value:Q", stack=True, axis=number_axis(SHORT_MONEY)),
                color=alt.Color(
                    "payer:N",
                    scale=alt.Scale(domain=payers, range=[SERIES[0], SERIES[1], SERIES[2]]),
                    legend=None,
                ),
                order="place:Q",
                description="tip:N",
            )
        )

    return shop.chart(
        chart,
        "who-pays",
        "Discounts by who pays for them",
        "; ".join(value["tip"] for value in values[:3]),
    )


def _quality_chart(judged: list[Row], shop: Shop) -> Markup | None:
    ranked = sorted(judged, key=lambda row: (-row["good_share"], label(row)))
    values = [
        rate_value(label(row, "\n"), row["good_share"], row["mature_customer_count"], shop.numbers)
        for row in ranked[: MOST_BARS + 1]
    ]
    return shop.chart(
        rates(values),
        "whom-they-win",
        "Share of the customers won who turned out good",
        f"Highest, {values[0]['tip']}; lowest, {values[-1]['tip']}",
    )
