"""The report's sections on new customers and on the number of segments, on tables made by hand.

The tables have the columns of the contracts; what stands in them is what each test is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from clientele.pages import model_charts
from clientele.pages.charts import draw
from clientele.pages.numbers import Numbers
from clientele.pages.writing import environment
from clientele.report import new_customers, page, segment_count
from clientele.report.reading import read_shops
from test_model_card import gate_row
from warehouse import ROOT

AS_OF = date(2026, 6, 30)
SECTIONS = {section.NAME: section for section in (new_customers, segment_count)}
OVERVIEW = {
    "quality_status": "published", "quality_status_reason": "logistic: AUC 0.700",
    "model_name": "logistic", "open_customer_count": 40, "ordered_again_count": 1,
    "worth_contacting_count": 30, "expected_value": 60, "value_of_good": 48.5,
    "test_customer_count": 400, "test_rate": 0.5, "auc": 0.7, "lower_auc": 0.6, "upper_auc": 0.8,
    "test_from_date": date(2025, 10, 1), "test_until_date": date(2026, 3, 1),
}  # fmt: skip
WITHHELD = OVERVIEW | {
    "quality_status": "withheld", "quality_status_reason": "AUC 0.520 is below 0.55",
    "worth_contacting_count": 0, "expected_value": None, "auc": 0.52,
}  # fmt: skip
STATUS = {
    "segmentation_status": "segmented", "segmentation_method": "clusters",
    "reason": "k = 2 explains most", "candidate_k": 2, "fitted_customer_count": 4000,
}  # fmt: skip
CONTRACT = {
    "contract_status": "established", "maintenance_state": "keep", "evidence": "They held.",
    "refit_interval_days": 91, "applied_interval_days": 91, "assign_interval_days": 7,
    "model_age_days": 1, "next_refit_date": date(2026, 9, 29),
    "next_assignment_date": date(2026, 7, 7), "as_of_date": AS_OF,
}  # fmt: skip
UNSEGMENTED = STATUS | {
    "segmentation_status": "unsegmented", "segmentation_method": "rules", "candidate_k": None,
    "reason": "12 customers are fewer than the 500 needed",
}  # fmt: skip


def contract_of(table: str) -> dict[str, str]:
    """Return the columns of a table with their types, as its contract has them."""
    (path,) = (ROOT / "models").rglob(f"{table}.yml")
    (model,) = yaml.safe_load(path.read_text())["models"]
    return {column["name"]: column["data_type"] for column in model["columns"]}


def section_of(
    folder: Path, section_name: str, rows: dict[str, Iterable[dict]], customer_count: int = 4000
) -> str:
    """Return a section of the page of a shop whose tables hold these rows, by name of table."""
    section = SECTIONS[section_name]
    tables = {"marts.shop_overview", *(query.table for query in section.QUERIES)}
    rows = rows | {
        "shop_overview": [{"currency": "EUR", "customer_count": customer_count, "segment_count": 2}]
    }
    warehouse = folder / "shop.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        for schema in ("marts", "segments"):
            connection.execute(f"create schema {schema}")
        for table in sorted(tables):
            short = table.rpartition(".")[2]
            columns = contract_of(short)
            listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
            connection.execute(f"create table {table} ({listed})")
            for row in rows.get(short, ()):
                known = {"source": "shop"} | {
                    key: value for key, value in row.items() if key in columns
                }
                marks = ", ".join("?" for _ in known)
                connection.execute(
                    f"insert into {table} ({', '.join(known)}) values ({marks})",
                    list(known.values()),
                )
    [(overview, found)] = read_shops(warehouse, {section_name: section.QUERIES}).values()
    templates = environment(Path(page.__file__).parent)
    templates.filters.update(sentence=page.sentence, words=page.words)
    shop = page.Shop(overview, 1, "en_GB")
    context = found[section_name] | section.prepare(found[section_name], shop)
    return templates.get_template(f"{section_name}.html").render(**context, shop=shop)


def words_of(html: str) -> str:
    """Return what stands on the page, without drawings."""
    text = re.sub(r"<svg.*?</svg>|</?(data|strong|em)\b[^>]*>", "", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", text).replace("\N{NO-BREAK SPACE}", " ").split())


def contacts(count: int) -> list[dict[str, Any]]:
    """Return so many customers who are worth a contact, and one who is not."""
    one = {
        "situation": "profitable_once", "next_step": "Write.", "channel": "email", "offer": "none",
        "reason_1": "for: a bigger basket", "first_order_date": date(2026, 5, 1),
    }  # fmt: skip
    return [
        one
        | {"customer_key": 1000 + n, "customer_id": f"client-{n}", "probability": 0.4}
        | {"expected_value_of_acting": n}
        for n in range(count + 1)
    ]


def months(*states: str) -> list[dict[str, Any]]:
    """Return a month each, from January 2026: known, forecast or neither."""
    return [
        {
            "cohort_month": date(2026, month, 1), "new_customer_count": 50,
            "mature_customer_count": 50 if state == "known" else 3,
            "forecast_customer_count": 50, "is_mature": state == "known",
            "good_customer_share": 0.44 if state == "known" else None,
            "lower_good_share": 0.31 if state == "known" else None,
            "upper_good_share": 0.58 if state == "known" else None,
            "forecast_good_share": 0.47 if state == "forecast" else None,
        }
        for month, state in enumerate(states, start=1)
    ]  # fmt: skip


# New customers.


def test_the_best_are_listed_by_value_up_to_the_cap_and_never_by_the_clients_name(
    tmp_path: Path,
) -> None:
    html = section_of(
        tmp_path, "new_customers",
        {"new_customer_overview": [OVERVIEW], "new_customer_playbook": contacts(30)},
    )  # fmt: skip
    keys = [int(key) for key in re.findall(r"<code>(\d+)</code>", html)]
    assert keys == list(range(1030, 1005, -1))
    assert "30 of 40 new customers are worth a contact" in words_of(html)
    assert "The 25 of 30 with the highest expected value" in words_of(html)
    assert "1 has come back already by itself" in words_of(html)
    assert "client-" not in html


def test_a_withheld_forecast_says_why_and_shows_what_is_known(tmp_path: Path) -> None:
    step = {"situation": "no_forecast", "next_step": "Welcome them.", "customer_count": 39}
    html = section_of(
        tmp_path, "new_customers",
        {
            "new_customer_overview": [WITHHELD],
            "new_customer_situations": [step | {"worth_contacting_count": 0}],
            "new_customer_quality": months("known", "neither"),
        },
    )  # fmt: skip
    text = words_of(html)
    assert "40 customers are new, and no forecast tells them apart" in text
    assert "Withheld." in text
    assert "AUC 0.520 is below 0.55." in text
    assert "Of those won in Jan 2026, the last month that is known, 44% turned out good" in text
    assert "Nothing is told of them before the outcome of all is known" in text
    assert "worth a contact" not in text
    assert html.count("<svg") == 2  # the months, for two widths


def test_a_month_is_drawn_known_or_forecast_or_not_at_all(tmp_path: Path) -> None:
    html = section_of(
        tmp_path, "new_customers",
        {
            "new_customer_overview": [OVERVIEW],
            "new_customer_quality": months("known", "forecast", "neither"),
        },
    )  # fmt: skip
    (label, _) = re.findall(r'aria-label="(Share of new customers[^"]*)"', html)
    assert label.endswith("Jan 2026: 44%; Feb 2026: 47% forecast.")
    assert "Not ripe yet: Feb 2026, Mar 2026." in words_of(html)


def test_few_customers_of_a_quadrant_are_counted_and_not_summed_up(tmp_path: Path) -> None:
    quadrants = [
        {"quadrant": name, "horizon_days": 90, "mature_customer_count": 100}
        | {"customer_count": count, "customer_share": count / 100, "cm2": cm2}
        | {"cm2_per_new_customer": cm2 and cm2 / count}
        for name, count, cm2 in (
            ("profitable_repeat", 60, 6000), ("profitable_once", 39, 390),
            ("promo_dependent", 1, None), ("costly_once", 0, None),
        )
    ]  # fmt: skip
    text = words_of(
        section_of(
            tmp_path, "new_customers",
            {"new_customer_overview": [OVERVIEW], "new_customer_quadrants": quadrants},
        )
    )  # fmt: skip
    assert "Profitable repeat 60% 60 customers, €6,000, €100.00 each" in text
    assert "Promo dependent 1.0% 1 customer, too few to sum up" in text
    assert "Costly once 0.0% 0 customers After" in text


# The number of segments.


def test_the_gate_shows_each_rule_beside_its_threshold(tmp_path: Path) -> None:
    scores = [gate_row(2, is_chosen=True), gate_row(3, unmet=("seed_agreement",))]
    rules = {"candidate": "rules", "usefulness": 0.15, "is_knee": False, "is_chosen": False}
    html = section_of(
        tmp_path, "segment_count",
        {
            "segmentation_status": [STATUS], "segment_k_scores": [*scores, rules],
            "segment_maintenance": [CONTRACT],
        },
    )  # fmt: skip
    text = words_of(html)
    assert "Renew them by 29 Sept 2026; put customers into them again by 7 Jul 2026" in text
    assert "k = 2 explains most." in text
    assert "at least 100" in text
    assert text.count("✗ not met") == 1
    assert text.count("✓ met") == 11
    assert "the segments are 1 day old" in text
    (label,) = re.findall(r'aria-label="(Explained margin[^"]*)"', html)
    assert "2 segments: 20.0% (served); 3 segments: 20.0% (did not pass)" in label
    assert label.endswith("rule segments: 15.0%.")


def test_a_renewal_that_is_due_is_said_to_be(tmp_path: Path) -> None:
    late = CONTRACT | {"next_refit_date": AS_OF - timedelta(days=1), "refit_interval_days": None}
    text = words_of(
        section_of(
            tmp_path, "segment_count",
            {"segmentation_status": [STATUS], "segment_maintenance": [late]},
        )
    )  # fmt: skip
    assert "Renew them now: it has been due since 29 Jun 2026" in text
    assert "assumed: the past allows no promise" in text


def test_a_shop_that_was_too_small_to_fit_says_so(tmp_path: Path) -> None:
    contract = {"evidence": "12 customers are fewer", "as_of_date": AS_OF}
    html = section_of(
        tmp_path, "segment_count",
        {"segmentation_status": [UNSEGMENTED], "segment_maintenance": [contract]}, 12,
    )  # fmt: skip
    text = words_of(html)
    assert "The rule segments are served: nothing was fitted." in text
    assert "Clusters are not served: 12 customers are fewer than the 500 needed." in text
    assert "there is nothing to hold against today" in text
    assert "<svg" not in html


@pytest.mark.parametrize("name", SECTIONS)
@pytest.mark.parametrize("customer_count", [0, 1])
def test_a_shop_with_next_to_nothing_has_its_section(
    tmp_path: Path, name: str, customer_count: int
) -> None:
    rows = {
        "new_customer_overview": [
            {"open_customer_count": customer_count, "ordered_again_count": 0}
            | {"worth_contacting_count": 0}
        ],
        "segmentation_status": [UNSEGMENTED],
        "segment_maintenance": [{"evidence": "nothing was fitted", "as_of_date": AS_OF}],
    }
    html = section_of(tmp_path, name, rows if customer_count else {}, customer_count)
    assert ("There are no customers yet" in html) == (customer_count == 0)
    assert "None" not in html
    if customer_count and name == "new_customers":
        assert "1 customer is new, and no forecast tells them apart" in words_of(html)


def test_what_stands_in_the_tables_is_text_and_never_markup(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    for name, rows in (
        ("new_customers", {"new_customer_overview": [WITHHELD | {"quality_status_reason": evil}]}),
        ("segment_count", {"segmentation_status": [UNSEGMENTED | {"reason": evil}]}),
    ):
        folder = tmp_path / name
        folder.mkdir()
        html = section_of(folder, name, rows)
        assert "<script" not in html
        assert "&lt;script&gt;" in html


# Charts.


def drawn(picture: model_charts.Picture | None) -> str:
    assert picture is not None
    return draw(picture.chart, "chart", picture.title, picture.description, Numbers())


def test_a_chart_has_a_mark_for_every_number_and_none_for_what_is_not_known() -> None:
    scores = [gate_row(k) for k in (2, 3, 4)] + [gate_row(5, usefulness=None)]
    html = drawn(model_charts.curve_over_k(scores, "usefulness", "Explained", Numbers()))
    assert len(re.findall(r"<title>\d segments: 0.20</title>", html)) == 3
    assert "NaN" not in html
    assert model_charts.curve_over_k([scores[-1]], "usefulness", "Explained", Numbers()) is None


def test_an_age_that_few_dates_know_is_no_part_of_the_line() -> None:
    lags = [
        {"lag_days": 30, "low_rho": 0.9, "is_judged": True},
        {"lag_days": 60, "low_rho": 0.5, "is_judged": False},
    ]
    picture = model_charts.ageing(lags, [], "rho", Numbers())
    html = drawn(picture)
    assert "<title>30 days: 0.90</title>" in html
    assert "<title>60 days" not in html
    assert "60 days: 0.50 (fewer than 3 origins); limit 0.80" in picture.description


@pytest.mark.parametrize(
    ("shares", "form"), [([0.5], ".0%"), ([0.05], ".0%"), ([0.03], ".1%"), ([0.001, 0.002], ".2%")]
)
def test_steps_of_an_axis_do_not_look_alike(shares: list[float], form: str) -> None:
    assert model_charts.percent_format(shares) == form


def test_limits_of_the_charts_are_those_of_the_backtest() -> None:
    sql = (ROOT / "models" / "segments" / "stability" / "segment_conditions.sql").read_text()
    assert f"expected_rho < {model_charts.LEAST_RHO:.2f}" in sql
    assert f"expected_phi > {model_charts.MOST_PHI:.2f}" in sql
    drift = (ROOT / "models" / "segments" / "stability" / "segment_feature_drift.sql").read_text()
    assert f"psi >= {segment_count.MOST_DRIFT:.2f}" in drift
