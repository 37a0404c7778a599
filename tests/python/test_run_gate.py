"""The gate: each kind of limit, what is gone, what is replaced; and the measures of the demo."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from clientele.production.building import first_line, unfinished_nodes
from clientele.production.gate import Measure, compare, refusal, split_accepted
from warehouse import ROOT, Warehouse


def measure(
    value: float | None,
    kind: str = "drop_share",
    limit: float | None = 0.1,
    name: str = "rows",
    item: str = "orders",
    valid_for: str | None = None,
) -> Measure:
    return Measure("shop", name, item, kind, value, limit, valid_for)


@pytest.mark.parametrize(
    ("kind", "limit", "served", "at_the_limit", "beyond"),
    [
        ("at_most", 0.25, 0.0, 0.25, 0.2500001),
        ("at_least", 0.6, 1.0, 0.6, 0.5999999),
        ("drop_share", 0.25, 400, 300, 299),
        ("drop_share", 0, 400, 400, 399),
        ("drop_share", 0.25, -400, -500, -501),
        ("growth_share", 1, 400, 800, 801),
        ("growth_share", 1, -400, 0, 1),
        ("change_share", 0.5, 4, 6, 6.1),
        ("change_share", 0.5, 4, 2, 1.9),
        ("change", 0.125, 0.25, 0.375, 0.376),
        ("change", 0.125, 0.25, 0.125, 0.124),
        ("days_back", 0, 20633, 20633, 20632),
        ("days_back", 2, 20633, 20631, 20630),
    ],
)
def test_a_value_may_be_at_its_limit_and_not_beyond(
    kind: str, limit: float, served: float, at_the_limit: float, beyond: float
) -> None:
    former = [measure(served, kind, limit)]

    assert compare([measure(at_the_limit, kind, limit)], former) == []
    (failure,) = compare([measure(beyond, kind, limit)], former)
    assert (failure.check, failure.served, failure.new) == ("rows", served, beyond)


@pytest.mark.parametrize("kind", ["drop_share", "growth_share", "change_share", "change"])
def test_where_nothing_is_served_only_the_value_itself_is_judged(kind: str) -> None:
    assert compare([measure(-5, kind, 0)], []) == []
    assert len(compare([measure(0.3, "at_most", 0.25)], [])) == 1


def test_what_was_there_may_not_be_gone_unknown_or_no_number() -> None:
    former = [measure(400), measure(7, item="lines")]

    assert [failure.item for failure in compare([measure(400)], former)] == ["lines"]
    assert len(compare([measure(None), measure(7, item="lines")], former)) == 1
    for value in (float("nan"), float("inf"), float("-inf")):
        assert len(compare([measure(value), measure(7, item="lines")], former)) == 1
    assert compare([measure(None)], []) == []


def test_what_is_too_small_to_be_judged_is_neither_gone_nor_beyond() -> None:
    former = [measure(5.0, "change_share", name="means", item="2")]

    assert compare([measure(None, "none", None, name="means", item="2")], former) == []
    # Nor is there anything to compare with when it is large enough again.
    grown = [measure(50.0, "change_share", name="means", item="2")]
    assert compare(grown, [measure(None, "none", None, name="means", item="2")]) == []


def test_segments_of_another_model_are_others_and_those_of_the_same_may_not_be_gone() -> None:
    def shares(model: str, *values: float) -> list[Measure]:
        return [
            measure(value, "change", 0.1, "segment_share", str(number), model)
            for number, value in enumerate(values, 1)
        ]

    former = shares("clusters 2026-01-01", 0.5, 0.3, 0.2)
    assert compare(shares("clusters 2026-04-01", 0.9, 0.1), former) == []
    assert [each.item for each in compare(shares("clusters 2026-01-01", 0.55, 0.35), former)] == [
        "3"
    ]
    assert [
        each.item for each in compare(shares("clusters 2026-01-01", 0.35, 0.35, 0.3), former)
    ] == ["1"]
    assert len(compare([], former)) == 3


def test_a_kind_of_limit_that_is_not_known_is_refused_and_a_limit_that_is_missing_too() -> None:
    assert len(compare([measure(1, "drop_shares")], [])) == 1
    assert len(compare([measure(1, "at_most", None)], [])) == 1


def test_what_is_served_beyond_its_own_limit_was_accepted_then() -> None:
    former = [measure(0.3, "at_most", 0.25)]

    assert compare([measure(0.3, "at_most", 0.25)], former) == []
    assert len(compare([measure(0.31, "at_most", 0.25)], former)) == 1


def test_an_accepted_check_passes_and_no_other() -> None:
    failures = compare(
        [measure(1), measure(1, name="money")], [measure(9), measure(9, name="money")]
    )

    standing, passed = split_accepted(failures, ["money"])
    assert [failure.check for failure in standing] == ["rows"]
    assert [failure.check for failure in passed] == ["money"]


def test_a_refusal_is_one_screen_and_says_days_as_dates(tmp_path: Path) -> None:
    new = [measure(1, item=f"table_{number}\x1b[2J") for number in range(40)]
    former = [measure(9, item=each.item) for each in new]
    day = (date(2026, 6, 29) - date(1970, 1, 1)).days
    new.append(measure(day - 3, "days_back", 0, "as_of_day", "last_day"))
    former.append(measure(day, "days_back", 0, "as_of_day", "last_day"))
    failures = compare(new, former)
    lines = refusal(failures, tmp_path / "none").splitlines()

    assert len(lines) <= 24
    assert lines[1] == (
        "  as_of_day, shop, last_day: 2026-06-29 served, 2026-06-26 new; may go back 0 days"
    )
    assert "\x1b" not in "".join(lines)
    assert lines[-1] == "If that is how it is: clientele run --accept as_of_day --accept rows"


def manifest(**nodes: dict) -> dict:
    return {
        "metadata": {"invocation_id": "one"},
        "nodes": {
            name: {"resource_type": "model", "name": name, "config": {}, **node}
            for name, node in nodes.items()
        },
        "unit_tests": {"u": {"resource_type": "unit_test", "name": "u", "config": {}}},
    }


def results(**statuses: str) -> dict:
    return {
        "metadata": {"invocation_id": "one", "env": {"CLIENTELE_RUN": "now"}},
        "results": [{"unique_id": name, "status": status} for name, status in statuses.items()],
    }


def test_every_enabled_node_must_be_in_the_results_and_passed() -> None:
    project = manifest(
        a={}, b={"config": {"materialized": "ephemeral"}}, c={"config": {"enabled": False}},
        d={"resource_type": "operation"},
        e={"resource_type": "test", "config": {"severity": "WARN"}},
        f={"resource_type": "seed"}, g={"resource_type": "snapshot"},
    )  # fmt: skip
    passed = {"a": "success", "e": "warn", "f": "success", "g": "success", "u": "pass"}

    assert unfinished_nodes(project, results(**passed), "now") == []
    for name in passed:
        assert len(unfinished_nodes(project, results(**{**passed, name: "skipped"}), "now")) == 1
        without = {key: value for key, value in passed.items() if key != name}
        assert len(unfinished_nodes(project, results(**without), "now")) == 1
    assert unfinished_nodes(project, results(**{**passed, "a": "warn"}), "now") == ["model a: warn"]
    assert unfinished_nodes(project, results(**passed), "yesterday") != []
    other = results(**passed)
    other["metadata"]["invocation_id"] = "two"
    assert unfinished_nodes(project, other, "now") != []


def test_a_daily_build_leaves_out_unit_tests_and_what_models_check_and_nothing_else() -> None:
    holds = {"resource_type": "test", "test_metadata": {"name": "holds"}}
    project = manifest(
        a={"config": {"materialized": "table"}}, b={"config": {"materialized": "view"}},
        c={"config": {"materialized": "incremental"}}, d={"resource_type": "seed"},
        of_a={**holds, "attached_node": "a", "config": {"severity": "ERROR"}},
        of_b={**holds, "attached_node": "b", "config": {"severity": "error"}},
        of_c={**holds, "attached_node": "c", "config": {"severity": "ERROR"}},
        of_d={**holds, "attached_node": "d", "config": {"severity": "ERROR"}},
        warns={**holds, "attached_node": "a", "config": {"severity": "warn"}},
        other={
            "resource_type": "test", "attached_node": "a", "config": {"severity": "ERROR"},
            "test_metadata": {"name": "not_null"},
        },
    )  # fmt: skip
    built = ("a", "b", "c", "d", "of_c", "of_d", "warns", "other")
    passed = dict.fromkeys(built, "success")
    daily = {"args": {"selector": "daily"}}

    assert unfinished_nodes(project, {**results(**passed), **daily}, "now") == []
    for name in built:
        without = {key: value for key, value in passed.items() if key != name}
        for became in (without, {**passed, name: "fail"}, {**passed, name: "skipped"}):
            found = unfinished_nodes(project, {**results(**became), **daily}, "now")
            assert [problem.split(":")[0].split()[1] for problem in found] == [name]
    failed = {**passed, "of_a": "fail", "u": "error"}
    assert len(unfinished_nodes(project, {**results(**failed), **daily}, "now")) == 2
    for selector in ({}, {"args": {"selector": "other"}}):
        missing = unfinished_nodes(project, {**results(**passed), **selector}, "now")
        assert [problem.split(":")[0].split()[1] for problem in missing] == ["of_a", "of_b", "u"]


@pytest.fixture(scope="module")
def demo_measures(demo_warehouse: Warehouse) -> dict[tuple[str, str], float]:
    return {
        (name, item): value
        for name, item, value in demo_warehouse.query(
            "select distinct measure, item, value from marts.gate_measures"
        )
    }


def raw(sql: str) -> list[tuple]:
    with duckdb.connect() as connection:
        connection.execute(f"set file_search_path = '{ROOT / 'demo' / 'market'}'")
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize("table", ["market_order", "app_open", "promo_detail", "product_detail"])
def test_landed_and_rejected_rows_are_those_of_the_files(
    demo_measures: dict[tuple[str, str], float], demo_warehouse: Warehouse, table: str
) -> None:
    ((landed,),) = raw(f"select count(*) from '{table}/*.parquet'")
    rejected = demo_warehouse.value(
        f"select count(*) from staging.stg_market__{table} where reject_reasons is not null"
    )

    assert demo_measures["landed_rows", table] == landed
    assert demo_measures["rejected_share", table] == rejected / landed


def test_the_latest_days_are_those_of_the_orders(
    demo_measures: dict[tuple[str, str], float], demo_warehouse: Warehouse
) -> None:
    as_of = date(1970, 1, 1).toordinal() + demo_measures["as_of_day", "last_day"]
    last = date.fromordinal(int(as_of))
    assert last == demo_warehouse.value("select as_of_date from intermediate.int_as_of")

    placed = dict(
        demo_warehouse.query(
            "select order_date, count(*) from core.fct_orders "
            "where order_date is not null group by order_date"
        )
    )
    ages = {(last - day).days: count for day, count in placed.items()}
    week = sum(ages.get(age, 0) for age in range(7))
    usual = sum(ages.get(age, 0) for age in range(7, 56)) / 7
    assert demo_measures["last_week_share", "orders"] == pytest.approx(week / usual)
    revenue = demo_warehouse.value(
        "select sum(net_revenue) from core.fct_orders where is_successful "
        f"and order_date > date '{last}' - 28 and delivered_date <= date '{last}'"
    )
    assert demo_measures["net_revenue_28d", "last_28_days"] == pytest.approx(float(revenue))
    opens = dict(
        demo_warehouse.query(
            f"select date '{last}' - cast(opened_at as date) as age, count(*) "
            "from core.fct_app_opens group by age"
        )
    )
    usual_day = sum(opens.get(7 * weeks, 0) for weeks in range(1, 9)) / 8
    assert demo_measures["last_day_share", "app_opens"] == pytest.approx(opens[0] / usual_day)


def test_the_demo_is_within_its_own_limits_and_half_of_its_last_day_is_not(
    demo_warehouse: Warehouse,
) -> None:
    measures = [
        Measure(*row)
        for row in demo_warehouse.query(
            "select source, measure, item, limit_kind, value, limit_value, valid_for "
            "from marts.gate_measures"
        )
    ]

    assert compare(measures, []) == []
    assert compare(measures, measures) == []
    halved = [
        Measure(each.source, each.measure, each.item, each.limit_kind, each.value / 2,
                each.limit_value, each.valid_for)
        if (each.measure, each.item) == ("last_day_share", "app_opens") and each.value else each
        for each in measures
    ]  # fmt: skip
    assert [failure.check for failure in compare(halved, [])] == ["last_day_share"]


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("Got 1 result, configured to fail if != 0", "Got 1 result, configured to fail if != 0"),
        (
            "Runtime Error in model customers (models/customers.sql)\n  Binder Error: no column",
            "Binder Error: no column",
        ),
        (
            "Runtime Error in unit_test x (y.yml)\n  An error occurred during execution of it.\n"
            "   Runtime Error\n    Binder Error: no column\n    LINE 1",
            "Binder Error: no column",
        ),
        ("Compilation Error in test x (y.yml)\n  'z' is undefined", "'z' is undefined"),
        ("", ""),
    ],
)
def test_of_a_message_the_line_is_told_that_says_what_happened(message: str, line: str) -> None:
    assert first_line(message) == line
