"""What a build costs, against the floor, pandas and polars, and how it grows with the shop.

    python benchmarks/run.py [--customers 5000,50000] [--rounds 3] [--folder FOLDER]
    python benchmarks/run.py --tell --result FILE     (tables and plots of a result that is there)

Simulates the shops that are missing, then measures each case (cases.py) in a process of its own,
all cases in turn, round after round. Reported are CPU seconds (user and system of the process and
its children), wall seconds and the peak resident memory of the largest process, as medians. Before
any figure is told, every single view is compared with ours, all columns, exactly; where one differs
the benchmark ends with what differs. The result is a JSON file in benchmarks/results/ with every
run, from which a page with tables and plots is made: benchmarks/README.md of results/full.json, of
another result the page of its name beside it. Rounds that do not fit into one night are run in
several, with --add.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from cases import (
    BUILDS,
    BY_DAY,
    CASES,
    COMPARED,
    RIVALS,
    Place,
    bring_last_day,
    command_of,
    dbt,
    take_last_day_away,
)
from comparing import compare, export_single_view
from measuring import machine, measured, memory_bytes, settings, versions
from simulated_shops import ROOT, cut_last_day, described, simulated
from telling import tell

RESULTS = Path(__file__).resolve().parent / "results"
SLOWEST = 25  # models whose seconds are kept
MEASURED = (
    "models", "macros", "python_models", "seeds", "snapshots", "dbt_project.yml", "profiles.yml",
)  # fmt: skip
MOST_MEMORY = 0.85  # of the machine's, that a rival may be expected to take


def main() -> None:
    """Measure, compare, write the result, tell it."""
    arguments = parsed()
    if arguments.tell:
        print(f"written: {tell(arguments.result)}")
        return
    if not arguments.rivals.exists():
        raise SystemExit(f"{arguments.rivals} is missing: `make benchmark` makes it")
    result = {
        "date": time.strftime("%Y-%m-%d"),
        "note": arguments.note,
        "commit": git("rev-parse", "--short", "HEAD").stdout.strip(),
        "machine": machine(),
        "versions": versions(arguments.rivals),
        "settings": settings(),
        "sizes": [],
    }
    if arguments.add:
        result["sizes"] = sizes_before(arguments.result, result)
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="clientele-benchmark-"))
    try:
        for customers in arguments.customers:
            smaller = [size for size in result["sizes"] if size["customers"] < customers]
            size = measured_size(customers, folder.resolve(), arguments, smaller)
            result["sizes"] = with_rounds_of(size, result["sizes"])
            # What was measured is kept, whatever becomes of the next size.
            arguments.result.parent.mkdir(parents=True, exist_ok=True)
            arguments.result.write_text(json.dumps(result, indent=1) + "\n")
    finally:
        if not arguments.folder:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"written: {arguments.result}")
    print(f"written: {tell(arguments.result)}")


def parsed() -> argparse.Namespace:
    """Return the arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("--customers", type=lambda text: sorted(int(part) for part in text.split(",")),
        default=[5_000, 50_000], help="sizes of the shops, smallest first")  # fmt: skip
    add("--rounds", type=int, default=3, help="rounds of all cases; fewer than 3 are told as such")
    add("--cases", type=lambda text: text.split(","), default=list(CASES), help=", ".join(CASES))
    add("--folder", type=Path, help="to work in and keep, shops included; default: a temporary one")
    add("--landing", action="append", default=[], metavar="CUSTOMERS=FOLDER",
        help="a shop that is there already")  # fmt: skip
    add("--result", type=Path, default=RESULTS / "small.json")
    add("--add", action="store_true", help="add rounds to the result that is there")
    add("--note", default="", help="kept with the result, such as what else the machine did")
    add("--rivals", type=Path, default=ROOT / ".venv-benchmark/bin/python",
        help="the Python that has pandas and polars")  # fmt: skip
    add("--tell", action="store_true", help="measure nothing")
    arguments = parser.parse_args()
    unknown = set(arguments.cases) - set(CASES)
    if unknown:
        parser.error(f"no case is called {', '.join(sorted(unknown))}")
    arguments.landing = {
        int(customers): Path(folder)
        for customers, folder in (text.split("=", 1) for text in arguments.landing)
    }
    return arguments


