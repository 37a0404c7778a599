"""The mini shop: a dbt project of seven models and its landing zone, for tests of production.

A real build of it takes five seconds, most of them dbt's start. Tests of what happens around a
build put `PLAYED` in dbt's place: a program that brings the finished build of another run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from clientele.cli import main
from clientele.production import building
from clientele.production.home import Home
from warehouse import ROOT

PROJECT = ROOT / "tests" / "fixtures" / "mini_shop"
PLAYED_FROM = "MINI_SHOP_BUILD"
PLAYED = f"""
import os, shutil, sys
build, target = os.environ["{PLAYED_FROM}"], sys.argv[sys.argv.index("--target-path") + 1]
run = os.environ["{building.RUN_MARK}"]
shutil.copy(build + "/clientele.duckdb", os.environ["CLIENTELE_WAREHOUSE"])
for name in ("manifest.json", "run_results.json"):
    text = open(build + "/" + name).read()
    open(target + "/" + name, "w").write(text.replace(open(build + "/run").read(), run))
print("1 of 1 START sql table model marts.customers [RUN]")
"""


@dataclass
class MiniShop:
    """A project, a landing zone and a home of production in one folder."""

    folder: Path

    @property
    def landing(self) -> Path:
        return self.folder / "landing"

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def home(self) -> Home:
        return Home(self.folder / "home")

    @classmethod
    def make(cls, folder: Path) -> MiniShop:
        """Make a shop of 400 orders of 40 customers on 40 days."""
        shop = cls(folder)
        shutil.copytree(PROJECT, shop.project)
        shop.land("part-0", orders(400))
        return shop

    def copy(self, folder: Path) -> MiniShop:
        shutil.copytree(self.folder, folder, symlinks=True, dirs_exist_ok=True)
        return MiniShop(folder)

    def land(self, name: str, rows: Iterable[tuple[str, str, str, str]]) -> None:
        """Land a file of orders: order_id, client_id, order_date, amount."""
        path = self.landing / "shop" / "orders" / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as raw:
            raw.execute(
                "create table landed (order_id text, client_id text, order_date text, amount text)"
            )
            raw.executemany("insert into landed values (?, ?, ?, ?)", list(rows))
            raw.execute(f"copy landed to '{path}' (format parquet)")

    def call(self, command: str, *arguments: str) -> Result:
        """Call a command of production on this home, in this process."""
        options = ["--home", str(self.home.root)]
        if command in ("run", "status"):
            options += ["--landing", str(self.landing)]
        if command == "run":
            options += ["--project-dir", str(self.project)]
        return CliRunner().invoke(main, [command, *options, *arguments], prog_name="clientele")

    def run(self, *arguments: str) -> dict:
        """Run, which must be well, and return the record."""
        result = self.call("run", "--json", *arguments)
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    def events(self) -> list[dict]:
        return json.loads(self.call("history", "--json", "--limit", "1000").stdout)

    def started(self, before: str = "", *arguments: str) -> subprocess.Popen[str]:
        """Start a run as a process of its own, after some Python code that meddles with it."""
        code = (
            f"import sys; sys.argv[0] = 'clientele'\n{before}\n"
            "from clientele.cli import main\nmain(prog_name='clientele')"
        )
        options = [
            "run", "--home", str(self.home.root), "--landing", str(self.landing),
            "--project-dir", str(self.project), *arguments,
        ]  # fmt: skip
        return subprocess.Popen(
            [sys.executable, "-c", code, *options],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def served(self, sql: str) -> list[tuple]:
        """Ask what is served, as a reader does."""
        with duckdb.connect(str(self.home.served), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def names(self) -> set[str]:
        """All files of the home but its lock and what dbt parsed."""
        return {
            path.relative_to(self.home.root).as_posix()
            for path in self.home.root.rglob("*")
            if not path.is_dir() and path not in (self.home.lock, self.home.parsed)
        }

    def whole_names(self, *runs: str) -> set[str]:
        """The files of a home that keeps some versions and no debris."""
        return {
            "journal.jsonl", "keys/publication.key", "published/clientele.duckdb",
            *(f"published/versions/{run}.duckdb" for run in runs),
            *(
                f"warehouses/{run}/{name}"
                for run in runs
                for name in ("clientele.duckdb", "manifest.json", "run_results.json", "run.json")
            ),
        }  # fmt: skip


def orders(count: int, first: int = 0, amount: str = "10.00") -> list[tuple[str, str, str, str]]:
    """Orders, ten a day from 2026-01-01 on, of 40 customers."""
    with duckdb.connect() as connection:
        return connection.execute(
            "select 'o' || i, 'c' || (i % 40), "
            "cast(date '2026-01-01' + cast(i // 10 as integer) as varchar), ? "
            "from range(?, ?) t(i)",
            [amount, first, first + count],
        ).fetchall()


def play(shop: MiniShop, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Put a program in dbt's place that brings the build of the shop's served run again.

    Returns the folder that it is brought from: tests alter what is in it.
    """
    run = shop.home.served_run()
    assert run
    build = folder / "build"
    shutil.copytree(shop.home.warehouse_folder(run), build)
    (build / "run").write_text(run)
    child = folder / "played_dbt.py"
    child.write_text(PLAYED)
    monkeypatch.setattr(building, "CHILD", child)
    monkeypatch.setenv(PLAYED_FROM, str(build))
    return build
