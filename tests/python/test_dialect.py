"""The macros of macros/dialect/ mean the same on DuckDB and on Spark, and so does plain SQL.

Each case is an expression, a row that it is computed from and the value that it must have. The
values are written down here; none was taken from an engine. Spark's half runs where PySpark is
installed, as `make spark` installs it.
"""

from __future__ import annotations

import hashlib
import re
from datetime import date, datetime
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dialect_engines import ROOT, DuckDB, Macros, Spark

NO_TEXT = "cast(null as string)"
NO_DATE = "cast(null as date)"
NO_NUMBER = "cast(null as integer)"


SPARK = pytest.param(
    "spark",
    marks=pytest.mark.skipif(
        find_spec("pyspark") is None,
        reason="PySpark is not installed here (`make spark` installs it beside the project)",
    ),
)


@pytest.fixture(scope="module", params=["duckdb", SPARK])
def engine(request: pytest.FixtureRequest) -> DuckDB | Spark:
    """Each engine in turn."""
    return DuckDB() if request.param == "duckdb" else Spark()


def key(text: str) -> int:
    """Return the key of a text: the last eight bytes of its md5 from back to front, bar one bit."""
    return int.from_bytes(hashlib.md5(text.encode()).digest()[8:], "little") >> 1


def bucket(text: str) -> int:
    """Return the bucket of a text: the first 32 bits of its md5, modulo ten thousand."""
    return int(hashlib.md5(text.encode()).hexdigest()[:8], 16) % 10_000


def line(product: str | None, quantity: int | None) -> dict[str, Any]:
    """Return a product and how many of it, as they are read from JSON."""
    return {"product_id": product, "quantity": quantity}


def at(text: str) -> datetime:
    """Return a time that is written like 2026-06-30 10:00:00."""
    return datetime.fromisoformat(text)


