"""A daily build leaves out tests, and no rule with them: what breaks one is not written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import duckdb
import pytest

from clientele.production.building import _is_left_out, _nodes
from warehouse import ROOT, Builder

PROJECT = ROOT / "tests" / "fixtures" / "mini_shop"
PARTS = (
    "selectors.yml", "macros/broken_rules.sql", "macros/dialect/materializations.sql",
    "macros/dialect/increments/touched_rows.sql", "tests/generic/holds.sql",
)  # fmt: skip
QUERY = "select name, number from {rows}"
# One model a way to break: what it is, and its SQL once it is altered.
MODELS = {
    "well": ("table", "select number, name from {rows}"),
    "as_view": ("view", "select name, -number as number from {rows}"),
    "rule": ("table", "select name, -number as number from {rows}"),
    "in_part": ("table", "select name, number * 10 as number from {rows}"),
    "grain": ("table", "select name, number from {rows} union all from {rows}"),
    "type": ("table", "select name, number::double as number from {rows}"),
    "more": ("table", "select name, number, 1 as more from {rows}"),
    "fewer": ("table", "select name from {rows}"),
    "turned": ("table", "select name, number from {rows}"),
    "turned_ill": ("table", "select name, -number as number from {rows}"),
}
ROWS = "(values ('a', 1::bigint), ('b', 2), (upper('c'), 3)) as rows(name, number)"
MESSAGES = {
    "as_view": "as_view breaks its rules: is_positive (3 rows)",
    "rule": "rule breaks its rules: is_positive (3 rows)",
    "in_part": "in_part breaks its rules: is_small (1 rows)",
    "grain": "grain breaks its rules: grain_is_not_unique (3 rows)",
    "type": "the enforced contract of type is broken: number is DOUBLE, by contract BIGINT",
    "more": "the enforced contract of more is broken: more is INTEGER, by contract missing",
    "fewer": 'Column "number" in EXCLUDE list not found',
    "turned_ill": "turned_ill breaks its rules: is_positive (3 rows)",
}
PYTHON = """
def model(dbt, session):
    return session.sql("select 1 as number, '{word}' as word")
