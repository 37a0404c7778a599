"""Products."""

from __future__ import annotations

from typing import Any

from clientele.report.reading import Query, Tables

NAME = "products"
TITLE = "Products"
QUERIES: tuple[Query, ...] = ()


def prepare(tables: Tables, shop: Any) -> dict[str, Any]:
    """Return what the template shows beside the tables."""
    return {}
