"""Compare the arms of every campaign whose outcomes are ripe, and decide among all of them.

One campaign is in memory at a time, as four narrow columns. Parameters stand in campaign_lift.yml.
"""

import pandas as pd

import lift

# What makes a table of people of campaign_outcomes, for lift.compare.
PEOPLE = (
    "arm = 'sent' as arm, is_converted as converted, cast(cm2 as double) as money, "
    "cast(pre_cm2 as double) as pre_money"
)
TEXTS = ("source", "campaign_id", "metric", "method", "decision", "decision_reason")
COUNTS = ("campaign_version", "sent_buyer_count", "holdout_buyer_count")
NUMBERS = (
    "sent_mean", "holdout_mean", "lift", "relative_lift", "lower_lift", "upper_lift", "p_value",
    "adjusted_p_value", "variance_reduction", "detectable_lift", "srm_p_value",
)  # fmt: skip


def text(value):
    """Return a text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"


def rows_of(campaigns, limits):
    """Return one row per campaign and metric, decided among all campaigns of the source.

    campaigns: per campaign its source, id, version and comparisons, one per metric.
    """
    rows = []
    families = sorted({(source, one.metric) for source, *_, found in campaigns for one in found})
    for family in families:
        members = [
            (about, one)
            for *about, found in campaigns
            for one in found
            if (about[0], one.metric) == family
        ]
        decisions = lift.decide([one for _, one in members], limits)
        for ((source, campaign, version), one), decided in zip(members, decisions, strict=True):
            rows.append(
                {
                    "source": source,
                    "campaign_id": campaign,
                    "campaign_version": version,
                    "metric": one.metric,
                    "method": one.method,
                    "decision": decided.decision,
                    "decision_reason": decided.reason,
                    "sent_buyer_count": one.sent_buyers,
                    "holdout_buyer_count": one.holdout_buyers,
                    "sent_mean": one.sent_mean,
                    "holdout_mean": one.holdout_mean,
                    "lift": one.lift,
                    "relative_lift": one.relative_lift,
                    "lower_lift": one.lower,
                    "upper_lift": one.upper,
                    "p_value": one.p_value,
                    "adjusted_p_value": decided.adjusted_p_value,
                    "variance_reduction": one.variance_reduction,
                    "detectable_lift": one.detectable,
                    "srm_p_value": one.srm_p_value,
                }
            )
    return rows


def typed(rows):
    """Return the rows as a frame whose types do not depend on there being any."""
    frame = pd.DataFrame(rows, columns=[*TEXTS, *COUNTS, *NUMBERS])
    types = dict.fromkeys(TEXTS, "string") | dict.fromkeys(COUNTS, "Int64")
    return frame.astype(types | dict.fromkeys(NUMBERS, "Float64"))


def model(dbt, session):
    """Compare the campaigns of each source that have ripe people."""
    # dbt finds parameters and references by reading these lines: each is an assignment of its own.
    smallest_group = dbt.config.meta_get("smallest_group")
    min_holdout_buyers = dbt.config.meta_get("min_holdout_buyers")
    winsor_share = dbt.config.meta_get("winsor_share")

    outcomes = dbt.ref("campaign_outcomes")
    progress = dbt.ref("campaign_progress")

    limits = lift.Limits(int(smallest_group), min_holdout_buyers, winsor_share)
    ripe = progress.filter("ripe_run_count > 0").project(
        "source, campaign_id, campaign_version, planned_holdout, "
        "least_holdout_share, greatest_holdout_share"
    )
    campaigns = []
    for source, campaign, version, planned, *shares in sorted(ripe.fetchall()):
        people = outcomes.filter(
            f"source = {text(source)} and campaign_id = {text(campaign)} "
            f"and campaign_version = {version} and is_ripe"
        ).project(PEOPLE)
        found = lift.compare(
            people.df(), float(planned), limits, (True, False), [float(share) for share in shares]
        )
        campaigns.append((source, campaign, version, found))
    return typed(rows_of(campaigns, limits))
