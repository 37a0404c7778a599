"""What a shop sold, computed from the raw CSV files alone, without any part of the project."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb

# No sniffing: every field is text, and a record of another length is left out.
AS_WRITTEN = (
    "auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', "
    "ignore_errors = true"
)
# One pass over all texts; a record with a field too many is left out, as the intake does. Of an
# order that was told several times the latest load wins, and in one load the row that knows most.
TOTALS = """
with told as (
    {tellings}
),

orders as (
    select *
    from told
    where client_id not in (select unnest(?::varchar[]))
    qualify row_number() over (
        partition by order_id
        order by
            loaded_at desc,
            greatest(createdate, coalesce(checkoutdate, ''), coalesce(deliverdate, ''),
                coalesce(ratedate, '')) desc
    ) = 1
),

last_days as (
    select
        max(checkoutdate::date) as last_order_date,
        max(
            greatest(
                createdate::timestamp,
                coalesce(checkoutdate::timestamp, createdate::timestamp),
                coalesce(deliverdate::timestamp, createdate::timestamp)
            )
        )::date as last_event_date
    from orders
),

dated as (
    select
        case when last_event_date > last_order_date then last_order_date
            else last_order_date - 1 end as as_of_date
    from last_days
)

select
    any_value(as_of_date),
    count(*),
    count(distinct client_id),
    sum(
        basketvalue::decimal(18, 4)
        - greatest(0, coalesce(discountamount::decimal(18, 4), 0)
            - coalesce(suppliersupport::decimal(18, 4), 0)
            - coalesce(thirdpartysupport::decimal(18, 4), 0))
        + coalesce(deliveryfee::decimal(18, 4), 0)
    )
from orders
cross join dated
where checkoutdate::date <= as_of_date and deliverdate::date <= as_of_date
"""


@dataclass(frozen=True)
class Totals:
    """Numbers of a shop up to and including a day."""

    as_of: date
    orders: int  # delivered
    customers: int  # with a delivered order
    net_revenue: Decimal


def totals(loads: Iterable[tuple[Path, datetime]], erased: Collection[str] = ()) -> Totals:
    """Compute the totals of all deliveries loaded so far.

    loads: folder and time of each load. erased: client ids that count no more.
    """
    tellings = " union all by name ".join(
        f"select *, timestamp '{loaded_at:%Y-%m-%d %H:%M:%S}' as loaded_at "
        f"from read_csv('{folder}/market_order*.csv', columns = {_columns(folder)}, {AS_WRITTEN})"
        for folder, loaded_at in loads
    )
    with duckdb.connect() as connection:
        row = connection.execute(TOTALS.format(tellings=tellings), [list(erased)]).fetchall()[0]
    return Totals(*row)


def _columns(folder: Path) -> str:
    with next(folder.glob("market_order*.csv")).open(encoding="utf-8") as file:
        names = file.readline().rstrip("\n").split(",")
    return "{" + ", ".join(f"'{name}': 'varchar'" for name in names) + "}"
