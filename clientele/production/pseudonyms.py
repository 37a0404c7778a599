"""Pseudonyms of customers for whole tables, computed by DuckDB with a key that it is only lent.

Both are HMACs (RFC 2104, SHA-256), so nobody without the key finds a customer by trying all ids.
The published key is made of the inner key and stays an integer, since joins on it cost half of
joins on text; the published id is what `keys.pseudonym` makes of the source and the client's id.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

import duckdb

from clientele.production.keys import hmac_blocks

# Tables of a connection's own, which no file keeps.
KEYS = "temp.main.published_keys"  # inner_key, published_key
IDS = "temp.main.published_ids"  # source, customer_id, published_id


def published_key(key: bytes, inner_key: int) -> int:
    """Return the published key of a customer: the first 63 bits of an HMAC of the inner key."""
    digest = hmac.new(key, str(inner_key).encode(), hashlib.sha256).hexdigest()
    return int(digest[:16], 16) >> 1


def map_keys(connection: duckdb.DuckDBPyConnection, key: bytes, queries: Iterable[str]) -> None:
    """Make the table KEYS of all inner keys, as integers, that some queries find.

    queries: each selects one column. They are text of the statement; the key is not, since texts
    of statements reach messages and logs.
    """
    _map(
        connection,
        key,
        f"""
        create temporary table {KEYS.rpartition(".")[2]} as
        select
            inner_key,
            cast(
                cast('0x' || left({_hmac("cast(inner_key as varchar)")}, 16) as ubigint) >> 1
                as bigint
            ) as published_key
        from ({_united(queries)}) as keys (inner_key)
        where inner_key is not null
        """,
    )


def map_ids(connection: duckdb.DuckDBPyConnection, key: bytes, queries: Iterable[str]) -> None:
    """Make the table IDS of all client ids that some queries find.

    queries: each selects the source and the client's id in its canonical form.
    """
    _map(
        connection,
        key,
        f"""
        create temporary table {IDS.rpartition(".")[2]} as
        select
            source,
            customer_id,
            {_hmac("source || ':' || customer_id")} as published_id
        from ({_united(queries)}) as ids (source, customer_id)
        where source is not null and customer_id is not null
        """,
    )


def _map(connection: duckdb.DuckDBPyConnection, key: bytes, statement: str) -> None:
    inner, outer = hmac_blocks(key)
    connection.execute(statement, {"inner_block": inner, "outer_block": outer})


def _hmac(text: str) -> str:
    return f"sha256($outer_block || unhex(sha256($inner_block || encode({text}))))"


def _united(queries: Iterable[str]) -> str:
    """Join queries whose rows are wanted once: union leaves repeated rows out."""
    listed = list(queries)
    return " union ".join(listed if len(listed) > 1 else [*listed, *listed])
