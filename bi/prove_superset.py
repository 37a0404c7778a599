"""Proves that Superset, with an older DuckDB, reads the marts: `make bi` runs it.

Writes the file of marts, starts a Superset of its own on it, imports the dashboard, and compares
what Superset's API answers for each chart with what DuckDB answers from the file. Prints what held,
and stops with one line at what did not. Nothing outside `target/bi` is written.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import requests
import sqlalchemy
from sqlalchemy.pool import NullPool
from superset_bundle import SETTLED, charts, connect, datasets, write_bundle
from superset_server import ROOT, Superset, SupersetError, running_superset

FOLDER = ROOT / "target" / "bi"
MARTS = FOLDER / "clientele_marts.duckdb"
BUNDLE = FOLDER / "clientele_dashboard.zip"
PICTURE = FOLDER / "dashboard.png"
TEMPORAL = 2  # what Superset calls a column of times in `coltypes`

# What each chart shows, asked without Superset: columns in the order of the chart's.
EXPECTED = {
    "customers": "select count(*) from customer.customer_single_view where is_customer",
    "on_a_list_today": "select count(distinct customer_key) from marts.campaign_lists",
    "checks_that_fail": "select count(*) from marts.data_quality where not is_ok",
    "revenue_by_month": """
        select calendar_month, source, net_revenue, cm2 from marts.revenue_by_month
    """,
    "segments": """
        select group_name, source, customer_share, cm2_share
        from marts.revenue_contribution where contribution_by = 'segment'
    """,
    "cohort_retention": """
        select months_since, cohort_month, sum(active_count) / sum(cohort_size)
        from marts.cohort_retention
        where retention_rate is not null and months_since >= 1 group by all
    """,
    "new_customers_by_next_step": """
        select source, next_step, count(customer_key), sum(expected_value_of_acting)
        from marts.new_customer_playbook group by all
    """,
    "campaign_lists_by_state": """
        select campaign_id, case when state like '%:%' then state[:instr(state, ':') - 1]
            else state end, count(distinct customer_key)
        from marts.campaign_ledger group by all
    """,
    "data_quality_findings": """
        select source, check_name, check_subject, severity, is_ok, failing_rows, money_at_risk,
            meaning
        from marts.data_quality where failing_share > 0
    """,
    "best_sellers": """
        select product_id, category, line_value from marts.best_sellers
        qualify rank() over (partition by source order by line_value desc, piece_count desc) <= 10
    """,
    "campaign_power": """
        select source, campaign_name, power_state, sent_today_count, holdout_today_count,
            assumed_uplift, detectable_uplift, people_needed, power_reason
        from marts.campaign_power
    """,
}

# What nobody may do through Superset, with a word of the refusal.
FORBIDDEN = {
    "select * from read_text('/etc/hostname')": "disabled",
    "select * from read_csv('/etc/passwd')": "disabled",
    "select * from glob('/*')": "disabled",
    "set enable_external_access = true": "",
    "attach '/tmp/other.duckdb'": "",
    "install httpfs": "",
    "create table marts.made_here (number integer)": "",
    "delete from marts.people": "",
}


class Proof:
    """What was shown, printed as it is shown."""

    def __init__(self) -> None:
        self.count = 0
        self.skipped = 0

    def holds(self, claim: str, *, when: bool, evidence: str) -> None:
        """Print a claim that holds; raise SupersetError where it does not."""
        if not when:
            raise SupersetError(f"this does not hold: {claim} ({evidence})")
        self.count += 1
        print(f"{'ok':<8}{claim:<52}{evidence}", flush=True)

    def skip(self, claim: str, why: str) -> None:
        """Print what could not be looked at here."""
        self.skipped += 1
        print(f"{'skipped':<8}{claim:<52}{why}", flush=True)


def write_marts(python: Path) -> dict[str, Any]:
    """Write the file of marts with the project's own environment; return what it says of it."""
    done = subprocess.run(
        [python, "-m", "clientele", "marts", "--output", MARTS, "--json"],
        cwd=ROOT, text=True, capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SupersetError(done.stderr.strip())
    return json.loads(done.stdout)


def prove_old_reader(proof: Proof, written: dict[str, Any]) -> None:
    """Read the file with the DuckDB of this environment, and reflect it with SQLAlchemy."""
    with connect(MARTS) as connection:
        counts = {
            table["name"]: connection.execute(f"select count(*) from {table['name']}").fetchone()[0]
            for table in written["tables"]
        }
        keys = {
            f"{schema}.{table}": columns
            for schema, table, columns in connection.execute(
                "select schema_name, table_name, constraint_column_names "
                "from duckdb_constraints() where constraint_type = 'PRIMARY KEY'"
            ).fetchall()
        }
    proof.holds(
        f"DuckDB {duckdb.__version__} reads every table",
        when=counts == {table["name"]: table["rows"] for table in written["tables"]},
        evidence=f"{len(counts)} tables, {sum(counts.values()):,} rows",
    )
    proof.holds(
        "it knows their keys",
        when=keys == {table["name"]: table["key"] for table in written["tables"]},
        evidence=f"{len(keys)} primary keys",
    )
    settings = {"enable_external_access": "false", "lock_configuration": "true"}
    engine = sqlalchemy.create_engine(
        f"duckdb:///{MARTS}",
        connect_args={"read_only": True, "config": settings},
        poolclass=NullPool,
    )
    inspector = sqlalchemy.inspect(engine)
    reflected = {}
    for name in counts:
        schema, table = name.split(".")
        reflected[name] = (
            inspector.get_table_comment(table, schema)["text"],
            {column["name"]: column["comment"] for column in inspector.get_columns(table, schema)},
        )
    known = {
        name: (
            dataset["description"],
            {column["column_name"]: column["description"] for column in dataset["columns"]},
        )
        for name, dataset in datasets(MARTS).items()
    }
    described = sum(len(columns) for _, columns in reflected.values())
    proof.holds(
        f"SQLAlchemy {sqlalchemy.__version__} reflects columns and comments",
        when=reflected == known
        and all(comment for _, columns in known.values() for comment in columns.values()),
        evidence=f"{described} columns, none without a description",
    )


def prove_import(proof: Proof, superset: Superset, written: dict[str, Any]) -> None:
    """Import the dashboard with a data set for each table, and compare them with the file."""
    write_bundle(MARTS, BUNDLE)
    with BUNDLE.open("rb") as bundle:
        superset.ask("POST", "assets/import/", files={"bundle": (BUNDLE.name, bundle)})
    [database] = superset.ask("GET", "database/")["result"]
    found = superset.ask("GET", "dataset/", params={"q": "(page_size:1000)"})["result"]
    names = {f"{entry['schema']}.{entry['table_name']}": entry["id"] for entry in found}
    proof.holds(
        "a data set for each public table",
        when=set(names) == {table["name"] for table in written["tables"]},
        evidence=f"{len(names)} data sets in {database['database_name']!r}",
    )
    dated = 0
    for name, dataset in datasets(MARTS).items():
        # A refresh lets Superset look at the file itself, whatever the import said.
        superset.ask("PUT", f"dataset/{names[name]}/refresh")
        kept = superset.ask("GET", f"dataset/{names[name]}")["result"]
        seen = superset.ask(
            "GET",
            f"database/{database['id']}/table_metadata/",
            params={"name": dataset["table_name"], "schema": dataset["schema"]},
        )
        expected = {column["column_name"]: column["description"] for column in dataset["columns"]}
        for origin, columns in (
            ("data set", {c["column_name"]: c["description"] for c in kept["columns"]}),
            ("catalog", {c["name"]: c["comment"] for c in seen["columns"]}),
        ):
            if columns != expected:
                raise SupersetError(f"columns of {name} in Superset's {origin}: {columns}")
        if kept["main_dttm_col"] != dataset["main_dttm_col"]:
            raise SupersetError(f"main date of {name}: {kept['main_dttm_col']}")
        dated += kept["main_dttm_col"] not in (None, SETTLED)
    proof.holds(
        "with descriptions that Superset itself has read",
        when=True,
        evidence=f"all columns; {dated} tables by a date of their own",
    )
    [dashboard] = superset.ask("GET", "dashboard/")["result"]
    shown = superset.ask("GET", f"dashboard/{dashboard['id']}/charts")["result"]
    proof.holds(
        "the dashboard is imported from bi/superset",
        when=len(shown) == len(charts()),
        evidence=f"{dashboard['dashboard_title']!r}, {len(shown)} charts",
    )


def prove_charts(proof: Proof, superset: Superset) -> None:
    """Compare what Superset answers for each chart with what DuckDB answers."""
    found = superset.ask("GET", "chart/", params={"q": "(page_size:1000)"})["result"]
    ids = {entry["slice_name"]: entry["id"] for entry in found}
    for name, chart in charts().items():
        columns, answer = chart_data(superset, ids[chart["slice_name"]])
        with connect(MARTS) as connection:
            expected = comparable(connection.execute(EXPECTED[name]).fetchall())
        proof.holds(
            f"chart: {chart['slice_name']}",
            when=comparable(answer) == expected,
            evidence=f"{len(answer)} x {columns} equal to the marts",
        )


def chart_data(superset: Superset, chart: int) -> tuple[int, list[tuple[Any, ...]]]:
    """Return the number of columns of a chart's data and its rows, dates as dates."""
    [result] = superset.ask("GET", f"chart/{chart}/data/", params={"force": "true"})["result"]
    names = result["colnames"]
    dates = {name for name, kind in zip(names, result["coltypes"], strict=True) if kind == TEMPORAL}
    epoch = datetime.datetime(1970, 1, 1)
    rows = [
        tuple(
            (epoch + datetime.timedelta(milliseconds=row[name])).date()
            if name in dates and row[name] is not None
            else row[name]
            for name in names
        )
        for row in result["data"]
    ]
    return len(names), rows


def comparable(rows: Iterable[tuple[Any, ...]]) -> list[tuple[str, ...]]:
    """Return rows so that equal ones are equal: numbers to nine digits, whatever their order."""

    def text(value: Any) -> str:
        if value is None or isinstance(value, (bool, str, datetime.date)):
            return repr(value)
        return f"{float(value):.9g}"

    return sorted(tuple(text(value) for value in row) for row in rows)


def prove_refusals(proof: Proof, superset: Superset) -> None:
    """Ask through SQL Lab for what a reader of marts must not get."""
    [database] = superset.ask("GET", "database/")["result"]

    def run(sql: str) -> dict[str, Any]:
        question = {"database_id": database["id"], "sql": sql, "runAsync": False}
        return superset.ask("POST", "sqllab/execute/", json=question)

    answer = run("select count(*) as people from marts.people")
    with connect(MARTS) as connection:
        [people] = connection.execute("select count(*) from marts.people").fetchone()
    proof.holds(
        "SQL Lab answers queries",
        when=answer["data"] == [{"people": people}],
        evidence=f"{people:,} people",
    )
    for sql, word in FORBIDDEN.items():
        try:
            answer = run(sql)
            refusal = None
        except SupersetError as error:
            refusal = str(error)
        proof.holds(
            f"refused: {sql[:42]}",
            when=refusal is not None and word in refusal,
            evidence="as it should be" if refusal else f"answered: {answer.get('data')}",
        )


def prove_replacement(proof: Proof, superset: Superset, python: Path) -> None:
    """Replace the file under the running Superset, twice, and see each new one."""
    chart = charts()["revenue_by_month"]["slice_name"]
    found = superset.ask("GET", "chart/", params={"q": "(page_size:1000)"})["result"]
    [number] = [entry["id"] for entry in found if entry["slice_name"] == chart]

    def revenue() -> float:
        _, rows = chart_data(superset, number)
        return round(sum(row[2] for row in rows), 4)

    before = revenue()
    proof.holds(
        "between queries Superset holds no marts file open",
        when=MARTS not in superset.open_files(),
        evidence=f"{len(superset.processes())} processes looked at",
    )
    with connect(MARTS) as reader:
        changed = FOLDER / "changed.duckdb"
        shutil.copyfile(MARTS, changed)
        with duckdb.connect(str(changed)) as connection:
            connection.execute("update marts.revenue_by_month set net_revenue = net_revenue + 1")
            [months] = connection.execute("select count(*) from marts.revenue_by_month").fetchone()
        changed.replace(MARTS)
        proof.holds(
            "the next query sees the file that replaced it",
            when=revenue() == round(before + months, 4),
            evidence=f"{before:,.2f} and then {before + months:,.2f}",
        )
        write_marts(python)
        [kept] = reader.execute("select sum(net_revenue) from marts.revenue_by_month").fetchone()
    proof.holds(
        "`clientele marts` replaces it while it is served",
        when=revenue() == before and float(kept) == before,
        evidence=f"{before:,.2f} again; an open reader kept its own",
    )


def prove_page(proof: Proof, superset: Superset, python: Path) -> None:
    """Look at the dashboard in a browser, where there is one."""
    claim = "the dashboard in a browser"
    if subprocess.run([python, "-c", "import playwright"], capture_output=True).returncode:
        proof.skip(claim, "playwright is not installed (requirements-dev.lock has it)")
        return
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        proof.skip(claim, "there is no Chromium")
        return
    done = subprocess.run(
        [python, ROOT / "bi" / "look_at_dashboard.py", superset.url, browser, PICTURE],
        env=os.environ | {"SUPERSET_PASSWORD": superset.password},
        text=True, capture_output=True, check=False, timeout=240,
    )  # fmt: skip
    if done.returncode:
        raise SupersetError(f"{claim}: {done.stderr.strip().splitlines()[-1]}")
    seen = json.loads(done.stdout)
    proof.holds(
        claim,
        when=seen["drawn"] == len(charts()) and not seen["failed"],
        evidence=f"{seen['drawn']} charts drawn, {PICTURE.relative_to(ROOT)} {seen['failed']}",
    )
    proof.holds(
        "nothing of the page leaves the machine",
        when=not seen["outside"],
        evidence=f"{seen['requests']} requests, {seen['refused']} refused {seen['outside']}",
    )


def prove_loopback(proof: Proof, superset: Superset) -> None:
    """See that the server listens on loopback alone and talks to nobody else."""
    inodes = {
        str(file).removeprefix("socket:[").rstrip("]")
        for file in superset.open_files()
        if str(file).startswith("socket:[")
    }
    addresses = set()
    for table, loopback in (("tcp", "0100007F"), ("tcp6", "0" * 24 + "01000000")):
        for line in Path(f"/proc/{superset.pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes:
                addresses.add(fields[1].split(":")[0] == loopback)
    proof.holds(
        "it listens on loopback and talks to nobody else",
        when=addresses == {True},
        evidence="its sockets were looked at",
    )


def main() -> int:
    """Run all proofs; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", type=Path, required=True, help="Python of the project")
    python = Path(os.path.abspath(parser.parse_args().python))  # a link into an environment stays
    # Who ends this with a signal ends the server, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started = time.monotonic()
    proof = Proof()
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        written = write_marts(python)
        prove_old_reader(proof, written)
        print("        starting Superset, which takes half a minute to two", flush=True)
        with running_superset(FOLDER / "superset") as superset:
            prove_import(proof, superset, written)
            prove_charts(proof, superset)
            prove_refusals(proof, superset)
            prove_replacement(proof, superset, python)
            prove_page(proof, superset, python)
            prove_loopback(proof, superset)
    except (SupersetError, requests.RequestException, duckdb.Error) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    seconds = time.monotonic() - started
    print(f"{proof.count} proven, {proof.skipped} skipped in {seconds:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
