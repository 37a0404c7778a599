"""RFM: who bought lately, often and much, and the rule segments that follow from it."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from clientele.report.bars import paired_shares, shade, share_pairs
from clientele.report.reading import Query, Row, Tables
from clientele.report.shop import Shop

NAME = "rfm"
TITLE = "RFM"
BANDS = {
    "all": "All buyers of the last 365 days",
    "high": "Big spenders: monetary score 4 or 5",
    "lower": "The others: monetary score 1 to 3",
}
QUERIES = (
    Query(
        "customer.rfm_status",
        "select source, rfm_status, reason, buyer_count from customer.rfm_status order by source",
    ),
    Query(
        "marts.rfm_grid",
        """
        select
            source, monetary_band, recency_score, frequency_score, segment_names, customer_count,
            net_revenue, net_revenue_share
        from marts.rfm_grid
        order by source, monetary_band, recency_score desc, frequency_score
        """,
        grain=("monetary_band", "recency_score", "frequency_score"),
    ),
    Query(
        "marts.rule_segment_sizes",
        """
        select
            source, rule_segment, segment_name, who_they_are, what_to_do, customer_count,
            customer_share, net_revenue, net_revenue_share, net_revenue_per_customer,
            orders_per_customer
        from marts.rule_segment_sizes
        order by source, net_revenue desc nulls last, customer_count desc, segment_id
        """,
        grain=("rule_segment",),
    ),
)


def prepare(tables: Tables, shop: Shop) -> dict[str, Any]:
    """Return the grids and the chart of the rule segments."""
    status = tables["rfm_status"]
    rules = tables["rule_segment_sizes"]
    told = [row for row in rules if row["net_revenue_share"] is not None]
    return {
        "status": status[0] if status else None,
        "grids": [
            {"band": band, "title": title, **_grid(tables["rfm_grid"], band)}
            for band, title in BANDS.items()
            if tables["rfm_grid"]
        ],
        "best": told[0] if told else None,
        "largest_rule": max(rules, key=lambda row: row["customer_count"], default=None),
        "rule_chart": told and _rule_chart(told, shop),
        "shade": shade,
    }


def _grid(rows: list[Row], band: str) -> dict[str, Any]:
    """Return the lines of a grid, recency from 5 to 1, and the largest share of revenue in it."""
    cells = [row for row in rows if row["monetary_band"] == band]
    lines: dict[int, list[Row]] = {}
    for row in cells:
        lines.setdefault(row["recency_score"], []).append(row)
    shares = [row["net_revenue_share"] for row in cells if row["net_revenue_share"] is not None]
    return {"lines": lines, "largest": max(shares, default=None)}


def _rule_chart(told: list[Row], shop: Shop) -> Markup | None:
    shares = {"of customers": "customer_share", "of net revenue": "net_revenue_share"}
    values = share_pairs(told, "segment_name", shares, shop.numbers, 1)
    return shop.chart(
        paired_shares(values, *shares),
        "rule-segments",
        "Shares of customers and of net revenue by rule segment",
        f"{values[0]['tip']} and {values[1]['tip'].rpartition(': ')[2]}",
        wide=1000,
    )
