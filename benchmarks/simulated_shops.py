"""The landing zones that are measured: made once, and one of them cut where the last day begins."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from measuring import Cost, measured

ROOT = Path(__file__).resolve().parent.parent
MESS = 0.02
TABLES = ("market_order", "product_detail", "promo_detail", "app_open")
TIMES = ("createdate", "checkoutdate", "deliverdate", "ratedate")
LOAD_COLUMNS = """
    '{table}' as _file, row_number() over () as _record, timestamp '{arrived}' as _ingested_at,
    null::varchar as _reject_reasons, null::varchar as _raw_text
"""


def simulated(customers: int, landing: Path, environment: dict[str, str], log: Path) -> Cost | None:
    """Simulate a shop where there is none yet; return what that took."""
    if (landing / "market").exists():
        return None
    return measured(
        [
            sys.executable, "-m", "clientele", "simulate", str(landing), "--quiet",
            "--customers", str(customers), "--mess", str(MESS),
        ],
        environment, ROOT, log,
    )  # fmt: skip


def described(landing: Path) -> dict[str, int]:
    """Return the rows of each native table, and the bytes of all files."""
    with duckdb.connect() as connection:
        rows = {
            table: connection.execute(
                f"select count(*) from read_parquet('{landing}/market/**/{table}/*.parquet')"
            ).fetchall()[0][0]
            for table in TABLES
        }
    files = (landing / "market").rglob("*.parquet")
    return rows | {"bytes": sum(path.stat().st_size for path in files)}


def cut_last_day(landing: Path, before: Path, day: Path) -> None:
    """Write a shop as it was known before its last day, and what that day brought.

    An order of which something became known on the last day stands in `before` as it was, its times
    of that day blank, and in `day` as it is; both together say what the whole shop says.

    Args:
        landing: the whole shop.
        before: becomes a landing zone.
        day: becomes a folder of a load, to be put beside the tables of `before`.
    """
    with duckdb.connect(config={"threads": 2, "memory_limit": "2GB"}) as connection:
        connection.execute("set preserve_insertion_order = true")

        def read(table: str) -> str:
            return f"read_parquet('{landing}/market/{table}/*.parquet')"

        last = connection.execute(
            f"select max(createdate)[:10] from {read('market_order')} "
            "where createdate between '2000' and '2049' and length(createdate) = 19"
        ).fetchall()[0][0]

        def is_late(column: str) -> str:
            return (
                f"coalesce(length({column}) = 19 and {column} >= '{last} 00:00:00' "
                f"and {column} < '2049', false)"
            )

        connection.execute(
            f"create table late as select distinct order_id from {read('market_order')} "
            f"where {is_late('createdate')} and order_id is not null"
        )
        touched = " or ".join(is_late(column) for column in TIMES)
        blanked = ", ".join(f"case when not {is_late(c)} then {c} end as {c}" for c in TIMES)
        of_late = "coalesce(order_id in (select order_id from late), false)"
        parts = {
            "market_order": (
                f"select * replace ({blanked}) from {{}} where not {is_late('createdate')}",
                touched,
            ),
            "product_detail": (f"from {{}} where not {of_late}", of_late),
            "promo_detail": (f"from {{}} where not {of_late}", of_late),
            "app_open": (
                f"from {{}} where not {is_late('appopendate')}",
                is_late("appopendate"),
            ),
        }
        for table, (kept, brought) in parts.items():
            columns = LOAD_COLUMNS.format(table=f"{table}.csv", arrived=f"{last} 23:59:59")
            queries = {
                before / "market" / table: kept.format(read(table)),
                day / table: f"select *, {columns} from {read(table)} where {brought}",
            }
            for folder, query in queries.items():
                folder.mkdir(parents=True, exist_ok=True)
                connection.execute(
                    f"copy ({query}) to '{folder}/part-0.parquet' "
                    "(format parquet, compression zstd)"
                )
