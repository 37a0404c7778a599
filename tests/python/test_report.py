"""`clientele report`: the page shows what the tables hold, to everybody who opens it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import altair as alt
import duckdb
import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser

from clientele.cli import main
from clientele.pages.charts import SHORT_MONEY, SHORT_NUMBER, draw
from clientele.pages.numbers import Numbers
from report_page import THEMES, WIDTHS, chromium, differing, figures, look, opened, write_report
from warehouse import Warehouse

SECTIONS = (
    "glance", "campaigns", "new_customers", "segments", "segment_count", "recommendations",
    "revenue", "cohorts", "rfm", "products", "promotions", "service", "findings",
)  # fmt: skip
LEAST_FIGURES, LEAST_CHARTS = 500, 15
MOST_BYTES = 2_000_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of this file."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def report(demo_warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the demo shop."""
    return write_report(demo_warehouse.path, tmp_path_factory.mktemp("report") / "report.html")


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_everything_is_drawn_and_fits_and_can_be_read(
    browser: Browser, report: Path, width: int, theme: str
):
    seen = look(browser, report, width, theme)
    assert not seen.requests
    assert not seen.complaints
    assert seen.width == width
    assert len(seen.charts) >= LEAST_CHARTS
    assert [chart["id"] for chart in seen.charts if chart["drawn"] != 1] == []
    assert [chart["id"] for chart in seen.charts if not chart["marks"]] == []
    assert {chart["id"]: chart["cut"] for chart in seen.charts if chart["cut"]} == {}
    assert seen.accessibility == []


def test_every_number_is_that_of_its_table(
    browser: Browser, report: Path, demo_warehouse: Warehouse
):
    with opened(browser, report) as page:
        found = figures(page)
    assert len(found) >= LEAST_FIGURES
    assert differing(found, demo_warehouse.path) == []


def test_a_number_that_is_not_its_tables_would_be_found(
    browser: Browser, report: Path, demo_warehouse: Warehouse, tmp_path: Path
):
    page = report.read_text(encoding="utf-8")
    change = re.search(r'<data value="([0-9]+)" data-of="marts.shop_overview.customer_count"', page)
    forged = tmp_path / "forged.html"
    forged.write_text(
        page.replace(change[0], change[0].replace(change[1], "1"), 1), encoding="utf-8"
    )
    with opened(browser, forged) as shown:
        wrong = differing(figures(shown), demo_warehouse.path)
    assert len(wrong) == 1
    assert "customer_count" in wrong[0]


def test_what_is_shown_is_the_number_behind_it(browser: Browser, report: Path):
    with opened(browser, report) as page:
        found = figures(page)
    whole = [figure for figure in found if re.fullmatch(r"−?[0-9,]+", figure["shown"])]
    assert len(whole) > LEAST_FIGURES / 5
    for figure in whole:
        shown = Decimal(figure["shown"].replace(",", "").replace("−", "-"))
        assert abs(shown - Decimal(figure["value"])) <= Decimal("0.5"), figure


def test_sections_stand_in_their_order_and_links_lead_somewhere(browser: Browser, report: Path):
    with opened(browser, report) as page:
        headings = page.evaluate(
            "[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(one => +one.tagName[1])"
        )
        sections = page.evaluate(
            "[...document.querySelectorAll('.shop > section')].map(one => one.id)"
        )
        dead = page.evaluate(
            "[...document.querySelectorAll('a[href]')].map(one => one.getAttribute('href'))"
            ".filter(to => !to.startsWith('#') || !document.getElementById(to.slice(1)))"
        )
        twice = page.evaluate(
            "[...document.querySelectorAll('[id]')].map(one => one.id)"
            ".filter((id, at, all) => all.indexOf(id) !== at)"
        )
    assert tuple(section.removeprefix("shop-1-") for section in sections) == SECTIONS
    assert headings[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(headings))
    assert dead == []
    assert twice == []


