"""What the report says of campaigns, recommendations and findings, from tables made by hand."""

from __future__ import annotations

from datetime import date
from types import ModuleType
from typing import Any

import duckdb
import pytest

from clientele.report import campaigns, findings, glance, recommendations
from clientele.report.named_rows import broken, unique_names
from clientele.report.page import section_html
from clientele.report.reading import Query, Row, Tables
from clientele.report.shop import Shop

OVERVIEW = {
    "source": "market", "currency": "EUR", "listed_customer_count": 0, "check_count": 0,
    "failing_check_count": 0,
}  # fmt: skip
CAMPAIGN = {
    "campaign_id": "a", "campaign_version": 1, "campaign_name": "First", "channel": "push",
    "offer": "A voucher", "campaign_state": "running", "status_reason": "No customer.",
    "audience_count": 0, "sent_count": 0, "sent_today_count": 0, "sent_earlier_count": 0,
    "holdout_global_count": 0, "holdout_campaign_count": 0, "suppressed_count": 0,
    "capped_count": 0, "outranked_count": 0, "unexplained_count": 0,
    "listed_expected_value": None,
}  # fmt: skip
RESULT = {
    "campaign_id": "a", "campaign_version": 1, "campaign_name": "First", "metric": "conversion",
    "result_state": "ripe", "decision": "inconclusive", "decision_reason": "who knows",
    "sent_count": 900, "holdout_count": 100, "unripe_count": 0, "sent_mean": 0.2,
    "holdout_mean": 0.1, "lift": 0.1, "lower_lift": 0.05, "upper_lift": 0.15,
    "effect_amount": None, "lower_effect_amount": None, "upper_effect_amount": None,
    "cost_amount": 0, "return_amount": None, "lower_return_amount": None,
    "upper_return_amount": None, "last_assigned_date": date(2026, 6, 1),
    "first_ripe_date": date(2026, 7, 22),
}  # fmt: skip
UNKNOWN = {"lift": None, "lower_lift": None, "upper_lift": None}


def shop_of(**overview: Any) -> Shop:
    """Return a shop with an overview of nothing but what is given."""
    return Shop(Row(OVERVIEW | overview, "marts.shop_overview", ()), 1, "en_GB")


def tables_of(section: ModuleType, **rows: list[dict[str, Any]]) -> Tables:
    """Return the tables of a section with the rows that are given, and none in the others."""
    return {
        query.key: [
            Row({"source": "market"} | row, query.table, query.grain)
            for row in rows.get(query.key, [])
        ]
        for query in section.QUERIES
    }


def shown(section: ModuleType, overview: dict[str, Any] | None = None, **rows: Any) -> str:
    """Return a section as HTML, with one blank between words."""
    shop, tables = shop_of(**(overview or {})), tables_of(section, **rows)
    return " ".join(section_html(section, tables, shop).split())


@pytest.mark.parametrize(
    ("section", "words"),
    [
        (campaigns, "nobody to write to"),
        (recommendations, "nothing is recommended"),
        (findings, "Nothing was checked"),
    ],
)
def test_nothing_is_said_to_be_nothing(section: ModuleType, words: str) -> None:
    """A shop without any row has the reason in place of charts and tables."""
    html = shown(section)
    assert words in html
    assert "<table" not in html
    assert "<svg" not in html


def test_decisions_are_told_as_they_are() -> None:
    """Clear ones lead, the others keep their words; of running ones the day is told."""
    html = shown(
        campaigns,
        campaign_status=[CAMPAIGN],
        campaign_results=[
            RESULT,
            RESULT | {"campaign_id": "b", "campaign_name": "Good", "decision": "positive"},
            RESULT
            | {
                "campaign_id": "b", "campaign_name": "Good", "decision": "positive",
                "metric": "cm2",
            },
            RESULT | {"campaign_id": "c", "campaign_name": "Bad", "decision": "negative"},
            RESULT | {"campaign_id": "d", "campaign_name": "Early", "decision": "so_far_positive"},
            RESULT
            | {
                "campaign_id": "e", "campaign_name": "Odd", "decision": "withheld",
                "decision_reason": "an arm is too small",
            }
            | UNKNOWN,
            RESULT
            | {
                "campaign_id": "f", "campaign_name": "Later", "decision": None,
                "result_state": "running",
            }
            | UNKNOWN,
        ],
    )  # fmt: skip
    lead = html[: html.index("<h3>")]
    assert "&ldquo;Good&rdquo; worked: more buyers and margin" in lead
    assert "&ldquo;Bad&rdquo; did harm: less buyers" in lead
    assert lead.count(" worked: ") == lead.count(" did harm: ") == 1
    assert "Early" not in lead
    assert html.index("it worked</span>") < html.index("better so far</span>")
    assert "Withheld.</strong> \u201cOdd\u201d: An arm is too small." in html
    assert '22 Jul 2026</data> <span class="muted">Later' in html