# Of each expression in `given`: SQL of what is given, and the value.
OF_TEXT: dict[str, list[tuple[str, Any]]] = {
    "{{ hash_key(['given']) }}": [
        ("'abc'", 4125280303191149419),  # md5 900150983cd24fb0 d6963f7d28e17f72
        ("'zürich'", key("zürich")),
        ("''", key("")),
        *((f"'customer {number}'", key(f"customer {number}")) for number in range(8)),
        (NO_TEXT, None),
    ],
    "{{ hash_key([\"'market'\", 'given']) }}": [("'7'", key("market:7")), (NO_TEXT, None)],
    "{{ content_key(['given', \"'x'\"]) }}": [("'7'", key("7:x")), (NO_TEXT, key(":x"))],
    "{{ bucket(\"'salt'\", 'given') }}": [
        *((f"'{number}'", bucket(f"salt:{number}")) for number in range(5)),
        (NO_TEXT, None),
    ],
    "{{ full_match('given', '[a-z]{2}') }}": [
        ("'ab'", True),
        ("'abc'", False),
        ("'a'", False),
        ("''", False),
        (NO_TEXT, False),
        ("'ab' || chr(10)", False),
        ("chr(10) || 'ab'", False),
        ("'AB'", False),
    ],
    "{{ full_match('given', 'a|bc') }}": [("'a'", True), ("'bc'", True), ("'ac'", False)],
    "{{ full_match(\"given || '!'\", 'a!') }}": [("'a'", True), ("'b'", False)],
    "{{ has_match('given', 'galaxy|pixel') }}": [
        ("'my pixel 9'", True),
        ("'iphone'", False),
        (NO_TEXT, None),
    ],
    "{{ device_class('given') }}": [
        ("'iPhone 15'", "ios"),
        ("'Samsung SM-A515'", "android"),
        ("'Web'", "web"),
        ("'fridge'", "other"),
        ("'  '", None),
        (NO_TEXT, None),
    ],
    "{{ canonical_id('given') }}": [
        ("'  AB '", "ab"),
        ("'007'", "007"),
        ("'   '", None),
        (NO_TEXT, None),
        # Only blanks are cut off, and the case of every alphabet is lowered.
        ("chr(9) || 'A'", "\ta"),
        ("'ÄÉ'", "äé"),
    ],
    "{{ parse_decimal('given') }}": [
        ("'12.50'", Decimal("12.5")),
        ("'-0.05'", Decimal("-0.05")),
        ("' 3 '", Decimal(3)),
        ("'1.2345'", Decimal("1.2345")),
        ("'1.23456'", None),
        ("'.5'", None),
        ("'5.'", None),
        ("'1e3'", None),
        ("'0x10'", None),
        ("'1,5'", None),
        ("'+1'", None),
        ("''", None),
        ("'NaN'", None),
        ("'Infinity'", None),
        ("chr(9) || '1'", None),
        ("'٣'", None),
        ("'9999999999999.9999'", Decimal("9999999999999.9999")),
        ("'10000000000000'", None),
        ("'1000000000000.00'", Decimal(10**12)),
        ("'-0'", Decimal(0)),
        ("'007'", Decimal(7)),
        (NO_TEXT, None),
    ],
    "{{ parse_integer('given') }}": [
        ("'12'", 12),
        ("' -7 '", -7),
        ("'10.5'", None),
        ("'10.0'", None),
        ("'1e3'", None),
        ("'0x10'", None),
        ("'2147483647'", 2147483647),
        ("'2147483648'", None),
        ("'007'", 7),
        ("'-2147483648'", -2147483648),
        ("'1_000'", None),
        ("'true'", None),
        ("''", None),
        ("' '", None),
        (NO_TEXT, None),
    ],
    "{{ parse_coordinate('given') }}": [
        ("'-23.545621'", -23.545621),
        ("' 7 '", 7.0),
        ("'nan'", None),
        ("'1e2'", None),
        ("'1234'", None),
        (NO_TEXT, None),
    ],
    "{{ parse_timestamp('given', 'market') }}": [
        ("'2026-06-30 10:00:05'", at("2026-06-30 10:00:05")),
        ("' 2024-02-29 23:59:59 '", at("2024-02-29 23:59:59")),
        ("'2025-02-29 10:00:00'", None),
        ("'2026-06-31 10:00:00'", None),
        ("'2026-06-30 24:00:00'", None),
        ("'2026-06-30 10:60:00'", None),
        ("'2026-06-30'", None),
        ("'2026-6-30 10:00:00'", None),
        ("'2026-06-30T10:00:00'", None),
        ("'now'", None),
        ("'infinity'", None),
        ("'epoch'", None),
        ("'1969-12-31 23:59:58'", at("1969-12-31 23:59:58")),
        ("'2026-06-30T10:00:00Z'", at("2026-06-30 10:00:00")),
        ("'2026-06-30T10:00:00+02:00'", at("2026-06-30 08:00:00")),
        ("'2026-06-30 10:00:00.999-0330'", at("2026-06-30 13:30:00")),
        ("'2026-01-01T00:30:00+01'", at("2025-12-31 23:30:00")),
        ("'2026-06-30T10:00:00+02:60'", None),
        ("'2026-06-30T10:00:00+15:00'", None),
        ("''", None),
        (NO_TEXT, None),
    ],
    "{{ parse_timestamp('given', 'olist') }}": [  # São Paulo, with summer time until 2019
        ("'2026-06-30 10:00:00'", at("2026-06-30 10:00:00")),
        ("'2026-06-30T10:00:00Z'", at("2026-06-30 07:00:00")),
        ("'2018-01-15T10:00:00Z'", at("2018-01-15 08:00:00")),
    ],
    "{{ parse_mixed_timestamp('given', 'sales_json') }}": [
        ("'2025-03-04 15:16:17'", at("2025-03-04 15:16:17")),
        ("'2025-03-04'", at("2025-03-04")),
        ("'20250304'", at("2025-03-04")),
        ("'04/03/2025'", at("2025-03-04")),
        ("' 04/03/2025 15:16 '", at("2025-03-04 15:16:00")),
        ("'29/02/2024'", at("2024-02-29")),
        ("'29/02/2025'", None),
        ("'03/13/2025'", None),
        ("'4/3/2025'", None),
        ("'20251301'", None),
        ("'04/03/2025 24:00'", None),
        ("'04-03-2025'", None),
        ("'2025-03'", None),
        ("''", None),
        ("'2025-03-04T01:00:00+02:00'", at("2025-03-03 23:00:00")),
        (NO_TEXT, None),
    ],
    "{{ is_date_text('given') }}": [
        ("'2024-02-29'", True),
        ("'2025-02-29'", False),
        ("'infinity'", False),
        ("'2026-6-1'", False),
        ("'2026-06-30 00:00:00'", False),
        ("''", False),
        (NO_TEXT, False),
    ],
    "{{ split_text('given', '|') }}": [
        ("'a | b|c'", ["a", "b", "c"]),
        ("'a'", ["a"]),
        ("''", [""]),
        ("'a||'", ["a", "", ""]),
        ("'a.b'", ["a.b"]),
        (NO_TEXT, None),
    ],
    "{{ numbers_of(split_text('given', '|')) }}": [
        ("'1|2.5|-3'", [1.0, 2.5, -3.0]),
        ("'x|1e3|NaN'", [None, None, None]),
        (NO_TEXT, None),
    ],
    "{{ parse_product_lines('given') }}": [
        (
            '\'[{"product": " Tyre", "qty": 2}, {"product": "oil"}]\'',
            [line("tyre", 2), line("oil", 1)],
        ),
        ('\'{"product": "tyre", "qty": "3"}\'', [line("tyre", 3)]),
        (
            '\'{"tyre": 2, "oil": "1", "tyre": 4}\'',
            [line("tyre", 2), line("oil", 1), line("tyre", 4)],
        ),
        ('\'{"zürich": 1, "a": null}\'', [line("zürich", 1), line("a", 1)]),
        ('\'{"product": null, "qty": 2}\'', [line(None, 2)]),
        ('\'[{"product": "a", "qty": 2.5}]\'', [line("a", None)]),
        ('\'[{"product": "a", "qty": ""}]\'', [line("a", 1)]),
        ('\'[{"product": {"name": "a"}, "qty": -1}]\'', [line(None, -1)]),
        ("'[null, 7, \"x\"]'", [line(None, 1)] * 3),
        ("'[]'", []),
        ("'{}'", []),
        ("'null'", []),
        ("' [ ] '", []),
        ('\'[{"product": "a"\'', None),
        ("'{\"a\": 1} and more'", None),
        ("'tyre'", None),
        ("'\"tyre\"'", None),
        ("'7'", None),
        ("''", None),
        (NO_TEXT, None),
    ],
    "{{ any_element(numbers_of(split_text('given', '|')), 'element > 1') }}": [
        ("'1|2'", True),
        ("'0|1'", False),
        ("'x'", False),
        (NO_TEXT, False),
    ],
    "{{ sum_elements(numbers_of(split_text('given', '|')), 'cast(element as integer)') }}": [
        ("'1|2|x'", 3),
        ("'x'", None),
        (NO_TEXT, None),
    ],
    "{{ first_element(split_text('given', '|')) }}": [("'a|b'", "a"), (NO_TEXT, None)],
    "{{ first_element(list_of(['given', \"'z'\"])) }}": [("'a'", "a"), (NO_TEXT, None)],
}

