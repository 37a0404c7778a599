"""Ten days of production, as cron would run them, on a shop that is simulated.

    python tests/faults/ten_days.py [--days 10] [--customers 3000] [--folder build/ten_days]
                                    [--fresh] [--write-docs]

A copy of the project is the place of work; each night a delivery is loaded and a run made of it, by
the commands that docs/run_in_production.md names, each in a process of its own. The deliveries have
mishaps (deliveries.py). After each night what is served is compared with totals computed from the
raw files alone (raw_truth.py); a refused night must leave the served file as it was, byte for
byte; erased people must be nowhere (people_search.py). The first claim that does not hold ends the
program with exit code 1. What is done stays in the folder: the same call goes on with the next
night.

`--write-docs` puts the table of the nights into the page.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from deliveries import DAYS, Delivery, Shop, people_to_erase, ten_days
from people_search import names_of, places_of
from raw_truth import Totals, totals

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "run_in_production.md"
MARKS = ("<!-- ten days -->", "<!-- end of ten days -->")
FIRST_DAY, LAST_DAY = date(2025, 5, 1), date(2026, 6, 30)
SEED = 7
REFUSED = 65
# Fewer customers make fewer than forty orders a day, and no gate tells a thin day from a bad one.
CUSTOMERS = 3000
PROJECT_PARTS = (
    "dbt_project.yml", "profiles.yml", "selectors.yml", ".dbtignore", "analyses", "clientele",
    "macros", "models", "python_models", "seeds", "snapshots", "tests/generic", "docs/pictures",
)  # fmt: skip
STORIES = {
    0: "all that was sold so far",
    1: "a usual day",
    2: "two damaged records in the orders",
    3: "they come again; no app opens",
    4: "the late app opens",
    5: "twenty orders of day 3 restated",
    6: "half of the orders file; the shop's count beside it says so",
    7: "day 6 whole, and day 7",
    8: "orders with tomorrow's prices",
    9: "prices put right",
    10: "the file of day 2 once more, then a usual day",
}
READER = {"enable_external_access": "false", "lock_configuration": "true"}


class BrokenClaimError(Exception):
    """Something is not as the page says."""


@dataclass
class Line:
    """A row of the table: what one command, or the two of a night, did and left served."""

    day: int
    what: str
    codes: dict[str, int] = field(default_factory=dict)
    seconds: float = 0
    loaded: dict[str, int] = field(default_factory=dict)  # records, rejected, duplicates to date
    served: dict[str, Any] = field(default_factory=dict)


@dataclass
class Place:
    """The folder in which the ten days happen, and what has happened so far."""

    folder: Path
    customers: int
    lines: list[Line] = field(default_factory=list)
    loaded: list[int] = field(default_factory=list)  # nights whose load was not refused
    erased: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)  # all that told the erased apart
    versions: dict[str, str] = field(default_factory=dict)  # sha256 of what a night left served

    @property
    def project(self) -> Path:
        """The copy of the project; the commands run in it."""
        return self.folder / "project"

    @property
    def served_link(self) -> Path:
        """What readers open."""
        return self.project / "production" / "published" / "clientele.duckdb"

    def raw(self, number: int) -> Path:
        """The delivery of a night; it lies outside of the project, with the sender."""
        return self.folder / "raw" / f"day-{number:02}"

    def save(self) -> None:
        """Write down what has happened."""
        told = {**asdict(self), "folder": str(self.folder)}
        (self.folder / "so_far.json").write_text(json.dumps(told, indent=1, default=str))

    @classmethod
    def begin(cls, folder: Path, customers: int, *, fresh: bool) -> Place:
        """Go on where an earlier call ended, or begin anew."""
        so_far = folder / "so_far.json"
        if so_far.exists() and not fresh:
            told = json.loads(so_far.read_text())
            if told["customers"] == customers:
                told["folder"], told["lines"] = folder, [Line(**line) for line in told["lines"]]
                return cls(**told)
        shutil.rmtree(folder, ignore_errors=True)
        place = cls(folder, customers)
        for part in PROJECT_PARTS:
            source, copy = ROOT / part, place.project / part
            copy.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
            elif source.exists():
                shutil.copy2(source, copy)
        return place

    def command(self, *arguments: str, expected: tuple[int, ...] = (0,)) -> Finished:
        """Run a command of clientele in the project, in a process of its own.

        Raises BrokenClaimError where its exit code is none of those expected, or where it printed
        a traceback.
        """
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("DBT_", "CLIENTELE_"))
        }
        begun = time.perf_counter()
        ended = subprocess.run(
            [sys.executable, "-m", "clientele", *arguments],
            cwd=self.project, env=environment, text=True, capture_output=True, check=False,
        )  # fmt: skip
        seconds = time.perf_counter() - begun
        said = f"clientele {' '.join(arguments)}: exit {ended.returncode}, {seconds:.0f} s"
        print(f"  {said}", flush=True)
        told = f"{said}\n{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}"
        _claim(ended.returncode in expected, f"exit code none of {expected}: {told}")
        _claim("Traceback (most recent" not in ended.stderr, f"a traceback: {told}")
        return Finished(ended.returncode, ended.stdout, ended.stderr, seconds)


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    code: int
    output: str
    errors: str
    seconds: float

    @property
    def json(self) -> Any:
        """What it printed for machines."""
        return json.loads(self.output)


def main() -> int:
    """Run what the arguments say."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--days", type=int, default=DAYS)
    arguments.add_argument("--customers", type=int, default=CUSTOMERS)
    arguments.add_argument("--folder", type=Path, default=ROOT / "build" / "ten_days")
    arguments.add_argument("--fresh", action="store_true", help="begin anew")
    arguments.add_argument("--write-docs", action="store_true", help="put the table into the page")
    given = arguments.parse_args()
    place = Place.begin(given.folder.resolve(), given.customers, fresh=given.fresh)
    try:
        live_through(place, given.days)
    except BrokenClaimError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    table = markdown(place.lines)
    print(table)
    if given.write_docs:
        PAGE.write_text(with_table(PAGE.read_text(), table))
    return 0


