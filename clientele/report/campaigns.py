"""Campaigns: whom to write to today and why, whether an effect can show, and what they brought."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import altair as alt
from markupsafe import Markup

from clientele.pages.charts import ACCENT, AGAINST, GOOD, MUTED, OTHER, SERIES, SHEET, STOP, TEXT
from clientele.report.named_rows import PHONE, height, name_axis, unique_names
from clientele.report.reading import Query, Row, Tables
from clientele.report.rule_words import RFM_NAMES, rules_in_words
from clientele.report.shop import Shop

NAME = "campaigns"
TITLE = "Campaigns"
MOST_PEOPLE = 200  # on the page, of all lists together
MOST_RESULTS = 20  # campaigns of which results are shown, the latest
KEY = ("campaign_id", "campaign_version")

QUERIES = (
    Query(
        "marts.campaign_status",
        """
        select
            source, campaign_id, campaign_version, campaign_name, channel, offer, campaign_state,
            status_reason, audience_count, sent_count, sent_today_count, sent_earlier_count,
            holdout_global_count, holdout_campaign_count, suppressed_count, capped_count,
            outranked_count, unexplained_count, listed_expected_value
        from marts.campaign_status
        order by source, priority, campaign_id, campaign_version
        """,
        grain=KEY,
    ),
    Query(
        "marts.campaign_list_reasons",
        """
        select
            source, campaign_id, campaign_version, rule_group, list_reason, who_they_are,
            audience_count, listed_count
        from marts.campaign_list_reasons
        order by source, campaign_id, rule_group
        """,
        grain=("campaign_id", "rule_group"),
    ),
    RFM_NAMES,
    Query(
        "marts.campaign_ledger_reasons",
        """
        select
            source, campaign_id, campaign_version, state, state_group, unlisted_reason,
            customer_count
        from marts.campaign_ledger_reasons
        order by source, campaign_id, customer_count desc nulls last, state, unlisted_reason
        """,
        grain=("campaign_id", "state", "unlisted_reason"),
    ),
    Query(
        "marts.campaign_power",
        """
        select
            source, campaign_id, campaign_version, campaign_name, power_state, power_reason,
            measurement_days, expected_conversion, pooled_detectable_uplift, assumed_uplift,
            people_needed, runs_to_pool, sent_count, holdout_count
        from marts.campaign_power
        order by source, campaign_id, campaign_version
        """,
        grain=KEY,
    ),
    Query(
        "marts.campaign_results",
        """
        select
            source, campaign_id, campaign_version, campaign_name, metric, result_state, decision,
            decision_reason, sent_count, holdout_count, unripe_count, sent_mean, holdout_mean,
            lift, lower_lift, upper_lift, effect_amount, lower_effect_amount,
            upper_effect_amount, cost_amount, return_amount, lower_return_amount,
            upper_return_amount, last_assigned_date, first_ripe_date
        from marts.campaign_results
        order by
            source asc, last_assigned_date desc, campaign_id asc, campaign_version desc,
            metric desc
        """,
        grain=(*KEY, "metric"),
    ),
    # The best of each campaign in turn: the campaign of the largest baskets would else fill it.
    Query(
        "marts.campaign_lists",
        f"""
        with placed as (
            select
                source, customer_key, campaign_id, campaign_version, campaign_name, channel, offer,
                reason, segment_name, expected_value, cm2_365d,
                row_number() over (
                    partition by source, campaign_id
                    order by expected_value desc, cm2_365d desc nulls last, customer_key asc
                ) as place
            from marts.campaign_lists
            qualify place <= {MOST_PEOPLE}
        )
        select * from placed
        qualify
            row_number() over (partition by source order by place, campaign_id) <= {MOST_PEOPLE}
        order by source, campaign_id, place
        """,
        grain=("customer_key",),
    ),
)
# The states in which people of an audience end, and what they are called.
STATES = (
    ("sent_today_count", "On today's list", ACCENT),
    ("sent_earlier_count", "On an earlier list", SERIES[5]),
    ("holdout_campaign_count", "Left alone to compare with", SERIES[4]),
    ("holdout_global_count", "Left alone by all campaigns", SERIES[3]),
    ("suppressed_count", "Must not be written to", SERIES[6]),
    ("capped_count", "Over a limit", SERIES[1]),
    ("outranked_count", "Another campaign comes first", OTHER),
)
POWER_WORDS = {
    "enough": "will show",
    "pool": "shows over several runs",
    "too_small": "will not show",
    "unknown": "not known",
}
POWER_COLOURS = {"enough": GOOD, "pool": ACCENT, "too_small": AGAINST, "unknown": OTHER}
DECISION_WORDS = {
    "positive": "it worked",
    "negative": "it did harm",
    "so_far_positive": "better so far",
    "so_far_negative": "worse so far",
    "inconclusive": "not clear",
    "withheld": "withheld",
    None: "running",
}
DECISION_COLOURS = {
    "positive": GOOD, "so_far_positive": GOOD, "negative": STOP, "so_far_negative": STOP,
}  # fmt: skip


def prepare(tables: Tables, shop: Shop) -> dict[str, Any]:
    """Return the charts, and the rows in the order and groups in which they are shown."""
    campaigns = tables["campaign_status"]
    running = [row for row in campaigns if row["campaign_state"] == "running"]
    names = unique_names(campaigns, KEY, "campaign_name")
    order = {place: number for number, place in enumerate(names)}
    power = sorted(tables["campaign_power"], key=lambda row: order.get(_key(row), len(order)))
    results = _results(tables["campaign_results"])
    people = sorted(tables["campaign_lists"], key=lambda row: order.get(_key(row), len(order)))
    ids = {row["campaign_id"]: row["campaign_name"] for row in campaigns}
    rfm_names = {row["rule_segment"]: row["segment_name"] for row in tables["rfm_names"]}
    return {
        "names": names,
        "campaigns": running,
        "others": [row for row in campaigns if row["campaign_state"] != "running"],
        "largest": max(running, key=lambda row: row["sent_today_count"], default=None),
        "list_reasons": _grouped(tables["campaign_list_reasons"]),
        "ledger_reasons": _grouped(tables["campaign_ledger_reasons"]),
        "in_words": lambda reason: (
            rules_in_words(reason, rfm_names, shop.numbers) or named(reason, ids)
        ),
        "states": STATES,
        "present_states": [state for state in STATES if any(row[state[0]] for row in running)],
        "audience_chart": _audience_chart(running, names, shop),
        "power": power,
        "power_words": POWER_WORDS,
        "power_groups": {
            state: [row for row in power if row["power_state"] == state] for state in POWER_WORDS
        },
        "power_chart": _power_chart(power, names, shop),
        "results": results,
        "decision_words": DECISION_WORDS,
        "lift_charts": [
            _lift_chart(results, "conversion", shop),
            _lift_chart(results, "cm2", shop),
        ],
        "people_rows": people,
        "most_people": MOST_PEOPLE,
    }


def named(reason: str, names: Mapping[str, str]) -> str:
    """Return a reason in which campaigns stand by their names, and underscores are blanks.

    An id may be a word of the language, so it is looked for where the ledger writes one.
    """
    ids = "|".join(re.escape(one) for one in sorted(names, key=len, reverse=True))
    if ids:
        reason = re.sub(
            rf"(?:^|(?<=^the measurement of ))({ids})(?= comes first$| has taken | is open$)",
            lambda found: f"\u201c{names[found[1]]}\u201d",
            reason,
        )
    return reason.replace("rfm_segment", "RFM segment").replace("_", " ")


def _key(row: Mapping[str, Any]) -> tuple[str, int]:
    return row["campaign_id"], row["campaign_version"]


def _place(row: Mapping[str, Any]) -> str:
    """Return what stands for a campaign and its version on the axis of a chart."""
    return "/".join(map(str, _key(row)))


def _grouped(rows: list[Row]) -> dict[tuple[str, int], list[Row]]:
    groups: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in rows:
        groups[_key(row)].append(row)
    return dict(groups)


def _results(rows: list[Row]) -> dict[str, Any]:
    """Return the results by what is known of them; of each campaign both metrics go together."""
    campaigns = list(_grouped(rows).values())
    told = [group for group in campaigns if any(row["lift"] is not None for row in group)]
    told.sort(
        key=lambda group: all(row["decision"] not in ("positive", "negative") for row in group)
    )
    running = [group for group in campaigns if all(row["decision"] is None for row in group)]
    silent = [group for group in campaigns if group not in told and group not in running]
    shown = [row for group in told[:MOST_RESULTS] for row in group]
    return {
        "names": unique_names(rows, KEY, "campaign_name"),
        "is_any": bool(rows),
        "told": shown,
        "conversion": [row for row in shown if row["metric"] == "conversion"],
        "cm2": [row for row in shown if row["metric"] == "cm2"],
        "running": sorted((group[0] for group in running), key=_first_ripe),
        "withheld": [group[0] for group in silent[:MOST_RESULTS]],
        "is_capped": max(len(told), len(silent)) > MOST_RESULTS,
        "gains": _clear(shown, "positive"),
        "losses": _clear(shown, "negative"),
    }


def _clear(rows: list[Row], decision: str) -> dict[str, str]:
    """Return what is clearly more, or less, by the name of the campaign."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row["decision"] == decision:
            what = "buyers" if row["metric"] == "conversion" else "margin"
            found[row["campaign_name"]].append(what)
    return {name: " and ".join(whats) for name, whats in found.items()}


