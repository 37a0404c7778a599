"""Whether a rival's single view is ours: every column of every customer, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

# A key that we make, and what the source market says nothing about (null for everybody).
NOT_COMPARED = ("customer_key", "source", "state", "payment_type")


@dataclass(frozen=True)
class Comparison:
    """What was compared, and what differs."""

    columns: int
    customers: int
    missing: int  # customers of ours whom the rival does not have
    added: int  # customers of the rival whom we do not have
    differing: dict[str, int]  # column: customers of both whose value differs

    @property
    def is_equal(self) -> bool:
        """Whether all customers and all values are the same."""
        return not (self.missing or self.added or self.differing)


def export_single_view(warehouse: Path, path: Path) -> None:
    """Write the single view of a warehouse as Parquet, with its types."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute(f"copy customer.customer_single_view to '{path}' (format parquet)")


def compare(ours: Path, rival: Path) -> Comparison:
    """Compare two single views, Parquet files.

    A rival's number is read as the type that ours has: 12.5 is 12.5000. A null equals a null.

    Raises:
        ValueError: if a column that is compared is missing from the rival's, or a customer stands
            in it twice.
    """
    with duckdb.connect() as connection:
        connection.execute(f"create view ours as from read_parquet('{ours}')")
        connection.execute(f"create view theirs as from read_parquet('{rival}')")
        types = dict(
            connection.execute("select column_name, column_type from (describe ours)").fetchall()
        )
        described = connection.execute("select column_name from (describe theirs)").fetchall()
        columns = [name for name in types if name not in NOT_COMPARED]
        lacking = set(columns) - {name for (name,) in described}
        if lacking:
            raise ValueError(f"{rival} lacks {', '.join(sorted(lacking))}")
        repeated = connection.execute(
            "select count(*) - count(distinct customer_id) from theirs"
        ).fetchall()[0][0]
        if repeated:
            raise ValueError(f"{rival} has {repeated} customers more than once")
        compared = [name for name in columns if name != "customer_id"]
        differences = ", ".join(
            f"count(*) filter (ours.customer_id = theirs.customer_id and "
            f"ours.{name} is distinct from cast(theirs.{name} as {types[name]})) as {name}"
            for name in compared
        )
        found = connection.execute(
            f"""
            select
                count(ours.customer_id),
                count(*) filter (theirs.customer_id is null),
                count(*) filter (ours.customer_id is null),
                {differences}
            from ours full join theirs on ours.customer_id = theirs.customer_id
            """
        ).fetchall()[0]
    customers, missing, added, *counts = found
    differing = {name: n for name, n in zip(compared, counts, strict=True) if n}
    return Comparison(len(columns), customers, missing, added, differing)
