"""Builds the whole project on Apache Spark and compares it with DuckDB: `make spark` runs it.

Starts a cluster on loopback, runs `dbt build --target spark` there, compares every table with the
warehouse that DuckDB built from the same landing zone as often, and stops what it started, also
where it fails or is interrupted. Nothing outside `target/spark` is written. With `--earlier` the
build follows one as of that day, so that kept tables are added to, fits are due again and history
goes on; DuckDB's warehouse must have been built twice, too.

Tests of dbt are left to DuckDB: that every table is the same says more, and fixtures of unit tests
are written in DuckDB's SQL.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from cluster import (
    LOOPBACK,
    ClusterError,
    environment,
    free_port,
    java,
    running,
    running_cluster,
    write_settings,
)
from compare import compare_warehouses, report

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "target" / "spark"
WORKERS = 2
INTERRUPTED = 130
WITHOUT_TESTS = ("--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")


def spark_home() -> Path:
    """Return the folder of the installed PySpark; raise ClusterError where there is none."""
    try:
        import pyspark
        from dbt.adapters import spark  # noqa: F401
    except ImportError as error:
        raise ClusterError(
            f"{error.name} is not installed for {sys.executable}; `make spark` has an environment "
            "of its own, from requirements-spark.lock"
        ) from error
    return Path(pyspark.__file__).parent


def emptied(folder: Path) -> Path:
    """Return the folder without what an earlier run left, but for what dbt has parsed."""
    for name in ("conf", "tables", "local", "logs", "cluster"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("logs", "cluster"):
        (folder / name).mkdir(parents=True)
    return folder


def dbt_build(folder: Path, variables: dict[str, str], builds: list[list[str]]) -> bool:
    """Build the project once with each list of dbt's options; return whether all succeeded."""
    plugin = ROOT / "spark" / "plugin"
    command = [sys.executable, ROOT / "spark" / "run_dbt.py"]
    for number, options in enumerate(builds):
        command += ["--then"] if number else []
        command += [
            "build", "--target", "spark", "--project-dir", ROOT, "--profiles-dir", ROOT,
            "--target-path", folder / "dbt", "--log-path", folder / "logs", *options,
        ]  # fmt: skip
    variables = variables | {"PYTHONPATH": str(plugin), "PYTHONWARNINGS": "ignore::FutureWarning"}
    with running(command, env=variables, cwd=ROOT, stdin=subprocess.DEVNULL) as program:
        return program.wait() == 0


def built_tables(folder: Path) -> list[str]:
    """Return the tables that the last build was to make, as schema.table."""
    manifest = json.loads((folder / "dbt" / "manifest.json").read_text("utf-8"))
    results = json.loads((folder / "dbt" / "run_results.json").read_text("utf-8"))["results"]
    nodes = [manifest["nodes"][result["unique_id"]] for result in results
             if result["unique_id"] in manifest["nodes"]]  # fmt: skip
    return [
        f"{node['schema']}.{node['alias']}"
        for node in nodes
        if node["resource_type"] in ("model", "seed", "snapshot")
    ]


def prove(
    warehouse: Path,
    master: str | None,
    ports: tuple[int, int],
    options: list[str],
    earlier: str | None = None,
) -> bool:
    """Build and compare; return whether the builds succeeded and all tables are the same.

    earlier: the as-of date of a build before, or none.
    """
    if not warehouse.is_file():
        raise ClusterError(
            f"there is no warehouse {warehouse} to compare with; `make spark` builds it"
        )
    java()
    home = spark_home()
    folder = emptied(FOLDER)
    with ExitStack() as stack:
        if master is None:
            ports = (free_port(ports[0]), free_port(ports[1]))
            master = f"spark://{LOOPBACK}:{ports[0]}"
            settings = write_settings(folder, master, WORKERS)
            stack.enter_context(running_cluster(home, settings, folder / "cluster", ports, WORKERS))
            print(f"a master and {WORKERS} workers listen at {master}", flush=True)
        else:
            settings = write_settings(folder, master, WORKERS)
        builds = [options or list(WITHOUT_TESTS)]
        if earlier:
            builds = [[*builds[0], "--vars", json.dumps({"as_of": earlier})], *builds]
        is_built = dbt_build(folder, environment(home, settings), builds)
    manifest_file = folder / "dbt" / "manifest.json"
    if not (folder / "dbt" / "run_results.json").is_file():
        raise ClusterError("dbt did not build; what it says stands above")
    manifest = json.loads(manifest_file.read_text("utf-8"))
    only = built_tables(folder) if options else []
    is_same = report(compare_warehouses(warehouse, folder / "tables", manifest, only))
    if not is_built:
        print(f"\ndbt build on Spark failed; {folder / 'logs' / 'dbt.log'} says why", flush=True)
    return is_built and is_same


def interrupted(number: int, frame: object) -> None:
    """End as Ctrl-C does, so that what was started is stopped."""
    raise KeyboardInterrupt


def main() -> int:
    """Run the proof; return 0 where it holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = FOLDER / "clientele.duckdb"
    parser.add_argument("--warehouse", type=Path, default=default, help="DuckDB's")
    parser.add_argument("--master", help="another master, such as local[2]; none is started then")
    parser.add_argument("--port", type=int, default=0, help="of the master; any that is free")
    parser.add_argument("--page-port", type=int, default=0, help="of its page; any that is free")
    parser.add_argument("--earlier", metavar="YYYY-MM-DD", help="as-of date of a build before")
    parser.add_argument("dbt", nargs="*", help="after --: options of dbt build, such as --select")
    arguments = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    try:
        ports = (arguments.port, arguments.page_port)
        is_proven = prove(
            arguments.warehouse, arguments.master, ports, arguments.dbt, arguments.earlier
        )
        return 0 if is_proven else 1
    except ClusterError as error:
        print(f"spark: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("spark: interrupted; what was started is stopped", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
