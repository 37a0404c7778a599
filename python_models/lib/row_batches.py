"""Parts a table into batches, so that memory does not grow with its rows nor time with its batches.

A remainder of a hash would do as well, but each batch would then read the whole table: ten times
the rows would cost a hundred times the reading. Rows that lie side by side are read alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb


def conditions(table: Any, key: str, batch_rows: int) -> Iterator[str]:
    """Yield a condition for each batch of about `batch_rows` rows, of which every row meets one.

    table: a relation; rows of a table of DuckDB have numbers, those of a view and of other engines
    have none and are parted by the remainder of `key`, an integer column that is a hash.

    Raises:
        ValueError: for batches of no rows.
    """
    if batch_rows < 1:
        raise ValueError(f"a batch must have at least one row, not {batch_rows}")
    try:
        ((last,),) = table.aggregate("max(rowid)").fetchall()
    except duckdb.BinderException:
        ((count,),) = table.aggregate("count(*)").fetchall()
        batches = -(-count // batch_rows)
        for batch in range(batches):
            yield f"abs({key} % {batches}) = {batch}"
        return
    for begin in range(0, 0 if last is None else last + 1, batch_rows):
        yield f"rowid between {begin} and {begin + batch_rows - 1}"
