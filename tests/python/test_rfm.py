"""RFM scores and rule segments are what the definitions say, cell by cell and tie by tie."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import date
from fractions import Fraction
from itertools import pairwise, product
from pathlib import Path

import duckdb
import pytest

from warehouse import ROOT, Builder, Warehouse

CELLS = list(product(range(1, 6), range(1, 6), range(1, 6), (False, True)))

# The rules in their order, written down a second time from the definitions.
RULES = (
    ("champions", lambda r, f, m, new: r >= 4 and f >= 4 and m >= 4),
    ("new", lambda r, f, m, new: f == 1 and new),
    ("loyal", lambda r, f, m, new: r >= 3 and f >= 3),
    ("cant_lose", lambda r, f, m, new: r <= 2 and f >= 4 and m >= 4),
    ("at_risk", lambda r, f, m, new: r <= 2 and f >= 3),
    ("promising", lambda r, f, m, new: r >= 3 and f == 2),
    ("big_first_basket", lambda r, f, m, new: f == 1 and m >= 4 and r >= 3),
    ("one_timer_recent", lambda r, f, m, new: f == 1 and r >= 3),
    ("slipping", lambda r, f, m, new: r == 2),
    ("lost", lambda r, f, m, new: True),
)
FREQUENCY_BANDS = (1, 2, 3, 5, 10)


def expected_segment(cell: tuple[int, int, int, bool]) -> str:
    """Return the first rule that matches a cell."""
    return next(name for name, rule in RULES if rule(*cell))


def mid_rank_scores(values: list, *, high_is_good: bool) -> dict[object, int]:
    """Return the quintile score of each distinct value by its mid-rank, in exact fractions."""
    counts = Counter(values)
    below, scores = 0, {}
    for value in sorted(counts):
        share = (below + Fraction(counts[value], 2)) / len(values)
        share = share if high_is_good else 1 - share
        scores[value] = min(5, 1 + int(5 * share))
        below += counts[value]
    return scores


@pytest.fixture(scope="module")
def mapped(builder: Builder) -> list[tuple]:
    """Every cell with the segment that the macro gives it, as compiled by dbt."""
    expression = builder.compiled(ROOT / "demo", "{{ rfm_segment('r', 'f', 'm', 'is_new') }}")
    with duckdb.connect() as connection:
        return connection.execute(
            f"select r, f, m, is_new, {expression} from range(1, 6) as a(r), range(1, 6) as b(f), "
            "range(1, 6) as c(m), (values (false), (true)) as d(is_new)"
        ).fetchall()


def test_every_cell_maps_once(mapped: list[tuple]) -> None:
    """All 125 cells, new or not, have exactly one segment, and it is that of the definitions."""
    assert len(mapped) == 250
    found = {row[:4]: row[4] for row in mapped}
    assert len(found) == 250
    assert found == {cell: expected_segment(cell) for cell in CELLS}


def test_every_segment_is_reachable(mapped: list[tuple]) -> None:
    """Each of the ten rule segments is the segment of some cell."""
    assert {row[4] for row in mapped} == {name for name, _ in RULES}


@pytest.fixture(scope="module")
def buyers(demo_warehouse: Warehouse) -> list[tuple]:
    """The scored customers of the demo shop: recency, orders, revenue, tenure, scores, segment."""
    rows = demo_warehouse.query(
        "select rfm.recency_days, rfm.successful_orders_365d, rfm.net_revenue_365d, "
        "single_view.tenure_days, rfm.recency_score, rfm.frequency_score, rfm.monetary_score, "
        "rfm.rfm_segment from customer.customer_rfm as rfm "
        "inner join customer.customer_single_view as single_view using (customer_key) "
        "where single_view.successful_orders_365d > 0"
    )
    assert len(rows) > 1_000
    return rows


def test_recency_and_money_scores_are_mid_rank_quintiles(buyers: list[tuple]) -> None:
    """R and M of every buyer equal those computed from all values at once, ties included."""
    recency = mid_rank_scores([row[0] for row in buyers], high_is_good=False)
    money = mid_rank_scores([row[2] for row in buyers], high_is_good=True)
    assert len(recency) < len(buyers) / 3, "too few ties to say anything"
    assert set(recency.values()) == set(money.values()) == {1, 2, 3, 4, 5}
    assert [row[4] for row in buyers] == [recency[row[0]] for row in buyers]
    assert [row[6] for row in buyers] == [money[row[2]] for row in buyers]


def test_frequency_scores_are_fixed_bands(buyers: list[tuple]) -> None:
    """F of every buyer is its band of orders."""
    bands = [sum(row[1] >= least for least in FREQUENCY_BANDS) for row in buyers]
    assert [row[5] for row in buyers] == bands
    assert set(bands) == {1, 2, 3, 4, 5}


def test_segments_follow_from_scores(buyers: list[tuple]) -> None:
    """The segment of every buyer is the first rule that its scores and its tenure match."""
    assert [row[7] for row in buyers] == [
        expected_segment((row[4], row[5], row[6], row[3] <= 30)) for row in buyers
    ]


def test_cut_points_part_the_values(demo_warehouse: Warehouse) -> None:
    """Cut points of one metric do not overlap, rise with the value, and count all buyers."""
    buyers = demo_warehouse.value(
        "select count(*) from customer.customer_single_view where successful_orders_365d > 0"
    )
    for metric in ("recency", "monetary"):
        rows = demo_warehouse.query(
            "select lower_value, upper_value, customer_count from customer.rfm_cut_points "
            "where metric = ? order by lower_value",
            [metric],
        )
        assert all(lower <= upper for lower, upper, _ in rows)
        assert all(first[1] < second[0] for first, second in pairwise(rows))
        assert sum(row[2] for row in rows) == buyers


def test_the_dormant_and_prospects_have_no_scores(demo_warehouse: Warehouse) -> None:
    """Customers without a successful order in the last 365 days have stages, not scores."""
    rows = demo_warehouse.query(
        "select distinct lifecycle_stage, recency_score, frequency_score, monetary_score, "
        "rfm_segment from customer.customer_rfm where successful_orders_365d = 0 order by 1"
    )
    assert rows == [("dormant", *[None] * 4), ("prospect", *[None] * 4)]


# Cut points are kept

BUYERS = (
    "select customer_key, recency_days, net_revenue_365d, recency_score, monetary_score "
    "from customer.customer_rfm where successful_orders_365d > 0 order by customer_key"
)


def scores_by(cuts: list[tuple], buyers: list[tuple]) -> list[tuple[int, int]]:
    """Return each buyer's recency and monetary score, looked up in cut points.

    cuts: rows of metric, score, lower and upper value.
    """
    found = []
    for _, days, revenue, *_ in buyers:
        recency = [
            score for metric, score, _, upper in cuts if metric == "recency" and days <= upper
        ]
        money = [score for metric, score, low, _ in cuts if metric == "monetary" and revenue >= low]
        found.append((max(recency, default=1), max(money, default=1)))
    return found


def test_cut_points_are_kept_until_they_are_due(
    builder: Builder, clean_landing: Path, clean_warehouse: Warehouse
) -> None:
    """Built on an earlier day than before, it learns; frozen then for 20 days; due after 90.

    A full refresh forgets nothing, and a refit replaces the version of its day and no other.
    """
    project = builder.project(clean_landing)
    shutil.copy2(clean_warehouse.path, project / "warehouse" / clean_warehouse.path.name)
    shop = Warehouse(project, 0, "")

    def build(as_of: date, *arguments: str) -> None:
        # The date is set where all models read it: dbt would parse anew for each value of a var.
        with duckdb.connect(str(shop.path)) as connection:
            connection.execute(f"update intermediate.int_as_of set as_of_date = date '{as_of}'")
        finished = builder.dbt(project, "run", *arguments)
        assert finished.returncode == 0, finished.stdout

    def versions() -> dict[date, list[tuple]]:
        kept: dict[date, list[tuple]] = {}
        for valid_from, *cut in shop.query(
            "select valid_from, metric, score, lower_value, upper_value, customer_count "
            "from customer.rfm_cut_points order by all"
        ):
            kept.setdefault(valid_from, []).append(tuple(cut))
        return kept

    def money_scores(buyers: list[tuple]) -> tuple[list[int], list[int]]:
        fresh = mid_rank_scores([row[2] for row in buyers], high_is_good=True)
        return [row[4] for row in buyers], [fresh[row[2]] for row in buyers]

    all_of_it = ("--select", "int_as_of+,+customer_rfm", "--exclude", "int_as_of")
    first, later, due = date(2026, 1, 31), date(2026, 2, 20), date(2026, 5, 1)
    ((last, cuts_of_last),) = versions().items()
    assert last > due

    build(first, *all_of_it)
    learned = versions()
    assert learned == {first: learned[first], last: cuts_of_last}
    assert learned[first] != cuts_of_last
    buyers = shop.query(BUYERS)
    found, fresh = money_scores(buyers)
    assert found == fresh
    before = {row[0]: row[3:] for row in buyers}

    build(later, *all_of_it, "--full-refresh")
    assert versions() == learned
    buyers = shop.query(BUYERS)
    cuts = [cut[:4] for cut in learned[first]]
    assert [row[3:] for row in buyers] == scores_by(cuts, buyers)
    assert sum(row[3:] != before.get(row[0]) for row in buyers) > 100
    found, fresh = money_scores(buyers)
    assert found != fresh

    build(due, *all_of_it)
    three = versions()
    assert three == learned | {due: three[due]}
    found, fresh = money_scores(shop.query(BUYERS))
    assert found == fresh

    with duckdb.connect(str(shop.path)) as connection:
        connection.execute("update customer.rfm_cut_points set upper_value = upper_value + 1")
    tampered = versions()
    build(due, "--select", "rfm_cut_points", "--vars", '{"refit": true}')
    assert versions() == tampered | {due: three[due]}
