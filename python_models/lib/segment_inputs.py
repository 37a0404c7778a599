"""What a fit of the segmentation reads of a source: relations of the warehouse as bounded frames.

Rows are sampled and sorted by what they hold and never by whom they are about, so that neither
the order of rows nor names change a fit. A view of the past is written to a temporary table before
it is joined or sorted, some customers at a time: its joins, and those sorts, would each hold all of
them at the same time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

import segment_stability
import segment_version

# What the rules and the money need of a past slice, beside the features.
BESIDE = (
    "recency_days", "frequency_score", "net_revenue_365d", "is_new", "lifecycle_stage", "cm2_365d",
    "sample_key",
)  # fmt: skip
NO_NUMBERS = ("lifecycle_stage", "is_new", "sample_key", "customer_key", "lag_days")
QUARTER = 3  # months
PAST_CUSTOMERS = 700_000  # of whom a view of the past is read at a time
KEYS = 2**63  # customer keys are hashes, spread evenly from 0 to this


@dataclass(frozen=True)
class Relations:
    """Tables and views of the warehouse, as relations that can be filtered before they are read."""

    customers: Any  # customer_features
    history: Any  # customer_feature_history
    next_quarters: Any  # customer_next_quarters
    recent: Any  # customer_recent_features
    dates: Any  # history_dates
    rfm_status: Any


@dataclass(frozen=True)
class Limits:
    """Rows that are read at most: of today, of the usefulness check, of a slice of the backtest.

    backtest_months: how many of the latest month-ends are slices; min_customers: how many customers
    a check needs.
    """

    sample_rows: int
    check_rows: int
    slice_rows: int
    backtest_months: int
    min_customers: int


def rows_of(relation, columns: list[str], row_limit: int | None) -> pd.DataFrame:
    """Return the rows with the least content keys, all without a limit; numbers are doubles."""
    contents = ["sample_key", *(name for name in columns if name != "sample_key")]
    ordered = [name for name in contents if name != "customer_key"]
    typed = [
        name if name in NO_NUMBERS else f"cast({name} as double) as {name}" for name in columns
    ]
    if row_limit is not None:
        least = relation.project("sample_key").order("sample_key").limit(row_limit)
        ((last,),) = least.aggregate("max(sample_key)").fetchall()
        relation = relation.filter(f"sample_key <= {last}" if last is not None else "false")
    ordered_rows = relation.order(", ".join(ordered))
    if row_limit is not None:
        ordered_rows = ordered_rows.limit(row_limit)
    return ordered_rows.project(", ".join(typed)).df()


def unknown_features(source: str, features: list[str], relations: Relations) -> set[str]:
    """Return the features that are null for some customer of a source: nothing tells of them."""
    counts = ", ".join(f"count(*) - count({feature})" for feature in features)
    customers = relations.customers.filter(f"source = '{source}'")
    (nulls,) = customers.aggregate(counts).fetchall()
    return {feature for feature, count in zip(features, nulls, strict=True) if count}


def shop_of(
    source: str, as_of: date, features: list[str], relations: Relations, limits: Limits
) -> segment_version.Shop:
    """Return a source as a fit sees it; what lies in the past is read when the fit asks for it."""
    is_source = f"source = '{source}'"
    month_ends = {
        int(number): day
        for number, day in relations.dates.filter(
            f"{is_source} and is_kept and as_of_date <= date '{as_of}' "
            "and as_of_date = last_day(as_of_date)"
        )
        .project("as_of_number, cast(as_of_date as date)")
        .fetchall()
    }
    columns = [*features, *BESIDE]

    def on(relation, number: int):
        return relation.filter(f"{is_source} and as_of_date = date '{month_ends[number]}'")

    def past(number: int):
        view = on(relations.history, number).project(", ".join([*columns, "customer_key"]))
        view.query("seen", "create or replace temp table past as select * from seen limit 0")
        parts = max(1, round(count / PAST_CUSTOMERS))
        width = -(-KEYS // parts)
        for least in range(0, KEYS, width):
            # A range: what is joined to it is read in that range alone.
            most = min(least + width, KEYS) - 1
            some = view.filter(f"customer_key between {least} and {most}")
            some.query("seen", "insert into temp.main.past select * from seen")
        return view.query("seen", "select * from temp.main.past")

    def slice_of(number: int, row_limit: int) -> segment_stability.Slice:
        frame = rows_of(past(number), columns, row_limit)
        return segment_stability.Slice(month_ends[number], number, frame)

    def check() -> segment_version.Check | None:
        last = max(month_ends, default=0)
        first, second = last - 2 * QUARTER, last - QUARTER
        if not {first, second} <= set(month_ends):
            return None
        named = ", ".join(f"now.{name}" for name in columns)
        paid = (
            past(second)
            .set_alias("now")
            .join(
                on(relations.next_quarters, second).set_alias("later"),
                "now.customer_key = later.customer_key",
            )
            .project(f"{named}, later.cm2_next_quarter")
        )
        frame = rows_of(paid, [*columns, "cm2_next_quarter"], limits.check_rows)
        then = slice_of(first, limits.check_rows)
        if min(len(frame), len(then.frame)) < limits.min_customers:
            return None
        now = segment_stability.Slice(month_ends[second], second, frame)
        return segment_version.Check(then, now)

    def slices() -> list[segment_stability.Slice]:
        numbers = sorted(month_ends)[-limits.backtest_months :]
        return [slice_of(number, limits.slice_rows) for number in numbers]

    def recent() -> pd.DataFrame:
        # A sample already, the same customers on each of its days.
        named = [*columns, "customer_key", "lag_days"]
        return rows_of(relations.recent.filter(is_source), named, None)

    customers = relations.customers.filter(is_source)
    ((count,),) = customers.aggregate("count(*)").fetchall()
    sample = rows_of(customers, [*features, "sample_key"], limits.sample_rows)
    scored = relations.rfm_status.filter(f"{is_source} and rfm_status = 'scored'").fetchall()
    return segment_version.Shop(as_of, sample, count, bool(scored), check, slices, recent)
