"""Who moves between segments, in customers and in margin: a part of the section on segments."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from clientele.pages.charts import OTHER
from clientele.pages.segment_flows import Flow, Node, flow_chart
from clientele.report.reading import Row, Tables
from clientele.report.shop import Shop

LATE, SOON = 3, 1  # months that are looked back; one where the shop has no three yet


def looked_back(tables: Tables) -> tuple[list[Row], list[Row]]:
    """Return the balance and the flows since three months, or since one in a younger shop."""
    for months in (LATE, SOON):
        balance, flows = (
            [row for row in tables[name] if row["months_back"] == months]
            for name in ("segment_balance", "segment_flows")
        )
        if balance:
            order = {
                row["segment_id"]: place for place, row in enumerate(tables["segment_profiles"])
            }
            balance.sort(
                key=lambda row: (order.get(row["segment_id"], len(order)), row["segment_id"])
            )
            return balance, flows
    return [], []


def _nodes(
    balance: Sequence[Row], flows: Sequence[Row], colours: dict[int, str], shop: Shop, side: str
) -> list[Node]:
    """Return the segments of one end with what they hold, and who is outside them."""
    nodes = []
    for row in balance:
        value = row[f"{side}_customer_count"]
        nodes.append(
            Node(
                row["segment_name"],
                f"{row['segment_name']} {shop.numbers.number(value)}",
                colours.get(row["segment_id"], OTHER),
            )
        )
    outside = {row[f"{side}_segment_name"] for row in flows if row[f"{side}_segment_id"] is None}
    return [*nodes, *(Node(name, name) for name in sorted(outside))]


def flows_chart(
    balance: Sequence[Row], flows: Sequence[Row], colours: dict[int, str], shop: Shop
) -> Markup:
    """Return how many customers went from which segment to which."""
    drawn = [
        Flow(
            row["from_segment_name"],
            row["to_segment_name"],
            row["customer_count"],
            row["customer_count"],
            f"{row['from_segment_name']} \N{RIGHTWARDS ARROW} {row['to_segment_name']}: "
            f"{shop.numbers.number(row['customer_count'])}",
        )
        for row in flows
    ]
    titles = shop.numbers.day(balance[0]["from_date"]), shop.numbers.day(balance[0]["to_date"])
    moved = [row for row in flows if row["movement"] == "moved"]
    said = "The largest moves: " + "; ".join(
        f"{shop.numbers.number(row['customer_count'])} from {row['from_segment_name']} to "
        f"{row['to_segment_name']}"
        for row in moved[:3]
    )
    return shop.chart(
        flow_chart(
            _nodes(balance, flows, colours, shop, "from"),
            _nodes(balance, flows, colours, shop, "to"),
            drawn,
            titles,
        ),
        "segment-flows",
        f"Customers by segment on {titles[0]} and on {titles[1]}",
        said if moved else "Nobody moved from one segment to another",
        wide=1040,
    )


def margin_chart(
    balance: Sequence[Row], flows: Sequence[Row], colours: dict[int, str], shop: Shop
) -> Markup | None:
    """Return the margin of those who went each way, before and after; losses take no room."""
    drawn = []
    for row in flows:
        before, after = row["from_cm2_365d"], row["to_cm2_365d"]
        is_told = (before is not None or row["from_segment_id"] is None) and (
            after is not None or row["to_segment_id"] is None
        )
        if not is_told:
            continue
        tip = f"{row['from_segment_name']} \N{RIGHTWARDS ARROW} {row['to_segment_name']}: "
        tip += f"{shop.numbers.money(before)} before, " if before is not None else ""
        tip += f"{shop.numbers.money(after)} after" if after is not None else "nothing after"
        drawn.append(
            Flow(
                row["from_segment_name"],
                row["to_segment_name"],
                max(float(before or 0), 0.0),
                max(float(after or 0), 0.0),
                tip,
            )
        )
    if not any(flow.start_size or flow.end_size for flow in drawn):
        return None
    sides = []
    for side in ("from", "to"):
        nodes = _nodes(balance, flows, colours, shop, side)
        money = {row["segment_name"]: row[f"{side}_cm2_365d"] for row in balance}
        for node in nodes:
            value = money.get(node.name)
            node.label = node.name
            if value is not None:
                node.label += f" {shop.numbers.short_money(value)}"
        sides.append(nodes)
    titles = (
        f"year to {shop.numbers.day(balance[0]['from_date'])}",
        f"year to {shop.numbers.day(balance[0]['to_date'])}",
    )
    return shop.chart(
        flow_chart(sides[0], sides[1], drawn, titles),
        "segment-margin-flows",
        "Margin (cm2) of the customers of each segment, then and now",
        "Bands grow or shrink as the margin of the same customers does; those who are new begin "
        "at nothing, and those who left end there",
        wide=1040,
    )
