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
        ({"operator": "is, is_not"}, "the operator of a text must be one of is, is_not"),
        ({"column_name": "recency_days", "value": "soon"}, "the value must be a number"),
        ({"column_name": "recency_days", "operator": "in", "value": "1|x"}, "must be a number"),
        ({"column_name": "recency_days", "value": "nan"}, "the value must be a number"),
        ({"column_name": "is_overdue", "value": "yes"}, "the value must be true or false"),
        ({"column_name": "last_order_date", "value": "2026-02-30"}, "the value must be a date"),
        ({"column_name": "last_order_date", "value": "30.06.2026"}, "the value must be a date"),
        ({"column_name": "last_order_date", "value": "10000-01-01"}, "the value must be a date"),
        ({"column_name": "last_order_date", "value": "infinity"}, "the value must be a date"),
        ({"value": None}, "is needs a value"),
        ({"operator": "in", "value": "new|"}, "a value beside | is missing"),
        ({"operator": "is_known"}, "is_known takes no value"),
        ({"rule_group": None}, "rule_group must be a whole number"),
        ({"rule_group": "1.4"}, "rule_group must be a whole number"),
        ({"campaign_version": "1.4"}, "seeds/campaigns.csv has no such campaign and version"),
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


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        ({"campaign_id": "../hello"}, "campaign_id must be letters a to z"),
        ({"campaign_version": "1.0"}, "campaign_version must be a whole number from 1, not 1.0"),
        ({"channel": " "}, "channel must be given"),
        ({"priority": None}, "priority must be a whole number"),
        ({"starts_on": "06/01/2026"}, "starts_on must be a date like 2026-06-30"),
        ({"ends_on": "2026-02-30"}, "ends_on must be a date like 2026-06-30"),
        ({"starts_on": "2026-06-30", "ends_on": "2026-06-29"}, "it ends before it starts"),
        ({"daily_cap": 0}, "daily_cap must be a whole number from 1, or empty"),
        ({"holdout_share": "10"}, "holdout_share must be a share from 0 to 1"),
        ({"holdout_share": "0,1"}, "holdout_share must be a share from 0 to 1 like 0.1, not 0,1"),
        ({"measurement_days": None}, "measurement_days must be a whole number of days"),
        ({"measurement_days": 366}, "measurement_days must be at most 365"),
        ({"cost_per_contact": "-1"}, "cost_per_contact must be an amount like 0.05, not -1"),
        ({"assumed_uplift": "1e-2"}, "assumed_uplift must be a share from 0 to 1"),
        ({"offer": "Another offer"}, "this version stands there more than once"),
    ],
)
def test_a_campaign_that_cannot_be_meant_stops_the_build(
    chain: Chain, broken: dict[str, object], complaint: str
) -> None:
    """One line names the file, the campaign, its version and what is wrong."""
    chain.fill("seeds.campaigns", [campaign("hello"), {**campaign("hello"), **broken}])
    chain.fill("seeds.campaign_rules", [rule("hello")])
    with pytest.raises(duckdb.Error) as refused:
        chain.build(TODAY)
    (line,) = (line for line in str(refused.value).splitlines() if line)
    assert f"seeds/campaigns.csv: campaign {broken.get('campaign_id', 'hello')}, version 1" in line
    assert complaint in line


def test_a_version_without_rules_stops_the_build(chain: Chain) -> None:
    chain.fill("seeds.campaigns", [campaign("hello"), campaign("silent", campaign_version=3)])
    chain.fill("seeds.campaign_rules", [rule("hello")])
    with pytest.raises(duckdb.Error, match=r"campaign silent, version 3.*has no rule"):
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
    query = "select source, campaign_state, status_reason from marts.campaign_status order by 1"
    assert chain.rows(query) == [
        ("market", "ended", "It ended on 2026-06-28."),
        ("olist", "not_started", "The source has no orders yet."),
    ]


# Steps


