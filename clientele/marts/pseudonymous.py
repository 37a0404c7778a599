"""Pseudonyms in place of what tells whose row it is, under a key or not at all.

Keys of customers become other keys, ids of clients hexadecimal digits; without a key the ids stay
inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import duckdb

from clientele.marts.public import PublicTable
from clientele.production.pseudonyms import IDS, KEYS, map_ids, map_keys
from clientele.warehouse_file import quoted_name, text_literal

PSEUDONYM = "A pseudonym: the same wherever it stands, of no use for finding the client."


def published(table: PublicTable, is_keyed: bool) -> PublicTable:
    """Return a table as the file has it: with words for pseudonyms, or without ids of clients."""
    if is_keyed:
        columns = {
            name: f"{text} {PSEUDONYM}".strip() if name in table.keys | table.identifiers else text
            for name, text in table.columns.items()
        }
        return replace(table, columns=columns)
    columns = {name: text for name, text in table.columns.items() if name not in table.identifiers}
    return replace(
        table,
        columns=columns,
        key=table.key if set(table.key) <= set(columns) else (),
        required=table.required & set(columns),
        inside=table.inside | table.identifiers,
        identifiers=frozenset(),
    )


def map_customers(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    tables: Iterable[PublicTable],
    key: bytes,
) -> None:
    """Make one pseudonym for each customer of the tables, once for all of them."""
    keys = [
        f"select distinct {_inner_key(quoted_name(name))} from {source}.{table.path}"
        for table in tables
        for name in sorted(table.keys)
    ]
    ids = [
        f"select distinct source, {quoted_name(name)} from {source}.{table.path}"
        for table in tables
        for name in sorted(table.identifiers)
    ]
    if keys:
        map_keys(connection, key, keys)
    if ids:
        map_ids(connection, key, ids)


def under_pseudonyms(rows: str, table: PublicTable, types: Mapping[str, str]) -> str:
    """Return a query of the rows of a table with the pseudonyms in place of keys and ids."""
    cells, joins = [], []
    for number, (name, kind) in enumerate(types.items()):
        cell = inner = f"inside.{quoted_name(name)}"
        if name.lower() in table.keys:
            found = f"key_{number}.published_key"
            joins.append(
                f"left join {KEYS} as key_{number} on {_inner_key(inner)} = key_{number}.inner_key"
            )
            cell = f"cast({_required(found, inner, table, name)} as {kind})"
        elif name.lower() in table.identifiers:
            found = f"id_{number}.published_id"
            joins.append(
                f"left join {IDS} as id_{number} on inside.source = id_{number}.source "
                f"and {inner} = id_{number}.customer_id"
            )
            cell = _required(found, inner, table, name)
        cells.append(f"{cell} as {quoted_name(name)}")
    return f"select {', '.join(cells)} from {rows} as inside {' '.join(joins)}"


def _inner_key(column: str) -> str:
    """Return a customer's key as an integer; tables for activation tools have it as text."""
    return f"try_cast({column} as bigint)"


def _required(found: str, inner: str, table: PublicTable, name: str) -> str:
    """Return a pseudonym that is there wherever what it stands for is."""
    message = text_literal(f"{table.full_name}.{name} has a value without a pseudonym")
    is_missing = f"{inner} is not null and {found} is null"
    return f"case when {is_missing} then error({message}) else {found} end"
