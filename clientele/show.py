"""What `clientele show segments` prints, read from the warehouse without writing to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from clientele.warehouse_file import open_warehouse, rows

DOCS = Path("target/static_index.html")
NEEDED = (
    "intermediate.int_as_of",
    "customer.customer_single_view",
    "segments.segmentation_status",
    "segments.segments",
    "segments.segment_profiles",
    "campaigns.campaigns_checked",
    "marts.campaign_lists",
)

SHOPS = """
    select
        as_of.source,
        as_of.as_of_date,
        coalesce(status.segmentation_status, 'unsegmented') as status,
        coalesce(status.segmentation_method, 'rules') as method,
        coalesce(status.reason, 'it was not fitted') as reason,
        (
            select count(*)
            from customer.customer_single_view as single_view
            where single_view.source = as_of.source and single_view.is_customer
        ) as customers
    from intermediate.int_as_of as as_of
    left join segments.segmentation_status as status
        on as_of.source = status.source
    order by as_of.source
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
        campaigns.campaign_id,
        campaigns.campaign_name as name,
        campaigns.channel,
        count(lists.customer_key) as customers
    from campaigns.campaigns_checked as campaigns
    left join marts.campaign_lists as lists
        on
            campaigns.campaign_id = lists.campaign_id
            and campaigns.campaign_version = lists.campaign_version
    group by all
    order by min(campaigns.priority), campaigns.campaign_id
"""


def read_overview(warehouse: Path, docs: Path = DOCS) -> dict[str, Any]:
    """Read the segments and lists of every shop.

    warehouse: the DuckDB file that `dbt build` wrote; it is opened read-only.
    docs: where `dbt docs generate --static` writes its page.

    Returns plain values that JSON can carry: `warehouse`, `docs` (null where there is none),
    `shops` (each with `source`, `as_of_date`, `customers`, `status`, `method` (clusters or rules),
    `reason` and `segments`) and `lists`. Shares are of the shop's customers and of their cm2, from
    0 to 1 (cm2 may be negative), null where the shop's cm2 is zero. Raises WarehouseError.
    """
    with open_warehouse(warehouse, NEEDED) as connection:
        shops = rows(connection, SHOPS)
        segments = rows(connection, SEGMENTS)
        lists = rows(connection, LISTS)
    for shop in shops:
        shop["as_of_date"] = shop["as_of_date"] and shop["as_of_date"].isoformat()
        shop["segments"] = [
            {name: value for name, value in segment.items() if name != "source"}
            for segment in segments
            if segment["source"] == shop["source"]
        ]
    for segment in (segment for shop in shops for segment in shop["segments"]):
        for share in ("customer_share", "cm2_share"):
            segment[share] = None if segment[share] is None else float(segment[share])
    return {
        "warehouse": str(warehouse),
        "docs": str(docs) if docs.is_file() else None,
        "shops": shops,
        "lists": lists,
    }


def print_overview(overview: dict[str, Any], console: Console) -> None:
    """Print what `read_overview` returned as tables, and below them where everything lies."""
    for shop in overview["shops"]:
        if shop["as_of_date"] is None:
            console.print(f"{shop['source']}: no orders yet, so there is no customer to show.")
            continue
        title = f"{shop['source']}, {shop['customers']:,} customers as of {shop['as_of_date']}"
        if not shop["segments"]:
            console.print(f"{title}: no segments, because {shop['reason']}.", highlight=False)
            continue
        if shop["method"] == "rules":
            console.print(f"{shop['source']} has rule segments: {shop['reason']}.", highlight=False)
        table = Table(title=title, title_justify="left", title_style="bold")
        table.add_column("Segment")
        table.add_column("Customers", justify="right")
        table.add_column("Share", justify="right")
        table.add_column("Margin", justify="right")
        table.add_column("What to do")
        for segment in shop["segments"]:
            table.add_row(
                segment["name"],
                f"{segment['customers']:,}",
                _percent(segment["customer_share"]),
                _percent(segment["cm2_share"]),
                segment["what_to_do"],
            )
        console.print(table)
    console.print()
    lists = ", ".join(
        f"{entry['campaign_id']} {entry['customers']:,}" for entry in overview["lists"]
    )
    docs = overview["docs"] or f"not written yet; `dbt docs generate --static` makes {DOCS}"
    for label, value in (
        ("Marts", f"{overview['warehouse']}, schema marts"),
        ("Docs", docs),
        ("Lists", f"marts.campaign_lists: {lists or 'no campaigns'}"),
    ):
        line = Table.grid(padding=(0, 1))
        line.add_row(f"[bold]{label:<5}[/bold]", value)
        console.print(line)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