def test_buckets_are_those_of_python(chain: Chain) -> None:
    """Both draws are the first 32 bits of an md5, of salts that anybody can write down."""
    chain.fill("seeds.campaigns", [campaign("hello", campaign_version=2)])
    chain.fill("seeds.campaign_rules", [rule("hello", campaign_version=2)])
    chain.fill("campaigns.campaign_candidates", [customer(n) for n in range(300)])
    chain.build(TODAY)
    query = "select customer_id, bucket, global_bucket from campaigns.campaign_assignments"
    drawn = chain.rows(query)
    assert len(drawn) == 300
    assert drawn == [
        (person, bucket("hello:v2:market", person), bucket("global:market:2026Q2", person))
        for person, *_ in drawn
    ]
    held = {person for (_, person), state in states(chain).items() if state == "holdout_global"}
    assert held == {f"c{n}" for n in range(300) if is_globally_held_out(f"c{n}")}
    assert 30 < len(held) < 90


def test_the_better_campaign_wins_and_the_other_says_so(chain: Chain) -> None:
    """Of equal priority the one that is expected to bring more comes first."""
    chain.fill(
        "seeds.campaigns",
        [
            campaign("cheap", assumed_uplift=Decimal("0.01")),
            campaign("dear", assumed_uplift=Decimal("0.09")),
            campaign("last", priority=2, assumed_uplift=Decimal("0.5")),
        ],
    )
    chain.fill("seeds.campaign_rules", [rule(name) for name in ("cheap", "dear", "last")])
    (person,) = people(1)
    chain.fill("campaigns.campaign_candidates", [person])
    chain.build(TODAY)
    name = person["customer_id"]
    assert states(chain) == {
        ("cheap", name): "outranked:dear",
        ("dear", name): "sent",
        ("last", name): "outranked:dear",
    }
    assert chain.rows("select reason, expected_value from marts.campaign_lists") == [
        ("lifecycle_stage is new", Decimal("0.8000"))
    ]


def test_a_campaign_added_during_the_day_comes_after_what_was_drawn(chain: Chain) -> None:
    """It does not come first, though it would tomorrow, and the reason does not claim it does."""
    chain.fill("seeds.campaigns", [campaign("early", priority=5)])
    chain.fill("seeds.campaign_rules", [rule("early")])
    chain.fill("campaigns.campaign_candidates", people(1))
    chain.build(TODAY)
    chain.fill("seeds.campaigns", [campaign("early", priority=5), campaign("better", priority=1)])
    chain.fill("seeds.campaign_rules", [rule("early"), rule("better")])
    chain.build(TODAY)
    query = "select campaign_id, state, state_reason from marts.campaign_ledger order by 1"
    assert chain.rows(query) == [
        ("better", "outranked:early", "early has taken them earlier today"),
        ("early", "sent", "is on the list of 2026-06-29"),
    ]


def test_suppressed_before_priority_and_by_channel(chain: Chain) -> None:
    """Who may not be mailed is won by the campaign that uses another channel."""
    chain.fill("seeds.campaigns", [campaign("mail", channel="email"), campaign("app", priority=2)])
    chain.fill("seeds.campaign_rules", [rule("mail"), rule("app")])
    (person,) = people(1)
    chain.fill("campaigns.campaign_candidates", [person])
    suppression = {"customer_key": person["customer_key"], "source": "market", "channel": "email"}
    suppression |= {"suppression": "unsubscribed", "is_hard": True}
    chain.fill("campaigns.customer_suppressions", [suppression])
    chain.build(TODAY)
    query = "select campaign_id, state, state_reason from marts.campaign_ledger order by 1"
    found = chain.rows(query)
    assert found == [
        ("app", "sent", "is on the list of 2026-06-29"),
        ("mail", "suppressed:unsubscribed", "has unsubscribed from email"),
    ]


def test_caps_say_which_of_them_and_until_when(chain: Chain) -> None:
    """A contact, too many contacts, an open measurement and a full day each stop a campaign."""
    recent, often, measured, free, late = people(5)
    chain.fill("seeds.campaigns", [campaign("hello", daily_cap=1)])
    chain.fill("seeds.campaign_rules", [rule("hello")])
    late["usual_order_cm2"] = Decimal(9)
    chain.fill("campaigns.campaign_candidates", [recent, often, measured, free, late])

    def before(who: dict[str, object], name: str, days: int, arm: str, window: int) -> dict:
        assigned = TODAY - timedelta(days)
        return {
            "source": "market", "campaign_id": name, "campaign_version": 1, "arm": arm,
            "customer_key": who["customer_key"], "customer_id": who["customer_id"],
            "assigned_date": assigned, "measurement_days": window,
            "measurement_ends_on": assigned + timedelta(window),
        }  # fmt: skip

    chain.fill(
        "campaigns.campaign_assignments",
        [
            before(recent, "a", 2, "sent", 1),
            before(often, "a", 3, "sent", 2), before(often, "b", 29, "sent", 2),
            before(measured, "c", 10, "holdout_campaign", 10),
            before(free, "a", 3, "sent", 2), before(free, "b", 30, "sent", 29),
        ],
    )  # fmt: skip
    chain.build(TODAY)
    found = dict(chain.rows("select customer_id, state_reason from marts.campaign_ledger"))
    assert found == {
        recent["customer_id"]: "contacted on 2026-06-27",
        often["customer_id"]: "contacted 2 times in 30 days",
        measured["customer_id"]: "the measurement of c is open until 2026-06-29",
        free["customer_id"]: "is on the list of 2026-06-29",
        late["customer_id"]: "the campaign takes at most 1 people a day",
    }


