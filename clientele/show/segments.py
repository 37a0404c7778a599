"""`clientele show segments`: who the customers are, what they are worth and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from clientele.show.printing import cell, count, percent, plain, say, table, title
from clientele.warehouse_file import reading, rows

DOCS = Path("target/static_index.html")
NEEDED = (
    "customer.customer_single_view",
    "segments.segmentation_status",
    "segments.segment_maintenance",
    "segments.segments",
    "segments.segment_profiles",
    "marts.campaign_status",
)

SHOPS = """
    select
        maintenance.source,
        maintenance.as_of_date,
        coalesce(status.segmentation_status, 'unsegmented') as status,
        coalesce(status.segmentation_method, 'rules') as method,
        coalesce(status.reason, 'it was not fitted') as reason,
        maintenance.maintenance_state,
        maintenance.next_refit_date,
        (
            select count(*)
            from customer.customer_single_view as single_view
            where single_view.source = maintenance.source and single_view.is_customer
        ) as customers
    from segments.segment_maintenance as maintenance
    left join segments.segmentation_status as status
        on maintenance.source = status.source
    order by maintenance.source
"""

SEGMENTS = """
    select
        segments.source,
        segments.segment_id,
        segments.segment_name as name,
        segments.who_they_are,
        segments.what_to_do,
        profiles.customer_count as customers,
        profiles.customer_share,
        profiles.cm2_share
    from segments.segments as segments
    inner join segments.segment_profiles as profiles
        on
            segments.source = profiles.source
            and segments.segment_id = profiles.segment_id
    order by segments.source, profiles.customer_count desc, segments.segment_id
"""

LISTS = """
    select
        source,
        campaign_id,
        campaign_name as name,
        channel,
        sent_today_count as customers
    from marts.campaign_status
    where campaign_state = 'running'
    order by source, sent_today_count desc, campaign_id
"""


def read_segments(warehouse: Path, docs: Path = DOCS) -> dict[str, Any]:
    """Read the segments and the sizes of the lists of every shop.

    warehouse: the DuckDB file that `dbt build` wrote; it is opened read-only.
    docs: where `dbt docs generate --static` writes its page.

    Returns plain values that JSON can carry: `warehouse`, `docs` (null where there is none),
    `shops` (each with `source`, `as_of_date`, `customers`, `status`, `method` (clusters or rules),
    `reason`, `maintenance_state`, `next_refit_date` and `segments`) and `lists`. Shares are of the
    shop's customers and of their cm2, from 0 to 1 (cm2 may be negative), null where the shop's cm2
    is zero. Raises WarehouseError.
    """
    with reading(warehouse, NEEDED) as connection:
        shops = [plain(shop) for shop in rows(connection, SHOPS)]
        segments = [plain(segment) for segment in rows(connection, SEGMENTS)]
        lists = rows(connection, LISTS)
    for shop in shops:
        shop["segments"] = [
            {name: value for name, value in segment.items() if name != "source"}
            for segment in segments
            if segment["source"] == shop["source"]
        ]
    return {
        "warehouse": str(warehouse),
        "docs": str(docs) if docs.is_file() else None,
        "shops": shops,
        "lists": lists,
    }


def print_segments(overview: dict[str, Any], console: Console) -> None:
    """Print what `read_segments` returned as tables, and below them where everything lies."""
    for shop in overview["shops"]:
        _print_shop(shop, console)
        console.print()
    several = len({entry["source"] for entry in overview["lists"]}) > 1
    lists = ", ".join(
        f"{entry['source'] + '.' if several else ''}{entry['campaign_id']} {entry['customers']:,}"
        for entry in overview["lists"]
    )
    docs = overview["docs"] or f"not written yet; `dbt docs generate --static` makes {DOCS}"
    for label, value in (
        ("Marts", f"{overview['warehouse']}, schema marts"),
        ("Docs", docs),
        ("Lists", f"marts.campaign_lists: {lists or 'no campaigns'}"),
    ):
        line = Table.grid(padding=(0, 1))
        line.add_row(Text(f"{label:<5}", style="bold"), cell(value))
        console.print(line)


def _print_shop(shop: dict[str, Any], console: Console) -> None:
    if shop["as_of_date"] is None:
        say(console, f"{shop['source']}: no orders yet, so there is no customer to show.")
        return
    about = f"{shop['source']}, {shop['customers']:,} customers as of {shop['as_of_date']}"
    if not shop["segments"]:
        say(console, f"{about}: no segments, because {shop['reason']}.")
        return
    if shop["method"] == "rules":
        say(console, f"{shop['source']} has rule segments: {shop['reason']}.")
    made = table(
        ("Segment", "left"),
        ("Customers", "right"),
        ("Share", "right"),
        ("Margin", "right"),
        ("What to do", "left"),
    )
    for segment in shop["segments"]:
        made.add_row(
            cell(segment["name"]),
            count(segment["customers"]),
            percent(segment["customer_share"]),
            percent(segment["cm2_share"]),
            cell(segment["what_to_do"]),
        )
    title(console, about)
    console.print(made)
    if shop["next_refit_date"]:
        state = shop["maintenance_state"]
        say(console, f"Renew the segments by {shop['next_refit_date']} (today's state: {state}).")
