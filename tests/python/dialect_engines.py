"""Renders the project's macros for an engine, and runs SQL on it, without a start of dbt.

The macros are plain Jinja but for a few names that dbt gives them: `adapter.dispatch`, `return`,
`var` and the like. They are given here, as far as macros/dialect/ and what it calls use them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import jinja2
import pytz
import yaml

ROOT = Path(__file__).parents[2]
PREFIXES = {"duckdb": ("default__",), "spark": ("spark__", "default__")}
MACRO = re.compile(r"({%-?\s*macro\s+)(\w+)\(")


class Returned(Exception):
    """What a macro returns, on its way out of the macro."""

    def __init__(self, value: Any) -> None:
        super().__init__("a macro returned")
        self.value = value


def _return(value: Any) -> None:
    raise Returned(value)


def _call_of(macro: Callable[..., Any]) -> Callable[..., Any]:
    """Return a macro that hands back what it returns, or else its text, as dbt's macros do."""

    def call(*arguments: Any, **named: Any) -> Any:
        try:
            return str(macro(*arguments, **named)).strip()
        except Returned as returned:
            return returned.value

    return call


class Macros:
    """The macros of macros/ as one engine, duckdb or spark, has them."""

    def __init__(self, engine: str) -> None:
        self.environment = jinja2.Environment(extensions=["jinja2.ext.do"])
        project = yaml.safe_load((ROOT / "dbt_project.yml").read_text())
        names: dict[str, Any] = dict(self.environment.globals)
        names["adapter"] = SimpleNamespace(
            dispatch=lambda name, _package: next(
                names[prefix + name] for prefix in PREFIXES[engine] if prefix + name in names
            )
        )
        names["return"] = _return
        names["var"] = lambda name: project["vars"][name]
        names["modules"] = SimpleNamespace(re=re, pytz=pytz)
        for path in sorted((ROOT / "macros").rglob("*.sql")):
            if "{% materialization" in path.read_text():
                continue  # a tag of dbt's own, and nothing that a model calls
            # Under another name, a call of a macro finds the wrapped one below.
            template = self.environment.from_string(MACRO.sub(r"\1written_\2(", path.read_text()))
            module = template.make_module(names, shared=True)
            for name in MACRO.findall(path.read_text()):
                names[name[1]] = _call_of(getattr(module, "written_" + name[1]))
        self.names = names

    def render(self, sql: str) -> str:
        """Return SQL with its macros written out."""
        return self.environment.from_string(sql).render(self.names)


def plain(value: Any) -> Any:
    """Return a value of either engine as lists, dicts and Python's own types."""
    if hasattr(value, "asDict"):
        return {name: plain(part) for name, part in value.asDict().items()}
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return value


class DuckDB:
    """A DuckDB in memory, set like the warehouse's."""

    name = "duckdb"

    def __init__(self) -> None:
        self.macros = Macros(self.name)
        self.connection = duckdb.connect()
        self.connection.execute("set timezone = 'UTC'")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query that may use macros."""
        found = self.connection.execute(self.macros.render(sql)).fetchall()
        return [tuple(plain(value) for value in row) for row in found]


class Spark:
    """A Spark in this process, set like the one that builds the project."""

    name = "spark"

    def __init__(self) -> None:
        from pyspark.sql import SparkSession

        self.macros = Macros(self.name)
        self.session = (
            SparkSession.builder.master("local[1]")
            .appName("dialect")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.ansi.enabled", "true")
            .config("spark.sql.shuffle.partitions", "1")
            .config("spark.driver.extraJavaOptions", "-Duser.timezone=UTC")
            .getOrCreate()
        )

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query that may use macros."""
        found = self.session.sql(self.macros.render(sql)).collect()
        return [tuple(plain(value) for value in row) for row in found]
