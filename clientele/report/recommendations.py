"""Recommendations: what suits each segment, and the evidence for the way to recommend."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any

import altair as alt
from markupsafe import Markup

from clientele.pages.charts import ACCENT, OTHER
from clientele.report.named_rows import PHONE, height, name_axis
from clientele.report.reading import Query, Row, Tables
from clientele.report.shop import Shop

NAME = "recommendations"
TITLE = "Recommendations"

QUERIES = (
    Query(
        "recommendations.recommendation_status",
        """
        select source, evidence_status, served_method, list_method, reason
        from recommendations.recommendation_status
        order by source
        """,
    ),
    # What is told was judged on the last days; the window before them only chose among ways.
    Query(
        "marts.recommendation_evidence",
        """
        select
            source, window_name, method, evidence_status, reason, customer_count, hit_count,
            hit_rate, hit_rate_lower, hit_rate_upper, new_hit_rate, gain, gain_lower, gain_upper,
            catalogue_coverage, is_served, learned_from_date, learned_until_date,
            judged_from_date, judged_until_date
        from marts.recommendation_evidence
        where window_name = 'report'
        order by source asc, hit_rate desc nulls last, method asc
        """,
        grain=("window_name", "method"),
    ),
    Query(
        "marts.segment_recommendations",
        """
        select
            source, segment_id, segment_name, top_category, recommendation_rank, product_id,
            category, recommendation_reason, segment_buyer_count, segment_share,
            all_customers_share
        from marts.segment_recommendations
        order by source, segment_id, recommendation_rank
        """,
        grain=("segment_id", "recommendation_rank"),
    ),
)
METHOD_WORDS = {
    "co_purchase": "what is bought together",
    "category_affinity": "what sells in the categories that a customer buys",
    "buy_again": "what a customer has bought before",
    "segment_popularity": "what sells in the customer's segment",
    "global_popularity": "what sells to everybody",
}
POPULARITY = ("segment_popularity", "global_popularity")


def prepare(tables: Tables, shop: Shop) -> dict[str, Any]:
    """Return the chart of the evidence, and the products by segment."""
    evidence = tables["recommendation_evidence"]
    rows = tables["segment_recommendations"]
    (status,) = tables["recommendation_status"] or [None]
    return {
        "status": status,
        "served": next((row for row in evidence if row["is_served"]), None),
        "is_popularity": status is not None and status["served_method"] in POPULARITY,
        "is_judged": status is not None and status["evidence_status"] == "judged",
        "method_words": METHOD_WORDS,
        "in_words": in_words,
        "evidence_chart": _evidence_chart(evidence, shop),
        "by_segment": [
            (products[0], products)
            for _, products in (
                (segment, list(of_segment))
                for segment, of_segment in groupby(rows, key=lambda row: row["segment_id"])
            )
        ],
    }


def in_words(reason: str) -> str:
    """Return a reason in which ways to recommend are told and not named."""
    names = "|".join(METHOD_WORDS)
    return re.sub(rf"\b({names})\b", lambda found: f"\u201c{METHOD_WORDS[found[1]]}\u201d", reason)


def _evidence_chart(evidence: list[Row], shop: Shop) -> Markup | None:
    rows = [row for row in evidence if row["hit_rate"] is not None]
    if not rows:
        return None
    names = {row["method"]: METHOD_WORDS.get(row["method"], row["method"]) for row in rows}
    values = [
        {
            "method": row["method"],
            "rate": row["hit_rate"],
            "lower": row["hit_rate_lower"],
            "upper": row["hit_rate_upper"],
            "colour": ACCENT if row["is_served"] else OTHER,
            "tip": f"{names[row['method']]}: {shop.numbers.percent(row['hit_rate'], 1)} (from "
            f"{shop.numbers.percent(row['hit_rate_lower'], 1)} to "
            f"{shop.numbers.percent(row['hit_rate_upper'], 1)})",
        }
        for row in rows
    ]

    def chart(width: int) -> alt.LayerChart:
        base = alt.Chart(alt.Data(values=values))
        y = name_axis(names, "method", width)
        colour = alt.Color("colour:N", scale=None)
        x = alt.X(
            "lower:Q",
            title="customers who bought one of ten products that they would have been shown",
            axis=alt.Axis(format="~%", tickCount=5),
            scale=alt.Scale(zero=True, nice=True),
        )
        if width < PHONE:
            x.title = "bought one of the ten"
        return alt.layer(
            base.mark_rule(strokeWidth=2.5).encode(
                x=x, x2="upper:Q", y=y, color=colour, description="tip:N"
            ),
            base.mark_point(size=110, filled=True, opacity=1).encode(
                x="rate:Q", y=y, color=colour, description="tip:N"
            ),
        ).properties(width=width, height=height(names, width))

    best = rows[0]
    return shop.chart(
        chart,
        "ways-to-recommend",
        "How often each way to recommend would have been right",
        f"Best is {names[best['method']]} with {shop.numbers.percent(best['hit_rate'], 1)} of "
        "customers; the whiskers are 95 % intervals",
        wide=1000,
    )
