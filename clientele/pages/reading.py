"""Reads a query of the warehouse as pages can write it."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import duckdb

from clientele.warehouse_file import WarehouseError, rows

# What a drawing cannot hold: XML has no place for it, or a text of Vega ends with it.
UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")


def read(
    connection: duckdb.DuckDBPyConnection, table: str, query: str, warehouse: Path
) -> list[dict[str, Any]]:
    """Return the rows of a query, each a mapping of column to value.

    table, warehouse: for the words of the error. A double that is no number is null, and a control
    character in a text is the sign of an unknown one. Raises WarehouseError.
    """
    try:
        found = rows(connection, query)
    except duckdb.BinderException as error:
        first_line = str(error).splitlines()[0]
        raise WarehouseError(
            f"{warehouse} was built by another version ({table}: {first_line}); "
            "`dbt build` rebuilds it"
        ) from error
    return [{name: _writable(value) for name, value in row.items()} for row in found]


def _writable(value: Any) -> Any:
    if isinstance(value, str):
        return UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", value)
    return None if isinstance(value, float) and math.isnan(value) else value
