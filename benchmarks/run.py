"""What a build costs, against the floor and against pandas.

    python benchmarks/run.py [--customers 578000] [--runs 1] [--keep FOLDER]

Simulates a shop, then measures, each in a process of its own:

- build: the whole `dbt build`, models, fits and tests;
- sql: the models from the landing zone to the customer single view, without tests, with 24
  month-ends of history;
- sql without history: the same for the current date alone;
- forecasts: quality of new customers and lifetime value, fits, evaluation and scores of all
  customers, in the warehouse that sql has written;
- segments: features, RFM, the segmentation with its gate, usefulness and backtest, the segments of
  all customers and all that is said about them, after the forecasts in the same warehouse;
- segments again: the same when no fit is due;
- pandas: the same single view as a notebook would compute it (pandas_single_view.py);
- floor: every column that the single view needs scanned once, and the result written once.

Reported are CPU seconds (user and system of the process and its children), wall seconds and the
peak resident memory of the largest process. A start of dbt that does nothing is measured beside
them, since it is a part of the first two. The three single views are compared before any time is.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parent.parent
HERE = Path(__file__).resolve().parent
MEASURED = (
    "start", "build", "sql", "sql without history", "forecasts", "segments", "segments again",
    "pandas", "floor",
)  # fmt: skip
FORECASTS = (
    "fct_order_promotions", "quality_reasons",
    "path:models/customer/quality", "path:models/customer/lifetime_value",
    "customer_quality_model", "customer_quality_tree_scores", "clv_model", "clv_scores",
)  # fmt: skip
SEGMENTS = (
    "shop_means", "customer_features", "customer_feature_history", "customer_next_quarters",
    "path:models/customer/rfm", "path:models/customer/recent", "path:models/customer/prices",
    "segment_playbook", "rule_segment_playbook", "segment_reasons", "segment_kmeans",
    "path:models/segments",
)  # fmt: skip
# What runs on what another has built, in its warehouse.
AFTER_SQL = ("forecasts", "segments", "segments again")


def measured(command: list[str], env: dict[str, str], log: Path) -> dict[str, float]:
    """Run a command and return its CPU and wall seconds and peak memory in MB.

    A small process in between makes the figures those of this command alone. Raises SystemExit
    with the end of the command's output where it fails.
    """
    watcher = (
        "import json, resource, subprocess, sys, time\n"
        "start = time.perf_counter()\n"
        "with open(sys.argv[1], 'w') as log:\n"
        "    code = subprocess.run(sys.argv[2:], stdout=log, stderr=log).returncode\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(json.dumps({'code': code, 'cpu': used.ru_utime + used.ru_stime,\n"
        "    'wall': time.perf_counter() - start, 'peak': used.ru_maxrss / 1024}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", watcher, str(log), *command],
        env=env, cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    figures = json.loads(done.stdout)
    if figures.pop("code") != 0:
        tail = "\n".join(log.read_text().splitlines()[-15:])
        raise SystemExit(f"{' '.join(command)} failed:\n{tail}")
    return figures


def dbt(work: Path, *arguments: str) -> list[str]:
    """Return a dbt command that works in `work` and reads the shop there."""
    return [
        str(Path(sys.executable).parent / "dbt"), "--quiet", *arguments,
        "--target-path", str(work / "target"), "--log-path", str(work / "logs"),
    ]  # fmt: skip


def differing_customers(work: Path) -> int:
    """Return how many customers differ between the warehouse and the pandas single view."""
    warehouse = duckdb.connect(str(work / "sql.duckdb"), read_only=True)
    query = f"""
        select count(*) from customer.customer_single_view as ours
        full join read_parquet('{work / "pandas.parquet"}') as theirs using (customer_id)
        where ours.is_customer is not false and (
            ours.successful_order_count is distinct from theirs.successful_order_count
            or ours.recency_days is distinct from theirs.recency_days
            or abs(ours.net_revenue - theirs.net_revenue) > 0.005
            or ours.promo_order_count is distinct from theirs.promo_order_count
            or ours.category_count is distinct from theirs.category_count
            or ours.rating_count is distinct from theirs.rating_count
            or ours.app_opens_90d is distinct from theirs.app_opens_90d
        )
    """
    return warehouse.execute(query).fetchone()[0]


def write_floor(landing: Path, target: Path, result: Path) -> None:
    """Scan every column that the single view needs once, and write the single view once."""
    needed = {
        "market_order": "client_id order_id createdate checkoutdate deliverdate ratedate city_id "
        "devicename distance basketvalue chargedamount deliveryfee discountamount suppliersupport "
        "thirdpartysupport rateisskipped rating",
        "app_open": "client_id appopendate",
        "promo_detail": "order_id promo_id",
        "product_detail": "order_id _pos count product_id price mastercategory_id",
    }
    floor = duckdb.connect(str(target), config={"threads": 2})
    for table, columns in needed.items():
        scans = ", ".join(f'max(strlen("{column}"))' for column in columns.split())
        floor.execute(f"select {scans} from read_parquet('{landing}/market/{table}/*.parquet')")
        floor.fetchall()
    floor.execute(f"attach '{result}' as warehouse (read_only)")
    floor.execute("create table result as from warehouse.customer.customer_single_view")


def main() -> None:
    """Measure, compare, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=578_000)
    parser.add_argument(
        "--runs", type=int, default=1, help="runs of each, in turn; medians are shown"
    )
    parser.add_argument("--keep", type=Path, help="folder to work in and keep, shop included")
    parser.add_argument("--floor", nargs=3, type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.floor:
        write_floor(*arguments.floor)
        return

    work = (arguments.keep or Path(tempfile.mkdtemp(prefix="clientele-benchmark-"))).resolve()
    work.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, "CLIENTELE_TEMP": str(work / "spill"), "PYTHONPATH": str(ROOT)}
    landing = work / "landing"
    if not (landing / "market").exists():
        print(f"simulating {arguments.customers:,} customers in {landing}", flush=True)
        figures = measured(
            [sys.executable, "-m", "clientele", "simulate", str(landing), "--quiet",
             "--customers", str(arguments.customers), "--mess", "0.02"],
            env, work / "simulate.log",
        )  # fmt: skip
        print(f"simulated in {figures['wall']:.0f} s, {figures['peak']:.0f} MB at most", flush=True)

    variables = ["--vars", json.dumps({"landing": str(landing)})]
    alone = ["--vars", json.dumps({"landing": str(landing), "history_months": 0})]
    no_tests = ("--exclude", "resource_type:test", "resource_type:unit_test")
    to_single_view = ("build", "--select", "+customer_single_view", *no_tests)
    runs: dict[str, list[dict[str, float]]] = {}
    for _ in range(arguments.runs):
        for name in MEASURED:
            database = work / f"{'sql' if name in AFTER_SQL else name.replace(' ', '_')}.duckdb"
            if name not in AFTER_SQL:
                database.unlink(missing_ok=True)
            own = {**env, "CLIENTELE_WAREHOUSE": str(database)}
            command = {
                "start": dbt(work, "parse", *variables),
                "build": dbt(work, "build", *variables),
                "sql": dbt(work, *to_single_view, *variables),
                "sql without history": dbt(work, *to_single_view, *alone),
                "forecasts": dbt(work, "build", "--select", *FORECASTS, *no_tests, *variables),
                "segments": dbt(work, "build", "--select", *SEGMENTS, *no_tests, *variables),
                "segments again": dbt(work, "build", "--select", *SEGMENTS, *no_tests, *variables),
                "pandas": [sys.executable, str(HERE / "pandas_single_view.py"), str(landing),
                           str(work / "pandas.parquet")],
                "floor": [sys.executable, __file__, "--floor", str(landing), str(database),
                          str(work / "sql.duckdb")],
            }[name]  # fmt: skip
            figures = measured(command, own, work / f"{name}.log")
            runs.setdefault(name, []).append(figures)
            print(f"{name}: {figures}", flush=True)

    differing = differing_customers(work)
    print(f"\n{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
          f"DuckDB {duckdb.__version__}, {arguments.customers:,} customers, "
          f"{time.strftime('%Y-%m-%d')}")  # fmt: skip
    print(
        f"customers that differ between SQL and pandas: {differing} (orders that landed in two "
        "versions of the same time: pandas keeps the last one in the file)\n"
    )
    medians = {
        name: {key: statistics.median(run[key] for run in found) for key in found[0]}
        for name, found in runs.items()
    }
    print("| what | CPU s | wall s | peak MB | CPU, times the floor |")
    print("|---|---|---|---|---|")
    for name in ("sql", "sql without history"):
        medians[f"{name}, without dbt's start"] = {
            key: medians[name][key] - (medians["start"][key] if key != "peak" else 0)
            for key in medians[name]
        }
    for name, figures in medians.items():
        cells = [f"{figures['cpu']:.1f}", f"{figures['wall']:.1f}", f"{figures['peak']:.0f}"]
        cells.append(f"{figures['cpu'] / medians['floor']['cpu']:.1f}")
        print(f"| {name} | {' | '.join(cells)} |")
    if not arguments.keep:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