OF_DATES: dict[str, list[tuple[str, Any]]] = {
    "{{ days_between('given', \"date '2024-03-01'\") }}": [
        ("date '2024-02-28'", 2),
        ("date '2024-03-01'", 0),
        ("date '2025-03-01'", -365),
        (NO_DATE, None),
    ],
    "{{ days_between(\"cast(timestamp '2024-02-28 23:59:00' as date)\", 'given') }}": [
        ("cast(timestamp '2024-02-29 00:01:00' as date)", 1),
    ],
    "{{ add_days('given', '1') }}": [
        ("date '2024-02-28'", date(2024, 2, 29)),
        ("date '2023-12-31'", date(2024, 1, 1)),
        (NO_DATE, None),
    ],
    "{{ add_days('given', -365) }}": [("date '2024-12-31'", date(2024, 1, 1))],
    "{{ add_days('given', '1 - 60') }}": [("date '2024-03-01'", date(2024, 1, 2))],
    "{{ seconds_between('given', \"timestamp '2024-03-01 00:00:00'\") }}": [
        ("timestamp '2024-02-29 23:59:59'", 1),
        ("timestamp '2024-02-29 23:59:59.9'", 1),
        ("timestamp '2024-03-01 00:00:01'", -1),
        ("cast(null as timestamp)", None),
        ("timestamp '1969-12-31 23:59:59'", 1709251201),
    ],
    "{{ iso_weekday('given') }}": [
        ("date '2024-02-26'", 1),
        ("date '2024-03-02'", 6),
        ("date '2024-03-03'", 7),
        (NO_DATE, None),
    ],
    # Plain SQL that models rely on.
    "last_day(given)": [
        ("date '2024-02-01'", date(2024, 2, 29)),
        ("date '2023-12-31'", date(2023, 12, 31)),
    ],
    "cast(date_trunc('month', given) as date)": [("date '2024-02-29'", date(2024, 2, 1))],
    "cast(given + interval '1' month as date)": [("date '2024-01-31'", date(2024, 2, 29))],
    "cast(given as string)": [
        ("date '2024-02-29'", "2024-02-29"),
        ("date '0999-12-31'", "0999-12-31"),
    ],
    "cast(cast(given as timestamp) as string)": [("date '2024-02-29'", "2024-02-29 00:00:00")],
    "cast(given > date '2024-01-01' as string)": [("date '2024-02-29'", "true"), (NO_DATE, None)],
}