def test_the_keyboard_reaches_what_can_be_used_in_the_order_of_the_page(
    browser: Browser, report: Path
):
    with opened(browser, report) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        order = []
        while len(order) < 400:
            page.keyboard.press("Tab")
            place = page.evaluate(
                """() => {
                    const on = document.activeElement;
                    if (on === document.body) return null;
                    const all = [...document.querySelectorAll('*')];
                    return {at: all.indexOf(on), outline: getComputedStyle(on).outlineStyle};
                }"""
            )
            if place is None:
                break
            order.append(place)
    places = [place["at"] for place in order]
    assert len(places) > len(SECTIONS)
    assert places == sorted(places)
    assert {place["outline"] for place in order} <= {"solid", "auto"}


def test_a_search_leaves_the_rows_that_hold_what_is_typed(browser: Browser, report: Path):
    with opened(browser, report) as page:
        box = page.locator("input[data-searches]").first
        table = page.locator(f"#{box.get_attribute('data-searches')} tbody tr")
        assert table.count() > 50
        key = table.nth(30).locator("th").first.inner_text()
        box.fill(key)
        assert table.locator("visible=true").count() == 1
        box.fill("")
        assert table.locator("visible=true").count() == table.count()


def test_on_paper_everything_is_open_and_whole(browser: Browser, report: Path):
    with opened(browser, report) as page:
        page.emulate_media(media="print")
        shut, cut = page.evaluate(
            """() => [
                [...document.querySelectorAll('details table')].filter(
                    one => !one.checkVisibility({contentVisibilityAuto: true})).length,
                [...document.querySelectorAll('.scroll')].filter(
                    one => one.scrollHeight > one.clientHeight + 1
                        && getComputedStyle(one).overflowY !== 'visible').length,
            ]"""
        )
    assert (shut, cut) == (0, 0)


def test_on_a_phone_lists_of_people_need_no_scrolling_aside(browser: Browser, report: Path):
    with opened(browser, report, width=375) as page:
        wide = page.evaluate(
            "[...document.querySelectorAll('.people, .first-contacts, .playbook')]"
            ".filter(one => one.scrollWidth > one.closest('.scroll').clientWidth + 1)"
            ".map(one => one.className)"
        )
        box = page.locator("input[data-searches]").first
        rows = page.locator(f"#{box.get_attribute('data-searches')} tbody tr")
        box.fill(rows.nth(30).locator("th").first.inner_text())
        assert rows.locator("visible=true").count() == 1
    assert wide == []


def test_no_client_is_named(report: Path, demo_warehouse: Warehouse):
    page = report.read_text(encoding="utf-8")
    with duckdb.connect(str(demo_warehouse.path), read_only=True) as connection:
        clients = connection.execute(
            "select customer_id from core.dim_customers order by customer_id"
        ).fetchall()
    words = set(re.findall(r"[0-9a-z]+", page.lower()))
    assert [client for (client,) in clients if client in words] == []


HOSTILE = "</svg><script>alert(1)</script>\"'><img src=x onerror=alert(2)>]]>\\\x00\r\u2028&"
NAMED = {  # by people, or by the sources
    "segments.segments": ("segment_name", "who_they_are", "what_to_do"),
    "segments.segment_profiles": ("segment_name",),
    "segments.segment_distributions": ("dimension_value",),
    "marts.segment_balance": ("segment_name",),
    "marts.segment_flows": ("from_segment_name", "to_segment_name"),
    "marts.campaign_status": ("campaign_id", "campaign_name", "offer", "status_reason"),
    "marts.campaign_power": ("campaign_id", "campaign_name"),
    "marts.campaign_results": ("campaign_id", "campaign_name"),
    "marts.best_sellers": ("product_id", "category"),
    "marts.product_performance": ("product_id", "category"),
    "marts.promo_performance": ("promo_objective", "department_id"),
    "marts.delivery_and_ratings": ("dimension_value",),
    "marts.data_quality": ("check_subject", "evidence"),
    "marts.shop_overview": ("run_id",),
}


