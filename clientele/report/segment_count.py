"""How many segments there are and why, and for how long they stay good."""

from __future__ import annotations

from typing import Any

import altair as alt

from clientele.pages.charts import ACCENT, CARE, MUTED, OTHER
from clientele.pages.model_charts import (
    DASHES,
    Picture,
    across,
    ageing,
    curve_over_k,
)
from clientele.report.reading import Query, Row, Tables
from clientele.report.shop import Shop

NAME = "segment_count"
TITLE = "How many segments, and for how long"
MOST_MOVED = 0.05  # customers may be in another segment until they are assigned again
MOST_DRIFT = 0.10  # a feature's PSI from which on it drifts
# Measure, its words, how to read it, decimals, whether a percentage.
GATE = (
    ("bootstrap_agreement", "Resampling", "labels come back for customers drawn anew", 2, False),
    ("cluster_jaccard", "Each segment", "the least stable one comes back", 2, False),
    ("prediction_strength", "Prediction", "one half of the shop predicts the other", 2, False),
    ("smallest_customer_count", "Customers", "in the smallest segment", 0, False),
    ("smallest_share", "Share", "of the smallest segment", 1, True),
    ("seed_agreement", "Starts", "other starting points find the same", 2, False),
)
VERDICTS = {
    "segmented": "Clusters are served.",
    "rules_better": "The rule segments are served: they explain as much as clusters would.",
    "no_eligible_k": "The rule segments are served: no number of clusters passed the gate.",
    "unsegmented": "The rule segments are served: nothing was fitted.",
}
# State, the class of its badge, and what is to be done.
STATES = {
    "keep": ("Keep", "published", "Nothing is to be done before the dates below."),
    "watch": ("Watch", "withheld", "Nothing is broken yet; look again after the next build."),
    "refit": ("Renew now", "suspected_leak", "A limit is broken or the date has come."),
    "redesign": (
        "Redesign", "suspected_leak",
        "A renewal would not last: other features or fewer segments are needed.",
    ),
}  # fmt: skip
QUERIES = (
    Query(
        "segments.segmentation_status",
        """
        select
            source, model_version, segmentation_status, segmentation_method, reason, candidate_k,
            fitted_customer_count, fitted_as_of
        from segments.segmentation_status
        order by source
        """,
    ),
    Query(
        "segments.segment_k_scores",
        """
        select
            source, candidate, k, bootstrap_agreement, min_bootstrap_agreement,
            is_bootstrap_agreement_met, cluster_jaccard, min_cluster_jaccard,
            is_cluster_jaccard_met, prediction_strength, min_prediction_strength,
            is_prediction_strength_met, smallest_customer_count, min_smallest_customer_count,
            is_smallest_customer_count_met, smallest_share, min_smallest_share,
            is_smallest_share_met, seed_agreement, min_seed_agreement, is_seed_agreement_met,
            usefulness, usefulness_error, silhouette, inertia, is_eligible, is_knee, is_chosen
        from segments.segment_k_scores
        order by k nulls last, candidate
        """,
        grain=("candidate",),
    ),
    Query(
        "segments.segment_feature_selection",
        """
        select source, feature, dropped_because, is_used
        from segments.segment_feature_selection
        order by is_used desc, feature
        """,
        grain=("feature",),
    ),
    Query(
        "segments.segment_stability",
        """
        select source, origin_date, lag_days, rho, phi
        from segments.segment_stability
        where rho is not null
        order by origin_date, lag_days
        """,
        grain=("origin_date", "lag_days"),
    ),
    Query(
        "segments.segment_stability_lags",
        """
        select
            source, lag_days, origin_count, low_rho, median_rho, high_phi, median_phi, is_judged
        from segments.segment_stability_lags
        order by lag_days
        """,
        grain=("lag_days",),
    ),
    Query(
        "segments.segment_movement",
        """
        select source, lag_days, customer_share, cm2_share
        from segments.segment_movement
        order by lag_days
        """,
        grain=("lag_days",),
    ),
    Query(
        "segments.segment_feature_drift",
        """
        select source, feature, psi, is_drifting
        from segments.segment_feature_drift
        order by psi desc nulls last, feature
        """,
        grain=("feature",),
    ),
    Query(
        "segments.segment_maintenance",
        """
        select
            source, contract_status, maintenance_state, evidence, refit_interval_days,
            applied_interval_days, assign_interval_days, model_age_days, origin_count, fitted_as_of,
            next_refit_date, next_assignment_date, as_of_date
        from segments.segment_maintenance
        order by source
        """,
    ),
)


