"""Rules of campaigns in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from clientele.pages.numbers import Numbers
from clientele.report import rule_words

NAMES = {"cant_lose": "Cannot lose", "lost": "Lost"}
MACRO = Path(__file__).parents[2] / "macros" / "audience_columns.sql"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("rfm_segment is cant_lose", "RFM segment: Cannot lose"),
        ("rfm_segment is lost or cant_lose", "RFM segment: Lost or Cannot lose"),
        (
            "archetype is Big and small and lifecycle_stage is not dormant",
            "segment: Big and small; stage: not dormant",
        ),
        (
            "lifecycle_stage is overdue (in overdue or dormant) and promo_share is 0.875 "
            "(at least 0.8)",
            "stage: overdue; orders with a promotion: 87.5% (at least 80%)",
        ),
        ("promo_share is at least 0.8", "orders with a promotion: at least 80%"),
        ("promo_share is not known", "orders with a promotion: not known"),
        ("city is Frankfurt (Main) (is not Bonn)", "city: Frankfurt (Main)"),
        ("city is unknown and rfm_segment is lost", "city: unknown; RFM segment: Lost"),
        ("quadrant_forecast is profitable_repeat", "forecast: profitable repeat"),
        ("recency_days is above 30", "days since the last order: above 30"),
    ],
)
def test_rules_are_told_in_words(reason: str, words: str) -> None:
    """Columns, codes and shares have words; what a list asks stays beside what a customer has."""
    assert rule_words.rules_in_words(reason, NAMES, Numbers()) == words


@pytest.mark.parametrize("reason", ["has ordered only just now", "win comes first", "new is new"])
def test_what_is_no_rule_is_left_to_others(reason: str) -> None:
    """The ledger writes sentences of its own."""
    assert rule_words.rules_in_words(reason, NAMES, Numbers()) is None


def test_every_column_of_a_rule_is_known() -> None:
    """A column that rules may name and that has no words would end a sentence as it is written."""
    lines = MACRO.read_text(encoding="utf-8").split("audience_operators")[0].splitlines()
    columns = {line.split('"')[1] for line in lines if line.startswith('        "')}
    assert columns == {*rule_words.TITLES, *rule_words.PLAIN}