def test_names_are_text_everywhere_and_the_page_runs_nothing_but_its_own(
    browser: Browser, report: Path, demo_warehouse: Warehouse, tmp_path: Path
):
    hostile = tmp_path / "hostile.duckdb"
    shutil.copy(demo_warehouse.path, hostile)
    with duckdb.connect(str(hostile)) as connection:
        for table, columns in NAMED.items():
            changes = ", ".join(f"{column} = {column} || $text" for column in columns)
            connection.execute(f"update {table} set {changes}", {"text": HOSTILE})
    counted = """({
        elements: document.querySelectorAll('script, img, iframe, object, [onerror]').length,
        sections: document.querySelectorAll('section').length,
        charts: document.querySelectorAll('.chart svg').length,
    })"""
    page = write_report(hostile, tmp_path / "hostile.html")
    with opened(browser, report) as plain, opened(browser, page) as shown:
        assert shown.evaluate(counted) == plain.evaluate(counted)
        assert "<script>alert(1)</script>" in shown.inner_text("body")
        assert shown.evaluate("document.scripts.length") == 1
        shown.evaluate(
            """() => {
                const added = document.createElement('script');
                added.textContent = 'window.wasRun = true';
                document.body.append(added);
            }"""
        )
        assert shown.evaluate("window.wasRun === undefined")


def test_the_page_is_small_and_the_same_twice(
    report: Path, demo_warehouse: Warehouse, tmp_path: Path
):
    again = write_report(demo_warehouse.path, tmp_path / "again.html")
    assert again.read_bytes() == report.read_bytes()
    assert report.stat().st_size < MOST_BYTES
    assert not re.search(r"(src|href)=.https?:|@import|url\(.?https?:", report.read_text("utf-8"))


def test_numbers_follow_the_locale_and_their_values_stay(
    browser: Browser, report: Path, demo_warehouse: Warehouse, tmp_path: Path
):
    german = write_report(demo_warehouse.path, tmp_path / "de.html", "--locale", "de_DE")
    with opened(browser, report) as page:
        english_numbers = figures(page)
    with opened(browser, german) as page:
        german_numbers = figures(page)
    assert [one["value"] for one in english_numbers] == [one["value"] for one in german_numbers]
    english, german_text = english_numbers[0]["shown"], german_numbers[0]["shown"]
    assert english != german_text
    assert any(re.fullmatch(r"[0-9.]+,[0-9]{2}\xa0€", one["shown"]) for one in german_numbers)


def test_mistakes_are_one_line(demo_warehouse: Warehouse, tmp_path: Path):
    attempts = {
        "is not a locale": ["--locale", "klingon", "--warehouse", str(demo_warehouse.path)],
        "no warehouse at": ["--warehouse", str(tmp_path / "none.duckdb")],
        "cannot be written": [
            "--warehouse", str(demo_warehouse.path), "--output", "/proc/none/report.html",
        ],
    }  # fmt: skip
    for message, options in attempts.items():
        options = options if "--output" in options else [*options, "--output", str(tmp_path / "r")]
        result = CliRunner().invoke(main, ["report", *options])
        assert result.exit_code == (2 if "locale" in message else 1)
        assert message in result.output
        assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_table_of_another_version_is_named(demo_warehouse: Warehouse, tmp_path: Path):
    older = tmp_path / "older.duckdb"
    shutil.copy(demo_warehouse.path, older)
    with duckdb.connect(str(older)) as connection:
        connection.execute("alter table marts.shop_overview drop column currency")
        connection.execute("alter table marts.revenue_by_month drop column cm2")
    result = CliRunner().invoke(
        main, ["report", "--warehouse", str(older), "--output", str(tmp_path / "r.html")]
    )
    assert result.exit_code == 1
    assert "was built by another version (marts.revenue_by_month" in result.output
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize(
    ("locale", "currency", "written"),
    [
        ("en_GB", "EUR", ["−1,234.57", "12.3%", "€1,234.50", "€1.23M", "3 Jan 2026", "Jan 2026"]),
        ("en_US", "USD", ["−1,234.57", "12.3%", "$1,234.50", "$1.23M", "Jan 3, 2026", "Jan 2026"]),
        ("de_DE", "EUR", ["−1.234,57", "12,3\xa0%", "1.234,50\xa0€", "1,23\xa0Mio.\xa0€",
                          "03.01.2026", "Jan. 2026"]),
        ("pt-BR", "BRL", ["−1.234,57", "12,3%", "R$\xa01.234,50", "R$\xa01,23\xa0mi",
                          "3 de jan. de 2026", "jan. de 2026"]),
        ("de_CH", None, ["−1’234.57", "12.3%", "1’234.50", "1’234’567", "03.01.2026", "Jan. 2026"]),
    ],
)  # fmt: skip
def test_a_locale_writes_numbers_its_own_way(locale: str, currency: str, written: list[str]):
    numbers = Numbers(locale, currency)
    assert [
        numbers.number(Decimal("-1234.567"), 2),
        numbers.percent(0.1234, 1),
        numbers.money(1234.5, 2),
        numbers.short_money(1_234_567),
        numbers.day(date(2026, 1, 3)),
        numbers.month(date(2026, 1, 3)),
    ] == written