def live_through(place: Place, days: int) -> None:
    """Live through the days that have not been yet. Raises BrokenClaimError."""
    simulated = place.folder / "shop"
    if not simulated.exists():
        place.command(
            "simulate", str(simulated), "--customers", str(place.customers), "--mess", "0",
            "--start", str(FIRST_DAY), "--end", str(LAST_DAY), "--seed", str(SEED), "--quiet",
        )  # fmt: skip
    shop = Shop.read(simulated)
    nights = ten_days(shop, LAST_DAY)
    done = {line.day for line in place.lines}
    for night in nights[: days + 1]:
        if night.number in done:
            continue
        print(f"day {night.number}, {night.day}: {STORIES[night.number]}", flush=True)
        shutil.rmtree(place.raw(night.number), ignore_errors=True)
        night.write(place.raw(night.number))
        lines = [one_night(place, night)]
        if night.number == 8:
            lines.append(roll_back(place))
        elif night.number == 9:
            lines.append(erase(place, people_to_erase(shop, nights)))
        elif night.number == DAYS:
            lines += [once_more(place), look_around(place)]
        place.lines += lines
        place.save()


def one_night(place: Place, night: Delivery) -> Line:
    """Load a delivery and make a run of it; hold what is served against the raw files."""
    line = Line(night.number, STORIES[night.number])
    before = fingerprint(place) if place.loaded else ""
    if night.number == DAYS:
        again = place.command("load", str(place.raw(2)), "--source", "market", "--json")
        _claim(
            again.json["load"] is None and not again.json["files"],
            f"the files of day 2 brought something: {again.output}",
        )
        line.codes["load again"], line.seconds = again.code, again.seconds
    load = place.command(
        "load", str(place.raw(night.number)), "--source", "market",
        "--ingested-at", f"{night.loaded_at:%Y-%m-%dT%H:%M:%SZ}", "--json",
        expected=(REFUSED, 0) if night.number == 6 else (0,),
    )  # fmt: skip
    line.codes["load"], line.seconds = load.code, line.seconds + load.seconds
    if load.code == 0:
        line.loaded = {"records": records(load)}
        left_out = sum(file["erased"] for file in load.json["files"])
        _claim(bool(left_out) == bool(place.erased), f"{left_out} records left out as erased")
        if night.number not in place.loaded:
            place.loaded.append(night.number)
        run = place.command("run", "--json", expected=(REFUSED,) if night.number == 6 else (0,))
        line.codes["run"], line.seconds = run.code, line.seconds + run.seconds
    place.command("status", "--json", expected=(0, 1))
    if REFUSED in line.codes.values():
        _claim(fingerprint(place) == before, "a refused night changed what is served")
    else:
        hold_against_raw_files(place)
        export = place.command("export", "--json")
        line.codes["export"], line.seconds = export.code, line.seconds + export.seconds
        if night.number == DAYS:
            found = places_of(place.names, place.project)
            _claim(not found, f"erased people came back: {found}")
    line.served = served(place)
    place.versions[str(night.number)] = fingerprint(place)
    return line