def test_results_of_nobody_are_not_called_unclear() -> None:
    """Where all are running, the first day is told and no effect is denied."""
    running = RESULT | {"decision": None, "result_state": "running"} | UNKNOWN
    html = shown(campaigns, campaign_status=[CAMPAIGN], campaign_results=[running])
    assert "the first can be told on" in html
    assert "clear effect" not in html


def test_few_people_are_not_counted_and_names_are_text() -> None:
    """A masked count and worth say so; what a shop names is never markup."""
    html = shown(
        campaigns,
        {"listed_customer_count": 1},
        campaign_status=[
            CAMPAIGN
            | {
                "campaign_name": "<b>'Big' \\ bad</b>", "audience_count": 4,
                "sent_today_count": 1, "suppressed_count": 3,
            }
        ],
        campaign_ledger_reasons=[
            {
                "campaign_id": "a", "campaign_version": 1, "state": "suppressed:low_rating",
                "state_group": "suppressed", "unlisted_reason": "has given a low rating lately",
                "customer_count": None,
            }
        ],
    )  # fmt: skip
    assert '<span class="unknown">too few</span>' in html
    assert "Has given a low rating lately." in html
    assert "<b>" not in html
    assert "1</data> person</strong> is on today" in html


def test_a_list_at_a_glance_says_who_is_on_it_and_what_they_get() -> None:
    """The words of the playbook where it has some, else the rules in words."""
    key = {"campaign_id": "win", "campaign_version": 1}
    reason = {**key, "list_reason": "promo_share is at least 0.8 and rfm_segment is lost"}
    html = shown(
        glance,
        {
            "as_of_date": date(2026, 6, 30), "run_id": "2026-06-30", "listed_customer_count": 1,
            **dict.fromkeys(
                (
                    "first_order_date", "customer_count", "active_customer_count", "net_revenue",
                    "net_revenue_365d", "cm2", "cm2_365d", "good_customer_share",
                    "judged_customer_count", "segment_count", "segmentation_method",
                    "next_refit_date", "maintenance_state", "failing_check_count", "check_count",
                )
            ),
        },
        campaign_status=[
            {
                **key, "campaign_name": "Win", "channel": "push", "offer": "A voucher",
                "campaign_state": "running", "sent_today_count": 1,
            }
        ],
        campaign_list_reasons=[
            {**reason, "rule_group": 1, "who_they_are": None},
            {**reason, "rule_group": 2, "who_they_are": "Long gone."},
        ],
        rfm_names=[{"rule_segment": "lost", "segment_name": "Lost"}],
    )  # fmt: skip
    assert "1</data> person</strong> on 1 list:" in html
    assert "by push, A voucher." in html
    assert "Orders with a promotion: at least 80%; RFM segment: Lost, or Long gone." in html


def test_campaigns_stand_by_their_names_in_reasons() -> None:
    """Where the ledger writes an id, and nowhere else: an id may be any word."""
    names = {"win": "Win", "win_back": "Win back", "a": "First"}
    told = {
        "win_back comes first": "\u201cWin back\u201d comes first",
        "win has taken them earlier today": "\u201cWin\u201d has taken them earlier today",
        "the measurement of a is open": "the measurement of \u201cFirst\u201d is open",
        "has given a low rating lately": "has given a low rating lately",
        "win_backs comes first": "win backs comes first",
        "rfm_segment is win": "RFM segment is win",
    }
    assert {reason: campaigns.named(reason, names) for reason in told} == told