HALF = "cast({} as decimal(18, 4))"
OF_NUMBERS: dict[str, list[tuple[str, Any]]] = {
    # 16.06 / 4 is the double below 4.015; a tie that a double holds exactly goes away from zero.
    "{{ to_decimal('given', 18, 2) }}": [
        ("cast(16.06 as double) / 4", Decimal("4.01")), ("cast(9 as double) / 8", Decimal("1.13")),
        ("cast(-9 as double) / 8", Decimal("-1.13")), ("cast(2 as double) / 3", Decimal("0.67")),
        ("cast(0 as double)", Decimal(0)), ("cast(null as double)", None),
    ],
    "{{ to_decimal('given', 18, 6) }}": [
        ("cast(1 as double) / 3", Decimal("0.333333")),
        ("cast(2 as double) / 3", Decimal("0.666667")),
        ("cast(0.0000004 as double)", Decimal(0)),
        ("cast(123456789.5 as double)", Decimal("123456789.5")),
    ],
    "{{ number_text('given', 4) }}": [
        ("cast(0.00051 as double)", "0.0005"), ("cast(12345678.5 as double)", "12345678.5"),
        ("cast(-2.25 as double)", "-2.25"), ("cast(0.1 as double)", "0.1"),
        ("cast(1.00001 as double)", "1.0"), ("cast(null as double)", None),
    ],
    "cast(given as string)": [
        (HALF.format("12.50"), "12.5000"), (HALF.format("0"), "0.0000"),
        (HALF.format("-0.5"), "-0.5000"),
    ],
    "{{ points('given') }}": [
        (HALF.format("0.0345"), "3.5"), (HALF.format("0.0344"), "3.4"), (HALF.format("0"), "0.0"),
    ],
    "{{ two_decimals('given') }}": [
        (HALF.format("1.005"), "1.01"), (HALF.format("-1.005"), "-1.01"),
        (HALF.format("3"), "3.00"),
    ],
    "{{ log_feature('given') }}": [
        ("cast(-3 as integer)", Decimal(0)), ("cast(1 as integer)", Decimal("0.693147")),
        (HALF.format("1.5"), Decimal("0.916291")), (NO_NUMBER, None),
    ],
    # Plain SQL that models rely on. A quotient of decimals is written with a double.
    "cast(given as double) / 3": [(HALF.format("1"), 1 / 3), (HALF.format("-2"), -2 / 3)],
    "given / 2": [("cast(7 as integer)", 3.5), ("cast(-1 as bigint)", -0.5)],
    "given % 3": [("cast(7 as integer)", 1), ("cast(-7 as integer)", -1)],
    "round(given, 2)": [
        (HALF.format("0.125"), Decimal("0.13")), (HALF.format("-0.125"), Decimal("-0.13")),
    ],
    "cast(given as decimal(18, 2))": [
        (HALF.format("0.125"), Decimal("0.13")), (HALF.format("-2.345"), Decimal("-2.35")),
    ],
    "cast(floor(given) as integer)": [
        ("cast(2.5 as double)", 2), ("cast(-2.5 as double)", -3), (HALF.format("7.9"), 7),
    ],
    # A cast alone cuts off on one engine and rounds on the other; of halves it rounds to even.
    "cast(round(given) as integer)": [
        ("cast(2.5 as double)", 3), ("cast(-2.5 as double)", -3), (HALF.format("2.4999"), 2),
    ],
    "given / nullif(given - 2, 0)": [
        ("cast(2 as integer)", None), ("cast(3 as integer)", 3.0), ("cast(2 as double)", None),
    ],
    "greatest(given, 2)": [("cast(null as integer)", 2), ("cast(3 as integer)", 3)],
    "least(given, 2)": [("cast(null as integer)", 2), ("cast(3 as integer)", 2)],
    "'a' || given": [(NO_TEXT, None), ("'b'", "ab")],
    "concat_ws(';', 'a', given, 'c')": [(NO_TEXT, "a;c"), ("'b'", "a;b;c"), ("''", "a;;c")],
    "coalesce(nullif(trim(given), ''), 'none')": [("'  '", "none"), ("' x '", "x")],
    "left(given, 3) = 'is_'": [("'is_not'", True), ("'is'", False), (NO_TEXT, None)],
    # Of several matches one engine replaces the first and the other all: one that ends the text.
    "regexp_replace(given, ' until [0-9-]+$', '')": [
        ("'kept until 2026-01-31'", "kept"), ("'until 2026 until 2027'", "until 2026"),
        ("'kept'", "kept"), (NO_TEXT, None),
    ],
    "position(',' in given)": [("'a,b'", 2), ("'ab'", 0)],
    "length(given)": [("'äé日'", 3), ("''", 0)],
    "given < 'b'": [("'B'", True), ("'a'", True), ("'ä'", False), ("''", True)],
}  # fmt: skip

