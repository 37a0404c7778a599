"""What is measured: a name, what it is in words, and the command."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
NO_TESTS = ("--exclude", "resource_type:test", "resource_type:unit_test")
TO_SINGLE_VIEW = ("build", "--select", "+customer_single_view", *NO_TESTS)
WHOLE = ("build", *NO_TESTS)

# In the order in which they run in a round: copies and floor write what `sql` has made; the last
# three work on one warehouse, `first` before the shop's last day has come.
CASES = {
    "start": "a start of dbt that builds nothing",
    "sql": "SQL: the single view with 24 month-ends of history",
    "copies": "each table that `sql` writes, copied: writing without computing",
    "sql_now": "SQL: the single view of the current date",
    "floor": "floor: scan each needed column once, write the single view once",
    "polars": "polars: the single view of the current date",
    "pandas": "pandas: the single view of the current date",
    "first": "the whole build, with every fit",
    "increment": "the whole build that adds one day, no fit due",
    "refresh": "the whole build, all rows anew, no fit due",
}
RIVALS = ("polars", "pandas")
BUILDS = ("sql", "sql_now", "first", "increment", "refresh")
BY_DAY = ("first", "increment", "refresh")
# Whose single views must be that of `sql` before any time is told.
COMPARED = ("sql_now", *RIVALS, "increment", "refresh")


@dataclass(frozen=True)
class Place:
    """Where one size is measured."""

    landing: Path
    work: Path
    rivals: Path  # the Python of pandas and polars

    @property
    def by_day(self) -> Path:
        """The landing zone whose last day comes later than the rest."""
        return self.work / "by_day"

    @property
    def last_day(self) -> Path:
        """Where the last day lies once it has come."""
        return self.by_day / "market" / "load=last_day"

    def warehouse(self, case: str) -> Path:
        """Return the DuckDB file that a case builds."""
        return self.work / f"{'whole' if case in BY_DAY else case}.duckdb"

    def single_view(self, case: str) -> Path:
        """Return the single view of a case, as Parquet."""
        return self.work / f"{case}.parquet"


def command_of(case: str, place: Place) -> list[str]:
    """Return the command of a case; copies and floor write what `sql` has made."""
    if case == "copies":
        return [
            sys.executable, str(HERE / "copies.py"), str(place.warehouse("sql")),
            str(place.warehouse(case)),
        ]  # fmt: skip
    if case == "floor":
        return [
            sys.executable, str(HERE / "floor.py"), str(place.landing),
            str(place.single_view("sql")), str(place.warehouse(case)),
        ]  # fmt: skip
    if case in RIVALS:
        return [
            str(place.rivals), str(HERE / f"{case}_single_view.py"), str(place.landing),
            str(place.single_view(case)),
        ]  # fmt: skip
    arguments = {
        "start": ("parse",),
        "sql": TO_SINGLE_VIEW,
        "sql_now": TO_SINGLE_VIEW,
        "first": WHOLE,
        # What is kept across builds stays; all else is written anew, though nothing has changed.
        "refresh": (*WHOLE, "--full-refresh"),
        "increment": WHOLE,
    }[case]
    return dbt(case, place, *arguments)


def dbt(case: str, place: Place, *arguments: str) -> list[str]:
    """Return a dbt command over the shop of a case.

    The target folder is the warehouse's own: with other vars or another warehouse dbt would parse
    everything again.
    """
    settings: dict[str, str | int] = {"landing": str(place.landing)}
    if case == "sql_now":
        settings["history_months"] = 0
    if case in BY_DAY:
        settings["landing"] = str(place.by_day)
    target = f"target-{place.warehouse(case).stem}"
    return [
        str(Path(sys.executable).parent / "dbt"), "--quiet", *arguments,
        "--vars", json.dumps(settings),
        "--target-path", str(place.work / target), "--log-path", str(place.work / "logs"),
    ]  # fmt: skip


def take_last_day_away(place: Place) -> None:
    """Make the shop that is delivered by day what it was before its last day."""
    shutil.rmtree(place.last_day, ignore_errors=True)


def bring_last_day(place: Place) -> None:
    """Deliver the last day, as a load beside what was there; twice is once."""
    if not place.last_day.exists():
        shutil.copytree(place.work / "day", place.last_day)
