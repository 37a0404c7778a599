"""What tells of a person: ids, numbers of their orders, keys, and how each is looked for."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb

from clientele.production import keys
from clientele.production.pseudonyms import published_key
from clientele.warehouse_file import quoted_name

# Shorter words are found in texts where they mean a price or a count; there they count only in a
# field that holds ids.
LEAST_WORD = 6
# Longer ones cannot be anything else, in whatever column they stand.
LEAST_DISTINCT = 16
# Shorter ones are by chance a piece of longer numbers in a file of some size.
LEAST_BYTES = 12
MOST_WORDS = 300  # in one regular expression
MOST_SCANNED_REFERENCES = 50

ID_COLUMNS = {"customer_id", "client_id", "member_id", "customerid", "customer_unique_id"}
REFERENCE_COLUMNS = {"order_id", "order_customer_id", "transaction_id", "invoiceno"}
# Texts of people and machines, in which an id stands among other words.
FREE_TEXTS = {"raw_row", "raw_text", "_raw_text", "evidence", "note", "detail", "message"}
WHOLE_RAW = "_raw_text"  # could not be taken apart, so that any word of it may be the id
WIDE_INTEGERS = {"BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT"}
OF_SOURCE = re.compile(r"(?:stg|int)_(.+?)__")
LETTER = r"[\p{L}\p{N}]"


@dataclass
class Traces:
    """What tells of one or several clients of a shop.

    ids: their ids, canonical.
    references: what else of them stands in raw tables, canonical, by the table that has one for
        each: numbers of orders, mostly.
    order_ids: all of these that name orders in a warehouse.
    inner_keys: keys of customers and orders in a warehouse.
    published_keys, published_ids: the pseudonyms of their keys and ids in published files.
    """

    source: str
    ids: set[str]
    references: dict[str, set[str]] = field(default_factory=dict)
    order_ids: set[str] = field(default_factory=set)
    inner_keys: set[int] = field(default_factory=set)
    published_keys: set[int] = field(default_factory=set)
    published_ids: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, source: str, ids: Iterable[str], publication: bytes | None) -> Traces:
        """Return what is known of clients before any file is read.

        publication: the key of what is published, where there is one.
        """
        traces = cls(source, set(ids))
        traces.inner_keys = traces.customer_keys
        if publication:
            traces.published_keys = {
                published_key(publication, key) for key in traces.customer_keys
            }
            traces.published_ids = {
                keys.pseudonym(publication, source, client) for client in traces.ids
            }
        return traces

    @property
    def customer_keys(self) -> set[int]:
        """Their keys in a warehouse."""
        return {hash_key(self.source, client) for client in self.ids}

    @property
    def all_references(self) -> set[str]:
        """Numbers of their orders and what else raw tables tell them by."""
        return self.order_ids.union(*self.references.values())

    @property
    def all_keys(self) -> set[int]:
        """Integers that stand for them or for an order of theirs, inside and published."""
        orders = {hash_key(self.source, reference) for reference in self.all_references}
        return self.inner_keys | self.published_keys | orders

    @property
    def texts(self) -> set[str]:
        """Texts that can mean nothing else, in whatever column they are."""
        long = {text for text in self.ids | self.all_references if len(text) >= LEAST_DISTINCT}
        return {str(key) for key in self.all_keys} | self.published_ids | long

    def patterns(self, *, is_raw: bool = False) -> list[str]:
        """Return regular expressions (RE2) that find them in a text in lower case.

        is_raw: short ids are words, too, and not only in fields of that kind.
        """
        words = self.ids | self.all_references
        short = {word for word in words if len(word) < LEAST_WORD}
        long = (words - short) | self.texts
        found = [
            rf"(?:^|[^\p{{L}}\p{{N}}])(?:{part})(?:[^\p{{L}}\p{{N}}]|$)"
            for part in _alternatives(long | (short if is_raw else set()))
        ]
        if not is_raw:
            names = "|".join(sorted(ID_COLUMNS | REFERENCE_COLUMNS))
            found += [
                rf'"(?:{names})"\s*:\s*"?\s*(?:{part})\s*["\s,}}]' for part in _alternatives(short)
            ]
        return found

    def words(self) -> re.Pattern[bytes]:
        """Return what finds them in the bytes of a text file, as whole words."""
        words = {word for word in self.ids | self.all_references if len(word) >= LEAST_WORD}
        escaped = [re.escape(_written(word)) for word in sorted(words | self.texts)]
        text = rf"(?<![^\W_])(?:{'|'.join(escaped)})(?![^\W_])"
        return re.compile(text.encode(), re.IGNORECASE)

    def byte_marks(self) -> tuple[list[bytes], list[bytes]]:
        """Return what a file must not contain: texts in lower case, and keys as they are stored.

        Short ids are left out: their few bytes are anywhere.
        """
        references = sorted(self.all_references)[:MOST_SCANNED_REFERENCES]
        own = self.customer_keys | self.published_keys
        words = self.ids | self.published_ids | set(references) | {str(key) for key in own}
        texts = [word.encode() for word in sorted(words) if len(word.encode()) >= LEAST_BYTES]
        return texts, [key.to_bytes(8, "little") for key in sorted(own)]


def hash_key(source: str, text: str) -> int:
    """Return the key that the macro hash_key makes of a source and an id."""
    digest = hashlib.md5(f"{source}:{text}".encode(), usedforsecurity=False).digest()
    # DuckDB reads the digest as a number with its last byte first.
    return int.from_bytes(digest, "little") >> 65


def lend(connection: duckdb.DuckDBPyConnection, traces: Traces) -> None:
    """Give a connection the tables that conditions look into; no file keeps them."""
    for name, kind, values in (
        ("trace_keys", "bigint", traces.all_keys),
        ("trace_texts", "varchar", traces.texts),
        ("trace_ids", "varchar", traces.ids),
        ("trace_references", "varchar", traces.all_references),
    ):
        connection.execute(f"create or replace temporary table {name} (value {kind})")
        connection.execute(
            f"insert into {name} select unnest($values::{kind}[])", {"values": sorted(values)}
        )


@dataclass(frozen=True)
class Condition:
    """A condition in SQL that is true for rows that tell of a person, with its parameters."""

    text: str
    parameters: Mapping[str, Any]


def condition(
    traces: Traces,
    columns: Mapping[str, str],
    table: str = "",
    declared: Mapping[str, Iterable[str]] | None = None,
) -> Condition | None:
    """Return the condition on the rows of a table; None where no column could tell of anybody.

    columns: names and types of the table's columns.
    table: its name, which may say of which source it is.
    declared: columns that are known to hold ids, and the values that are looked for in each.
    """
    parts: list[str] = []
    parameters: dict[str, Any] = {}

    def parameter(value: Any) -> str:
        name = f"p{len(parameters)}"
        parameters[name] = value
        return f"${name}"

    of_source = OF_SOURCE.match(table)
    is_ours = not of_source or of_source[1] in (traces.source, "contact")
    by_name = {name.lower(): name for name in columns}
    shop = by_name.get("source")
    for column, kind in columns.items():
        cell, name = quoted_name(column), column.lower()
        if kind in WIDE_INTEGERS:
            parts.append(f"{cell} in (select value from trace_keys)")
        elif kind == "VARCHAR":
            parts.append(f"{cell} in (select value from trace_texts)")
            asked = None
            if name in ID_COLUMNS and is_ours:
                asked = "trace_ids"
            elif name in REFERENCE_COLUMNS and is_ours:
                asked = "trace_references"
            if asked:
                found = f"lower(trim({cell})) in (select value from {asked})"
                if shop and columns[shop] == "VARCHAR" and not declared:
                    ours = f"lower(trim({quoted_name(shop)})) = {parameter(traces.source)}"
                    found = f"({found} and coalesce({ours}, true))"
                parts.append(found)
            if name in FREE_TEXTS:
                parts += [
                    f"regexp_matches(lower({cell}), {parameter(pattern)})"
                    for pattern in traces.patterns(is_raw=name == WHOLE_RAW)
                ]
        elif "VARCHAR" in kind or any(f"{wide}[" in kind for wide in WIDE_INTEGERS):
            parts += [
                f"regexp_matches(lower(cast({cell} as varchar)), {parameter(pattern)})"
                for pattern in traces.patterns()
            ]
    for column, values in (declared or {}).items():
        parts.append(
            f"lower(trim(cast({quoted_name(column)} as varchar))) "
            f"in (select unnest({parameter(sorted(values))}::varchar[]))"
        )
    if not parts:
        return None
    text = " or ".join(f"coalesce({part}, false)" for part in parts)
    return Condition(f"({text})", parameters)


def _alternatives(words: Iterable[str]) -> list[str]:
    listed = sorted({re.escape(form) for word in words for form in {word, _written(word)}})
    return [
        "|".join(listed[begin : begin + MOST_WORDS]) for begin in range(0, len(listed), MOST_WORDS)
    ]


def _written(word: str) -> str:
    """Return a word as JSON has it between quotes."""
    return json.dumps(word, ensure_ascii=False)[1:-1]
