"""New customers: whom to contact, how good each month's turned out, and whether to believe it."""

from __future__ import annotations

from typing import Any

import altair as alt

from clientele.pages.charts import ACCENT, SHEET, TEXT
from clientele.pages.model_charts import Picture, calibration, lift, percent_format
from clientele.report.reading import Query, Row, Tables
from clientele.report.shop import Shop

NAME = "new_customers"
TITLE = "New customers"
HORIZON_DAYS = 90  # of the outcome that the forecast is of
MOST_LISTED = 25
MOST_MONTHS = 24
SITUATIONS = {
    "profitable_repeat": "Will probably come back and earn",
    "promo_dependent": "Will probably come back, but for discounts",
    "profitable_once": "Earned, but will probably not come back",
    "costly_once": "Will probably neither come back nor earn",
    "ordered_again": "Has come back already",
    "no_forecast": "No forecast",
}
QUADRANTS = {
    "profitable_repeat": "Profitable repeat",
    "profitable_once": "Profitable once",
    "promo_dependent": "Promo dependent",
    "costly_once": "Costly once",
}
# Whether they earned, then whether they came back: as the quadrants stand on the page.
QUADRANT_ROWS = (
    ("They earned", ("profitable_repeat", "profitable_once")),
    ("They cost money", ("promo_dependent", "costly_once")),
)
MODELS = {
    "base_rate": "the base rate for all",
    "rule": "a rule of discounts",
    "logistic": "a logistic regression",
    "boosting": "gradient boosting",
}
QUERIES = (
    Query(
        "marts.new_customer_overview",
        """
        select
            source, quality_status, quality_status_reason, model_name, open_customer_count,
            ordered_again_count, worth_contacting_count, expected_value, value_of_good,
            test_customer_count, test_rate, auc, lower_auc, upper_auc, lift_top_10_percent,
            lower_lift_top_10_percent, upper_lift_top_10_percent, calibration_slope,
            lower_calibration_slope, upper_calibration_slope, test_from_date, test_until_date
        from marts.new_customer_overview
        order by source
        """,
    ),
    Query(
        "marts.new_customer_playbook",
        f"""
        select
            source, customer_key, situation, reason_1, reason_2, reason_3, next_step, channel,
            offer, probability, expected_value_of_acting, first_order_date, maturity_date
        from marts.new_customer_playbook
        where expected_value_of_acting > 0
        qualify row_number() over (
            partition by source
            order by
                expected_value_of_acting desc, probability desc, first_order_date desc,
                customer_key asc
        ) <= {MOST_LISTED}
        order by
            expected_value_of_acting desc, probability desc, first_order_date desc, customer_key asc
        """,
        grain=("customer_key",),
    ),
    Query(
        "marts.new_customer_situations",
        """
        select
            source, situation, next_step, channel, offer, customer_count, worth_contacting_count,
            forecast_good_share, assumed_uplift, cost_per_contact, expected_value
        from marts.new_customer_situations
        order by expected_value desc nulls last, customer_count desc, situation asc
        """,
        grain=("situation",),
    ),
    Query(
        "marts.new_customer_quality",
        f"""
        select
            source, cohort_month, new_customer_count, mature_customer_count,
            forecast_customer_count, good_customer_share, lower_good_share, upper_good_share,
            forecast_good_share, cm2_per_new_customer, is_mature
        from marts.new_customer_quality
        qualify row_number() over (partition by source order by cohort_month desc) <= {MOST_MONTHS}
        order by cohort_month
        """,
        grain=("cohort_month",),
    ),
    Query(
        "marts.new_customer_quadrants",
        """
        select
            source, quadrant, horizon_days, mature_customer_count, customer_count, customer_share,
            cm2, cm2_per_new_customer
        from marts.new_customer_quadrants
        order by
            horizon_days,
            case quadrant
                when 'profitable_repeat' then 1 when 'profitable_once' then 2
                when 'promo_dependent' then 3 else 4
            end
        """,
        grain=("horizon_days", "quadrant"),
    ),
    Query(
        "marts.new_customer_deciles",
        """
        select
            source, decile, customer_count, mean_forecast, observed_rate, lower_rate, upper_rate,
            decile_lift, lower_decile_lift, upper_decile_lift, lower_probability, upper_probability
        from marts.new_customer_deciles
        order by decile
        """,
        grain=("decile",),
    ),
)


def prepare(tables: Tables, shop: Shop) -> dict[str, Any]:
    """Return the charts and the words of the section; a chart of nothing is null."""
    months, deciles = tables["new_customer_quality"], tables["new_customer_deciles"]

    return {
        "about": next(iter(tables["new_customer_overview"]), None),
        "situations": SITUATIONS,
        "quadrants": QUADRANTS,
        "quadrant_rows": QUADRANT_ROWS,
        "models": MODELS,
        "most_listed": MOST_LISTED,
        "most_months": MOST_MONTHS,
        "of_the_horizon": {
            row["quadrant"]: row
            for row in tables["new_customer_quadrants"]
            if row["horizon_days"] == HORIZON_DAYS
        },
        "last_known": next(
            (row for row in reversed(months) if row["good_customer_share"] is not None), None
        ),
        "unripe": [row for row in months if not row["is_mature"]],
        "cohort_chart": shop.picture(
            cohort_quality(months, shop), "new-customer-quality", wide=1000
        ),
        "calibration_chart": shop.picture(calibration(deciles, shop.numbers), "calibration"),
        "lift_chart": shop.picture(lift(deciles, shop.numbers), "lift"),
    }


def cohort_quality(months: list[Row], shop: Shop) -> Picture | None:
    """Return the share of good customers by month: known with its interval, or forecast."""
    values = []
    for row in months:
        known = row["good_customer_share"] is not None
        share = row["good_customer_share"] if known else row["forecast_good_share"]
        if share is None:
            continue
        month, shown = (
            shop.numbers.month(row["cohort_month"]),
            shop.numbers.percent(share, 0 if share >= 0.1 else 1),
        )
        values.append(
            {
                "month": row["cohort_month"].isoformat(),
                "share": float(share),
                "lower": float(row["lower_good_share"]) if known else None,
                "upper": float(row["upper_good_share"]) if known else None,
                "state": "known" if known else "forecast",
                "tip": f"{month}: {shown}{'' if known else ' forecast'}",
            }
        )
    if not values:
        return None

    ends = [end for value in values for end in (value["share"], value["upper"]) if end is not None]

    def chart(width: int) -> alt.LayerChart:
        base = alt.Chart(alt.Data(values=values)).encode(
            x=alt.X("month:T", timeUnit="utcyearmonth", title=None,
                    axis=alt.Axis(labelOverlap=True, tickCount=3 if width < 500 else 12)),
        )  # fmt: skip
        y = alt.Y("share:Q", title=None, scale=alt.Scale(zero=True),
                  axis=alt.Axis(format=percent_format(ends), tickCount=5))  # fmt: skip
        states = ["known", "forecast"]
        return alt.layer(
            base.mark_rule(color=TEXT, strokeWidth=1.3).encode(y=alt.Y("lower:Q"), y2="upper:Q"),
            base.mark_point(size=65, opacity=1, stroke=ACCENT, strokeWidth=2).encode(
                y=y,
                fill=alt.Fill(
                    "state:N", legend=None, scale=alt.Scale(domain=states, range=[ACCENT, SHEET])
                ),
                description="tip:N",
            ),
            width=width,
            height=220,
        )

    said = "; ".join(value["tip"] for value in values)
    return Picture(chart, "Share of new customers who turn out good, by month of first order",
                   f"{said}.")  # fmt: skip