@pytest.mark.parametrize(
    ("locale", "currency", "written"),
    [
        ("en_GB", "EUR", ["€9,999", "€83.2K", "−€395K", "€1M", "€12.3M"]),
        # German has no short word for thousands.
        ("de_DE", "BRL", ["9.999\xa0R$", "83.177\xa0R$", "−394.521\xa0R$", "1\xa0Mio.\xa0R$",
                          "12,3\xa0Mio.\xa0R$"]),
        ("pt_BR", "BRL", ["R$\xa09.999", "R$\xa083,2\xa0mil", "−R$\xa0395\xa0mil",
                          "R$\xa01\xa0mi", "R$\xa012,3\xa0mi"]),
        ("en_GB", None, ["9,999", "83,177", "−394,521", "999,999", "12,345,678"]),
    ],
)  # fmt: skip
def test_short_money_has_three_digits_or_is_in_full(locale, currency, written):
    amounts = (9_999, Decimal("83176.696"), -394_521, 999_999, 12_345_678)
    assert [Numbers(locale, currency).short_money(amount) for amount in amounts] == written


def axis(locale: str, currency: str, values: list[float], **of) -> list[str]:
    """Return the labels of an axis, and what is said of its marks."""

    def chart(width: int) -> alt.LayerChart:
        base = alt.Chart(alt.Data(values=[{"v": value, "tip": "told"} for value in values]))
        x = alt.X("v:Q", axis=alt.Axis(values=values, labelOverlap=False, **of))
        return alt.layer(
            base.mark_point().encode(x=x, description="tip:N"),
            base.mark_line().encode(x=x, description="tip:N"),
            base.mark_rule().encode(x=x),
            base.mark_text().encode(x=x, text="tip:N"),
            width=width,
        )

    svg = ElementTree.fromstring(draw(chart, "axis", "", "", Numbers(locale, currency)))
    labels = [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    tips = [title.text for title in svg.iter("{http://www.w3.org/2000/svg}title")]
    assert tips == ["told"] * len(values)  # a line, a rule and words have none of their own
    return labels[: len(values)]


def test_axes_write_numbers_as_the_page_does():
    amounts = [0, 500, 1_500, 20_000, 3_000_000]
    money = {"labelExpr": SHORT_MONEY}
    assert axis("en_GB", "EUR", amounts, **money) == ["€0", "€500", "€1.5K", "€20K", "€3M"]
    assert axis("de_DE", "EUR", amounts, **money) == [
        "0\xa0€", "500\xa0€", "1.500\xa0€", "20.000\xa0€", "3\xa0Mio.\xa0€"
    ]  # fmt: skip
    assert axis("pt_BR", "BRL", [-20_000, 20], **money) == ["−R$\xa020\xa0mil", "R$\xa020"]
    assert axis("de_DE", "EUR", [1_500, 3e6], labelExpr=SHORT_NUMBER) == ["1.500", "3\xa0Mio."]
    assert axis("de_DE", "EUR", [0, 0.5], format=".0%") == ["0\xa0%", "50\xa0%"]
    assert axis("en_GB", "EUR", [0, 0.5], format=".0%") == ["0%", "50%"]


def test_what_is_not_known_is_not_a_number_and_a_rounded_zero_has_no_sign():
    numbers = Numbers("en_GB", "EUR")
    unknown = [numbers.number, numbers.percent, numbers.money, numbers.short_money, numbers.day]
    assert {write(None) for write in unknown} == {"not known"}
    assert numbers.number(-0.0004, 2) == "0.00"
    assert numbers.percent(Decimal("-0.00001")) == "0%"
    assert numbers.money(-0.2) == "€0"
