"""Cohorts: what becomes of the customers who were won in the same month."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
from markupsafe import Markup

from clientele.pages.charts import ACCENT, SHORT_MONEY
from clientele.report.bars import number_axis, shade
from clientele.report.reading import Query, Row, Tables
from clientele.report.shop import Shop

NAME = "cohorts"
TITLE = "Cohorts"
MOST_COHORTS = 24
MOST_MONTHS = 12
# The marts tell cohorts of any size, since they add up to the shop's books. The page does not say
# what a handful of people did.
SMALLEST_COHORT = 10
LATEST = f"""
        qualify dense_rank() over (partition by source order by cohort_month desc) <= {MOST_COHORTS}
        order by source, cohort_month, months_since
"""
QUERIES = (
    Query(
        "marts.cohort_retention",
        f"""
        select
            source, cohort_month, months_since, cohort_size, retention_rate, is_ripe,
            (select count(distinct whole.cohort_month) from marts.cohort_retention as whole
            where whole.source = cohorts.source) as cohort_count
        from marts.cohort_retention as cohorts
        where months_since <= {MOST_MONTHS}
        {LATEST}
        """,
        grain=("cohort_month", "months_since"),
    ),
    Query(
        "marts.cohort_value",
        f"""
        select source, cohort_month, months_since, cohort_size, cm2_per_customer_to_date, is_ripe
        from marts.cohort_value
        where months_since <= {MOST_MONTHS}
        {LATEST}
        """,
        grain=("cohort_month", "months_since"),
    ),
    Query(
        "marts.cohort_averages",
        """
        select
            source, months_since, cohort_count, customer_count, retention_rate,
            cm2_per_customer_to_date
        from marts.cohort_averages
        order by source, months_since
        """,
        grain=("months_since",),
    ),
)


def prepare(tables: Tables, shop: Shop) -> dict[str, Any]:
    """Return the two triangles, their averages, and the curves of those."""
    averages = [row for row in tables["cohort_averages"] if is_told(row, "customer_count")]
    by_month = {row["months_since"]: row for row in averages}
    later = [row for row in averages if row["months_since"] > 0]
    return {
        "most_cohorts": MOST_COHORTS,
        "most_months": MOST_MONTHS,
        "smallest_cohort": SMALLEST_COHORT,
        "retention": triangle(tables["cohort_retention"], "retention_rate"),
        "value": triangle(tables["cohort_value"], "cm2_per_customer_to_date"),
        "averages": [by_month.get(since) for since in range(MOST_MONTHS + 1)],
        "all_averages": averages,
        "next_month": by_month.get(1),
        "year_later": by_month.get(12),
        "retention_chart": len(later) > 1
        and _curve(later, "retention_rate", ".0%", shop, "Customers who order again, by month"),
        "value_chart": len(later) > 1
        and _curve(
            averages,
            "cm2_per_customer_to_date",
            SHORT_MONEY,
            shop,
            "What a customer has earned so far",
        ),
        "shade": shade,
    }


def is_told(row: Row, count: str = "cohort_size") -> bool:
    """Tell whether a group is large enough for the page to say what it did."""
    return row[count] >= SMALLEST_COHORT


def triangle(rows: Sequence[Row], column: str) -> dict[str, Any]:
    """Return the rows of a triangle, and the largest value that its colours go up to.

    rows: in the order of cohort and month. Each cohort is its first row and its cells, of which one
    is null where the cohort has not come so far. All customers order in their first month, so a
    rate of that month is no measure of the colours.
    """
    cohorts: dict[Any, list[Row]] = {}
    for row in rows:
        cohorts.setdefault(row["cohort_month"], []).append(row)
    width = 1 + max((row["months_since"] for row in rows), default=0)
    since_first = 1 if column == "retention_rate" else 0
    return {
        "width": width,
        "largest": max(
            (
                row[column]
                for row in rows
                if row[column] is not None and is_told(row) and row["months_since"] >= since_first
            ),
            default=None,
        ),
        "cohorts": [
            {"first": cells[0], "is_told": is_told(cells[0]), "cells": _in_columns(cells, width)}
            for cells in cohorts.values()
        ],
    }


def _in_columns(cells: Sequence[Row], width: int) -> list[Row | None]:
    by_month = {row["months_since"]: row for row in cells}
    return [by_month.get(since) for since in range(width)]


def _curve(averages: list[Row], column: str, axis: str, shop: Shop, title: str) -> Markup | None:
    def shown(row: Row) -> str:
        if column == "retention_rate":
            return shop.numbers.percent(row[column])
        return shop.numbers.money(row[column], 2)

    values = [
        {
            "since": row["months_since"],
            "value": float(row[column]),
            "tip": f"{_months(row['months_since'])} after the first: {shown(row)}",
        }
        for row in averages
    ]

    def chart(width: int) -> alt.Chart:
        return (
            alt.Chart(alt.Data(values=values), width=width, height=220)
            .mark_line(color=ACCENT, point={"size": 40, "color": ACCENT, "opacity": 1})
            .encode(
                x=alt.X("since:Q", axis=number_axis("d", 8, "Months since the first order")),
                y=alt.Y("value:Q", axis=number_axis(axis, 5, extent=36)),
                description="tip:N",
            )
        )

    return shop.chart(
        chart,
        f"cohort-{column.replace('_', '-')}",
        title,
        f"{values[0]['tip']}; {values[-1]['tip']}",
    )


def _months(count: int) -> str:
    return "1 month" if count == 1 else f"{count} months"
