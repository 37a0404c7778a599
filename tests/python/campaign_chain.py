"""The campaign models as dbt compiles them, run in memory on small tables, day after day."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import duckdb
import yaml

from warehouse import ROOT, Builder

# In the order in which they read each other.
CHAIN = (
    "campaigns.campaigns_checked",
    "campaigns.campaign_rules_checked",
    "campaigns.campaign_periods",
    "campaigns.campaigns_in_force",
    "campaigns.campaign_rule_groups",
    "campaigns.campaign_audience",
    "campaigns.earlier_assignments",
    "campaigns.campaign_contacts",
    "campaigns.campaign_claims",
    "campaigns.campaign_winners",
    "campaigns.campaign_decisions",
    "campaigns.campaign_assignments",
    "marts.campaign_ledger",
    "campaigns.campaign_list_log",
    "marts.campaign_lists",
    "marts.campaign_list_changes",
    "marts.campaign_status",
)
KEPT = ("campaigns.campaign_assignments", "campaigns.campaign_list_log")
BASE = (
    "campaigns.campaign_candidates",
    "campaigns.customer_suppressions",
    "campaigns.restored_assignments",
)
SEEDS = ("campaigns", "campaign_rules", "rule_segment_playbook")


def columns_of(table: str) -> dict[str, str]:
    """Return the columns of a model with a contract, or of a seed, with their SQL types."""
    schema, name = table.split(".")
    if schema == "seeds":
        seeds = yaml.safe_load((ROOT / "seeds" / "_seeds.yml").read_text())["seeds"]
        (found,) = (seed for seed in seeds if seed["name"] == name)
        columns = found["config"]["column_types"]
    else:
        (path,) = (ROOT / "models").rglob(f"{name}.yml")
        (model,) = yaml.safe_load(path.read_text())["models"]
        columns = {column["name"]: column["data_type"] for column in model["columns"]}
    return {name: "varchar" if kind == "string" else kind for name, kind in columns.items()}


def create(table: str) -> str:
    """Return the statement that makes a table, empty."""
    listed = ", ".join(f"{name} {kind}" for name, kind in columns_of(table).items())
    return f"create or replace table {table} ({listed})"


class Chain:
    """Small tables in memory, and the compiled models that are run on them."""

    def __init__(self, models: Mapping[str, str]) -> None:
        self.models = models
        self.connection = duckdb.connect()
        self.connection.execute("attach ':memory:' as clientele; use clientele; set threads = 1")
        for schema in ("seeds", "intermediate", "campaigns", "marts"):
            self.connection.execute(f"create schema {schema}")
        self.clear()

    def clear(self) -> None:
        """Empty every table that is not built."""
        for table in (*BASE, *KEPT, *(f"seeds.{seed}" for seed in SEEDS)):
            self.connection.execute(create(table))
        self.connection.execute(
            "create or replace table intermediate.int_as_of "
            "(source varchar, first_order_date date, last_order_date date, as_of_date date)"
        )

    def fill(self, table: str, rows: Iterable[Mapping[str, object]]) -> None:
        """Replace the rows of a table; columns that are not given are null.

        Seeds get texts, as from their files: DuckDB would write the number 0.1 as .1.
        """
        self.connection.execute(f"delete from {table}")
        for row in rows:
            marks = ", ".join("?" for _ in row)
            values = row.values()
            if table.startswith("seeds."):
                values = [None if value is None else str(value) for value in values]
            self.connection.execute(
                f"insert into {table} ({', '.join(row)}) values ({marks})", list(values)
            )

    def build(self, as_of: date, *, empty_source: bool = True) -> None:
        """Build every model as of a date, as one run of dbt would."""
        sources = [{"source": "market", "as_of_date": as_of}]
        sources += [{"source": "olist", "as_of_date": None}] if empty_source else []
        self.fill("intermediate.int_as_of", sources)
        self.connection.execute("update campaigns.campaign_candidates set as_of_date = ?", [as_of])
        for name in CHAIN:
            verb = "insert into {} by name" if name in KEPT else "create or replace table {} as"
            self.connection.execute(f"{verb.format(name)} {self.models[name]}")

    def rows(self, sql: str) -> list[tuple]:
        """Return the rows of a query."""
        return self.connection.execute(sql).fetchall()

    def table(self, name: str) -> list[tuple]:
        """Return the rows of a table in one order."""
        return self.rows(f"select * from {name} order by all")


def compile_chain(builder: Builder, variables: Mapping[str, object]) -> dict[str, str]:
    """Return the SQL of each model of the chain where assignments and lists have been kept."""
    project = builder.project(ROOT / "demo", json.dumps(variables))
    warehouse = project / "warehouse" / "clientele.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema campaigns")
        for table in KEPT:
            connection.execute(create(table))
    names = [name.split(".")[1] for name in CHAIN]
    finished = builder.dbt(project, "compile", "--select", *names, "--vars", json.dumps(variables))
    assert finished.returncode == 0, finished.stdout
    folder = project / "target" / "compiled" / "clientele" / "models"
    return {name: _only(folder, name.split(".")[1]).read_text() for name in CHAIN}


def _only(folder: Path, name: str) -> Path:
    (path,) = folder.rglob(f"{name}.sql")
    return path
