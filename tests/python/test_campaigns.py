"""Campaigns end in one state for each customer, and an arm that was drawn never moves."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaign_chain import Chain, compile_chain
from warehouse import Builder

SETTINGS = {
    "global_holdout_share": 0.2,
    "contact_gap_days": 3,
    "contact_limit": 2,
    "contact_limit_days": 30,
}
TODAY = date(2026, 6, 29)
ARMS = ("sent", "holdout_global", "holdout_campaign")
ONE_RULE = {"rule_group": 1, "column_name": "lifecycle_stage", "operator": "is", "value": "new"}


@pytest.fixture(scope="module")
def compiled(builder: Builder) -> dict[str, str]:
    """The SQL of the campaign models."""
    return compile_chain(builder, SETTINGS)


@pytest.fixture
def chain(compiled: dict[str, str]) -> Chain:
    """Empty tables for them."""
    return Chain(compiled)


def customer(number: int, **values: object) -> dict[str, object]:
    """Return a candidate."""
    return {
        "customer_key": number,
        "source": "market",
        "customer_id": f"c{number}",
        "lifecycle_stage": "new",
        "usual_order_cm2": Decimal(10),
        **values,
    }


def campaign(name: str, **values: object) -> dict[str, object]:
    """Return a campaign that always runs, without holdout or cap."""
    return {
        "campaign_id": name,
        "campaign_version": 1,
        "campaign_name": name.title(),
        "channel": "push",
        "offer": "An offer",
        "priority": 1,
        "holdout_share": Decimal(0),
        "measurement_days": 10,
        "cost_per_contact": Decimal("0.1"),
        "assumed_uplift": Decimal("0.05"),
        **values,
    }


def rule(name: str, **values: object) -> dict[str, object]:
    """Return a rule of a campaign: new customers, if nothing else is said."""
    return {"campaign_id": name, "campaign_version": 1, **ONE_RULE, **values}


def bucket(salt: str, customer_id: str) -> int:
    """Return the bucket by Python's own md5."""
    return int(hashlib.md5(f"{salt}:{customer_id}".encode()).hexdigest()[:8], 16) % 10_000


def states(chain: Chain) -> dict[tuple[str, str], str]:
    """Return the state of each campaign and customer."""
    query = "select campaign_id, customer_id, state from marts.campaign_ledger"
    return {(name, person): state for name, person, state in chain.rows(query)}


def is_globally_held_out(person: str, day: date = TODAY) -> bool:
    """Say whether a customer is in the global holdout, by Python."""
    quarter = f"{day.year}Q{(day.month + 2) // 3}"
    return bucket(f"global:market:{quarter}", person) < 10_000 * SETTINGS["global_holdout_share"]


def people(count: int, *, start: int = 1) -> list[dict[str, object]]:
    """Return candidates who are in no global holdout of either quarter."""
    found = []
    number = start
    while len(found) < count:
        if not any(is_globally_held_out(f"c{number}", day) for day in (TODAY, date(2026, 7, 9))):
            found.append(customer(number))
        number += 1
    return found


# Rules


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        ({"column_name": "customer_id"}, "column_name must be one of"),
        ({"column_name": "1 = 1) or (1"}, "column_name must be one of"),
        ({"operator": "="}, "the operator of a text must be one of is, is_not"),
        ({"operator": "at_least"}, "the operator of a text must be one of is, is_not"),
        ({"column_name": "recency_days", "value": "soon"}, "the value must be a number"),
        ({"column_name": "recency_days", "operator": "in", "value": "1|x"}, "must be a number"),
        ({"column_name": "recency_days", "value": "nan"}, "the value must be a number"),
        ({"column_name": "is_overdue", "value": "yes"}, "the value must be true or false"),
        ({"column_name": "last_order_date", "value": "2026-02-30"}, "the value must be a date"),
        ({"column_name": "last_order_date", "value": "30.06.2026"}, "the value must be a date"),
        ({"value": None}, "is needs a value"),
        ({"operator": "in", "value": "new|"}, "a value beside | is missing"),
        ({"operator": "is_known"}, "is_known takes no value"),
        ({"rule_group": None}, "rule_group must be a whole number"),
        ({"campaign_version": 2}, "seeds/campaigns.csv has no such campaign and version"),
    ],
)
def test_a_rule_that_cannot_be_meant_stops_the_build(
    chain: Chain, broken: dict[str, object], complaint: str
) -> None:
    """One line names the file, the campaign, the rule and what is wrong."""
    chain.fill("seeds.campaigns", [campaign("hello")])
    chain.fill("seeds.campaign_rules", [rule("hello"), rule("hello", **broken)])
    with pytest.raises(duckdb.Error) as refused:
        chain.build(TODAY)
    (line,) = (line for line in str(refused.value).splitlines() if line)
    assert "seeds/campaign_rules.csv: campaign hello, version" in line
    assert complaint in line


def test_a_version_without_rules_stops_the_build(chain: Chain) -> None:
    chain.fill("seeds.campaigns", [campaign("hello"), campaign("silent", campaign_version=3)])
    chain.fill("seeds.campaign_rules", [rule("hello")])
    with pytest.raises(duckdb.Error, match="campaign silent, version 3.*has no rule"):
        chain.build(TODAY)


def test_nothing_to_do_builds_empty(chain: Chain) -> None:
    """Without campaigns, without customers and without a running campaign all tables are there."""
    chain.build(TODAY)
    assert chain.table("marts.campaign_status") == []
    chain.fill("seeds.campaigns", [campaign("over", ends_on=TODAY - timedelta(1))])
    chain.fill("seeds.campaign_rules", [rule("over")])
    chain.build(TODAY)
    chain.fill("campaigns.campaign_candidates", [customer(1)])
    chain.build(TODAY)
    assert chain.table("marts.campaign_ledger") == []
    assert chain.rows("select source, campaign_state, status_reason from marts.campaign_status") == [
        ("market", "ended", "It ended on 2026-06-28."),
        ("olist", "not_started", "The source has no orders yet."),
    ]
