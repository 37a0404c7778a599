"""Data quality: the checks that fail, what became of every landed row, and who is held back."""

from __future__ import annotations

from typing import Any

import altair as alt
from markupsafe import Markup

from clientele.pages.charts import CARE, OTHER, SERIES, STOP, TEXT
from clientele.report.named_rows import PHONE, height, name_axis
from clientele.report.reading import Query, Row, Tables
from clientele.report.shop import Shop

NAME = "findings"
TITLE = "Data quality"
MOST_FAILING = 50  # checks in the table of those that fail
MOST_DRAWN = 10  # checks in the chart, those that use most of what is tolerated

QUERIES = (
    Query(
        "marts.data_quality",
        """
        select
            source, check_name, check_subject, check_grain, severity, meaning, evidence,
            failing_rows, checked_rows, failing_share, tolerated_share, money_at_risk,
            people_touched, lists_touched, is_ok
        from marts.data_quality
        order by
            source asc,
            case severity when 'error' then 1 when 'warn' then 2 else 3 end asc,
            failing_share desc nulls last, check_name asc, check_subject asc
        """,
        grain=("check_name", "check_subject"),
    ),
    Query(
        "marts.row_reconciliation",
        """
        select
            source, source_table, landed_count, accepted_count, rejected_count, duplicate_count,
            unexplained_count
        from marts.row_reconciliation
        order by source asc, landed_count desc, source_table asc
        """,
        grain=("source_table",),
    ),
    Query(
        "marts.suppressions_in_force",
        """
        select source, channel, suppression, is_hard, customer_count
        from marts.suppressions_in_force
        order by source asc, is_hard desc, suppression asc, channel asc
        """,
        grain=("channel", "suppression"),
    ),
    Query(
        "campaigns.contact_status",
        """
        select
            source, reason, suppression_count, consent_count, unmatched_count,
            other_channel_count, finding_count
        from campaigns.contact_status
        order by source
        """,
    ),
)
SEVERITY_WORDS = {"error": "error", "warn": "warning", "info": "note"}


def prepare(tables: Tables, shop: Shop) -> dict[str, Any]:
    """Return the checks by how they ended, the charts, and suppressions by reason and channel."""
    checks = tables["data_quality"]
    failing = [row for row in checks if not row["is_ok"]]
    holding = [row for row in checks if row["is_ok"]]
    reasons = [row for row in holding if row["check_name"] == "rejected_reason"]
    suppressions = tables["suppressions_in_force"]
    (contact,) = tables["contact_status"] or [None]
    return {
        "failing": failing[:MOST_FAILING],
        "is_capped": len(failing) > MOST_FAILING,
        "holding": [row for row in holding if row["check_name"] != "rejected_reason"],
        "rejected_reasons": [row for row in reasons if row["failing_rows"]],
        "severity_words": SEVERITY_WORDS,
        "tolerance_chart": _tolerance_chart(checks, shop),
        "rows_chart": _rows_chart(tables["row_reconciliation"], shop),
        "channels": sorted({row["channel"] for row in suppressions}),
        "suppressions": _by_reason(suppressions),
        "contact": contact,
    }


def _by_reason(rows: list[Row]) -> list[tuple[Row, dict[str, Row]]]:
    """Return one entry a reason, with its rows by channel."""
    reasons: dict[str, dict[str, Row]] = {}
    for row in rows:
        reasons.setdefault(row["suppression"], {})[row["channel"]] = row
    return [(next(iter(channels.values())), channels) for channels in reasons.values()]


def _tolerance_chart(checks: list[Row], shop: Shop) -> Markup | None:
    """Draw the failing share of checks that tolerate some rows, against what they tolerate."""
    judged = [
        row
        for row in checks
        if row["failing_rows"]
        and row["check_grain"] != "model"
        and row["tolerated_share"] is not None
        and row["tolerated_share"] < 1
    ]
    judged.sort(
        key=lambda row: (
            row["is_ok"],
            -row["failing_share"] / (row["tolerated_share"] or 1e-9),
            row["check_name"],
            row["check_subject"],
        )
    )
    rows = judged[:MOST_DRAWN]
    if not rows:
        return None
    names = {_check(row): _name(row) for row in rows}
    values = [
        {
            "check": _check(row),
            "share": row["failing_share"],
            "tolerated": row["tolerated_share"],
            "colour": OTHER if row["is_ok"] else STOP if row["severity"] == "error" else CARE,
            "tip": f"{_name(row)}: {shop.numbers.percent(row['failing_share'], 1)} of rows, "
            f"{shop.numbers.percent(row['tolerated_share'], 1)} tolerated",
        }
        for row in rows
    ]

    def chart(width: int) -> alt.LayerChart:
        base = alt.Chart(alt.Data(values=values))
        y = name_axis(names, "check", width)
        return alt.layer(
            base.mark_bar(height={"band": 0.5}).encode(
                x=alt.X(
                    "share:Q",
                    title=None,
                    axis=alt.Axis(format="~%", tickCount=4 if width < PHONE else 8),
                ),
                y=y,
                color=alt.Color("colour:N", scale=None),
                description="tip:N",
            ),
            base.mark_tick(color=TEXT, thickness=2.5, height={"band": 0.8}).encode(
                x="tolerated:Q", y=y, description="tip:N"
            ),
        ).properties(width=width, height=height(names, width))

    over = [_name(row) for row in rows if not row["is_ok"]]
    return shop.chart(
        chart,
        "tolerance",
        "Failing rows against what is tolerated",
        f"Over the line: {'; '.join(over) or 'none'}",
        wide=1000,
    )


def _rows_chart(tables: list[Row], shop: Shop) -> Markup | None:
    """Draw what became of the rows that were not accepted, as shares of what landed."""
    landed = [row for row in tables if row["landed_count"]]
    if not any(row["rejected_count"] or row["duplicate_count"] for row in landed):
        return None
    names = {row["source_table"]: row["source_table"] for row in landed}
    values = [
        {
            "table": row["source_table"],
            "share": row[column] / row["landed_count"],
            "place": place,
            "colour": colour,
            "tip": f"{row['source_table']}: {shop.numbers.number(row[column])} {words} of "
            f"{shop.numbers.number(row['landed_count'])} landed",
        }
        for row in landed
        for place, (column, words, colour) in enumerate(
            (
                ("rejected_count", "rejected", SERIES[1]),
                ("duplicate_count", "duplicate", SERIES[5]),
            )
        )
    ]

    def chart(width: int) -> alt.Chart:
        return (
            alt.Chart(alt.Data(values=values), width=width, height=height(names, width))
            .mark_bar(height={"band": 0.55})
            .encode(
                x=alt.X(
                    "share:Q",
                    title=None,
                    axis=alt.Axis(format="~%", tickCount=4 if width < PHONE else 8),
                ),
                y=name_axis(names, "table", width),
                color=alt.Color("colour:N", scale=None),
                order="place:Q",
                description="tip:N",
            )
        )

    return shop.chart(
        chart,
        "landed-rows",
        "Rows that were not accepted",
        "A bar for each landed table: rejected and duplicate rows as a share of what landed; the "
        "numbers stand in the table",
        wide=1000,
    )


def _check(row: Row) -> str:
    return f"{row['check_name']}/{row['check_subject']}"


def _name(row: Row) -> str:
    return f"{row['check_name']}: {row['check_subject']}".replace("_", " ")