def roll_back(place: Place) -> Line:
    """People saw wrong prices: serve the version of the night before again."""
    _claim(fingerprint(place) != place.versions["7"], "day 8 served the version of day 7")
    done = place.command("rollback", "--json")
    _claim(fingerprint(place) == place.versions["7"], "rollback gave other bytes than day 7's")
    return Line(8, "rollback to day 7", {"rollback": done.code}, done.seconds, {}, served(place))


def erase(place: Place, people: list[str]) -> Line:
    """Two people ask to be erased; each is looked for everywhere, before and after."""
    home = place.project / "production"
    warehouse = place.served_link.resolve().stem
    key = home / "keys" / "publication.key"
    names: set[str] = set()
    for person in people:
        found = names_of(
            home / "warehouses" / warehouse / "clientele.duckdb",
            person,
            bytes.fromhex(key.read_text().strip()) if key.exists() else None,
        )
        _claim(len(found) > 3, f"{person} is unknown before the erasure")
        names |= found
    before = places_of(names, place.project)
    for part in ("landing/", "production/published/", "production/warehouses/"):
        _claim(any(spot.startswith(part) for spot in before), f"nobody to erase in {part}")
    place.command("verify-erasure", *people, "--source", "market", expected=(1,))
    done = place.command("erase", *people, "--source", "market")
    place.erased, place.names = people, sorted(names)
    after = places_of(names, place.project)
    _claim(not after, f"still there after the erasure: {after}")
    for person in people:
        _claim(person not in done.output + done.errors, "the erasure named whom it erased")
    verified = place.command("verify-erasure", *people, "--source", "market")
    line = Line(9, f"{len(people)} people erased", {"erase": done.code, "verify": verified.code})
    line.seconds, line.served = done.seconds + verified.seconds, served(place)
    return line


def once_more(place: Place) -> Line:
    """A run of the same data again: another version, the same numbers."""
    before = contents(place)
    run = place.command("run", "--json")
    other = sorted(name for name, content in contents(place).items() if before[name] != content)
    _claim(not other, f"the same data gave other tables: {other}")
    return Line(DAYS, "the same run again", {"run": run.code}, run.seconds, {}, served(place))


def look_around(place: Place) -> Line:
    """The commands of the morning after answer from what is served."""
    codes = {}
    seconds = 0.0
    for arguments in (("status",), ("history",), ("report",), ("sql", "select 1 as one")):
        done = place.command(*arguments)
        codes[arguments[0]], seconds = done.code, seconds + done.seconds
    return Line(DAYS, "status, history, report, sql", codes, seconds, {}, served(place))


def hold_against_raw_files(place: Place) -> None:
    """Compare what is served with all raw files that were not refused. Raises BrokenClaimError."""
    begin = LAST_DAY.toordinal() - DAYS
    nights = [Delivery(number, date.fromordinal(begin + number)) for number in place.loaded]
    wanted = totals([(place.raw(night.number), night.loaded_at) for night in nights], place.erased)
    now = served(place)
    found = Totals(
        date.fromisoformat(now["as_of"]), now["orders"], now["customers"],
        Decimal(now["net_revenue"]),
    )  # fmt: skip
    _claim(found == wanted, f"served {found}, but the raw files give {wanted}")
    if not place.erased:
        landed = records_of_files([place.raw(number) for number in place.loaded])
        _claim(now["landed"] == landed, f"{now['landed']} rows landed of {landed} records")
    _claim(
        now["landed"] == now["accepted"] + now["rejected"] + now["duplicates"],
        f"accepted, rejected and duplicates do not sum to what landed: {now}",
    )


