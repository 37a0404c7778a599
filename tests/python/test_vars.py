"""Vars are an allow-list: text that is no value of its kind is refused, and never executed."""

from __future__ import annotations

import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

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
    "sources": [f"market'; {STACKED}; --"],
    "contact_sources": [f"consents'; {STACKED}; --"],
    "landing": BEHIND_A_FILE,
    "largest_amount": f"1); {STACKED}; --",
    "frequency_bands": [1, 2, 3, 5, f"10); {STACKED}; --"],
    "earliest_date": f"2000-01-01'; {STACKED}; --",
    "smallest_group": f"10); {STACKED}; --",
    "currencies": {"market": f"EUR' end; {STACKED}; --"},
}


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


CHECKED = re.compile(r"(?:number|share|date|flag|periods)_var\(\s*['\"](\w+)['\"]")
BARE = re.compile(r"(?<!\w)var\(\s*['\"](\w+)['\"]")
PASTED = re.compile(r"(?<!in )(?<!\w)var\(['\"](\w+)['\"]\)")


def test_no_var_reaches_sql_unchecked() -> None:
    """SQL reads vars through the macros that check them, and YAML pastes none that they do not."""
    sql = {
        str(path.relative_to(ROOT)): path.read_text()
        for folder in ("macros", "models", "snapshots", "tests/generic")
        for path in (ROOT / folder).rglob("*.sql")
    }
    del sql["macros/vars.sql"]
    checked = {name for text in sql.values() for name in CHECKED.findall(text)}
    assert {"largest_amount", "segment_refit_interval_days", "distribution_values"} <= checked
    bare = {(path, name) for path, text in sql.items() for name in BARE.findall(text)}
    assert bare == {
        ("macros/union_sources.sql", "sources"),  # compared with the names that are known
        ("models/intermediate/int_as_of.sql", "as_of"),  # whether there is one
    }
    pasted = {
        name
        for path in (ROOT / "models").rglob("*.yml")
        for name in PASTED.findall(path.read_text())
    }
    assert pasted - checked == {"landing"}  # its paths are checked when a run begins


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
