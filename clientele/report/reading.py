"""Reads what the report shows from the public tables of the warehouse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from clientele.pages.reading import read
from clientele.warehouse_file import open_warehouse


class Row(dict[str, Any]):
    """A row of a table that knows where it stands: `table`, and `place` within it.

    place: the columns beside `source` that find the row again, with their values.
    """

    def __init__(self, values: dict[str, Any], table: str, grain: Sequence[str]) -> None:
        super().__init__(values)
        self.table = table
        self.place = {column: values[column] for column in grain}


@dataclass(frozen=True)
class Query:
    """What a section reads from one table.

    table: `schema.name`; a section finds the rows under its name, or under `name`.
    sql: selects `source`, the grain and the columns that are shown, in the order they are shown.
    grain: the columns beside `source` that find a row again. Empty: one row a source, or rows
        that are counted together, of which no number is traced.
    """

    table: str
    sql: str
    grain: tuple[str, ...] = ()
    name: str = ""

    @property
    def key(self) -> str:
        """The name under which a section finds the rows."""
        return self.name or self.table.rpartition(".")[2]


Tables = dict[str, list[Row]]
OVERVIEW = Query("marts.shop_overview", "select * from marts.shop_overview order by source")


def read_shops(
    warehouse: Path, sections: Mapping[str, Iterable[Query]]
) -> dict[str, tuple[Row, dict[str, Tables]]]:
    """Read what the sections need.

    warehouse: the DuckDB file that `dbt build` wrote; it is opened read-only. sections: the queries
    of each section by its name.

    Returns for every source its row of `marts.shop_overview`, and by section and the query's key
    the rows, none where there are none. Decimals stay decimals; values are as `read` gives
    them. Raises WarehouseError.
    """
    found: dict[str, Tables] = {}
    needed = {query.table for queries in sections.values() for query in queries}
    with open_warehouse(warehouse, [OVERVIEW.table, *sorted(needed)]) as connection:
        overviews = _read(connection, OVERVIEW, warehouse)
        for section, queries in sections.items():
            found[section] = {query.key: _read(connection, query, warehouse) for query in queries}
    return {
        overview["source"]: (
            overview,
            {
                section: {
                    key: [row for row in of_all if row["source"] == overview["source"]]
                    for key, of_all in tables.items()
                }
                for section, tables in found.items()
            },
        )
        for overview in overviews
    }


def _read(connection: duckdb.DuckDBPyConnection, query: Query, warehouse: Path) -> list[Row]:
    found = read(connection, query.table, query.sql, warehouse)
    return [Row(values, query.table, query.grain) for values in found]