"""


class Shop:
    """A project of models with rules, built by `dbt` with the selector or without."""

    def __init__(self, folder: Path, builder: Builder) -> None:
        self.folder, self.builder = folder, builder
        for part in PARTS:
            target = folder / part
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / part, target)
        shutil.copy2(PROJECT / "profiles.yml", folder)
        (folder / "warehouse").mkdir()
        settings = (PROJECT / "dbt_project.yml").read_text().split("\nvars:")[0]
        (folder / "dbt_project.yml").write_text(
            settings + "\nmodels:\n  +persist_docs: {relation: true, columns: true}\n"
        )
        (folder / "models").mkdir()
        rules = {"is_positive": "number > 0", "is_small": "number < {{ 10 + 10 }}"}
        models = [
            {
                "name": name, "description": f"One row per name of {name}.",
                "config": {"contract": {"enforced": True}},
                "columns": [
                    {"name": "name", "data_type": "string", "description": "It's a name."},
                    {"name": "number", "data_type": "bigint", "description": "A number."},
                ],
                "data_tests": [{"holds": {
                    "arguments": {"grain": ["name"], "rules": rules},
                    **({"config": {"where": "name != 'b'"}} if name == "in_part" else {}),
                }}],
            }
            for name in MODELS
        ]  # fmt: skip
        (folder / "models" / "models.yml").write_text(json.dumps({"version": 2, "models": models}))

    def build(self, command: str, *arguments: str, altered: bool) -> CompletedProcess[str]:
        for name, (kind, query) in MODELS.items():
            if altered and name.startswith("turned"):
                kind = "view"
            text = (query if altered else QUERY).format(rows=ROWS)
            (self.folder / "models" / f"{name}.sql").write_text(
                f"{{{{ config(materialized='{kind}') }}}}\n{text}\n"
            )
        word = "altered" if altered else "first"
        (self.folder / "models" / "of_python.py").write_text(PYTHON.format(word=word))
        return self.builder.dbt(self.folder, command, *arguments)

    def rows(self, query: str) -> list[tuple]:
        with duckdb.connect(str(self.folder / "warehouse" / "clientele.duckdb")) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, builder: Builder) -> Callable[[], Shop]:
    """A shop after its first daily build, for each test a copy."""
    shop = Shop(tmp_path_factory.mktemp("daily"), builder)
    finished = shop.build("build", "--selector", "daily", altered=False)
    assert finished.returncode == 0, finished.stdout

    def copy() -> Shop:
        other = Shop.__new__(Shop)
        other.folder = tmp_path_factory.mktemp("daily_copy") / "shop"
        other.builder = builder
        shutil.copytree(shop.folder, other.folder)
        return other

    return copy


def test_a_broken_rule_or_contract_is_named_and_what_was_there_stays(
    built: Callable[[], Shop],
) -> None:
    shop = built()
    finished = shop.build("build", "--selector", "daily", altered=True)

    assert finished.returncode == 1
    said = " ".join(finished.stdout.split())
    assert [name for name, message in MESSAGES.items() if message not in said] == []
    results = json.loads((shop.folder / "target" / "run_results.json").read_text())["results"]
    assert {
        result["unique_id"].split(".")[2] for result in results if result["status"] == "error"
    } == set(MESSAGES)
    for name in set(MESSAGES) - {"turned_ill"}:
        assert shop.rows(f"select name, number from marts.{name} order by name") == [
            ("C", 3), ("a", 1), ("b", 2),
        ]  # fmt: skip


def test_what_keeps_its_contract_is_replaced_in_its_order_and_with_its_comments(
    built: Callable[[], Shop],
) -> None:
    shop = built()
    shop.build("run", "--select", "well", "turned", "of_python", altered=True)

    assert shop.rows("from marts.well order by name") == [("C", 3), ("a", 1), ("b", 2)]
    assert shop.rows("select word from marts.of_python") == [("altered",)]
    assert shop.rows(
        "select table_type from information_schema.tables where table_name = 'turned'"
    ) == [("VIEW",)]
    assert shop.rows(
        "select comment from duckdb_tables() where table_name = 'well' union all "
        "select comment from duckdb_columns() where table_name = 'well'"
    ) == [("One row per name of well.",), ("It's a name.",), ("A number.",)]
    assert shop.rows(
        "select table_name from information_schema.tables where table_name like '%dbt%'"
    ) == []  # fmt: skip


def test_without_the_selector_rules_are_tests(built: Callable[[], Shop]) -> None:
    shop = built()
    finished = shop.build("build", "--select", "rule", "grain", altered=True)

    assert finished.returncode == 1
    results = json.loads((shop.folder / "target" / "run_results.json").read_text())["results"]
    assert sorted((each["unique_id"].split(".")[0], each["status"]) for each in results) == [
        ("model", "success"), ("model", "success"), ("test", "fail"), ("test", "fail"),
    ]  # fmt: skip
    assert shop.rows("select max(number) from marts.rule") == [(-1,)]


def test_the_gate_misses_what_the_selector_leaves_out_and_nothing_else(builder: Builder) -> None:
    project = builder.project(ROOT / "demo")
    finished = builder.dbt(
        project, "--quiet", "ls", "--selector", "daily", "--output", "json",
        "--output-keys", "unique_id",
    )  # fmt: skip
    listed = {json.loads(line)["unique_id"] for line in finished.stdout.splitlines()}
    nodes = _nodes(json.loads((project / "target" / "manifest.json").read_text()))

    left_out = {name for name, node in nodes.items() if _is_left_out(node, nodes)}
    assert left_out == set(nodes) - listed
    assert len(left_out & {name for name in nodes if name.startswith("test.")}) > 200
    assert len({name for name in listed if name.startswith("test.")}) > 10
