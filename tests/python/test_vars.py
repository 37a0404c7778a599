"""Vars are an allow-list: text that is no value of its kind is refused, and never executed."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from warehouse import PARALLEL_BUILDS, ROOT, Builder

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
    "landing": BEHIND_A_FILE,
    "largest_amount": f"1); {STACKED}; --",
    "frequency_bands": [1, 2, 3, 5, f"10); {STACKED}; --"],
    "earliest_date": f"2000-01-01'; {STACKED}; --",
    "smallest_group": f"10); {STACKED}; --",
    "distribution_values": f"50; {STACKED}; --",
    "recent_sample_size": f"1; {STACKED}; --",
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