def test_a_later_version_takes_over_and_asks_anew(chain: Chain) -> None:
    """The later of two running versions counts; the earlier one's arms stay where they are."""
    chain.fill("campaigns.campaign_candidates", people(3))
    chain.fill("seeds.campaigns", [campaign("hello", measurement_days=1)])
    chain.fill("seeds.campaign_rules", [rule("hello")])
    chain.build(TODAY)
    second = campaign("hello", campaign_version=2, starts_on=TODAY + timedelta(3))
    chain.fill("seeds.campaigns", [campaign("hello", measurement_days=1), second])
    chain.fill("seeds.campaign_rules", [rule("hello"), rule("hello", campaign_version=2)])
    chain.build(TODAY + timedelta(3))
    kept = chain.rows("select campaign_version, arm from campaigns.campaign_assignments")
    assert Counter(kept) == {(1, "sent"): 3, (2, "sent"): 3}
    found = chain.rows(
        "select campaign_version, campaign_state, sent_today_count from marts.campaign_status "
        "where source = 'market' order by 1"
    )
    assert found == [(1, "superseded", 0), (2, "running", 3)]


# Arms stay


@pytest.fixture
def begun(chain: Chain) -> Chain:
    """Two campaigns and 200 people, built once."""
    chain.fill(
        "seeds.campaigns",
        [campaign("one", daily_cap=60, holdout_share=Decimal("0.3")), campaign("two", priority=2)],
    )
    chain.fill("seeds.campaign_rules", [rule("one"), rule("two", operator="is_known", value=None)])
    chain.fill("campaigns.campaign_candidates", [customer(n) for n in range(200)])
    chain.build(TODAY)
    return chain


def arms(chain: Chain) -> set[tuple]:
    """Return every arm that is kept."""
    return set(chain.table("campaigns.campaign_assignments"))


def test_a_second_build_of_a_day_changes_nothing(begun: Chain) -> None:
    tables = [f"marts.campaign_{name}" for name in ("ledger", "lists", "list_changes", "status")]
    tables += ["campaigns.campaign_assignments", "campaigns.campaign_list_log"]
    before = {table: begun.table(table) for table in tables}
    assert set(states(begun).values()) == {*ARMS, "capped", "outranked:one"}
    begun.build(TODAY)
    assert {table: begun.table(table) for table in tables} == before


def test_changed_seeds_move_no_arm(begun: Chain) -> None:
    """Shares, priorities, caps and rules are changed on the same day and on a later one."""
    before = arms(begun)
    changed = [
        campaign("one", priority=9, holdout_share=Decimal("0.9"), measurement_days=99),
        campaign("two", holdout_share=Decimal("0.9"), daily_cap=3),
    ]
    begun.fill("seeds.campaigns", changed)
    begun.fill("seeds.campaign_rules", [rule("one", value="nobody"), rule("two")])
    begun.build(TODAY)
    assert arms(begun) >= before
    begun.fill("seeds.campaign_rules", [rule("one"), rule("two")])
    begun.build(TODAY + timedelta(1))
    assert arms(begun) >= before
    query = """
        select count(*) from marts.campaign_ledger as ledger
        inner join campaigns.campaign_assignments as assignments
            using (campaign_id, campaign_version, customer_key)
        where ledger.state <> assignments.arm or ledger.assigned_date <> assignments.assigned_date
    """
    assert begun.rows(query) == [(0,)]