# Whole queries: what a row becomes, and what groups and windows do.
QUERIES: list[tuple[str, list[tuple[Any, ...]]]] = [
    # A null may be any number, and of 1 and 61 only a closer look can tell.
    (
        "select name, {{ may_repeat('number') }} as may_repeat from (values ('apart', 1), "
        "('apart', 2), ('apart', 60), ('twice', 7), ('twice', 7), ('unknown', 1), "
        "('unknown', null), ('one unknown', null), ('same bit', 1), ('same bit', 61)"
        ") as numbers(name, number) group by name",
        [
            ("apart", False),
            ("one unknown", True),
            ("same bit", True),
            ("twice", True),
            ("unknown", True),
        ],
    ),
    (
        "select {{ month_series('first_date', 'last_date') }} as month from (select "
        "date '2023-12-31' as first_date, date '2024-02-01' as last_date) as dates",
        [(date(2023, 12, 1),), (date(2024, 1, 1),), (date(2024, 2, 1),)],
    ),
    (
        "select id, {{ month_series('first_date', 'last_date') }} as month from (values "
        "(1, date '2024-02-01', date '2024-01-31'), (2, date '2024-02-09', date '2024-02-01'), "
        "(3, cast(null as date), date '2024-02-01')) as dates(id, first_date, last_date)",
        [(2, date(2024, 2, 1))],
    ),
    (
        "select id, {{ day_series('first_date', 'last_date') }} as day from (values "
        "(1, date '2024-02-28', date '2024-03-01'), (2, date '2024-02-02', date '2024-02-01')) "
        "as dates(id, first_date, last_date)",
        [(1, date(2024, 2, 28)), (1, date(2024, 2, 29)), (1, date(2024, 3, 1))],
    ),
    (
        "select id, {{ unnest_elements(split_text('parts', '|'), 'part', 'place') }} from (values "
        "(1, 'a|b'), (2, cast(null as string))) as texts(id, parts)",
        [(1, "a", 1), (1, "b", 2)],
    ),
    # A null that is ordered says where it goes; alone, engines differ.
    (
        "select row_number() over (order by x asc nulls last) as place, x from (values "
        "(cast(null as string)), ('b'), ('B'), ('a')) as texts(x)",
        [(1, "B"), (2, "a"), (3, "b"), (4, None)],
    ),
    (
        "select row_number() over (order by x desc) as place, x from (values "
        "(cast(null as integer)), (1), (2)) as numbers(x)",
        [(1, 2), (2, 1), (3, None)],
    ),
    (
        "select min_by(x, y) filter (where x is not null) as least, "
        "max_by(x, (y, x)) filter (where y is not null) as most, "
        "count(*) filter (where y > 2) as n "
        "from (values (cast(null as string), 1), ('b', 3), ('c', 2), ('d', null)) as pairs(x, y)",
        [("c", "b", 1)],
    ),
    (
        "select median(x) as middle, {{ mean_of_decimals('x') }} as mean, sum(x) as total, "
        "count(x) as known "
        "from (values (cast(1.5 as decimal(18, 4))), (2.5), (null), (9)) as amounts(x)",
        [(2.5, 13 / 3, Decimal("13.0"), 3)],
    ),
    (
        "select sum(x) as total, {{ mean_of_decimals('x') }} as mean, max(x) as most, "
        "count(*) as n "
        "from (select cast(1 as decimal(18, 4)) as x) as amounts where x > 1",
        [(None, None, None, 0)],
    ),
    (
        "select percentile_cont(0.1) within group (order by x) as low from (values "
        "(cast(1 as double)), (2), (3), (4), (null)) as numbers(x)",
        [(1.3,)],
    ),
    # An alias of the same select may be read, unless there is a column of its name.
    ("select x + 1 as y, y * 2 as z, x as x2 from (select 1 as x) as one", [(2, 4, 1)]),
    ("select x + 1 as x, x * 2 as z from (select 1 as x) as one", [(2, 2)]),
]


