"""The gate: what was built is measured against what is served, before it may be served itself.

The measures are a table of the warehouse, `marts.gate_measures`: one row a source, measure, item
and kind of limit, with the value and the limit. So what is compared, and how far it may move, is
SQL and vars; here two versions' rows are laid side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from clientele.safe_text import printable
from clientele.warehouse_file import WarehouseError, reading, rows

MEASURES = "marts.gate_measures"
REJECTED_ROWS = "marts.rejected_rows"
REJECTED_SHARE = "rejected_share"
REASONS_TOLD = 3
FAILURES_TOLD = 12

# Whether a value is beyond its limit, by kind of limit; the second are asked of two values.
ALONE: dict[str, Callable[[float, float], bool]] = {
    "at_most": lambda value, limit: value > limit,
    "at_least": lambda value, limit: value < limit,
}
AGAINST_SERVED: dict[str, Callable[[float, float, float], bool]] = {
    "drop_share": lambda served, value, limit: served - value > limit * abs(served),
    # Of a served value of zero there is no share to grow by.
    "growth_share": lambda served, value, limit: (
        served != 0 and value - served > limit * abs(served)
    ),
    "change_share": lambda served, value, limit: (
        served != 0 and abs(value - served) > limit * abs(served)
    ),
    "change": lambda served, value, limit: abs(value - served) > limit,
    "days_back": lambda served, value, limit: served - value > limit,
}
WORDS = {
    "at_most": "at most {limit}",
    "at_least": "at least {limit}",
    "drop_share": "may shrink by {limit:.0%}",
    "growth_share": "may grow by {limit:.0%}",
    "change_share": "may move by {limit:.0%}",
    "change": "may move by {limit}",
    "days_back": "may go back {limit} days",
}
NOT_JUDGED = "none"  # told, and too little to be judged
GONE = "it was there and is gone"
UNKNOWN_KIND = "a kind of limit that is not known"


@dataclass(frozen=True)
class Measure:
    """A row of the measures; `valid_for` names what it can be compared within, such as a model."""

    source: str
    measure: str
    item: str
    limit_kind: str
    value: float | None
    limit_value: float | None
    valid_for: str | None = None

    @property
    def thing(self) -> tuple[str, str, str]:
        """What is measured, whatever the limit."""
        return self.source, self.measure, self.item


@dataclass(frozen=True)
class Failure:
    """A measure that is beyond its limit; `check` is the name that `--accept` takes."""

    check: str
    source: str
    item: str
    served: float | None
    new: float | None
    limit: str
    is_day: bool = False

    def line(self) -> str:
        """Say it in one line."""
        served, new = (
            _shown(value, as_day=self.is_day) if value is not None else "none"
            for value in (self.served, self.new)
        )
        return printable(
            f"{self.check}, {self.source}, {self.item}: {served} served, {new} new; {self.limit}"
        )


def read_measures(warehouse: Path) -> list[Measure]:
    """Return the measures of a warehouse or a published file. Raises WarehouseError."""
    with reading(warehouse, [MEASURES]) as connection:
        return [
            Measure(**row)
            for row in rows(
                connection,
                "select source, measure, item, limit_kind, cast(value as double) as value, "
                "cast(limit_value as double) as limit_value, valid_for "
                f"from {MEASURES} order by source, measure, item, limit_kind",
            )
        ]


def compare(new: Collection[Measure], served: Collection[Measure]) -> list[Failure]:
    """Return what of the new measures is beyond its limit, in the order of their names.

    served: the measures of what is served; none, where nothing is.

    A served thing that has no row any more is a failure, too, unless the new rows of that measure
    are valid for something else: segments of another model are other segments.
    """
    former = {measure.thing: measure for measure in served}
    failures = [
        failure for measure in new if (failure := _judge(measure, former.get(measure.thing)))
    ]
    present = {measure.thing for measure in new}
    # Rows that hold for another model do not take the place of those that are gone.
    fields = {(measure.source, measure.measure, measure.valid_for) for measure in new}
    others = {(source, name) for source, name, _ in fields}
    for thing, measure in former.items():
        is_replaced = (measure.source, measure.measure) in others and (
            measure.source, measure.measure, measure.valid_for,
        ) not in fields  # fmt: skip
        if thing not in present and not is_replaced and measure.value is not None:
            failures.append(
                Failure(
                    measure.measure, measure.source, measure.item, measure.value, None, GONE,
                    is_day=measure.limit_kind == "days_back",
                )
            )  # fmt: skip
    return sorted(failures, key=lambda failure: (failure.check, failure.source, failure.item))


def split_accepted(
    failures: Iterable[Failure], accepted: Collection[str]
) -> tuple[list[Failure], list[Failure]]:
    """Return the failures that stand, and those whose check is accepted this once."""
    standing, passed = [], []
    for failure in failures:
        (passed if failure.check in accepted else standing).append(failure)
    return standing, passed


def refusal(failures: Collection[Failure], warehouse: Path) -> str:
    """Say in one screen why the new version is refused.

    warehouse: the new one, for the reasons of rejected rows.
    """
    told = list(failures)[:FAILURES_TOLD]
    lines = ["the gate refuses the new version, and what is served stays:"]
    lines += [f"  {failure.line()}" for failure in told]
    if len(failures) > len(told):
        lines.append(f"  and {len(failures) - len(told)} more")
    for failure in told:
        if failure.check == REJECTED_SHARE:
            lines += rejected_reasons(warehouse, failure.source, failure.item)
    checks = " ".join(f"--accept {check}" for check in sorted({each.check for each in failures}))
    lines.append(f"If that is how it is: clientele run {checks}")
    return "\n".join(lines)


def rejected_reasons(warehouse: Path, source: str, table: str) -> list[str]:
    """Say which reasons most rejected rows of a table have, each with one of them as example."""
    query = f"""
        select reject_reasons, count(*) as row_count,
            min((source_file, source_record)) as example
        from {REJECTED_ROWS}
        where source = ? and source_table = ?
        group by reject_reasons
        order by row_count desc, reject_reasons asc
        limit {REASONS_TOLD}
    """
    try:
        with reading(warehouse, [REJECTED_ROWS]) as connection:
            found = connection.execute(query, [source, table]).fetchall()
    except (WarehouseError, duckdb.Error):
        return []  # a project without that table has no reasons to tell
    return [
        printable(
            f"    {table}: {count:,} rows {reason}, such as record {example[1]} of {example[0]}"
        )
        for reason, count, example in (
            (reason, count, tuple(example.values()) if isinstance(example, Mapping) else example)
            for reason, count, example in found
        )
    ]


def as_json(failures: Iterable[Failure]) -> list[dict[str, Any]]:
    """Return failures as JSON knows them."""
    return [asdict(failure) for failure in failures]


def _judge(measure: Measure, former: Measure | None) -> Failure | None:
    kind, value, limit = measure.limit_kind, measure.value, measure.limit_value
    if kind == NOT_JUDGED:
        return None
    served = former.value if former else None
    if former and former.valid_for != measure.valid_for:
        served = None
    words = WORDS.get(kind, UNKNOWN_KIND).format(limit=limit or 0)
    is_beyond = False
    if limit is None or (kind not in ALONE and kind not in AGAINST_SERVED):
        is_beyond, words = True, UNKNOWN_KIND
    elif value is None:
        is_beyond, words = served is not None, "it was known and is no longer"
    elif value != value or value in (float("inf"), float("-inf")):
        is_beyond, words = True, "it is no number"
    elif kind in ALONE:
        # What is served at this very value was accepted then, and nothing has come since.
        is_beyond = value != served and ALONE[kind](value, limit)
    elif served is not None:
        is_beyond = AGAINST_SERVED[kind](served, value, limit)
    if not is_beyond:
        return None
    return Failure(
        measure.measure, measure.source, measure.item, served, value, words,
        is_day=kind == "days_back",
    )  # fmt: skip


def day(value: float | None) -> str | None:
    """Return a number of days since 1970-01-01 as a date; None where none is known."""
    if value is None or not abs(value) < 1e6:
        return None
    return (date(1970, 1, 1) + timedelta(days=int(value))).isoformat()


def _shown(value: float, *, as_day: bool) -> str:
    if as_day and (told := day(value)):
        return told
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 10_000 else f"{value:,.4g}"