def served(place: Place) -> dict[str, Any]:
    """Read what is served, as a BI tool does."""
    with duckdb.connect(str(place.served_link), read_only=True, config=READER) as connection:
        overview = connection.execute(
            "select as_of_date::varchar, successful_order_count, customer_count, "
            "net_revenue::varchar, listed_customer_count from marts.shop_overview"
        ).fetchall()
        rows = connection.execute(
            "select sum(landed_count), sum(accepted_count), sum(rejected_count), "
            "sum(duplicate_count) from marts.row_reconciliation where source = 'market'"
        ).fetchall()
    _claim(len(overview) == 1, f"{len(overview)} shops are served")
    names = ("as_of", "orders", "customers", "net_revenue", "listed")
    counts = ("landed", "accepted", "rejected", "duplicates")
    return {
        "version": place.served_link.resolve().stem,
        **dict(zip(names, overview[0], strict=True)),
        **dict(zip(counts, (int(count) for count in rows[0]), strict=True)),
    }


def contents(place: Place) -> dict[str, str]:
    """Return a hash of the rows of each table that is served, whatever their order."""
    with duckdb.connect(str(place.served_link), read_only=True, config=READER) as connection:
        tables = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() order by 1"
        ).fetchall()
        return {
            table: connection.execute(
                "select md5(coalesce(string_agg(line, chr(10) order by line), '')) "
                f"from (select whole::varchar as line from {table} as whole)"
            ).fetchall()[0][0]
            for (table,) in tables
        }


def fingerprint(place: Place) -> str:
    """Return the name and the sha256 of the file that is served."""
    file = place.served_link.resolve()
    return f"{file.stem} {hashlib.sha256(file.read_bytes()).hexdigest()}"


def records(load: Finished) -> int:
    """Return how many records a load took in, accepted or not."""
    return sum(file["records"] for file in load.json["files"])


def records_of_files(folders: list[Path]) -> int:
    """Return the number of records of the raw files; of files of equal bytes one counts."""
    files = {}
    for path in (path for folder in folders for path in folder.glob("*.csv")):
        data = path.read_bytes()
        files[hashlib.sha256(data).digest()] = data.count(b"\n") - 1
    return sum(files.values())


def markdown(lines: list[Line]) -> str:
    """Return the table of the page."""
    head = (
        "day", "what happened", "exit codes", "records", "rejected", "duplicates", "as of",
        "orders", "customers", "net revenue", "to contact", "seconds",
    )  # fmt: skip
    rows = ["| " + " | ".join(head) + " |", "|" + "---|" * 2 + "---|" + "---:|" * 9]
    for line in lines:
        now = line.served
        codes = ", ".join(f"{name} {code}" for name, code in line.codes.items())
        loaded = f"{line.loaded['records']:,}" if line.loaded else ""
        cells = (
            str(line.day), line.what, codes, loaded, f"{now['rejected']:,}",
            f"{now['duplicates']:,}", now["as_of"], f"{now['orders']:,}",
            f"{now['customers']:,}", f"{Decimal(now['net_revenue']):,.2f}", f"{now['listed']:,}",
            f"{line.seconds:.0f}",
        )  # fmt: skip
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def with_table(page: str, table: str) -> str:
    """Return the page with the table between its marks."""
    begin, end = (re.escape(mark) for mark in MARKS)
    replaced, count = re.subn(
        f"{begin}.*?{end}", lambda _: f"{MARKS[0]}\n{table}\n{MARKS[1]}", page, flags=re.DOTALL
    )
    _claim(count == 1, f"{PAGE.name} lacks the marks {MARKS}")
    return replaced


def _claim(holds: bool, otherwise: str) -> None:
    if not holds:
        raise BrokenClaimError(otherwise)


if __name__ == "__main__":
    sys.exit(main())