def as_close(value: Any) -> Any:
    """Return what a value must equal: a double up to its last bits."""
    return pytest.approx(value, rel=1e-12) if isinstance(value, float) else value


@pytest.mark.parametrize("expression", [*OF_TEXT, *OF_DATES, *OF_NUMBERS])
def test_an_expression_has_the_values_that_are_written_down(
    engine: DuckDB | Spark, expression: str
) -> None:
    """One query an expression: each case is a row of it."""
    pairs = (OF_TEXT | OF_DATES | OF_NUMBERS)[expression]
    cases = ", ".join(f"({number}, {given})" for number, (given, _) in enumerate(pairs))
    rows = engine.rows(f"select number, {expression} from (values {cases}) as cases(number, given)")
    found = [value for _, value in sorted(rows, key=lambda row: row[0])]
    for (given, expected), value in zip(pairs, found, strict=True):
        assert (given, value) == (given, as_close(expected))


@pytest.mark.parametrize(("query", "expected"), QUERIES)
def test_whole_queries_give_the_rows_that_are_written_down(
    engine: DuckDB | Spark, query: str, expected: list[tuple[Any, ...]]
) -> None:
    """Rows are compared in the order of their values."""
    found = sorted(engine.rows(query), key=str)
    assert found == [tuple(as_close(value) for value in row) for row in sorted(expected, key=str)]


def test_a_statement_is_stopped_with_the_message(engine: DuckDB | Spark) -> None:
    """It stops where the condition is reached, and only there."""
    sql = (
        "select case when x = '1' then true else cast({{ stop_with(\"'rule ' || x || ' is bad'\") "
        "}} as boolean) end as is_fine from (select cast(GIVEN as string) as x) as one"
    )
    assert engine.rows(sql.replace("GIVEN", "1")) == [(True,)]
    with pytest.raises(Exception, match="rule 2 is bad"):
        engine.rows(sql.replace("GIVEN", "2"))


