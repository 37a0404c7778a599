"""Segments: who they are, what they are worth, what to do with them, and who moves between them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import altair as alt
from markupsafe import Markup

from clientele.pages.charts import ACCENT, OTHER, SERIES, TEXT
from clientele.pages.customer_map import axis_words, customer_map, series_colour
from clientele.pages.rounding import Z_95
from clientele.pages.telling import HABITS, most_telling
from clientele.report.reading import Query, Row, Tables
from clientele.report.segment_moves import flows_chart, looked_back, margin_chart
from clientele.report.shop import Shop

NAME = "segments"
TITLE = "Segments"
QUERIES = (
    Query(
        "segments.segmentation_status",
        """
        select source, segmentation_status, segmentation_method, reason, fitted_customer_count
        from segments.segmentation_status
        order by source
        """,
    ),
    Query(
        "segments.segments",
        """
        select source, segment_id, segment_name, who_they_are, what_to_do, channel, offer, cadence
        from segments.segments
        order by segment_id
        """,
        grain=("segment_id",),
    ),
    Query(
        "segments.segment_profiles",
        """
        select
            source, segment_id, segment_name, customer_count, customer_share, net_revenue,
            net_revenue_share, cm2, cm2_share, cm2_per_customer, clv_365_per_customer,
            borderline_share
        from segments.segment_profiles
        order by cm2_share desc nulls last, segment_id asc
        """,
        grain=("segment_id",),
    ),
    Query(
        "segments.segment_profile_metrics",
        """
        select source, segment_id, metric, unit, metric_value, all_customers_value, index_to_all
        from segments.segment_profile_metrics
        order by segment_id, metric
        """,
        grain=("segment_id", "metric"),
    ),
    Query(
        "segments.segment_distributions",
        """
        select
            source, segment_id, dimension, dimension_value, segment_share, all_customers_share,
            index_to_all
        from segments.segment_distributions
        where
            dimension in (
                'state', 'city', 'payment_type', 'favourite_category', 'price_band', 'device_class'
            )
            and dimension_value <> 'all others'
        order by all_customers_share desc, dimension_value asc, segment_id asc
        """,
        grain=("segment_id", "dimension", "dimension_value"),
    ),
    Query(
        "marts.segment_map",
        """
        select source, dot_number, segment_id, component_1, component_2
        from marts.segment_map
        order by dot_number
        """,
        grain=("dot_number",),
    ),
    Query(
        "segments.segment_projection_axes",
        """
        select source, component, feature, loading, explained_variance_share
        from segments.segment_projection_axes
        order by component asc, abs(loading) desc, feature asc
        """,
        grain=("component", "feature"),
    ),
    Query(
        "marts.segment_balance",
        """
        select
            source, months_back, segment_id, segment_name, from_customer_count, stayed_count,
            moved_out_count, left_count, moved_in_count, new_count, returned_count,
            to_customer_count, change_count, from_cm2_365d, to_cm2_365d, from_date, to_date
        from marts.segment_balance
        where months_back in (1, 3)
        order by months_back, segment_id
        """,
        grain=("months_back", "segment_id"),
    ),
    Query(
        "marts.segment_flows",
        """
        select
            source, months_back, movement, from_segment_id, from_segment_name, to_segment_id,
            to_segment_name, customer_count, share_of_from_segment, from_cm2_365d, to_cm2_365d
        from marts.segment_flows
        where months_back in (1, 3)
        order by months_back asc, customer_count desc, from_segment_name asc, to_segment_name asc
        """,
        grain=("months_back", "from_segment_name", "to_segment_name"),
    ),
    Query(
        "segments.segment_k_scores",
        """
        select source, candidate, k, usefulness, usefulness_error, is_chosen
        from segments.segment_k_scores
        where is_chosen or k is null
        order by k nulls last
        """,
        grain=("candidate",),
    ),
    Query(
        "marts.rule_segment_sizes",
        """
        select
            source, rule_segment, segment_name, customer_count, customer_share, cm2_share
        from marts.rule_segment_sizes
        where customer_count > 0
        order by cm2_share desc nulls last, rule_segment asc
        """,
        grain=("rule_segment",),
    ),
    Query(
        "marts.segment_rule_overlap",
        """
        select source, segment_id, rule_segment, customer_count, share_of_rule_segment
        from marts.segment_rule_overlap
        order by segment_id, rule_segment
        """,
        grain=("segment_id", "rule_segment"),
    ),
)

WITHHELD = {
    "rules_better": "Clusters were found, but the segments of the rules tell as much without a "
    "model, so these are served.",
    "no_eligible_k": "No number of clusters was stable enough, so the segments of the rules are "
    "served.",
    "unsegmented": "Clusters could not be fitted, so the segments of the rules are served.",
}
DIMENSIONS = {
    "favourite_category": "Favourite category",
    "price_band": "Price of what they buy",
    "payment_type": "Payment",
    "city": "City",
    "state": "State",
    "device_class": "Device",
}
MOST_VALUES = 6  # of a dimension; a table of all cities would be a table of nothing
MOST_WITH_SHARES = 4  # segments beside each other of which the share stands above the index
MOST_WITH_HABITS = 6  # segments whose cards show their habits at once
MOST_FLOWS = 30


def prepare(tables: Tables, shop: Shop) -> dict[str, Any]:
    """Return the charts of the section, and the rows in the shape of its tables."""
    profiles = tables["segment_profiles"]
    status = next(iter(tables["segmentation_status"]), None)
    colours = _colours(profiles, tables["segments"])
    known = {row["segment_id"]: row for row in profiles}
    metrics = _by(tables["segment_profile_metrics"], "segment_id")
    axes = tables["segment_projection_axes"]
    distributed = {row["segment_id"] for row in tables["segment_distributions"]}
    balance, flows = looked_back(tables)
    return {
        "status": status,
        "withheld_because": status and WITHHELD.get(status["segmentation_status"]),
        "first": next((row for row in profiles if row["cm2_share"] is not None), None),
        "nobody": [row for row in tables["segments"] if row["segment_id"] not in known],
        "segment_words": {row["segment_id"]: row for row in tables["segments"]},
        "colours": colours,
        "telling": {key: most_telling(rows) for key, rows in metrics.items()},
        "habits": _habits(tables["segment_profile_metrics"]),
        "habit_words": HABITS,
        "habit": lambda row, column: _habit(shop, row, column),
        "sizes_chart": profiles and _sizes_chart(profiles, shop),
        "map_chart": customer_map(
            tables["segment_map"], profiles, axes, f"{shop.id}-customer-map", shop.numbers
        ),
        "directions": [
            (row, axis_words(axes, row["component"], 3))
            for row in axes
            if row["feature"] == _heaviest(axes, row["component"])
        ],
        "dimensions": _dimensions(tables["segment_distributions"]),
        "described": [row for row in profiles if row["segment_id"] in distributed],
        "with_habits": [row for row in profiles if row["segment_id"] in metrics],
        "unknown_dimensions": [
            words
            for dimension, words in DIMENSIONS.items()
            if all(row["dimension"] != dimension for row in tables["segment_distributions"])
        ],
        "share_digits": _share_digits,
        "is_long": len(profiles) > MOST_WITH_HABITS,
        "series_count": len(SERIES),
        "shows_shares": len(profiles) <= MOST_WITH_SHARES,
        "balance": balance,
        "flows": flows[:MOST_FLOWS],
        "flows_not_shown": len(flows) > MOST_FLOWS,
        "flows_chart": balance and flows_chart(balance, flows, colours, shop),
        "most_changed": max(
            balance, key=lambda row: (abs(row["change_count"]), -row["segment_id"]), default=None
        ),
        "margin_chart": balance and margin_chart(balance, flows, colours, shop),
        "chosen": next((row for row in tables["segment_k_scores"] if row["is_chosen"]), None),
        "rules": next((row for row in tables["segment_k_scores"] if row["k"] is None), None),
        "rules_chart": _usefulness_chart(tables["segment_k_scores"], shop),
        "overlap": {
            (row["segment_id"], row["rule_segment"]): row for row in tables["segment_rule_overlap"]
        },
    }


def _colours(profiles: Sequence[Row], segments: Sequence[Row]) -> dict[int, str]:
    """Return the colour of each segment by its id; those of nobody come last."""
    ids = [row["segment_id"] for row in (*profiles, *segments)]
    return {key: series_colour(index) for index, key in enumerate(dict.fromkeys(ids))}


def _by(rows: Sequence[Row], column: str) -> dict[Any, list[Row]]:
    found = defaultdict(list)
    for row in rows:
        found[row[column]].append(row)
    return dict(found)


def _habits(metrics: Sequence[Row]) -> list[tuple[str, dict[int, Row]]]:
    """Return the metrics that are known, each with its row of each segment."""
    by_metric = _by(metrics, "metric")
    order = [*(name for name in HABITS if name in by_metric), *sorted(set(by_metric) - set(HABITS))]
    return [(name, {row["segment_id"]: row for row in by_metric[name]}) for name in order]


def _habit(shop: Shop, row: Row, column: str) -> Markup:
    """Return a habit with its unit, in the digits that one reads."""
    size = abs(row[column])
    match row["unit"]:
        case "currency":
            return shop.money(row, column, 2 if size < 100 else 0)
        case "share":
            return shop.percent(row, column, 1 if size < 0.1 else 0)
        case "days":
            return shop.count(row, column)
        case "km":
            return shop.count(row, column, 1) + Markup("&nbsp;km")
    return shop.count(row, column, 0 if size >= 100 else 1 if size >= 10 else 2)


def _share_digits(share: Any) -> int:
    """Return the decimals of a percentage that a share needs to be more than nothing."""
    if not share or abs(share) >= 0.01:
        return 0
    return 1 if abs(share) >= 0.001 else 2


def _heaviest(axes: Sequence[Row], component: int) -> str:
    return next(row["feature"] for row in axes if row["component"] == component)


def _dimensions(rows: Sequence[Row]) -> list[tuple[str, str, list[tuple[Row, dict[int, Row]]]]]:
    """Return each dimension with its words and its commonest values, of each segment.

    The first row of a value stands for all customers, whose share is the same in all of them.
    Bands of prices stand in their order.
    """
    found = []
    by_dimension = _by(rows, "dimension")
    for dimension, words in DIMENSIONS.items():
        values = _by(by_dimension.get(dimension, ()), "dimension_value")
        names = list(values)[:MOST_VALUES]
        if dimension == "price_band":
            names.sort(key=_first_number)
        cells = [
            (values[name][0], {row["segment_id"]: row for row in values[name]}) for name in names
        ]
        if cells:
            found.append((dimension, words, cells))
    return found


def _first_number(band: str) -> float:
    number = re.search(r"\d+(\.\d+)?", band)
    return float(number[0]) if number else 0.0


def _sizes_chart(profiles: Sequence[Row], shop: Shop) -> Markup:
    """Return the share of customers, of revenue and of margin that each segment has."""
    parts = (
        ("customer_share", "Customers", OTHER),
        ("net_revenue_share", "Revenue", "var(--series-6)"),
        ("cm2_share", "Margin (cm2)", ACCENT),
    )
    bars, names = [], []
    height = 0
    for profile in profiles:
        names.append({"y": height + 8, "label": profile["segment_name"]})
        height += 18
        for column, title, _ in parts:
            if profile[column] is None:
                continue
            shown = shop.numbers.percent(profile[column], _share_digits(profile[column]))
            bars.append(
                {
                    "y": height + 1,
                    "y2": height + 13,
                    "middle": height + 7,
                    "share": float(profile[column]),
                    "shown": shown,
                    "part": title,
                    "tip": f"{profile['segment_name']}: {shown} of {title.lower()}",
                }
            )
            height += 15
        height += 10
    top = max([bar["share"] for bar in bars], default=1) or 1
    low = min([0.0, *(bar["share"] for bar in bars)])

    def chart(width: int) -> alt.LayerChart:
        x = alt.X(
            "share:Q",
            scale=alt.Scale(domain=[low * 1.25, top * (1.22 if width < 500 else 1.1)], nice=False),
            axis=None,
        )
        scale = alt.Scale(domain=[height, 0], nice=False, zero=False)
        middle = alt.Y("middle:Q", scale=scale, axis=None)
        drawn = alt.Chart(alt.Data(values=bars))
        colour = alt.Color(
            "part:N",
            title=None,
            scale=alt.Scale(
                domain=[title for _, title, _ in parts], range=[colour for *_, colour in parts]
            ),
            sort=None,
        )
        name_texts = alt.Chart(alt.Data(values=names)).mark_text(
            align="left", baseline="middle", fontWeight=600, aria=False, limit=width - 10
        )
        return alt.layer(
            drawn.mark_rect().encode(
                x=x,
                x2=alt.X2Datum(0),
                y=alt.Y("y:Q", scale=scale, axis=None),
                y2="y2:Q",
                fill=colour,
                description="tip:N",
            ),
            drawn.mark_text(align="left", baseline="middle", dx=5, color=TEXT, aria=False).encode(
                x=x, y=middle, text="shown:N"
            ),
            name_texts.encode(
                x=alt.value(0), y=alt.Y("y:Q", scale=scale, axis=None), text="label:N"
            ),
        ).properties(width=width, height=max(height, 60))

    said = "; ".join(
        f"{row['segment_name']} {shop.numbers.percent(row['customer_share'])} of customers"
        + (
            f" and {shop.numbers.percent(row['cm2_share'])} of margin"
            if row["cm2_share"] is not None
            else ""
        )
        for row in profiles
    )
    return shop.chart(chart, "segment-sizes", "Share of customers, revenue and margin", said)


def _usefulness_chart(scores: Sequence[Row], shop: Shop) -> Markup | None:
    """Return how much of the next quarter's margin clusters and rules explain, with intervals."""
    known = [row for row in scores if row["usefulness"] is not None]
    if len(known) < 2:
        return None
    values = []
    for row in known:
        error = Z_95 * (row["usefulness_error"] or 0)
        values.append(
            {
                "name": "Rules" if row["k"] is None else f"Clusters ({row['candidate']})",
                "value": row["usefulness"],
                "lower": row["usefulness"] - error,
                "upper": row["usefulness"] + error,
                "colour": ACCENT if row["is_chosen"] else OTHER,
                "tip": f"{shop.numbers.percent(row['usefulness'], 1)}, "
                f"{shop.numbers.percent(row['usefulness'] - error, 1)} to "
                f"{shop.numbers.percent(row['usefulness'] + error, 1)}",
            }
        )

    def chart(width: int) -> alt.LayerChart:
        y = alt.Y(
            "name:N", title=None, sort=None, axis=alt.Axis(ticks=False, domain=False, minExtent=112)
        )
        x = alt.X("value:Q", title=None, axis=alt.Axis(format="~%", tickCount=5))
        base = alt.Chart(alt.Data(values=values))
        return alt.layer(
            base.mark_bar(height=16, opacity=0.75).encode(
                x=x, y=y, fill=alt.Color("colour:N", scale=None), description="tip:N"
            ),
            base.mark_rule(color=TEXT, strokeWidth=1.5, aria=False).encode(
                x="lower:Q", x2="upper:Q", y=y
            ),
        ).properties(width=width, height=40 * len(values))

    said = "; ".join(f"{value['name']} {value['tip']}" for value in values)
    return shop.chart(
        chart, "rules-and-clusters", "Explained share of the next quarter's margin", said
    )
