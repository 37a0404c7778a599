"""Vars are an allow-list: text that is no value of its kind is refused, and never executed."""

from __future__ import annotations

import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
import yaml

import segment_gate
from warehouse import NO_TESTS, PARALLEL_BUILDS, ROOT, Builder, Warehouse

STACKED = "create table main.executed as select 1 as one"
# The rest of the statement that the value is pasted into stays valid SQL, so that a refusal is
# owed to a check and not to luck.
BEHIND_A_FILE = (
    "demo/market/market_order/*.parquet')) select 1 as one); create table main.executed as "
    "(with source as (select * from read_parquet('demo"
)
ATTACKS = {
    "as_of": f"2026-01-01'; {STACKED}; --",
    "landing": BEHIND_A_FILE,
    "known_by": f"2026-01-01', true)); {STACKED}; --",
    "smallest_group": f"10); {STACKED}; --",
}
VALUES = {
    "sources": [["market"], ["olist", "market"]],
    "landing": ["demo", "../shop/landing zone", "/data/landing-1"],
    "as_of": ["", "2026-06-30", date(2026, 6, 30)],
    "known_by": ["", "2026-06-30", "2026-06-30 06:00:00", datetime(2026, 6, 30, 6)],
    "earliest_date": ["2000-02-29"],
    "latest_date": ["2049-12-31"],
    "time_zones": [{}, {"market": "Europe/Berlin", "corner_shop": "UTC"}],
    "sales_json_excluded_periods": [[], [["2025-01-01", "2025-06-30"]]],
    "currencies": [{}, {"market": "EUR"}],
    "payment_fee_rate": [0, 1, "0.015"],
    "global_holdout_share": [0, 0.05, 1],
    "marketing_cost_is_per_order": [True, "false"],
    "frequency_bands": [[1, 2, 3, 4, 5]],
    "refit": [False, "TRUE"],
    "segment_resamples": [5, 1000],
    "contact_sources": [[], ["consents"]],
    "kept_assignments": ["", "kept/assignments.parquet"],
    "run_id": ["", "2026-06-30T06:00:00Z"],
}
NUMBERS = [0, 1, 12, "7"]
REFUSED = {
    "sources": [[], "market", ["shop"], None, {"market": 1}],
    "landing": ["", "a'b", "a*", "a?b", "a[1]", "a;b", "{name}", 'a"b', "a\nb"],
    "as_of": ["2026-13-01", "2026-06-31", "30.06.2026", "today", "2026-06-30 10:00:00"],
    "known_by": ["now", "2026-06-30T06:00:00", "2026-06-30 24:00:00"],
    "earliest_date": ["", None, "2000-1-1"],
    "time_zones": [{"market": "Berlin"}, {"market": None}, "UTC", {"m'": "UTC"}],
    "sales_json_excluded_periods": [
        "2025-01-01", [["2025-01-01"]], [["2025-06-30", "2025-01-01"]], [["a", "b"]], [1],
    ],
    "currencies": [{"market": "euro"}, "EUR", {"m'": "EUR"}],
    "payment_fee_rate": [1.5, -1, "2", None],
    "frequency_bands": [
        [1, 2, 3], [2, 3, 4, 5, 6], [1, 2, 3, 3, 4], "1,2,3,4,5", ["1", 2, 3, 4, 5],
    ],
    "refit": ["yes", 1, None],
    "segment_resamples": [4, 1001, 5.5, None],
    "history_months": [1.5, -1, None],
    "contact_sources": ["consents", ["friends"]],
    "run_id": ["a b", "a/b", "a'b"],
}  # fmt: skip


@pytest.fixture(scope="module")
def attempts(builder: Builder) -> dict[str, tuple[int, str, list[str]]]:
    """Each attack's exit code, output and the tables of its warehouse afterwards."""

    def attempt(name: str) -> tuple[int, str, list[str]]:
        project = builder.project(ROOT / "demo")
        variables = json.dumps({name: ATTACKS[name]})
        finished = builder.dbt(
            project, "run", "--select", "stg_market__market_order", "--vars", variables
        )
        return finished.returncode, finished.stdout, tables_of(project)

    with ThreadPoolExecutor(PARALLEL_BUILDS) as pool:
        return dict(zip(ATTACKS, pool.map(attempt, ATTACKS), strict=True))


def tables_of(project: Path) -> list[str]:
    """Return the tables of a project's warehouse, none where there is no warehouse."""
    path = project / "warehouse" / "clientele.duckdb"
    if not path.exists():
        return []
    with duckdb.connect(str(path), read_only=True) as connection:
        return [
            row[0]
            for row in connection.execute("select table_name from duckdb_tables()").fetchall()
        ]


@pytest.mark.parametrize("name", ATTACKS)
def test_sql_in_a_var_is_not_executed(
    attempts: dict[str, tuple[int, str, list[str]]], name: str
) -> None:
    """A statement in a var makes no table, and the run stops before any other."""
    _, _, tables = attempts[name]
    assert tables == []


@pytest.mark.parametrize("name", ATTACKS)
def test_a_refused_var_is_named(attempts: dict[str, tuple[int, str, list[str]]], name: str) -> None:
    """The run fails with a message that names the var and says what it must be."""
    exit_code, output, _ = attempts[name]
    assert exit_code != 0
    assert f"var {name} must be" in output, output


@pytest.fixture(scope="module")
def declared() -> dict[str, object]:
    """The vars of dbt_project.yml with their defaults."""
    return yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]


@pytest.fixture(scope="module")
def kinds(builder: Builder) -> dict[str, str]:
    """The kind of each var, as the macro lists them."""
    return json.loads(builder.compiled(ROOT / "demo", "{{ var_kinds() | tojson }}"))


