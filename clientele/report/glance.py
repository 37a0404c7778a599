"""What one looks at first: the shop in a row of numbers, and five questions with their answers."""

from __future__ import annotations

from typing import Any

from clientele.report.campaigns import DECISION_WORDS
from clientele.report.reading import Query, Row, Tables
from clientele.report.rule_words import RFM_NAMES, rules_in_words
from clientele.report.shop import Shop

NAME = "glance"
TITLE = "At a glance"
LISTS_NAMED = 4
QUERIES = (
    Query(
        "segments.segment_profiles",
        """
        select
            source, segment_id, segment_name, customer_count, customer_share, cm2_share,
            net_revenue_share
        from segments.segment_profiles
        order by cm2_share desc nulls last, customer_count desc, segment_id
        """,
        grain=("segment_id",),
    ),
    Query(
        "marts.revenue_contribution",
        """
        select source, contribution_by, group_id, customer_count, net_revenue_share
        from marts.revenue_contribution
        where contribution_by = 'decile' and group_rank = 1
        order by source
        """,
        grain=("contribution_by", "group_id"),
    ),
    Query(
        "marts.new_customer_playbook",
        """
        select
            source, customer_key, probability, reason_1, next_step, expected_value_of_acting,
            quality_status
        from marts.new_customer_playbook
        where expected_value_of_acting > 0
        qualify row_number() over (
            partition by source order by expected_value_of_acting desc, customer_key
        ) = 1
        """,
        grain=("customer_key",),
    ),
    Query(
        "marts.new_customer_overview",
        """
        select source, worth_contacting_count, expected_value
        from marts.new_customer_overview
        order by source
        """,
    ),
    Query(
        "marts.campaign_status",
        """
        select
            source, campaign_id, campaign_version, campaign_name, channel, offer, campaign_state,
            sent_today_count
        from marts.campaign_status
        where sent_today_count > 0
        order by sent_today_count desc, campaign_id, campaign_version
        """,
        grain=("campaign_id", "campaign_version"),
    ),
    Query(
        "marts.campaign_list_reasons",
        """
        select source, campaign_id, campaign_version, rule_group, list_reason, who_they_are
        from marts.campaign_list_reasons
        order by source, campaign_id, rule_group
        """,
        grain=("campaign_id", "rule_group"),
    ),
    RFM_NAMES,
    Query(
        "marts.campaign_results",
        """
        select
            source, campaign_id, campaign_version, metric, campaign_name, result_state, decision,
            decision_reason, lift, lower_lift, upper_lift, first_ripe_date, last_assigned_date
        from marts.campaign_results
        where metric = 'conversion'
        order by
            decision is null asc, last_assigned_date desc, campaign_id asc, campaign_version desc
        """,
        grain=("campaign_id", "campaign_version", "metric"),
    ),
    Query(
        "segments.segment_maintenance",
        """
        select
            source, maintenance_state, evidence, next_refit_date, next_assignment_date,
            refit_interval_days
        from segments.segment_maintenance
        order by source
        """,
    ),
    Query(
        "customer.customer_quality_status",
        """
        select source, model_version, quality_status, reason
        from customer.customer_quality_status
        where is_in_force
        order by source
        """,
        grain=("model_version",),
    ),
)
# What is to be done, by the state that the maintenance contract is in.
STATES = {
    "keep": "Nothing is to be done before then; a build on that day renews them.",
    "watch": "Nothing is broken yet, but something moves: look again at the next build.",
    "refit": "They are due: the next build on or after that day fits them anew.",
    "redesign": "Fitting them anew would not last: other features or fewer segments are needed.",
}

TILE_STATES = {
    "keep": "nothing to do until then",
    "watch": "something moves: look again",
    "refit": "they are due",
    "redesign": "other features are needed",
}


def prepare(tables: Tables, shop: Shop) -> dict[str, Any]:
    """Return the rows that answer the questions, null where there is no answer yet."""
    results = tables["campaign_results"]
    told = [row for row in results if row["decision"] is not None]
    rfm_names = {row["rule_segment"]: row["segment_name"] for row in tables["rfm_names"]}
    reasons: dict[tuple[str, int], list[str]] = {}
    for row in tables["campaign_list_reasons"]:
        why = rules_in_words(row["list_reason"], rfm_names, shop.numbers) or row["list_reason"]
        reasons.setdefault((row["campaign_id"], row["campaign_version"]), []).append(
            (row["who_they_are"] or why).rstrip(".")
        )
    waiting = [row for row in results if row["decision"] is None and row["first_ripe_date"]]
    return {
        "best_segment": _first(
            [row for row in tables["segment_profiles"] if row["cm2_share"] is not None]
        ),
        "best_tenth": _first(tables["revenue_contribution"]),
        "newcomers": _first(tables["new_customer_overview"]),
        "best_new": _first(tables["new_customer_playbook"]),
        "quality": _first(tables["customer_quality_status"]),
        "lists": tables["campaign_status"][:LISTS_NAMED],
        "reasons": reasons,
        "further_lists": len(tables["campaign_status"]) - LISTS_NAMED,
        "result": _first(told),
        "decision_words": DECISION_WORDS,
        "next_result": min(waiting, key=lambda row: row["first_ripe_date"], default=None),
        "maintenance": _first(tables["segment_maintenance"]),
        "states": STATES,
        "tile_states": TILE_STATES,
    }


def _first(rows: list[Row]) -> Row | None:
    return next(iter(rows), None)
