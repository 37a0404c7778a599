"""Sections of the report about revenue, cohorts, RFM, products, promotions and service."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from html import unescape
from typing import Any

import pytest

from clientele.report import cohorts, products, promotions, revenue, rfm, service
from clientele.report.bars import LARGEST_SHARE, shade
from clientele.report.page import section_html
from clientele.report.reading import Row, Tables
from clientele.report.shop import Shop

SECTIONS = (revenue, cohorts, rfm, products, promotions, service)
OVERVIEW = {"source": "market", "currency": "EUR", "customer_count": 12}


def rows(section: Any, key: str, *values: dict[str, Any]) -> list[Row]:
    """Return rows as they are read, for the query of a section; what is not given is null."""
    query = next(query for query in section.QUERIES if query.key == key)
    columns = re.findall(r"\w+", query.sql)
    nothing = dict.fromkeys(columns)
    return [Row(nothing | {"source": "market"} | row, query.table, query.grain) for row in values]


def shown(section: Any, tables: Tables, **overview: Any) -> str:
    """Return the HTML of a section with some tables; the others are empty."""
    empty: Tables = {query.key: [] for query in section.QUERIES}
    shop = Shop(Row(OVERVIEW | overview, "marts.shop_overview", ()), 1, "en_GB")
    return section_html(section, empty | tables, shop)


def text_of(html: str) -> str:
    """Return the words of a page without its pictures."""
    words = re.sub(r"<svg.*?</svg>", " ", html, flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", words)).split())


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.NAME)
def test_a_shop_without_orders_gets_one_line_a_section(section: Any) -> None:
    """Nothing is drawn of nothing, and the line says why."""
    html = shown(section, {}, customer_count=0)
    assert '<p class="nothing">' in html
    assert "<svg" not in html
    assert "<table" not in html


def cohort(month: date, size: int, *rates: str | None) -> list[dict[str, Any]]:
    """Return the cells of a cohort; None is a month that is not over."""
    return [
        {
            "cohort_month": month,
            "months_since": since,
            "cohort_size": size,
            "retention_rate": None if rate is None else Decimal(rate),
            "is_ripe": rate is not None,
            "cohort_count": 2,
        }
        for since, rate in enumerate(rates)
    ]


def test_a_triangle_hides_small_cohorts_and_its_colours_pass_over_the_first_month() -> None:
    """The largest value is 0.4: not 1 of the first month, nor 0.9 of nine people."""
    cells = [
        *cohort(date(2026, 1, 1), 10, "1", "0.4", "0.2"),
        *cohort(date(2026, 2, 1), 9, "1", "0.9"),
        *cohort(date(2026, 3, 1), 10, None),
    ]
    found = rows(cohorts, "cohort_retention", *cells)
    shape = cohorts.triangle(found, "retention_rate")
    assert shape["largest"] == Decimal("0.4")
    assert shape["width"] == 3
    assert [line["is_told"] for line in shape["cohorts"]] == [True, False, True]
    assert [cell is None for cell in shape["cohorts"][1]["cells"]] == [False, False, True]
    html = shown(cohorts, {"cohort_retention": found})
    retention = html[: html.index("What they have earned")]
    assert retention.count('class="unripe"') == 1
    assert retention.count('<td class="few">few</td>') == 2
    assert "90%" not in retention
    assert "0%" not in text_of(retention).replace("100%", "").replace("40%", "").replace("20%", "")


@pytest.mark.parametrize(
    ("value", "largest", "expected"),
    [
        (Decimal(5), Decimal(10), f"{LARGEST_SHARE / 2:.2f}"),
        (Decimal(10), Decimal(10), f"{LARGEST_SHARE:.2f}"),
        (Decimal(-5), Decimal(10), "0"),
        (None, Decimal(10), "0"),
        (Decimal(0), Decimal(0), "0"),
        (Decimal(-1), Decimal(-1), "0"),
    ],
)
def test_a_cell_is_coloured_by_its_part_of_the_largest(
    value: Decimal | None, largest: Decimal, expected: str
) -> None:
    """Losses and what is not known have no colour, and no text stands on the full one."""
    assert shade(value, largest) == expected


def test_months_without_a_sale_have_a_place_in_a_trend() -> None:
    """From November to February four months, though two have sales."""
    assert products.months_between([date(2026, 2, 1), date(2025, 11, 1)]) == [
        date(2025, 11, 1),
        date(2025, 12, 1),
        date(2026, 1, 1),
        date(2026, 2, 1),
    ]
    assert products.months_between([]) == []


def test_names_from_the_data_are_text() -> None:
    """A product whose name is a script is told, not run, in tables and pictures."""
    name = "<script>alert(1)</script>"
    sold = {
        "product_key": 1,
        "product_id": name,
        "calendar_month": date(2026, 5, 1),
        "line_value": Decimal(9),
        "value_rank": 1,
        "value_rank_change": -2,
        "piece_count": 1,
        "order_count": 1,
        "customer_count": 1,
    }
    best = sold | {"line_value_share": Decimal(1), "piece_rank": 1, "last_month": date(2026, 5, 1)}
    html = shown(
        products,
        {
            "of_month": rows(products, "of_month", sold),
            "best_sellers": rows(products, "best_sellers", best),
        },
    )
    assert "<script" not in html
    assert html.count("&lt;script") > 3
    assert "from 1 customer." in text_of(html)


def test_withheld_scores_are_told_with_their_reason() -> None:
    """The stages of life stand in for the segments, and few people have no sums."""
    rule = {
        "rule_segment": "active",
        "segment_name": "Active customers",
        "who_they_are": "Who",
        "what_to_do": "What",
        "customer_count": 3,
        "customer_share": Decimal(1),
    }
    status = {"rfm_status": "insufficient_data", "reason": "less than 180 days of history"}
    told = text_of(
        shown(
            rfm,
            {
                "rfm_status": rows(rfm, "rfm_status", status),
                "rule_segment_sizes": rows(rfm, "rule_segment_sizes", rule),
            },
        )
    )
    assert "Withheld. There are no RFM scores: less than 180 days of history." in told
    assert "Active customers Who 3 100% too few too few too few too few What" in told


def test_promotions_of_few_orders_are_in_the_table_and_not_in_the_pictures() -> None:
    """What cannot be summarised says so; the picture shows the other one alone."""
    common = {
        "has_promo": True,
        "department_id": "crm",
        "discount_amount": Decimal(9),
        "supplier_support": Decimal(0),
        "third_party_support": Decimal(0),
        "new_customer_count": 0,
        "mature_customer_count": 0,
        "group_count": 2,
    }
    few = {"promo_objective": "tests", "order_count": 2, "own_discount": Decimal(90)}
    many = {
        "promo_objective": "winning_back",
        "order_count": 50,
        "own_discount": Decimal(9),
        "own_discount_share": Decimal("0.1"),
        "own_discount_per_order": Decimal("0.18"),
        "cm2_per_order": Decimal(2),
    }
    found = rows(promotions, "promo_performance", common | few, common | many)
    html = shown(promotions, {"promo_performance": found})
    assert "goes to winning back (crm): €9 in 50 orders" in text_of(html)
    assert "tests crm 2 €9 €90 too few too few too few" in text_of(html)
    (picture,) = re.findall(r"<svg.*?</svg>", html, re.S)
    assert "winning back" in picture
    assert "tests" not in picture
    assert "No promotion has won enough customers" in text_of(html)


def test_the_month_that_runs_is_pale_and_not_the_headline() -> None:
    """The first words are about the last month that is over."""
    months = [
        {
            "calendar_month": date(2026, month, 1),
            "successful_order_count": 1,
            "new_customer_count": 1,
            "net_revenue": Decimal(100 * month),
            "cm2": Decimal(1),
            "is_complete": month < 6,
            "month_count": 2,
        }
        for month in (5, 6)
    ]
    year = {
        "calendar_year": 2026,
        "order_count": 2,
        "successful_order_count": 2,
        "cancelled_order_count": 0,
        "customer_count": 2,
        "new_customer_count": 2,
        "net_revenue": Decimal(1100),
        "cm2": Decimal(2),
        "is_complete": False,
    }
    html = shown(
        revenue,
        {
            "revenue_by_month": rows(revenue, "revenue_by_month", *months),
            "orders_by_year": rows(revenue, "orders_by_year", year),
        },
    )
    told = text_of(html)
    assert told.startswith("May 2026 brought €500 of net revenue from 1 order. Jun 2026 has €600")
    assert "2026 so far" in told
    picture = re.search(r"<svg.*?</svg>", html, re.S)
    assert picture
    assert re.findall(r'opacity="([0-9.]+)"', picture[0]).count("0.4") == 1
    assert "Nobody has placed a successful order in the last 365 days" in told