def _first_ripe(row: Row) -> tuple[Any, str]:
    return row["first_ripe_date"], row["campaign_id"]


def _audience_chart(campaigns: list[Row], names: Mapping[Any, str], shop: Shop) -> Markup | None:
    reached = [row for row in campaigns if row["audience_count"]]
    if not reached:
        return None
    shown = {_place(row): names[_key(row)] for row in reached}
    values = [
        {
            "campaign": _place(row),
            "colour": colour,
            "place": place,
            "people": row[column],
            "tip": f"{names[_key(row)]}: {words.lower()}, {shop.numbers.number(row[column])} of "
            f"{shop.numbers.number(row['audience_count'])}",
        }
        for row in reached
        for place, (column, words, colour) in enumerate(STATES)
        if row[column]
    ]

    def chart(width: int) -> alt.Chart:
        return (
            alt.Chart(alt.Data(values=values), width=width, height=height(shown, width))
            .mark_bar(height={"band": 0.62})
            .encode(
                x=alt.X(
                    "people:Q",
                    stack="normalize",
                    title=None,
                    axis=alt.Axis(format="%", tickCount=4),
                ),
                y=name_axis(shown, "campaign", width),
                color=alt.Color("colour:N", scale=None),
                order="place:Q",
                description="tip:N",
            )
        )

    first = reached[0]
    return shop.chart(
        chart,
        "audiences",
        "What became of each audience",
        "A bar for each campaign, divided into the states in which its people ended. Of "
        f"{names[_key(first)]}, {shop.numbers.number(first['sent_today_count'])} of "
        f"{shop.numbers.number(first['audience_count'])} are on today's list",
        wide=1000,
    )


