"""Revenue by month and by year, and who brings it."""

from __future__ import annotations

from typing import Any

import altair as alt
from markupsafe import Markup

from clientele.pages.charts import ACCENT, MUTED, SHORT_MONEY, SHORT_NUMBER
from clientele.report.bars import number_axis, paired_shares, ranked_bars, share_pairs
from clientele.report.reading import Query, Row, Tables
from clientele.report.shop import Shop

NAME = "revenue"
TITLE = "Revenue"
MOST_MONTHS = 36
MOST_CUSTOMERS = 10
CADENCE = {
    "on_time": "on time",
    "due": "due",
    "lapsed": "lapsed",
    "unknown": "no cadence known",
}
ACTIVITY_COLUMNS = """
            source, customer_key, cadence_state, successful_orders_30d, successful_orders_90d,
            successful_orders_365d, expected_gap_days, late_days, cm2_365d, cm2, last_order_date
"""
QUERIES = (
    Query(
        "marts.revenue_by_month",
        f"""
        select
            source, calendar_month, successful_order_count, new_customer_count, net_revenue, cm2,
            average_order_value, is_complete,
            count(*) over (partition by source) as month_count
        from marts.revenue_by_month
        qualify
            row_number() over (partition by source order by calendar_month desc) <= {MOST_MONTHS}
        order by source, calendar_month
        """,
        grain=("calendar_month",),
    ),
    Query(
        "marts.orders_by_year",
        """
        select
            source, calendar_year, order_count, successful_order_count, cancelled_order_count,
            customer_count, new_customer_count, net_revenue, cm2, is_complete
        from marts.orders_by_year
        order by source, calendar_year
        """,
        grain=("calendar_year",),
    ),
    Query(
        "marts.revenue_contribution",
        """
        select
            source, contribution_by, group_id, group_name, group_rank, customer_count,
            customer_share, cumulative_customer_share, net_revenue, net_revenue_share,
            cumulative_net_revenue_share, cm2
        from marts.revenue_contribution
        order by source, contribution_by, group_rank
        """,
        grain=("contribution_by", "group_id"),
    ),
    Query(
        "marts.customers_by_cadence",
        """
        select
            source, cadence_state, customer_count, active_customer_count, customer_share, cm2_365d,
            cm2
        from marts.customers_by_cadence
        order by
            source,
            case cadence_state when 'on_time' then 1 when 'due' then 2 when 'lapsed' then 3 else 4
            end
        """,
        grain=("cadence_state",),
    ),
    Query(
        "marts.customer_activity",
        f"""
        select {ACTIVITY_COLUMNS}
        from marts.customer_activity
        where activity_rank <= {MOST_CUSTOMERS}
        qualify
            row_number() over (
                partition by source
                order by activity_rank, cm2_365d desc, last_order_date desc, customer_key
            ) <= {MOST_CUSTOMERS}
        order by source, activity_rank, cm2_365d desc, last_order_date desc, customer_key
        """,
        grain=("customer_key",),
        name="most_active",
    ),
    Query(
        "marts.customer_activity",
        f"""
        select {ACTIVITY_COLUMNS}
        from marts.customer_activity
        where lapsed_rank <= {MOST_CUSTOMERS}
        qualify
            row_number() over (
                partition by source order by lapsed_rank, last_order_date desc, customer_key
            ) <= {MOST_CUSTOMERS}
        order by source, lapsed_rank, last_order_date desc, customer_key
        """,
        grain=("customer_key",),
        name="most_valuable_lapsed",
    ),
)


def prepare(tables: Tables, shop: Shop) -> dict[str, Any]:
    """Return the charts of the section, and the rows that its first words are about."""
    months, years = tables["revenue_by_month"], tables["orders_by_year"]
    groups = tables["revenue_contribution"]
    deciles = [row for row in groups if row["contribution_by"] == "decile"]
    segments = [row for row in groups if row["contribution_by"] == "segment"]
    complete = [row for row in months if row["is_complete"]]
    told = [row for row in deciles if row["cumulative_net_revenue_share"] is not None]
    lapsed = [row for row in tables["customers_by_cadence"] if row["cadence_state"] == "lapsed"]
    return {
        "most_customers": MOST_CUSTOMERS,
        "cadence_words": CADENCE,
        "deciles": deciles,
        "segments": segments,
        "last_complete": complete[-1] if complete else None,
        "running": months[-1] if months and not months[-1]["is_complete"] else None,
        "best_decile": told[0] if told and told[0]["group_id"] == 1 else None,
        "lapsed": lapsed[0] if lapsed else None,
        "month_chart": months and _month_chart(months, shop),
        "year_chart": years and _year_chart(years, shop),
        "decile_chart": _decile_chart(told, shop) if len(told) > 1 else None,
        "segment_chart": _segment_chart(segments, shop),
        "cadence_chart": _cadence_chart(tables["customers_by_cadence"], shop),
    }