def prepare(tables: Tables, shop: Shop) -> dict[str, Any]:
    """Return the charts and the words of the section; a chart of nothing is null."""
    scores, lags = tables["segment_k_scores"], tables["segment_stability_lags"]
    origins, drift = tables["segment_stability"], tables["segment_feature_drift"]
    numbers = shop.numbers

    return {
        "status": next(iter(tables["segmentation_status"]), None),
        "contract": next(iter(tables["segment_maintenance"]), None),
        "gate": GATE,
        "verdicts": VERDICTS,
        "states": STATES,
        "tried": [row for row in scores if row["k"] is not None],
        "served": next((row for row in scores if row["is_chosen"]), None),
        "used": [row for row in tables["segment_feature_selection"] if row["is_used"]],
        "left_out": [row for row in tables["segment_feature_selection"] if not row["is_used"]],
        "usefulness_chart": shop.picture(
            curve_over_k(
                scores, "usefulness", "Explained margin of the next quarter", numbers,
                error="usefulness_error", as_percent=True,
            ),
            "usefulness",
        ),
        "silhouette_chart": shop.picture(
            curve_over_k(scores, "silhouette", "Silhouette", numbers), "silhouette"
        ),
        "elbow_chart": shop.picture(curve_over_k(scores, "inertia", "Inertia", numbers), "elbow"),
        "rho_chart": shop.picture(ageing(lags, origins, "rho", numbers), "rho"),
        "phi_chart": shop.picture(ageing(lags, origins, "phi", numbers), "phi"),
        "movement_chart": shop.picture(_movement(tables["segment_movement"], shop), "movement"),
        "drift_chart": shop.picture(_drift(drift, shop), "drift"),
    }  # fmt: skip


def _movement(rows: list[Row], shop: Shop) -> Picture | None:
    """Return how many customers are in another segment after so many days."""
    values = [
        {
            "days": row["lag_days"],
            "share": float(row["customer_share"]),
            "tip": f"{shop.numbers.percent(row['customer_share'], 1)} of customers after "
            f"{_days(row['lag_days'])}",
        }
        for row in rows
        if row["customer_share"] is not None
    ]
    if not values:
        return None

    def chart(width: int) -> alt.LayerChart:
        base = alt.Chart(alt.Data(values=values)).encode(
            x=alt.X("days:Q", title="days later", axis=alt.Axis(values=[r["days"] for r in values],
                                                                labelOverlap=True)),
            y=alt.Y("share:Q", title=None, axis=alt.Axis(format=".0%", tickCount=5)),
        )  # fmt: skip
        return alt.layer(
            base.mark_line(color=ACCENT),
            base.mark_point(color=ACCENT, filled=True, size=55, opacity=1).encode(
                description="tip:N"
            ),
            across(MOST_MOVED, f"limit {shop.numbers.percent(MOST_MOVED)}", left=True),
            width=width,
            height=220,
        )

    said = "; ".join(value["tip"] for value in values)
    return Picture(chart, "Customers who are in another segment after some days", f"{said}.")


def _drift(rows: list[Row], shop: Shop) -> Picture | None:
    """Return how far each feature has drifted since the fit; nothing of a version of today."""
    values = [
        {
            "feature": row["feature"].replace("_", " "),
            "psi": float(row["psi"]),
            "state": "drifts" if row["is_drifting"] else "steady",
            "tip": f"{row['feature'].replace('_', ' ')}: {shop.numbers.number(row['psi'], 3)}",
        }
        for row in rows
        if row["psi"] is not None
    ]
    if not values or values[0]["psi"] < MOST_DRIFT / 100:
        return None

    def chart(width: int) -> alt.LayerChart:
        colours = alt.Scale(domain=["drifts", "steady"], range=[CARE, OTHER])
        limit = alt.Chart(alt.Data(values=[{"at": MOST_DRIFT}]))
        return alt.layer(
            alt.Chart(alt.Data(values=values))
            .mark_bar()
            .encode(
                x=alt.X("psi:Q", title="PSI since the fit", axis=alt.Axis(tickCount=5)),
                y=alt.Y("feature:N", title=None, sort=None),
                color=alt.Color("state:N", legend=None, scale=colours),
                description="tip:N",
            ),
            limit.mark_rule(color=MUTED, strokeWidth=1.5, strokeDash=DASHES).encode(x="at:Q"),
            width=width,
            height=alt.Step(20),
        )

    said = "; ".join(value["tip"] for value in values)
    return Picture(chart, "Drift of each feature since the fit", f"{said}.")


def _days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"
