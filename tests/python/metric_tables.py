"""The tables of docs/metrics.md, made from the manifest; run it to print them after a change.

`dbt parse && python tests/python/metric_tables.py` prints them; the page has every row of theirs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

# The semantic model that the metrics of a heading begin from, and the entities they are asked by.
FAMILIES = {
    "orders": ("order", "customer"),
    "customers": ("customer",),
    "campaign_entries": ("campaign_entry", "campaign", "customer"),
}
UNITS = {
    "orders", "pieces", "money", "people", "share", "places", "money per order",
    "pieces per order", "orders per person", "money per customer",
}  # fmt: skip


def begins_from(manifest: Mapping[str, Any], metric: Mapping[str, Any]) -> set[str]:
    """Return the semantic models whose measures a metric is computed from."""
    found = set()
    for node in metric["depends_on"]["nodes"]:
        if node in manifest["metrics"]:
            found |= begins_from(manifest, manifest["metrics"][node])
        else:
            found.add(manifest["semantic_models"][node]["name"])
    return found


def metrics_of(manifest: Mapping[str, Any], family: str) -> list[Mapping[str, Any]]:
    """Return the metrics that begin from one semantic model, in the order of their file."""
    return [
        metric
        for metric in manifest["metrics"].values()
        if begins_from(manifest, metric) == {family}
    ]


def dimensions_of(manifest: Mapping[str, Any], entity: str) -> Iterator[tuple[str, str]]:
    """Give the name and the meaning of each dimension of an entity."""
    for model in manifest["semantic_models"].values():
        primary = [each["name"] for each in model["entities"] if each["type"] == "primary"]
        if entity == (primary[0] if primary else model["primary_entity"]):
            for dimension in model["dimensions"]:
                yield f"{entity}__{dimension['name']}", dimension["description"]


def metric_table(manifest: Mapping[str, Any], family: str) -> str:
    """Return the metrics of a family as a table in Markdown: name, meaning and unit."""
    rows = [
        f"| `{metric['name']}` | {in_one_line(metric['description'])} "
        f"| {metric['config']['meta']['unit']} |"
        for metric in metrics_of(manifest, family)
    ]
    return "\n".join(["| metric | what it means | unit |", "|---|---|---|", *rows, ""])


def dimension_table(manifest: Mapping[str, Any], entity: str) -> str:
    """Return the dimensions of an entity as a table in Markdown: name and meaning."""
    rows = [
        f"| `{name}` | {in_one_line(meaning)} |"
        for name, meaning in dimensions_of(manifest, entity)
    ]
    return "\n".join(["| by | what it says |", "|---|---|", *rows, ""])


def in_one_line(text: str) -> str:
    """Return a text as a cell of a table has it."""
    return " ".join(text.split())


if __name__ == "__main__":
    parsed = json.loads(Path("target/manifest.json").read_text())
    for each in FAMILIES:
        print(metric_table(parsed, each))
    for each in dict.fromkeys(entity for listed in FAMILIES.values() for entity in listed):
        print(dimension_table(parsed, each))