def _month_chart(months: list[Row], shop: Shop) -> Markup | None:
    values = [
        {
            "month": row["calendar_month"].isoformat(),
            "revenue": float(row["net_revenue"]),
            "shown": 1.0 if row["is_complete"] else 0.4,
            "tip": f"{shop.numbers.month(row['calendar_month'])}: "
            f"{shop.numbers.money(row['net_revenue'])}"
            f"{'' if row['is_complete'] else ', not over yet'}",
        }
        for row in months
    ]

    def chart(width: int) -> alt.Chart:
        named = [value["month"] for value in values[:: -(-len(values) * 64 // width)]]
        return (
            alt.Chart(alt.Data(values=values), width=width, height=220)
            .mark_bar(color=ACCENT)
            .encode(
                x=alt.X(
                    "month:O",
                    title=None,
                    axis=alt.Axis(
                        labelExpr="utcFormat(toDate(datum.value), '%b %y')",
                        values=named,
                        labelAngle=0,
                        ticks=False,
                    ),
                ),
                y=alt.Y("revenue:Q", axis=number_axis(SHORT_MONEY, 5, extent=36)),
                opacity=alt.Opacity("shown:Q", scale=None),
                description="tip:N",
            )
        )

    best = max(months, key=lambda row: row["net_revenue"])
    return shop.chart(
        chart,
        "revenue-by-month",
        "Net revenue by month",
        f"From {shop.numbers.month(months[0]['calendar_month'])} to "
        f"{shop.numbers.month(months[-1]['calendar_month'])}; the best month was "
        f"{shop.numbers.month(best['calendar_month'])} with "
        f"{shop.numbers.money(best['net_revenue'])}",
        wide=1000,
    )


def _year_chart(years: list[Row], shop: Shop) -> Markup | None:
    values = [
        {
            "year": str(row["calendar_year"]),
            "orders": row["successful_order_count"],
            "shown": 1.0 if row["is_complete"] else 0.4,
            "tip": f"{row['calendar_year']}: "
            f"{shop.numbers.number(row['successful_order_count'])} orders"
            f"{'' if row['is_complete'] else ', not over yet'}",
        }
        for row in years
    ]

    def chart(width: int) -> alt.Chart:
        return (
            alt.Chart(alt.Data(values=values), width=width, height=180)
            .mark_bar(color=ACCENT, size=min(56, 220 // len(values)))
            .encode(
                x=alt.X("year:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True)),
                y=alt.Y("orders:Q", axis=number_axis(SHORT_NUMBER, extent=30)),
                opacity=alt.Opacity("shown:Q", scale=None),
                description="tip:N",
            )
        )

    last = years[-1]
    return shop.chart(
        chart,
        "orders-by-year",
        "Orders by year",
        f"{last['calendar_year']} has "
        f"{shop.numbers.number(last['successful_order_count'])} successful orders"
        f"{'' if last['is_complete'] else ' so far'}",
    )


def _decile_chart(told: list[Row], shop: Shop) -> Markup | None:
    values = [{"customers": 0.0, "revenue": 0.0, "tip": "Nobody brings nothing"}]
    for row in told:
        customers = row["cumulative_customer_share"]
        revenue = row["cumulative_net_revenue_share"]
        values.append(
            {
                "customers": float(customers),
                "revenue": float(revenue),
                "tip": f"The best {shop.numbers.percent(customers)} of buyers bring "
                f"{shop.numbers.percent(revenue)} of revenue",
            }
        )
    even = [{"customers": 0, "revenue": 0}, {"customers": 1, "revenue": 1}]

    def chart(width: int) -> alt.LayerChart:
        x = alt.X(
            "customers:Q",
            axis=number_axis(".0%", 5, "Buyers, the best first"),
            scale=alt.Scale(domain=[0, 1]),
        )
        y = alt.Y("revenue:Q", axis=number_axis(".0%", 5, "Net revenue of a year", 36))
        reference = alt.Chart(alt.Data(values=even)).mark_line(
            color=MUTED, strokeDash=[4, 4], strokeWidth=1
        )
        curve = alt.Chart(alt.Data(values=values)).mark_line(color=ACCENT)
        points = (
            alt.Chart(alt.Data(values=values[1:]))
            .mark_point(color=ACCENT, filled=True, size=50, opacity=1)
            .encode(description="tip:N")
        )
        layers = [layer.encode(x=x, y=y) for layer in (reference, curve, points)]
        return alt.layer(*layers).properties(width=width, height=240)

    return shop.chart(
        chart,
        "pareto",
        "Who brings the revenue",
        f"{values[1]['tip']}; if all brought the same, the curve would be the dashed line",
    )


def _segment_chart(segments: list[Row], shop: Shop) -> Markup | None:
    shares = {"of buyers": "customer_share", "of net revenue": "net_revenue_share"}
    told = [row for row in segments if row["net_revenue_share"] is not None]
    values = share_pairs(told, "group_name", shares, shop.numbers)
    if not values:
        return None
    return shop.chart(
        paired_shares(values, *shares),
        "revenue-by-segment",
        "Shares of buyers and of net revenue by segment",
        f"{values[0]['tip']} and {values[1]['tip'].rpartition(': ')[2]}",
    )


def _cadence_chart(states: list[Row], shop: Shop) -> Markup | None:
    values = [
        {
            "label": CADENCE[row["cadence_state"]],
            "value": row["customer_count"],
            "tip": f"{CADENCE[row['cadence_state']]}: {shop.numbers.number(row['customer_count'])}"
            f" ({shop.numbers.percent(row['customer_share'])})",
        }
        for row in states
    ]
    if not values:
        return None
    return shop.chart(
        ranked_bars(values, SHORT_NUMBER),
        "customers-by-cadence",
        "Customers by their own cadence",
        "; ".join(value["tip"] for value in values),
    )
