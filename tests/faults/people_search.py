"""Looks for a person in every file of a folder: by value in tables, by bytes in the rest.

It knows no list of places, and shares nothing with the command that erases but the definition of a
pseudonym.
"""

from __future__ import annotations

import hashlib
import hmac
import mmap
import re
from collections.abc import Iterable
from pathlib import Path

import duckdb


def names_of(warehouse: Path, client_id: str, publication_key: bytes | None) -> set[str]:
    """Return all that tells a client of `market` apart: id, orders, keys of both, pseudonyms."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.execute(
            "select customer_key, order_key, order_id from core.fct_orders where customer_key in "
            "(select customer_key from core.dim_customers where source = 'market' "
            "and customer_id = ?)",
            [client_id],
        ).fetchall()
    names = {client_id} | {str(value) for row in found for value in row}
    if publication_key is not None and found:
        names |= {
            hmac.new(publication_key, f"market:{client_id}".encode(), hashlib.sha256).hexdigest(),
            str(published_key(publication_key, found[0][0])),
        }
    return names


def published_key(publication_key: bytes, customer_key: int) -> int:
    """Return the key that readers see in place of a customer's own: 63 bits of an HMAC."""
    digest = hmac.new(publication_key, str(customer_key).encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def places_of(names: Iterable[str], folder: Path) -> dict[str, int]:
    """Return how often any of the names is found, by file or by file and table."""
    listed = sorted(names)
    # A name is a whole word: digits of a key may stand in a longer number.
    words = rf"(^|[^0-9A-Za-z])({'|'.join(re.escape(name) for name in listed)})($|[^0-9A-Za-z])"
    found: dict[str, int] = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_symlink() or not path.stat().st_size:
            continue
        place = str(path.relative_to(folder))
        found[place] = _in_bytes(words.encode(), path)
        if path.suffix == ".parquet":
            found[place] += _in_query(f"read_parquet('{path}')", words)
        elif path.suffix == ".duckdb":
            found |= {f"{place} {table}": count for table, count in _in_tables(path, words)}
    return {place: count for place, count in found.items() if count}


def _in_bytes(words: bytes, path: Path) -> int:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return sum(1 for _ in re.finditer(words, data))


def _in_query(relation: str, words: str) -> int:
    with duckdb.connect() as connection:
        return _count(connection, relation, words)


def _in_tables(path: Path, words: str) -> list[tuple[str, int]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = connection.execute(
            'select format(\'"{}"."{}"\', schema_name, table_name) from duckdb_tables() order by 1'
        ).fetchall()
        return [(table, _count(connection, table, words)) for (table,) in tables]


def _count(connection: duckdb.DuckDBPyConnection, relation: str, words: str) -> int:
    ((count,),) = connection.execute(
        f"select count(*) from {relation} as whole where regexp_matches(whole::varchar, ?)",
        [words],
    ).fetchall()
    return count