def test_a_new_warehouse_takes_the_arms_over(begun: Chain, compiled: dict[str, str]) -> None:
    """A rebuild from nothing with the kept assignments is the second build of the day."""
    new = Chain(compiled)
    for table in ("seeds.campaigns", "seeds.campaign_rules", "campaigns.campaign_candidates"):
        names = [row[0] for row in begun.rows(f"describe {table}")]
        new.fill(table, [dict(zip(names, row, strict=True)) for row in begun.table(table)])
    names = [row[0] for row in begun.rows("describe campaigns.campaign_assignments")]
    saved = [dict(zip(names, row, strict=True)) for row in arms(begun)]
    new.fill("campaigns.restored_assignments", saved)
    new.connection.execute("update seeds.campaigns set holdout_share = 0.99")
    new.build(TODAY)
    assert arms(new) == arms(begun)
    assert new.table("marts.campaign_lists") == begun.table("marts.campaign_lists")
    new.build(TODAY + timedelta(1))
    assert arms(new) > arms(begun)


def test_looking_back_assigns_nobody(begun: Chain) -> None:
    """Arms of a later day are there, so an earlier day's lists are what was given out then."""
    first = begun.table("marts.campaign_lists")
    begun.build(TODAY + timedelta(1))
    begun.fill("campaigns.campaign_candidates", [customer(n) for n in range(250)])
    log = begun.table("campaigns.campaign_list_log")
    before = arms(begun)
    begun.build(TODAY)
    assert arms(begun) == before
    assert begun.table("campaigns.campaign_list_log") == log
    assert begun.table("marts.campaign_lists") == first
    assert any(state == "suppressed:past_date" for state in states(begun).values())
    begun.build(TODAY - timedelta(9))
    assert not {state.split(":")[0] for state in states(begun).values()} & set(ARMS)
    assert begun.table("marts.campaign_lists") == []


def test_who_unsubscribes_on_the_day_leaves_the_list_and_keeps_the_arm(begun: Chain) -> None:
    before = arms(begun)
    lists = "select customer_key, campaign_id from marts.campaign_lists"
    (key, name), *_ = begun.rows(f"{lists} order by all")
    gone = {"customer_key": key, "source": "market", "channel": "push"}
    gone["suppression"] = "unsubscribed"
    begun.fill("campaigns.customer_suppressions", [{**gone, "is_hard": True}])
    begun.build(TODAY)
    assert arms(begun) == before
    theirs = f"where customer_key = {key}"
    query = f"select campaign_id, state, assigned_date from marts.campaign_ledger {theirs}"
    assert (name, "suppressed:unsubscribed", TODAY) in begun.rows(query)
    assert begun.rows(f"{lists} {theirs}") == []
    query = f"select list_change, changed_on from marts.campaign_list_changes {theirs}"
    assert begun.rows(query) == [("removed", TODAY)]
    begun.fill("campaigns.customer_suppressions", [{**gone, "is_hard": False}])
    begun.build(TODAY)
    assert begun.rows(query) == [("added", TODAY)]


def test_who_comes_back_over_another_channel_is_logged_once(begun: Chain) -> None:
    """The channel in the seed changes while somebody is off a list: they leave and come once."""
    ((key,), *_) = begun.rows("select customer_key from marts.campaign_lists order by all")
    gone = {"customer_key": key, "source": "market", "channel": "push", "is_hard": True}
    gone["suppression"] = "unsubscribed"
    begun.fill("campaigns.customer_suppressions", [gone])
    begun.build(TODAY)
    begun.fill("campaigns.customer_suppressions", [])
    begun.connection.execute("update seeds.campaigns set channel = 'email'")
    for day in (TODAY, TODAY, TODAY + timedelta(1)):
        begun.build(day)
    query = (
        "select change_number, list_change, channel from campaigns.campaign_list_log "
        f"where customer_key = {key} order by all"
    )
    assert begun.rows(query) == [
        (1, "added", "push"),
        (2, "removed", "push"),
        (3, "added", "email"),
        (4, "removed", "email"),
    ]


# Any campaigns

