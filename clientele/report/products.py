"""Products: what sells, how its rank changes, and how the best sellers did month by month."""

from __future__ import annotations

from datetime import date
from typing import Any

import altair as alt
from markupsafe import Markup

from clientele.pages.charts import ACCENT, SHORT_MONEY
from clientele.report.bars import number_axis, ranked_bars
from clientele.report.reading import Query, Row, Tables
from clientele.report.shop import Shop

NAME = "products"
TITLE = "Products"
MOST_PRODUCTS = 10
MOST_TRENDS = 6
MOST_MONTHS = 18
BY_VALUE = "line_value desc, piece_count desc, product_id, product_key"
QUERIES = (
    Query(
        "marts.product_performance",
        f"""
        with months as (
            select source, max(calendar_month) as calendar_month
            from marts.product_performance
            where is_complete and is_merchandise
            group by source
        )
        select
            source, product_key, calendar_month, product_id, category, value_rank,
            value_rank_change, line_value, piece_count, order_count, customer_count
        from marts.product_performance
        inner join months using (source, calendar_month)
        where is_merchandise
        qualify
            row_number() over (partition by source order by {BY_VALUE}) <= {MOST_PRODUCTS}
        order by source, {BY_VALUE}
        """,
        grain=("product_key", "calendar_month"),
        name="of_month",
    ),
    Query(
        "marts.best_sellers",
        f"""
        select
            source, product_key, product_id, category, brand, value_rank, piece_rank, line_value,
            line_value_share, piece_count, order_count, last_month
        from marts.best_sellers
        qualify
            row_number() over (partition by source order by {BY_VALUE}) <= {MOST_PRODUCTS}
        order by source, {BY_VALUE}
        """,
        grain=("product_key",),
    ),
    Query(
        "marts.product_performance",
        f"""
        with best as (
            select product_key
            from marts.best_sellers
            qualify row_number() over (partition by source order by {BY_VALUE}) <= {MOST_TRENDS}
        ),
        months as (
            select source, max(calendar_month) - interval {MOST_MONTHS - 1} month as first_month
            from marts.product_performance
            where is_complete
            group by source
        )
        select
            months.source, monthly.product_key, monthly.calendar_month, monthly.product_id,
            monthly.line_value
        from marts.product_performance as monthly
        inner join best using (product_key)
        inner join months
            on monthly.source = months.source and monthly.calendar_month >= months.first_month
        where monthly.is_complete
        order by months.source, monthly.calendar_month, monthly.product_key
        """,
        grain=("product_key", "calendar_month"),
        name="trends",
    ),
)


def prepare(tables: Tables, shop: Shop) -> dict[str, Any]:
    """Return the charts, and the table of the trends: a line a month, a cell a product."""
    of_month, best = tables["of_month"], tables["best_sellers"]
    sold = {row["product_key"] for row in tables["trends"]}
    followed = [row for row in best[:MOST_TRENDS] if row["product_key"] in sold]
    months = months_between([row["calendar_month"] for row in tables["trends"]])
    cells = {(row["calendar_month"], row["product_key"]): row for row in tables["trends"]}
    return {
        "most_products": MOST_PRODUCTS,
        "most_months": MOST_MONTHS,
        "first": of_month[0] if of_month else None,
        "followed": followed,
        "trend_lines": [
            (month, [cells.get((month, row["product_key"])) for row in followed])
            for month in reversed(months)
        ],
        "month_chart": of_month and _month_chart(of_month, shop),
        "trend_chart": _trend_chart(followed, months, cells, shop)
        if followed and len(months) > 1
        else None,
    }


def months_between(months: list[date]) -> list[date]:
    """Return the first days of all months from the first to the last of some."""
    if not months:
        return []
    numbers = [12 * month.year + month.month - 1 for month in (min(months), max(months))]
    return [date(number // 12, number % 12 + 1, 1) for number in range(numbers[0], numbers[1] + 1)]


def _month_chart(rows: list[Row], shop: Shop) -> Markup | None:
    values = [
        {
            "label": row["product_id"],
            "value": float(row["line_value"]),
            "tip": f"{row['product_id']}: {shop.numbers.money(row['line_value'])}",
        }
        for row in rows
    ]
    return shop.chart(
        ranked_bars(values, SHORT_MONEY),
        "best-of-month",
        f"Best sellers of {shop.numbers.month(rows[0]['calendar_month'])} by sales",
        "; ".join(value["tip"] for value in values[:3]),
    )


def _trend_chart(
    followed: list[Row], months: list[date], cells: dict[tuple[date, Any], Row], shop: Shop
) -> Markup | None:
    """Return small pictures of one scale, one a product; nothing sold is drawn as zero."""
    values = [
        {
            "product": row["product_id"],
            "month": month.isoformat(),
            "value": float(cell["line_value"]) if cell else 0.0,
        }
        for row in followed
        for month in months
        for cell in [cells.get((month, row["product_key"]))]
    ]
    order = list(dict.fromkeys(row["product_id"] for row in followed))

    def chart(width: int) -> alt.FacetChart:
        columns = 3 if width > 600 else 2
        named = [months[0].isoformat(), months[-1].isoformat()]
        base = alt.Chart().encode(
            x=alt.X(
                "month:O",
                title=None,
                axis=alt.Axis(
                    labelExpr="utcFormat(toDate(datum.value), '%b %y')",
                    values=named,
                    labelAngle=0,
                    labelAlign={
                        "condition": {"test": f"datum.value == '{named[0]}'", "value": "left"},
                        "value": "right",
                    },
                    ticks=False,
                ),
            ),
            y=alt.Y("value:Q", title=None, axis=number_axis(SHORT_MONEY, 3, extent=36)),
        )
        area = base.mark_area(color=ACCENT, opacity=0.15)
        line = base.mark_line(color=ACCENT, strokeWidth=1.5)
        each = width // columns - (36 if columns == 2 else 30)
        return (
            alt.layer(area, line, data=alt.Data(values=values))
            .properties(width=each, height=90)
            .facet(
                facet=alt.Facet("product:N", title=None, sort=order, header=alt.Header()),
                columns=columns,
                spacing=12,
            )
        )

    return shop.chart(
        chart,
        "trends",
        "Sales of the best sellers by month",
        f"{', '.join(order)} from {shop.numbers.month(months[0])} to "
        f"{shop.numbers.month(months[-1])}, on one scale",
        wide=1000,
    )