def problems(
    builder: Builder, cases: list[tuple[str, object]], kinds: dict[str, str]
) -> list[str | None]:
    """Return what is wrong with each value of a var; dbt is asked once for all of them."""
    asked = json.dumps(
        [(kinds[name], value) for name, value in cases],
        default=str,  # a date in the vars of YAML is looked at as its text
    )
    template = (
        "{%- set found = [] -%}"
        f"{{%- for kind, value in fromjson({json.dumps(asked)}) -%}}"
        "{%- do found.append(var_problem(kind, value)) -%}"
        "{%- endfor -%}{{ found | tojson }}"
    )
    return json.loads(builder.compiled(ROOT / "demo", template))


def test_each_var_of_the_project_has_a_kind_and_no_other(
    declared: dict[str, object], kinds: dict[str, str]
) -> None:
    """A var that was added at one place alone would be refused, or never checked."""
    assert set(kinds) == set(declared)


def test_values_of_their_kind_pass_and_all_others_are_refused(
    builder: Builder, declared: dict[str, object], kinds: dict[str, str]
) -> None:
    """Every default passes; SQL is refused in every var, whatever it should be."""
    numbers = [name for name, kind in kinds.items() if kind in ("number", "whole number")]
    good = list(declared.items())
    good += [(name, value) for name, values in VALUES.items() for value in values]
    good += [(name, value) for name in numbers for value in NUMBERS]
    sql = ("1'; drop table x; --", "1); drop table x; --", "1\nunion select 1", "{{ 1 }}")
    bad = [(name, value) for name in kinds for value in sql]
    bad += [(name, [value]) for name in kinds for value in sql]
    bad += [(name, {"market": value}) for name in kinds for value in sql]
    bad += [(name, value) for name, values in REFUSED.items() for value in values]
    bad += [
        (name, value)
        for name in numbers
        for value in (-1, "1e3", "0x10", "1_000", "1,5", "", None, True, "nan")
    ]
    found = problems(builder, good + bad, kinds)
    assert [case for case, problem in zip(good, found, strict=False) if problem] == []
    refusals = found[len(good) :]
    assert [case for case, problem in zip(bad, refusals, strict=True) if not problem] == []


@pytest.mark.parametrize("command", ["parse", "compile", "build"])
def test_every_command_that_parses_refuses_a_var_that_nobody_knows(
    builder: Builder, command: str
) -> None:
    """Whatever is selected; the message names the nearest var that there is."""
    project = builder.project(ROOT / "demo")
    select = [] if command == "parse" else ["--select", "stg_market__app_open"]
    finished = builder.dbt(project, command, *select, "--vars", '{"largest_amout": 5}')
    assert finished.returncode != 0
    assert "there is no var largest_amout; the nearest is largest_amount" in finished.stdout
    assert tables_of(project) == []


BARE = re.compile(r"(?<!\w)var\(\s*['\"](\w+)['\"]")
TOUCHED = re.compile(
    r"(?<!\w)(?:number_|share_|date_|flag_|periods_|path_|checked_)?var\(\s*['\"](\w+)['\"]"
)


def test_no_var_reaches_sql_unchecked(declared: dict[str, object]) -> None:
    """SQL reads vars through the macros that check them, and no var is unknown or unused."""
    sql = {
        str(path.relative_to(ROOT)): path.read_text()
        for folder in ("macros", "models", "snapshots", "tests/generic")
        for path in (ROOT / folder).rglob("*.sql")
    }
    yml = [
        path.read_text()
        for folder in ("models", "python_models", "snapshots")
        for path in (ROOT / folder).rglob("*.yml")
    ]
    bare = {(path, name) for path, text in sql.items() for name in BARE.findall(text)}
    # Whether there is one; its value is read by date_var.
    assert bare == {("models/intermediate/int_as_of.sql", "as_of")}
    touched = {name for text in [*sql.values(), *yml] for name in TOUCHED.findall(text)}
    assert touched <= set(declared)


@pytest.mark.parametrize("value", ["many", "4", "4.5", "-5", "1001", "", None, "5; drop"])
def test_too_few_resamples_are_refused(value: object) -> None:
    """Below five, above a thousand, or no whole number: said with the name of the var."""
    with pytest.raises(ValueError, match=r"^var segment_resamples must be from 5 to 1000, not "):
        segment_gate.effort(value)


def test_resamples_say_how_thorough_the_gate_is() -> None:
    """The default is that of the gate; fewer mean fewer splits, too."""
    limits = segment_gate.GateLimits()
    assert segment_gate.effort(30) == {"bootstraps": limits.bootstraps, "splits": limits.splits}
    assert segment_gate.effort(" 5 ") == {"bootstraps": 5, "splits": 2}


def test_a_build_with_too_few_resamples_fails_with_one_readable_line(
    builder: Builder, clean_landing: Path, clean_warehouse: Warehouse
) -> None:
    """The model of segments fails before it fits anything, and what was kept stays."""
    project = builder.project(clean_landing)
    shutil.copy2(clean_warehouse.path, project / "warehouse" / clean_warehouse.path.name)
    variables = json.dumps({"segment_resamples": 4})
    finished = builder.dbt(
        project, "build", "--select", "segment_kmeans", *NO_TESTS, "--vars", variables
    )
    assert finished.returncode != 0
    assert "var segment_resamples must be from 5 to 1000, not" in finished.stdout
    kept = Warehouse(project, finished.returncode, finished.stdout)
    table = "segments.segment_kmeans"
    assert kept.fingerprint(table) == clean_warehouse.fingerprint(table)