DAYS = st.lists(st.sampled_from([0, 1, 3, 4]), min_size=2, max_size=4)
STAGES = ("new", "active", "dormant")
TEXT_RULES = st.one_of(
    st.tuples(
        st.just("lifecycle_stage"), st.sampled_from(["is", "is_not"]), st.sampled_from(STAGES)
    ),
    st.tuples(
        st.just("lifecycle_stage"), st.sampled_from(["in", "not_in"]), st.just("new|dormant")
    ),
    st.tuples(st.just("is_overdue"), st.sampled_from(["is", "is_not"]), st.just("true")),
    st.tuples(
        st.just("last_order_date"),
        st.sampled_from(["at_least", "at_most", "above", "below", "is"]),
        st.just("2026-06-02"),
    ),
)
NUMBER_RULES = st.one_of(
    st.tuples(
        st.just("recency_days"),
        st.sampled_from(["at_least", "at_most", "above", "below", "is", "is_not"]),
        st.sampled_from(["0", "2", "3"]),
    ),
    st.tuples(st.just("recency_days"), st.sampled_from(["in", "not_in"]), st.just("1|3")),
    st.tuples(st.just("promo_share"), st.sampled_from(["at_least", "above", "is"]), st.just("0.3")),
    st.tuples(
        st.sampled_from(["promo_share", "is_overdue"]),
        st.sampled_from(["is_known", "is_unknown"]),
        st.none(),
    ),
)
# Half of the campaigns want everybody, so that they compete on later days too.
RULES = st.one_of(
    st.just([(1, ("source", "is_known", None))]),
    st.lists(
        st.tuples(st.integers(1, 2), st.one_of(TEXT_RULES, NUMBER_RULES)), min_size=1, max_size=4
    ),
)
CAMPAIGNS = st.fixed_dictionaries(
    {
        "priority": st.integers(1, 2),
        "channel": st.sampled_from(["push", "email"]),
        "daily_cap": st.sampled_from([None, None, 1, 3]),
        "holdout_share": st.sampled_from([Decimal(0), Decimal("0.3"), Decimal(1)]),
        "measurement_days": st.sampled_from([1, 2, 9]),
        "assumed_uplift": st.sampled_from([Decimal("0.01"), Decimal("0.2")]),
    }
)
PEOPLE = st.lists(
    st.fixed_dictionaries(
        {
            "lifecycle_stage": st.sampled_from([*STAGES, None]),
            "recency_days": st.sampled_from([None, 0, 1, 2, 3]),
            "promo_share": st.sampled_from([None, Decimal("0.3"), Decimal("0.299999"), Decimal(1)]),
            "is_overdue": st.sampled_from([None, True, False]),
            "last_order_date": st.sampled_from(
                [None, date(2026, 6, 1), date(2026, 6, 2), date(2026, 10, 1)]
            ),
            "usual_order_cm2": st.sampled_from([Decimal(1), Decimal(50)]),
        }
    ),
    min_size=5,
    max_size=25,
)
SUPPRESSED = st.dictionaries(
    st.tuples(st.integers(0, 24), st.sampled_from(["push", "email"])), st.booleans(), max_size=8
)


def holds(person: dict[str, object], column: str, operator: str, wanted: str | None) -> bool:
    """Say whether a rule holds, in plain Python."""
    value = person[column]
    if operator in ("is_known", "is_unknown"):
        return (value is None) == (operator == "is_unknown")
    if value is None:
        return False
    read = {bool: lambda text: text == "true", date: date.fromisoformat, str: str}.get(
        type(value), Decimal
    )
    values = [read(text) for text in str(wanted).split("|")]
    return {
        "is": value == values[0],
        "is_not": value != values[0],
        "in": value in values,
        "not_in": value not in values,
        "at_least": operator == "at_least" and value >= values[0],
        "at_most": operator == "at_most" and value <= values[0],
        "above": operator == "above" and value > values[0],
        "below": operator == "below" and value < values[0],
    }[operator]