def test_a_landed_row_is_told_by_its_file_and_its_place(engine: DuckDB | Spark) -> None:
    """Of what intake brought by the raw file, of the rest by the Parquet file."""
    found = engine.rows(
        "select {{ origin() }}, {{ raw_row(['order_id', 'Count']) }} as raw_row from (values "
        "(cast(null as string), cast(null as bigint), 'file:/land/a b/part-0.parquet', 6, "
        "'7', cast(null as string), cast(null as string), cast(null as string)), "
        "('orders.csv', 9, '/land/part-1.parquet', 0, 'é\"', '2', cast(null as string), 'x'), "
        "('orders.csv', 10, '/land/part-1.parquet', 1, null, null, 'broken', 'a,b')) as landed("
        "_file, _record, filename, file_row_number, order_id, Count, _reject_reasons, _raw_text) "
        "cross join (select cast(null as timestamp) as _ingested_at) as times"
    )
    assert found == [
        ("part-0.parquet", 7, None, '{"order_id":"7","Count":null}'),
        ("orders.csv", 9, None, '{"order_id":"é\\"","Count":"2"}'),
        ("orders.csv", 10, None, '{"_raw_text":"a,b"}'),
    ]


def test_a_parquet_file_is_read_from_its_path(engine: DuckDB | Spark, tmp_path: Path) -> None:
    """Types are those of the file."""
    path = tmp_path / "kept rows.parquet"
    duckdb.sql("select 1 as x, cast('2.50' as decimal(18, 4)) as y").write_parquet(str(path))
    query = f"select x, y from {{{{ parquet_file('{path}') }}}}"
    assert engine.rows(query) == [(1, Decimal("2.5"))]


def test_every_macro_of_the_dialect_has_both_engines_and_a_case() -> None:
    """A macro that is dispatched and written for one engine alone would fail on the other."""
    names = set(Macros("spark").names)
    dispatched = {name.removeprefix("default__") for name in names if name.startswith("default__")}
    assert dispatched
    # Asked for where tables grow alone: on Spark, can_increment says, they do not.
    growing = {"landed_files", "project_mark", "rows_as_landed", "is_orphan"}
    assert not {name for name in dispatched - growing if f"spark__{name}" not in names}
    tested = " ".join([*OF_TEXT, *OF_DATES, *OF_NUMBERS, *(query for query, _ in QUERIES)])
    elsewhere = {
        "stop_with", "origin", "raw_row", "parquet_file", "source_views", "can_increment", *growing
    }  # fmt: skip
    assert not {name for name in dispatched - elsewhere if f"{name}(" not in tested}


# What both engines run and mean differently by, and what stands for it.
DIFFERENT = {
    r"\blog\(": "ln, or ln(x) / ln(10): of one argument it has the base 10 here, e there",
    r"\bconcat\(": "||, or concat_ws: of a null it is a text here, null there",
    r"\b(dayofweek|isodow|weekday)\b": "iso_weekday: Sunday is 0 here, 1 there",
    r"\w\[[-\d]+\]": "a macro of lists: the first place is 1 here, 0 there",
    r"\bdate_diff\(|\bdatediff\(": "days_between: arguments and what counts as a day differ",
    r"\btry_cast\(|\bstrftime\(|\bstring_agg\(": "a macro: one engine alone has it so",
}


def plain_sql(text: str) -> str:
    """Return a model without comments and without what Jinja makes."""
    return re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}|--[^\n]*", " ", text, flags=re.DOTALL)


def test_what_engines_read_differently_stands_in_the_dialect_alone() -> None:
    """Nothing outside of macros/dialect/ says what runs on both and means two things."""
    files = [path for folder in ("models", "snapshots", "macros")
             for path in sorted((ROOT / folder).rglob("*.sql"))
             if "dialect" not in path.parts]  # fmt: skip
    assert len(files) > 200
    found = {
        f"{path.relative_to(ROOT)}: {match.group(0)}, which is {instead}"
        for path in files
        for pattern, instead in DIFFERENT.items()
        for match in re.finditer(pattern, plain_sql(path.read_text()), re.IGNORECASE)
    }
    assert found == set()