def _power_chart(power: list[Row], names: Mapping[Any, str], shop: Shop) -> Markup | None:
    drawn = [row for row in power if row["pooled_detectable_uplift"] is not None]
    if not drawn:
        return None
    shown = {_place(row): names.get(_key(row), row["campaign_name"]) for row in drawn}
    values = [
        {
            "campaign": _place(row),
            "uplift": row[column],
            "shape": shape,
            "colour": colour or POWER_COLOURS[row["power_state"]],
            "tip": f"{names.get(_key(row), row['campaign_name'])}: {what}, "
            f"{shop.numbers.percent(row[column], 1)}",
        }
        for row in drawn
        for column, what, shape, colour in (
            ("pooled_detectable_uplift", "least that would show", "circle", None),
            ("assumed_uplift", "assumed", "triangle-right", TEXT),
        )
    ]
    lines = [
        {
            "campaign": _place(row),
            "from": row["assumed_uplift"],
            "to": row["pooled_detectable_uplift"],
        }
        for row in drawn
    ]

    def chart(width: int) -> alt.LayerChart:
        y = name_axis(shown, "campaign", width)
        return alt.layer(
            alt.Chart(alt.Data(values=lines))
            .mark_rule(color=MUTED, strokeDash=[2, 3])
            .encode(x=alt.X("from:Q"), x2="to:Q", y=y),
            alt.Chart(alt.Data(values=values))
            .mark_point(size=90, filled=True, opacity=1)
            .encode(
                x=alt.X(
                    "uplift:Q",
                    title="more buyers, in points",
                    axis=alt.Axis(format="%", tickCount=4 if width < PHONE else 8),
                    scale=alt.Scale(zero=True),
                ),
                y=y,
                shape=alt.Shape("shape:N", scale=None),
                color=alt.Color("colour:N", scale=None),
                description="tip:N",
            ),
        ).properties(width=width, height=height(shown, width))

    return shop.chart(
        chart,
        "power",
        "The rise that is assumed and the least that would show",
        "For each campaign the assumed rise of the share of buyers, and the least rise that people "
        "so far would show. An effect can show where the dot is left of the triangle",
        wide=1000,
    )


