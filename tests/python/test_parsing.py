"""Text becomes a value only where it is exactly such a value: nothing is invented."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from warehouse import ROOT, Builder

ODD_TEXTS = (
    "", " ", "10.5", "0x10", "1e3", "1_000", " 12.50 ", "nan", "NaN", "inf", "-Infinity",
    "infinity", "epoch", "٣", "12,5", "1.999,00", "1,000.00", "--1", "+5", "5.", ".5", "-", "-0",
    "-0.00", "007", "1 2", "1\n", "\t1", "true", "1e-5", "0b1", "½", "\uff19", "999999999999",
    "99999999999999999999",
    "2147483647", "2147483648", "-2147483648", "12.34567", "2025-13-45", "31/12/2025", "0000-00-00",
    "2025-02-29 10:00:00", "2024-02-29 10:00:00", "2025-06-31 00:00:00", "2025-06-30 24:00:00",
    "2025-06-30", "2025-06-30T10:00:00", "2025-06-30 10:00:00.5", "2025-06-30 10:00:00+02",
    "2025-06-30 10:00:60", "06/30/2025 10:00:00", "30-06-2025 10:00:00", "now", "today",
)  # fmt: skip
ODD_CHARACTERS = "0123456789 .,-+_exnaifNIT:/٣\uff19\t\n'"

number_like = st.from_regex(r"[ ]{0,2}-?[0-9]{1,15}([.,][0-9]{0,5})?[ ]{0,2}", fullmatch=True)
time_like = st.from_regex(
    r" ?[0-9]{1,5}-[0-9]{1,2}-[0-3]?[0-9][ T][0-9]{1,2}:[0-6][0-9]:[0-6][0-9] ?", fullmatch=True
)
offset_time_like = st.from_regex(
    r" ?20[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-5][0-9]:[0-5][0-9]([.][0-9]{1,7})?"
    r"(Z|[+-][01][0-9](:?[0-5][0-9])?)",
    fullmatch=True,
)
texts = st.one_of(
    st.sampled_from(ODD_TEXTS),
    st.text(ODD_CHARACTERS, max_size=14),
    st.integers().map(str),
    st.decimals(allow_nan=True, allow_infinity=True, places=2).map(str),
    st.floats().map(repr),
    st.datetimes(min_value=datetime(1800, 1, 1), max_value=datetime(2200, 1, 1)).map(str),
    number_like,
    time_like,
    offset_time_like,
).filter(lambda text: "\x00" not in text)
batches = st.lists(texts, min_size=1, max_size=40)
PLAIN_TIME = re.compile(
    r"\s*([0-9]{1,4})-([0-9]{1,2})-([0-9]{1,2})\s+([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})\s*"
)

OFFSET_TIME = re.compile(
    r" *(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.]\d{1,6})?(Z|[+-]\d\d(?::?\d\d)?) *", re.ASCII
)


def in_utc(day: str, clock: str, offset: str) -> datetime:
    """Return the moment of a day and a clock that is ahead of UTC by an offset, as UTC tells it."""
    told = datetime.strptime(f"{day} {clock}", "%Y-%m-%d %H:%M:%S")
    if offset == "Z":
        return told
    digits = offset[1:].replace(":", "").ljust(4, "0")
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    zone = timezone(ahead if offset[0] == "+" else -ahead)
    return told.replace(tzinfo=zone).astimezone(timezone.utc).replace(tzinfo=None)


class Parsers:
    """The parse macros as dbt compiles them, run in DuckDB."""

    def __init__(self, expressions: dict[str, str]) -> None:
        self._connection = duckdb.connect()
        for name, expression in expressions.items():
            self._connection.execute(f"create macro {name}(raw) as ({expression})")

    def __call__(self, macro: str, raw: list[str]) -> list:
        """Return the value of each text, None where it is no such value."""
        rows = self._connection.execute(
            f"select {macro}(item) from (select unnest(?::varchar[]) as item)", [raw]
        ).fetchall()
        return [row[0] for row in rows]


@pytest.fixture(scope="module")
def parsers(builder: Builder) -> Parsers:
    """The three parse macros, compiled once by dbt."""
    names = ("parse_decimal", "parse_integer", "parse_timestamp")
    pieces = ", ".join(f"'{name}': {name}('raw')" for name in names)
    return Parsers(json.loads(builder.compiled(ROOT / "demo", f"{{{{ {{{pieces}}} | tojson }}}}")))


def plain_number(text: str) -> Decimal | None:
    """Return the number that a text is in plain digits, with blanks around it, or None."""
    if re.fullmatch(r" *-?[0-9]+([.][0-9]+)? *", text):
        return Decimal(text.strip(" "))
    return None


@settings(max_examples=150, deadline=None)
@given(batches)
@example(list(ODD_TEXTS))
def test_decimals_are_read_exactly_or_not_at_all(parsers: Parsers, raw: list[str]) -> None:
    """A decimal is the plain number written; plain money up to 13 digits and 4 places is read."""
    for text, value in zip(raw, parsers("parse_decimal", raw), strict=True):
        if value is not None:
            assert plain_number(text) == value, repr(text)
        if re.fullmatch(r" *-?[0-9]{1,13}([.][0-9]{1,4})? *", text):
            assert value is not None, repr(text)


@settings(max_examples=150, deadline=None)
@given(batches)
@example(list(ODD_TEXTS))
def test_integers_are_read_exactly_or_not_at_all(parsers: Parsers, raw: list[str]) -> None:
    """An integer is the plain whole number written; up to nine digits are read."""
    for text, value in zip(raw, parsers("parse_integer", raw), strict=True):
        if value is not None:
            assert "." not in text, repr(text)
            assert plain_number(text) == value, repr(text)
        if re.fullmatch(r" *-?[0-9]{1,9} *", text):
            assert value is not None, repr(text)


@settings(max_examples=150, deadline=None)
@given(batches)
@example(list(ODD_TEXTS))
def test_times_are_read_exactly_or_not_at_all(parsers: Parsers, raw: list[str]) -> None:
    """A time is the one written, digit by digit; every real YYYY-MM-DD HH:MM:SS is read.

    One with an offset from UTC is the same moment, told in UTC.
    """
    for text, value in zip(raw, parsers("parse_timestamp", raw), strict=True):
        plain = PLAIN_TIME.fullmatch(text)
        offset = OFFSET_TIME.fullmatch(text)
        if value is not None and offset:
            assert value == in_utc(*offset.groups()), repr(text)
        elif value is not None:
            assert plain, f"{text!r} was read as {value}"
            assert value == datetime(*(int(part) for part in plain.groups())), repr(text)
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", text, re.ASCII):
            try:
                real = datetime.strptime(text, "%Y-%m-%d %H:%M:%S")
            except ValueError:
                real = None
            assert value == real or (real is not None and real.second > 59), repr(text)


@pytest.mark.parametrize("macro", ["parse_decimal", "parse_integer", "parse_timestamp"])
def test_null_stays_null(parsers: Parsers, macro: str) -> None:
    """Nothing is read as nothing."""
    assert parsers(macro, [None]) == [None]


def test_known_texts_have_known_values(parsers: Parsers) -> None:
    """The texts that casts are known to get wrong, one by one."""
    assert parsers("parse_integer", ["10.5", "0x10", "1e3", "1_000", " 7 ", "٣", "007"]) == [
        None, None, None, None, 7, None, 7,
    ]  # fmt: skip
    assert parsers("parse_decimal", [" 12.50 ", "12,5", "1.999,00", "nan", "1e3", "-0.05"]) == [
        Decimal("12.50"), None, None, None, None, Decimal("-0.05"),
    ]  # fmt: skip
    assert parsers("parse_timestamp", ["2025-02-29 10:00:00", "2024-02-29 10:00:00"]) == [
        None,
        datetime(2024, 2, 29, 10),
    ]
    offsets = ["2025-06-30T10:00:00Z", "2025-06-30 10:00:00.9+02", "2025-12-31T23:30:00-0130"]
    assert parsers("parse_timestamp", offsets) == [
        datetime(2025, 6, 30, 10), datetime(2025, 6, 30, 8), datetime(2026, 1, 1, 1),
    ]  # fmt: skip
    no_offsets = ["2025-06-30T10:00:00", "2025-06-30 10:00:00+2", "2025-06-30 10:00:00+15:00"]
    assert parsers("parse_timestamp", no_offsets) == [None, None, None]
