"""Service: how deliveries are rated, and what goes with low ratings."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from clientele.pages.charts import SHORT_NUMBER
from clientele.report.bars import ranked_bars, rate_value, rates
from clientele.report.reading import Query, Row, Tables
from clientele.report.shop import Shop

NAME = "service"
TITLE = "Ratings and delivery"
MOST_VALUES = 15
DIMENSIONS = {
    "delay": "By time from order to delivery",
    "distance": "By distance",
    "rating_reason": "By reason given",
    "warehouse": "By warehouse",
}
QUERIES = (
    Query(
        "marts.rating_distribution",
        """
        select source, rating, rating_count, rating_share
        from marts.rating_distribution
        order by source, rating desc
        """,
        grain=("rating",),
    ),
    Query(
        "marts.delivery_and_ratings",
        f"""
        select
            source, dimension, dimension_value, value_rank, order_count, rated_count, skipped_count,
            mean_rating, low_rating_share, skipped_share, cm2_per_order,
            count(*) over (partition by source, dimension) as value_count
        from marts.delivery_and_ratings
        qualify value_rank <= {MOST_VALUES}
        order by source, dimension, value_rank
        """,
        grain=("dimension", "dimension_value"),
    ),
)


def prepare(tables: Tables, shop: Shop) -> dict[str, Any]:
    """Return the charts and the rows of each dimension."""
    stars = tables["rating_distribution"]
    rows = {
        dimension: [row for row in tables["delivery_and_ratings"] if row["dimension"] == dimension]
        for dimension in ("all", *DIMENSIONS)
    }
    given = [row for row in rows["rating_reason"] if row["dimension_value"] != "unknown"]
    by_delay = [
        row
        for row in rows["delay"]
        if row["low_rating_share"] is not None and row["dimension_value"] != "unknown"
    ]
    return {
        "most_values": MOST_VALUES,
        "whole": rows["all"][0] if rows["all"] else None,
        "dimensions": [
            (title, rows[dimension]) for dimension, title in DIMENSIONS.items() if rows[dimension]
        ],
        "slowest": by_delay[-1] if len(by_delay) > 1 else None,
        "star_chart": stars and _star_chart(stars, shop),
        "low_charts": [
            (title, _low_chart(rows[dimension], dimension, title, shop))
            for dimension, title in DIMENSIONS.items()
            if dimension in ("delay", "distance")
        ],
        "reason_chart": _reason_chart(given, shop) if given else None,
        "dimension_words": dimension_words,
    }


def dimension_words(row: Row) -> str:
    """Return what a band, a warehouse or a reason is called."""
    if row["dimension_value"] != "unknown":
        return row["dimension_value"]
    return "none given" if row["dimension"] == "rating_reason" else "not known"


def _star_chart(stars: list[Row], shop: Shop) -> Markup | None:
    values = [
        {
            "label": f"{row['rating']} star{'' if row['rating'] == 1 else 's'}",
            "value": row["rating_count"],
            "tip": f"{row['rating']} star{'' if row['rating'] == 1 else 's'}: "
            f"{shop.numbers.number(row['rating_count'])} ratings",
        }
        for row in stars
    ]
    return shop.chart(
        ranked_bars(values, SHORT_NUMBER),
        "stars",
        "Ratings by stars",
        "; ".join(v["tip"] for v in values),
    )


def _low_chart(rows: list[Row], dimension: str, title: str, shop: Shop) -> Markup | None:
    values = [
        rate_value(
            row["dimension_value"], row["low_rating_share"], row["rated_count"], shop.numbers, 1
        )
        for row in rows
        if row["low_rating_share"] is not None and row["dimension_value"] != "unknown"
    ]
    for value in values:
        value["tip"] += " low"
    if not values:
        return None
    return shop.chart(
        rates(values),
        f"low-ratings-by-{dimension}",
        f"Share of low ratings {title[:1].lower()}{title[1:]}",
        f"{values[0]['tip']}; {values[-1]['tip']}" if len(values) > 1 else values[0]["tip"],
    )


def _reason_chart(given: list[Row], shop: Shop) -> Markup | None:
    values = [
        {
            "label": row["dimension_value"],
            "value": row["order_count"],
            "tip": f"{row['dimension_value']}: {shop.numbers.number(row['order_count'])} orders",
        }
        for row in given
    ]
    return shop.chart(
        ranked_bars(values, SHORT_NUMBER),
        "reasons",
        "Orders by the reason that their rating gave",
        "; ".join(value["tip"] for value in values[:3]),
    )