def _lift_chart(results: Mapping[str, Any], metric: str, shop: Shop) -> dict[str, Any] | None:
    rows = [row for row in results[metric] if row["lift"] is not None]
    if not rows:
        return None
    is_money = metric == "cm2"

    def amount(value: float) -> str:
        text = shop.numbers.money(value, 2) if is_money else shop.numbers.percent(value, 1)
        return text if value < 0 else f"+{text}"

    shown = {_place(row): results["names"][_key(row)] for row in rows}
    values = [
        {
            "campaign": _place(row),
            "lift": row["lift"],
            "lower": row["lower_lift"],
            "upper": row["upper_lift"],
            "colour": DECISION_COLOURS.get(row["decision"], MUTED),
            "fill": SHEET
            if row["result_state"] == "ripe_in_part"
            else DECISION_COLOURS.get(row["decision"], MUTED),
            "tip": f"{results['names'][_key(row)]}: {DECISION_WORDS[row['decision']]}, "
            f"{amount(row['lift'])} (from {amount(row['lower_lift'])} to "
            f"{amount(row['upper_lift'])})",
        }
        for row in rows
    ]
    title = "Margin (cm2) a person" if is_money else "Share who bought"

    def chart(width: int) -> alt.LayerChart:
        base = alt.Chart(alt.Data(values=values))
        y = name_axis(shown, "campaign", width)
        colour = alt.Color("colour:N", scale=None)
        x = alt.X(
            "lower:Q",
            title="against those left alone" + ("" if is_money else ", in points"),
            axis=alt.Axis(format="$,.2~f" if is_money else "+.1~%", tickCount=5),
            scale=alt.Scale(zero=True, nice=True, padding=6),
        )
        return alt.layer(
            alt.Chart(alt.Data(values=[{"zero": 0}]))
            .mark_rule(color=MUTED, strokeDash=[5, 4])
            .encode(x="zero:Q"),
            base.mark_rule(strokeWidth=2).encode(
                x=x, x2="upper:Q", y=y, color=colour, description="tip:N"
            ),
            base.mark_point(size=80, strokeWidth=2, opacity=1).encode(
                x="lift:Q",
                y=y,
                stroke=alt.Stroke("colour:N", scale=None),
                fill=alt.Fill("fill:N", scale=None),
                description="tip:N",
            ),
        ).properties(width=width, height=height(shown, width))

    clear = [row for row in rows if row["decision"] in DECISION_COLOURS]
    told = "; ".join(
        f"{results['names'][_key(row)]}: {DECISION_WORDS[row['decision']]}, {amount(row['lift'])}"
        for row in clear
    )
    return {
        "title": title,
        "drawing": shop.chart(
            chart,
            f"lift-{metric}",
            title,
            "The difference of those who were sent the campaign and those who were left alone, "
            f"with its 95 % interval. {told or 'No difference is clear'}",
        ),
    }