def _members() -> Query:
    (query,) = (one for one in campaigns.QUERIES if one.key == "campaign_lists")
    return query


def test_the_best_of_each_campaign_are_listed_and_no_more() -> None:
    """Places go round the campaigns; equal values fall to the margin and then to the key."""
    with duckdb.connect() as connection:
        connection.execute(
            """
            create schema marts;
            create table marts.campaign_lists as
            select
                'market' as source, number as customer_key, number::varchar as customer_id,
                if(number <= 300, 'rich', 'poor') as campaign_id, 1 as campaign_version,
                'Name' as campaign_name, 'push' as channel, 'Offer' as offer, 'why' as reason,
                'Segment' as segment_name, if(number <= 300, 100, 1) as expected_value,
                number % 300 as cm2_365d
            from range(1, 320) as numbers (number)
            """
        )
        found = connection.execute(_members().sql).fetchall()
    keys = [row[1] for row in found]
    assert len(keys) == campaigns.MOST_PEOPLE
    assert sorted(key for key in keys if key > 300) == list(range(301, 320))
    assert sorted(key for key in keys if key <= 300) == list(range(299 - 180, 300))


def test_the_clients_own_id_is_not_even_read() -> None:
    """Nobody outside the warehouse can tell who a row of the page is."""
    for section in (campaigns, recommendations, findings):
        assert not [query.table for query in section.QUERIES if "customer_id" in query.sql]


@pytest.mark.parametrize(
    ("method", "status", "words"),
    [
        ("global_popularity", "judged", "Nothing cleverer has beaten it"),
        ("category_affinity", "judged", "<strong>Served: what sells in the categories"),
        ("global_popularity", "not_enough_data", "because no way to recommend could be judged"),
    ],
)
def test_what_is_served_is_said_plainly(method: str, status: str, words: str) -> None:
    """Popularity is not dressed up, and what was not judged is not said to have lost."""
    html = shown(
        recommendations,
        recommendation_status=[
            {
                "evidence_status": status, "served_method": method, "list_method": method,
                "reason": f"{method} it is",
            }
        ],
    )  # fmt: skip
    assert words in html
    assert method not in html


def test_checks_that_fail_come_first_and_models_have_no_rows() -> None:
    """The chart leaves out models, whose share is all or nothing."""
    check = {
        "check_name": "charge_gap", "check_subject": "orders", "check_grain": "order",
        "severity": "warn", "meaning": "money differs", "evidence": "2 of 10", "failing_rows": 2,
        "checked_rows": 10, "failing_share": 0.2, "tolerated_share": 0.1, "money_at_risk": 5,
        "people_touched": 1, "lists_touched": 1, "is_ok": False,
    }  # fmt: skip
    model = check | {"check_name": "segments_overdue", "check_grain": "model", "failing_share": 1.0}
    held = check | {"check_name": "no_lines", "failing_share": 0.05, "is_ok": True}
    overview = {"failing_check_count": 2, "check_count": 3}
    html = shown(findings, overview, data_quality=[model, check, held])
    failing, _, holding = html.partition("Checks that hold")
    assert "A model is judged as a whole" in failing
    assert "no lines" in holding
    drawing = failing[failing.index("<svg") :]
    assert "segments overdue" not in drawing
    assert "charge gap: orders: 20.0% of rows, 10.0% tolerated" in drawing


def test_names_fit_their_axis() -> None:
    """Long names are broken and cut, equal ones tell their version, quotes do no harm."""
    assert broken("Call the customers you cannot lose", 340) == (
        "Call the customers\nyou cannot lose"
    )
    assert broken("very " * 30, 340).endswith("\u2026")
    rows = [
        {"id": "a", "version": 1, "name": "One"},
        {"id": "a", "version": 2, "name": "One"},
        {"id": "b", "version": 1, "name": "Two"},
    ]
    assert list(unique_names(rows, ("id", "version"), "name").values()) == [
        "One, version 1", "One, version 2", "Two",
    ]  # fmt: skip