def git(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Return what git says of the project."""
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def sizes_before(path: Path, now: dict) -> list[dict]:
    """Return the sizes of a result that more rounds are added to, smallest first.

    Args:
        path: the result.
        now: what stands in this run's result about machine, versions and settings.

    Raises:
        SystemExit: if there is none, or if it was made elsewhere or of other builds.
    """
    if not path.exists():
        raise SystemExit(f"{path} is not there: there is nothing to add to")
    before = json.loads(path.read_text())
    differs = [
        f"{what} {before['versions'].get(what)}, now {version}"
        for what, version in now["versions"].items()
        if before["versions"].get(what) != version
    ]
    differs += [
        f"{what} {before['machine'][what]}, now {now['machine'][what]}"
        for what in ("processor", "cores", "memory_gb")
        if before["machine"][what] != now["machine"][what]
    ]
    differs += [
        f"{what} {before['settings'][what]}, now {value}"
        for what, value in now["settings"].items()
        if before["settings"][what] != value
    ]
    if git("diff", "--quiet", before["commit"], "--", *MEASURED).returncode != 0:
        differs.append(f"{', '.join(MEASURED)} have changed since commit {before['commit']}")
    if differs:
        raise SystemExit(f"rounds cannot be added to {path}: {'; '.join(differs)}")
    return before["sizes"]


def with_rounds_of(size: dict, sizes: list[dict]) -> list[dict]:
    """Return sizes, smallest first, with what was measured of one of them put after its rounds."""
    others = [other for other in sizes if other["customers"] != size["customers"]]
    for before in sizes:
        if before["customers"] == size["customers"]:
            done = max((run["round"] for run in before["runs"]), default=0)
            runs = [run | {"round": run["round"] + done} for run in size["runs"]]
            measured_cases = {run["case"] for run in before["runs"] + runs}
            skipped = before["skipped"] | size["skipped"]
            size = {
                **size,
                "simulated": before["simulated"] or size["simulated"],
                "skipped": {
                    case: why for case, why in skipped.items() if case not in measured_cases
                },
                "comparisons": before["comparisons"] | size["comparisons"],
                "models": before["models"] | size["models"],
                "runs": before["runs"] + runs,
            }
    return sorted([*others, size], key=lambda one: one["customers"])


def measured_size(
    customers: int, folder: Path, arguments: argparse.Namespace, smaller: list[dict]
) -> dict:
    """Measure all cases of one size; return what stands about it in the result."""
    work = folder / str(customers)
    work.mkdir(parents=True, exist_ok=True)
    place = Place(arguments.landing.get(customers, work / "landing").resolve(), work,
                  arguments.rivals.absolute())  # fmt: skip
    environment = {**os.environ, "CLIENTELE_TEMP": str(work / "spill"), "PYTHONPATH": str(ROOT)}
    if not arguments.add:  # a single view of other builds; rounds that are added compare with it
        place.single_view("sql").unlink(missing_ok=True)
    say(f"{customers:,} customers in {place.landing}")
    made = simulated(customers, place.landing, environment, work / "simulate.log")
    reasons = {case: reason_to_skip(case, customers, smaller) for case in arguments.cases}
    skipped = {case: why for case, why in reasons.items() if why}
    cases = [case for case in CASES if case in arguments.cases and case not in skipped]
    require_single_view(customers, cases, place)
    if set(cases) & set(BY_DAY):
        shutil.rmtree(place.by_day, ignore_errors=True)
        shutil.rmtree(work / "day", ignore_errors=True)
        cut_last_day(place.landing, place.by_day, work / "day")
    for case in sorted({"start", *BUILDS} & set(cases)):  # what dbt keeps of a parse is there
        own = {**environment, "CLIENTELE_WAREHOUSE": str(place.warehouse(case))}
        subprocess.run(dbt(case, place, "parse"), cwd=ROOT, env=own, check=True)

    size = {
        "customers": customers,
        "landing": described(place.landing),
        "simulated": asdict(made) if made else None,
        "skipped": skipped,
        "comparisons": {},
        "models": {},  # case: wall seconds of the slowest models, in the last round
        "runs": [],
    }
    for number in range(1, arguments.rounds + 1):
        for case in cases:
            say(f"round {number} of {arguments.rounds}: {case}")
            prepare(case, place)
            own = {**environment, "CLIENTELE_WAREHOUSE": str(place.warehouse(case))}
            cost = measured(command_of(case, place), own, ROOT, work / f"{case}.log")
            size["runs"].append({"round": number, "case": case, **asdict(cost)})
            (work / "so_far.json").write_text(json.dumps(size, indent=1))
            size["models"][case] = seconds_of_models(case, place)
            keep(case, place, is_copied="copies" in cases)
            if number == 1 and case in COMPARED:
                size["comparisons"][case] = equal_or_end(case, place)
        remove(place.warehouse("first"))
    return size


def require_single_view(customers: int, cases: list[str], place: Place) -> None:
    """End where cases are to be compared with the single view of `sql`, and there is none."""
    needing = [case for case in cases if case in (*COMPARED, "floor")]
    if needing and "sql" not in cases and not place.single_view("sql").exists():
        raise SystemExit(
            f"{', '.join(needing)} need the single view of `sql` of {customers:,} customers to be "
            "compared with: add sql to --cases, or give --add and the --folder that has it"
        )


def reason_to_skip(case: str, customers: int, smaller: list[dict]) -> str | None:
    """Return why a case cannot be measured at a size, or None."""
    if case in RIVALS and smaller:
        peaks = [run["peak"] for run in smaller[-1]["runs"] if run["case"] == case]
        if not peaks:
            return smaller[-1]["skipped"].get(case)
        expected = max(peaks) * customers / smaller[-1]["customers"] * 1e6
        if expected > MOST_MEMORY * memory_bytes():
            return f"would take about {expected / 1e9:.0f} GB of memory"
    return None


def prepare(case: str, place: Place) -> None:
    """Put what a case begins with in place."""
    if case not in ("increment", "refresh"):
        remove(place.warehouse(case))
    if case == "first":
        take_last_day_away(place)
    elif case in BY_DAY:
        bring_last_day(place)


def keep(case: str, place: Place, is_copied: bool) -> None:
    """Keep the single view of a case, and its warehouse while another case needs it."""
    if case in ("sql", "sql_now", "increment", "refresh"):
        export_single_view(place.warehouse(case), place.single_view(case))
    if case == "copies":
        remove(place.warehouse("sql"))
    if case not in BY_DAY and not (case == "sql" and is_copied):
        remove(place.warehouse(case))


def seconds_of_models(case: str, place: Place) -> dict[str, float]:
    """Return the wall seconds of the slowest nodes of a dbt build, the slowest first."""
    if case not in BUILDS:
        return {}
    command = command_of(case, place)
    target = Path(command[command.index("--target-path") + 1])
    results = json.loads((target / "run_results.json").read_text())["results"]
    seconds = {node["unique_id"].split(".")[-1]: node["execution_time"] for node in results}
    slowest = sorted(seconds, key=seconds.get, reverse=True)[:SLOWEST]
    return {name: round(seconds[name], 2) for name in slowest}


def equal_or_end(case: str, place: Place) -> dict:
    """Compare a single view with that of `sql`; end where it differs."""
    found = compare(place.single_view("sql"), place.single_view(case))
    if not found.is_equal:
        raise SystemExit(f"{case} is not what sql is: {found}")
    say(f"{case}: {found.columns} columns of {found.customers:,} customers, all equal")
    return asdict(found)


def remove(warehouse: Path) -> None:
    """Remove a DuckDB file and what lies beside it."""
    for path in (warehouse, warehouse.with_name(warehouse.name + ".wal")):
        path.unlink(missing_ok=True)


def say(line: str) -> None:
    """Print a line with the time."""
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
