"""Builds a landing zone into a warehouse with dbt, as a user would, and reads its tables back.

Every build has a project folder of its own: a copy of the project with the landing zone as its
`demo/`, so that nothing is shared but what dbt has parsed. dbt runs in a process of its own, with
the user's `DBT_*` and `CLIENTELE_*` variables taken away.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pandas as pd

from dbt_forks import run_dbt

ROOT = Path(__file__).parents[2]
PROJECT_PARTS = (
    "dbt_project.yml", "profiles.yml", ".dbtignore", "analyses", "macros", "models",
    "python_models", "seeds", "selectors.yml", "snapshots", "tests",
)  # fmt: skip
MARKET_COLUMNS = {
    "market_order": (
        "client_id", "order_id", "checkoutdate", "createdate", "city_id", "devicename",
        "addressname", "distance", "aandm", "basketvalue", "chargedamount", "deliveryfee",
        "discountamount", "suppliersupport", "thirdpartysupport", "ratedate", "rateisskipped",
        "rating", "ratereason", "deliverdate", "warehouse_id", "hex_id",
    ),
    "app_open": ("client_id", "appopendate"),
    "promo_detail": ("order_id", "promo_id", "responsibledepartment_id", "promoobjective"),
    "product_detail": (
        "order_id", "_pos", "count", "product_id", "price", "subcategory_id", "brand_id",
        "mastercategory_id",
    ),
}  # fmt: skip
NO_TESTS = ("--exclude", "resource_type:test", "resource_type:unit_test")
PARALLEL_BUILDS = 2
PARSED = "partial_parse.msgpack"
FEW_RESAMPLES = re.compile(r"^( +segment_resamples: )\d+", re.MULTILINE)


@dataclass(frozen=True)
class Warehouse:
    """A warehouse that dbt has built, or tried to."""

    project: Path
    exit_code: int
    output: str

    @property
    def path(self) -> Path:
        """The database file."""
        return self.project / "warehouse" / "clientele.duckdb"

    def query(self, sql: str, parameters: Iterable[object] = ()) -> list[tuple]:
        """Return the rows of a query; views find their files from the project's folder."""
        with self._connect() as connection:
            return connection.execute(sql, list(parameters)).fetchall()

    def answer(self, sql: str) -> list[tuple]:
        """Return the names of the columns of a query's result, and then its rows."""
        with self._connect() as connection:
            cursor = connection.execute(sql)
            return [tuple(column[0] for column in cursor.description or ()), *cursor.fetchall()]

    def value(self, sql: str) -> object:
        """Return the one value of a query."""
        ((value,),) = self.query(sql)
        return value

    def frame(self, sql: str) -> pd.DataFrame:
        """Return the result of a query as a frame."""
        with self._connect() as connection:
            return connection.execute(sql).df()

    def table(self, name: str) -> pd.DataFrame:
        """Return a table, `schema.name`, as a frame."""
        return self.frame(f"select * from {name}")

    def columns(self, name: str) -> list[str]:
        """Return the columns of a table, `schema.name`, in their order."""
        return [row[0] for row in self.query(f"describe select * from {name}")]

    def names(self, *schemas: str) -> list[str]:
        """Return the tables and views of some schemas as `schema.name`, sorted."""
        listed = ", ".join(f"'{schema}'" for schema in schemas)
        rows = self.query(
            "select table_schema || '.' || table_name from information_schema.tables "
            f"where table_schema in ({listed}) order by 1"
        )
        return [row[0] for row in rows]

    def fingerprint(self, name: str, without: Iterable[str] = ()) -> tuple[int, str]:
        """Return the number of rows of a table and a hash of all its values, whatever their order.

        Doubles are hashed as the shortest text that reads back as the same bits.
        """
        return self.fingerprints([name], without)[name]

    def fingerprints(
        self, names: Iterable[str], without: Iterable[str] = ()
    ) -> dict[str, tuple[int, str]]:
        """Return the fingerprint of each of several tables."""
        left_out = set(without)
        found = {}
        with self._connect() as connection:
            for name in names:
                described = connection.execute(f"describe select * from {name}").fetchall()
                texts = ", ".join(
                    f"""coalesce('=' || cast("{column}" as varchar), '')"""
                    for column, *_ in described
                    if column not in left_out
                )
                ((count, text_hash),) = connection.execute(
                    f"with rows_as_text as (select concat_ws(chr(31), {texts}) as line from {name})"
                    " select count(*), md5(coalesce(string_agg(line, chr(10) order by line), '')) "
                    "from rows_as_text"
                ).fetchall()
                found[name] = (count, text_hash)
        return found

    def _connect(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(str(self.path), read_only=True)
        connection.execute(f"set file_search_path = '{self.project}'")
        return connection


@dataclass
class Builder:
    """Makes project folders under `folder` and runs dbt in them.

    What dbt has parsed is handed on to the next build with the same vars: parsing again costs
    seconds.
    """

    folder: Path
    _parsed: dict[tuple[str, bool], Path] = field(default_factory=dict)
    _count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def project(self, landing: Path, vars_text: str = "", *, is_thorough: bool = False) -> Path:
        """Make a copy of the project whose `demo/` is a landing zone.

        is_thorough: segments are judged on as many resamples as by default, and not on a few.
        """
        with self._lock:
            self._count += 1
            project = self.folder / f"project-{self._count}"
            parsed = self._parsed.get((vars_text, is_thorough))
        project.mkdir(parents=True)
        for part in PROJECT_PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(
                    source, project / part, ignore=shutil.ignore_patterns("__pycache__")
                )
            elif source.exists():
                shutil.copy2(source, project / part)
        if not is_thorough:
            settings = project / "dbt_project.yml"
            settings.write_text(FEW_RESAMPLES.sub(r"\g<1>5", settings.read_text()))
        (project / "demo").symlink_to(landing.resolve())
        (project / "warehouse").mkdir()
        if parsed is not None:
            (project / "target").mkdir()
            shutil.copy2(parsed, project / "target" / PARSED)
        return project

    def dbt(self, project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run dbt in a project folder and return its exit code and what it printed."""
        return run_dbt(project, ["--no-use-colors", *arguments], self._environment())

    def run(self, project: Path, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a project folder, with the programs of this environment first."""
        environment = self._environment()
        programs = Path(sys.executable).parent
        environment["PATH"] = os.pathsep.join([str(programs), environment.get("PATH", os.defpath)])
        program = programs / command[0]
        return subprocess.run(
            [program if program.exists() else command[0], *command[1:]],
            cwd=project,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=600,
        )

    def _environment(self) -> dict[str, str]:
        """Return the environment of the tests without the user's settings of dbt and clientele."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("DBT_", "CLIENTELE_")) and name != "PYTHONDONTWRITEBYTECODE"
        }
        # Compiled modules are kept for the session: they halve the start of dbt.
        environment["PYTHONPYCACHEPREFIX"] = str(self.folder / "bytecode")
        return environment

    def build(
        self,
        landing: Path,
        *,
        variables: Mapping[str, object] | None = None,
        select: Iterable[str] = (),
        with_tests: bool = False,
        is_thorough: bool = False,
        threads: int = 2,
        must_pass: bool = True,
    ) -> Warehouse:
        """Build a landing zone into a fresh warehouse, whole or some models with what they need.

        select: models as dbt selects them, `+name` with all that it reads; none for all.

        Raises:
            AssertionError: with the end of dbt's output, if a build that must pass fails.
        """
        vars_text = as_text(variables)
        project = self.project(landing, vars_text, is_thorough=is_thorough)
        arguments = ["build", "--threads", str(threads)]
        arguments += [] if with_tests else NO_TESTS
        arguments += ["--select", *select] if select else []
        arguments += ["--vars", vars_text] if variables else []
        finished = self.dbt(project, *arguments)
        parsed = project / "target" / PARSED
        if finished.returncode == 0 and parsed.exists():
            with self._lock:
                self._parsed.setdefault((vars_text, is_thorough), parsed)
        warehouse = Warehouse(project, finished.returncode, finished.stdout)
        if must_pass:
            assert warehouse.exit_code == 0, "\n".join(finished.stdout.splitlines()[-60:])
        return warehouse

    def build_all(self, scenarios: Mapping[str, Mapping[str, object]]) -> dict[str, Warehouse]:
        """Build several scenarios side by side; each is the arguments of `build`.

        What two of them would parse at the same time, each for itself, is parsed before.
        """
        for vars_text, count in Counter(
            as_text(arguments.get("variables")) for arguments in scenarios.values()
        ).items():
            if count > 1 and (vars_text, False) not in self._parsed:
                self._parse(vars_text)
        with ThreadPoolExecutor(PARALLEL_BUILDS) as pool:
            running = {
                name: pool.submit(self.build, **arguments)  # type: ignore[arg-type]
                for name, arguments in scenarios.items()
            }
            return {name: future.result() for name, future in running.items()}

    def _parse(self, vars_text: str) -> None:
        """Parse the project with some vars for the builds that follow."""
        project = self.project(ROOT / "demo", vars_text)
        finished = self.dbt(project, "parse", *(["--vars", vars_text] if vars_text else []))
        assert finished.returncode == 0, finished.stdout
        self._parsed[vars_text, False] = project / "target" / PARSED

    def compiled(self, landing: Path, template: str) -> str:
        """Return the SQL that dbt makes of a piece of Jinja; no model is built."""
        finished = self.dbt(
            self.project(landing),
            "--quiet", "compile", "--inline", template, "--output", "json",
        )  # fmt: skip
        assert finished.returncode == 0, finished.stdout
        return json.loads(finished.stdout)["compiled"]


def as_text(variables: Mapping[str, object] | None) -> str:
    """Return vars as dbt's command takes them."""
    return json.dumps(variables, sort_keys=True) if variables else ""


def read_market(landing: Path) -> duckdb.DuckDBPyConnection:
    """Return a connection with the raw tables of the source `market` as tables, all text."""
    connection = duckdb.connect()
    for table in MARKET_COLUMNS:
        files = landing / "market" / table / "*.parquet"
        connection.execute(f"create table {table} as select * from read_parquet('{files}')")
    return connection


def write_market(
    landing: Path,
    connection: duckdb.DuckDBPyConnection,
    selects: Mapping[str, str] | None = None,
    *,
    files: int = 1,
) -> Path:
    """Write the source `market` from a connection's tables and return the landing zone.

    selects: SQL per table in place of `select * from <table>`; its rows go in turns to `files`
    files.
    """
    for table, columns in MARKET_COLUMNS.items():
        folder = landing / "market" / table
        folder.mkdir(parents=True)
        select = (selects or {}).get(table, f"select * from {table}")
        listed = ", ".join(f'cast("{column}" as varchar) as "{column}"' for column in columns)
        connection.execute(
            f"create or replace temp table written as "
            f"select {listed}, row_number() over () % {files} as file_number from ({select})"
        )
        for number in range(files):
            connection.execute(
                f"copy (select * exclude (file_number) from written where file_number = {number}) "
                f"to '{folder / f'part-{number}.parquet'}' (format parquet)"
            )
    return landing