def check_a_day(chain: Chain, day: date, wanted: set[tuple[str, str]], before: set[tuple]) -> None:
    """Assert what must be true after each build, whatever the campaigns."""
    found = states(chain)
    assert set(found) == wanted
    assert chain.rows("select count(*) from marts.campaign_ledger") == [(len(wanted),)]
    counts = Counter((name, state.split(":")[0]) for (name, _), state in found.items())
    for name, unexplained, *told in chain.rows(
        "select campaign_id, unexplained_count, audience_count, sent_count, holdout_global_count, "
        "holdout_campaign_count, suppressed_count, capped_count, outranked_count "
        "from marts.campaign_status where source = 'market'"
    ):
        groups = ("sent", "holdout_global", "holdout_campaign", "suppressed", "capped", "outranked")
        assert told[1:] == [counts[name, group] for group in groups]
        assert told[0] == sum(told[1:])
        assert unexplained == 0
    assert arms(chain) >= before
    today = f"assigned_date = date '{day}'"
    listed = chain.rows("select customer_key, campaign_id from marts.campaign_lists order by all")
    assert len({key for key, _ in listed}) == len(listed)
    assert listed == chain.rows(
        "select customer_key, campaign_id from marts.campaign_ledger "
        f"where state = 'sent' and {today} order by all"
    )
    assert listed == chain.rows(
        "select customer_key, campaign_id from campaigns.campaign_list_log "
        "group by all having count(*) % 2 = 1 order by all"
    )
    nobody = {
        "an arm that the ledger does not tell": """
            select 1 from marts.campaign_ledger as ledger
            inner join campaigns.campaign_assignments as kept
                using (campaign_id, campaign_version, customer_key)
            where ledger.state_group <> kept.arm and ledger.state_group <> 'suppressed'
        """,
        "two contacts within the gap": """
            select 1 from campaigns.campaign_assignments as one
            inner join campaigns.campaign_assignments as other using (customer_key)
            where one.arm = 'sent' and other.arm = 'sent' and one.campaign_id <> other.campaign_id
                and abs(one.assigned_date - other.assigned_date) < 3
        """,
        "too many contacts": f"""
            select customer_key from campaigns.campaign_assignments
            where arm = 'sent' and date '{day}' - assigned_date < 30
            group by customer_key having count(*) > 2
        """,
        "a contact or a draw while somebody is measured": """
            select 1 from campaigns.campaign_assignments as one
            inner join campaigns.campaign_assignments as other using (customer_key)
            where one.campaign_id <> other.campaign_id and one.arm <> 'holdout_global'
                and other.arm in ('sent', 'holdout_campaign')
                and other.assigned_date between one.assigned_date and one.measurement_ends_on
        """,
        "a suppressed person on a list": """
            select 1 from marts.campaign_lists
            inner join campaigns.customer_suppressions using (customer_key, channel)
            where is_hard
        """,
        "more than the cap of a day": """
            select 1 from campaigns.campaign_assignments as kept
            inner join campaigns.campaigns_checked as campaigns using (campaign_id)
            where kept.arm <> 'holdout_global'
            group by campaign_id, kept.assigned_date, campaigns.daily_cap
            having count(*) > campaigns.daily_cap
        """,
    }  # fmt: skip
    for what, query in nobody.items():
        assert chain.rows(query) == [], what


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    crowd=PEOPLE,
    plans=st.lists(st.tuples(CAMPAIGNS, RULES), min_size=2, max_size=4),
    suppressed=SUPPRESSED,
    days=DAYS,
)
def test_any_campaigns_end_in_one_state_each(
    chain: Chain,
    crowd: list[dict[str, object]],
    plans: list[tuple[dict[str, object], list[tuple]]],
    suppressed: dict[tuple[int, str], bool],
    days: list[int],
) -> None:
    """Over several days, some of them built twice: the ledger adds up, and limits and arms hold."""
    chain.clear()
    names = [f"campaign{number}" for number in range(len(plans))]
    crowd = [{**customer(number), **person} for number, person in enumerate(crowd)]
    chain.fill(
        "seeds.campaigns",
        [campaign(name, **plan) for name, (plan, _) in zip(names, plans, strict=True)],
    )
    chain.fill(
        "seeds.campaign_rules",
        [
            rule(name, rule_group=group, column_name=column, operator=operator, value=value)
            for name, (_, rules) in zip(names, plans, strict=True)
            for group, (column, operator, value) in rules
        ],
    )
    chain.fill("campaigns.campaign_candidates", crowd)
    chain.fill(
        "campaigns.customer_suppressions",
        [
            {
                "customer_key": key, "source": "market", "channel": channel,
                "suppression": "unsubscribed", "is_hard": is_hard,
            }
            for (key, channel), is_hard in suppressed.items()
        ],
    )  # fmt: skip
    wanted = {
        (name, person["customer_id"])
        for name, (_, rules) in zip(names, plans, strict=True)
        for person in crowd
        if any(
            all(holds(person, *one) for number, one in rules if number == group)
            for group in {number for number, _ in rules}
        )
    }
    day = TODAY
    for gap in days:
        day += timedelta(gap)
        before = arms(chain)
        chain.build(day)
        check_a_day(chain, day, wanted, before)
