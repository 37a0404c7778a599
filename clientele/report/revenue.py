"""Revenue by month and by year, and who brings it."""

from __future__ import annotations

from typing import Any

import altair as alt

from clientele.pages.charts import ACCENT
from clientele.report.reading import Query, Tables

NAME = "revenue"
TITLE = "Revenue"
QUERIES = (
    Query(
        "marts.revenue_by_month",
        """
        select
            source, calendar_month, successful_order_count, new_customer_count, net_revenue, cm2,
            average_order_value
        from marts.revenue_by_month
        order by calendar_month
        """,
        grain=("calendar_month",),
    ),
)


def prepare(tables: Tables, shop: Any) -> dict[str, Any]:
    """Return the charts of the section."""
    months = tables["revenue_by_month"]
    return {"revenue_chart": months and _revenue_chart(months, shop)}


def _revenue_chart(months: list[dict[str, Any]], shop: Any) -> Any:
    values = [
        {
            "month": row["calendar_month"].isoformat(),
            "revenue": float(row["net_revenue"]),
            "tip": f"{shop.numbers.month(row['calendar_month'])}: "
            f"{shop.numbers.money(row['net_revenue'])}",
        }
        for row in months
    ]

    def chart(width: int) -> alt.Chart:
        return (
            alt.Chart(alt.Data(values=values), width=width, height=220)
            .mark_bar(color=ACCENT)
            .encode(
                x=alt.X("month:T", timeUnit="utcyearmonth", title=None),
                y=alt.Y("revenue:Q", title=None, axis=alt.Axis(format="$~s", tickCount=5)),
                description="tip:N",
            )
        )

    last = months[-1]
    return shop.chart(
        chart,
        "revenue-by-month",
        "Net revenue by month",
        f"{len(months)} months; the last, {shop.numbers.month(last['calendar_month'])}, "
        f"brought {shop.numbers.money(last['net_revenue'])}",
        wide=1000,
    )
