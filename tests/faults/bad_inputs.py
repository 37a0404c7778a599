"""Bad files and bad values, each with what must become of it.

`BAD_FILES` are judged when they are loaded: the load is refused and changes nothing, or it lands
and each physical record is accepted or rejected with a reason. `BAD_VALUES` are records that are
well formed, so they land; the warehouse judges what is in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from delivery import (
    LINE_HEADER,
    LINES,
    OPENS,
    ORDER_HEADER,
    ORDERS,
    PROMOTIONS,
    Damage,
    away,
    beside,
    both,
    cell,
    checksum,
    columns,
    compressed,
    content,
    flipped,
    insert,
    line,
    lines,
    linked_outside,
    parquet,
    renamed,
)


@dataclass(frozen=True)
class Refused:
    """Exit code 65, the landing zone as it was, and a message that holds these words."""

    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"refused: {', '.join(self.words)}"


@dataclass(frozen=True)
class Landed:
    """Exit code 0; `more` physical records than were sent at first, and these rejected."""

    rejected: Mapping[str, int] = field(default_factory=dict)
    more: int = 0
    texts: Mapping[str, str] = field(default_factory=dict)  # column: text of record 5

    def __str__(self) -> str:
        told = ", ".join(f"{count} {reason}" for reason, count in self.rejected.items())
        return f"landed: {told or 'all accepted'}"


@dataclass(frozen=True)
class BadFile:
    """A damage to a file of a correct delivery, and its outcome."""

    name: str
    file: str
    damage: Damage
    outcome: Refused | Landed
    formats: Mapping[str, str] = field(default_factory=dict)  # column: what its values must match


def refused(*words: str) -> Refused:
    return Refused(words)


def landed(more: int = 0, **rejected: int) -> Landed:
    return Landed(rejected, more)


def kept(column: str, text: str, raw: str | None = None, more: int = 0) -> tuple[Damage, Landed]:
    """A text in record 5 of the orders that must come through byte by byte."""
    quoted = raw if raw is not None else '"' + text.replace('"', '""') + '"'
    return cell(ORDERS, 5, column, quoted), Landed({}, more, {column: text})


def swapped(cells: list[bytes], first: int = 0, second: int = 1) -> list[bytes]:
    cells[first], cells[second] = cells[second], cells[first]
    return cells


BAD_FILES = (
    # The file as a whole.
    BadFile("empty file", ORDERS, content(ORDERS, lambda _: b""), refused(ORDERS, ORDER_HEADER)),
    BadFile("header only", ORDERS, lines(ORDERS, lambda old: old[:1]), refused(ORDERS)),
    BadFile("missing file", ORDERS, away(ORDERS), refused("market_order", ORDER_HEADER)),
    BadFile("JSON empty", OPENS, content(OPENS, lambda _: b""), refused(OPENS)),
    BadFile("unknown file", "notes.txt", beside("notes.txt", "hello"), refused("notes.txt")),
    BadFile("hidden file", ORDERS, beside(".DS_Store", "x"), landed()),
    BadFile("link that leads outside", ORDERS, linked_outside(ORDERS), refused(ORDERS)),
    BadFile(
        "the same file under two names", ORDERS,
        lambda folder: (folder / "market_order-2.csv").write_bytes((folder / ORDERS).read_bytes()),
        landed(),
    ),
    # The header.
    BadFile(
        "missing column", ORDERS, columns(ORDERS, lambda cells: cells[:-1]),
        refused(ORDERS, "hex_id", ORDER_HEADER),
    ),
    BadFile(
        "renamed column", ORDERS, line(ORDERS, 0, lambda old: old.replace(b"distance", b"km")),
        refused(ORDERS, "distance", ORDER_HEADER),
    ),
    BadFile(
        "column in capitals", ORDERS,
        line(ORDERS, 0, lambda old: old.replace(b"rating,", b"Rating,")),
        refused(ORDERS, "rating", ORDER_HEADER),
    ),
    BadFile(
        "extra column", ORDERS, columns(ORDERS, lambda cells: [*cells, b"loyalty"]),
        refused(ORDERS, "loyalty", ORDER_HEADER),
    ),
    BadFile(
        "columns swapped, header too", ORDERS, columns(ORDERS, swapped),
        refused(ORDERS, "client_id", ORDER_HEADER),
    ),
    BadFile(
        "columns swapped under the right header", ORDERS,
        lines(ORDERS, lambda old: old[:1] + [
            b",".join(swapped(row.split(b","), 1, 2)) for row in old[1:]
        ]),
        refused(ORDERS, "not_in_format"), {"order_id": "[0-9]{9}"},
    ),
    BadFile(
        "no header", ORDERS, lines(ORDERS, lambda old: old[1:]), refused(ORDERS, ORDER_HEADER)
    ),
    # Delimiters, quotes, ends of lines.
    BadFile(
        "semicolons throughout", ORDERS,
        content(ORDERS, lambda data: data.replace(b",", b";")), refused(ORDERS, ORDER_HEADER),
    ),
    BadFile(
        "tabs in all rows but the header", ORDERS,
        lines(ORDERS, lambda old: old[:1] + [row.replace(b",", b"\t") for row in old[1:]]),
        refused(ORDERS, "too_few_fields"),
    ),
    BadFile(
        "semicolons from the middle on", ORDERS,
        lines(ORDERS, lambda old: old[:80] + [row.replace(b",", b";") for row in old[80:]]),
        refused(ORDERS, "too_few_fields"),
    ),
    BadFile(
        "semicolons in the last five rows", ORDERS,
        lines(ORDERS, lambda old: old[:-5] + [row.replace(b",", b";") for row in old[-5:]]),
        landed(too_few_fields=5),
    ),
    BadFile(
        "extra field from a late row on", ORDERS,
        lines(ORDERS, lambda old: old[:-3] + [row[:-1] + b",x\n" for row in old[-3:]]),
        landed(too_many_fields=3),
    ),
    BadFile(
        "ragged row", ORDERS, line(ORDERS, 9, lambda row: row.split(b",", 4)[0] + b",x\n"),
        landed(too_few_fields=1),
    ),
    BadFile(
        "header repeated", ORDERS, insert(ORDERS, 50, ORDER_HEADER.encode() + b"\n"),
        landed(1, header_repeated=1),
    ),
    BadFile(
        "cut off in the middle of a row", ORDERS,
        lines(ORDERS, lambda old: [*old[:-1], old[-1][:20]]), landed(too_few_fields=1),
    ),
    BadFile(
        "cut off within quotes", ORDERS,
        insert(ORDERS, -1, b'9,9,"2026-01-01'), landed(1, unclosed_quote=1),
    ),
    BadFile(
        "quote never closed", ORDERS, cell(ORDERS, 9, "addressname", b'"home'),
        landed(unclosed_quote=1),
    ),
    BadFile(
        "text after a quote", ORDERS, cell(ORDERS, 9, "addressname", b'"home"x'),
        landed(text_after_quote=1),
    ),
    BadFile(
        "quote within an unquoted field", ORDERS, cell(ORDERS, 9, "addressname", b'ho"me'),
        landed(quote_in_unquoted_field=1),
    ),
    BadFile(
        "blank lines at the end", ORDERS, insert(ORDERS, -1, b"\n", b"\n"),
        landed(2, blank_record=2),
    ),
    BadFile(
        "no end of the last line", ORDERS, content(ORDERS, lambda data: data.rstrip(b"\n")),
        landed(),
    ),
    BadFile(
        "CR LF", ORDERS, content(ORDERS, lambda data: data.replace(b"\n", b"\r\n")), landed()
    ),
    BadFile(
        "CR alone", ORDERS, content(ORDERS, lambda data: data.replace(b"\n", b"\r")),
        refused(ORDERS, ORDER_HEADER),
    ),
    # Encodings.
    BadFile("BOM", ORDERS, content(ORDERS, lambda data: b"\xef\xbb\xbf" + data), landed()),
    BadFile(
        "Latin-1 row", ORDERS, cell(ORDERS, 9, "addressname", "café".encode("latin-1")),
        landed(not_utf8=1),
    ),
    BadFile(
        "all Latin-1", ORDERS,
        lines(ORDERS, lambda old: old[:1] + [row.replace(b"2025", b"\xe9") for row in old[1:]]),
        refused(ORDERS, "not_utf8"),
    ),
    *(
        BadFile(
            f"{encoding} with its mark", ORDERS,
            content(ORDERS, lambda data, mark=mark, encoding=encoding: mark
                    + data.decode().encode(encoding)),
            refused(ORDERS, encoding[:6].upper()),
        )
        for encoding, mark in {
            "utf-16-le": b"\xff\xfe",
            "utf-16-be": b"\xfe\xff",
            "utf-32-le": b"\xff\xfe\0\0",
        }.items()
    ),
    # Texts that must come through as they are.
    *(
        BadFile(name, ORDERS, *kept("ratereason", text))
        for name, text in {
            "quotes in a comment": 'he said ""no"", "yes"',
            "newline in a comment": "one\ntwo\n\nthree",
            "CR LF in a comment": "one\r\ntwo",
            "NUL in a comment": "a\0b",
            "emoji": "good \U0001f469\u200d\U0001f373\U0001f1eb\U0001f1ee",
            "right to left": "\u202eabc \u05e9\u05dc\u05d5\u05dd",
            "formula": '=cmd|" /C calc"!A0',
            "formula that begins with a tab": "\t@SUM(1+1)",
            "SQL": "'; drop table orders; --",
            "Jinja": "{{ env_var('HOME') }}{% do x %}",
            "a path": "../../etc/passwd",
            "one million letters": "x" * 1_000_000,
            "backslashes": "\\N \\n \\\\",
        }.items()
    ),
    BadFile("blanks around an id", ORDERS, *kept("client_id", "  00042 ", "  00042 ")),
    BadFile("id past 2^63", ORDERS, *kept("order_id", "9" * 25, "9" * 25)),
    # JSON lines.
    BadFile("line that is no JSON", OPENS, line(OPENS, 9, lambda _: b"{oops\n"),
            landed(not_json=1)),
    BadFile("line cut off", OPENS, content(OPENS, lambda data: data[:-20]), landed(not_json=1)),
    BadFile("line that is a list", OPENS, line(OPENS, 9, lambda _: b"[1, 2]\n"),
            landed(not_an_object=1)),
    BadFile("key missing", OPENS, line(OPENS, 9, lambda _: b'{"client_id": "1"}\n'),
            landed(missing_column=1)),
    BadFile(
        "unknown key", OPENS,
        line(OPENS, 9, lambda row: row.replace(b"{", b'{"x": 1, ', 1)), landed(unknown_column=1),
    ),
    BadFile(
        "key given twice", OPENS,
        line(OPENS, 9, lambda row: row.replace(b"{", b'{"client_id": "1", ', 1)),
        landed(duplicate_key=1),
    ),
    BadFile(
        "value becomes an object", OPENS,
        line(OPENS, 9, lambda _: b'{"client_id": {"id": 1}, "appopendate": "2026-01-01"}\n'),
        landed(not_a_scalar=1),
    ),
    BadFile(
        "NaN in JSON", OPENS,
        line(OPENS, 9, lambda _: b'{"client_id": NaN, "appopendate": "2026-01-01"}\n'),
        landed(not_json=1),
    ),
    BadFile(
        "number becomes a type of its own", OPENS,
        line(OPENS, 4, lambda _: b'{"client_id": 12345678901234567890.10, "appopendate": null}\n'),
        Landed({}, 0, {"client_id": "12345678901234567890.10"}),
    ),
    BadFile(
        "one array in place of lines", OPENS,
        both(
            content(OPENS, lambda data: b"[" + b",".join(data.splitlines()) + b"]"),
            renamed(OPENS, "app_open.json"),
        ),
        refused("app_open.json"),
    ),
    BadFile(
        "cut at the end of a line, fewer than the sender counted", OPENS,
        both(beside(f"{OPENS}.rows", "1122\n"), lines(OPENS, lambda old: old[:600])),
        refused(OPENS, "1,122", "600"),
    ),
    BadFile(
        "other than the sender's sha256", OPENS,
        both(beside(f"{OPENS}.sha256", checksum(OPENS)), lines(OPENS, lambda old: old[:600])),
        refused(OPENS, "sha256"),
    ),
    BadFile("the sender's sha256", OPENS, beside(f"{OPENS}.sha256", checksum(OPENS)), landed()),
    # Compressed.
    BadFile("compressed", ORDERS, compressed(ORDERS), landed()),
    BadFile("compressed and cut off", ORDERS, compressed(ORDERS, lambda data: data[:-50]),
            refused(f"{ORDERS}.gz")),
    BadFile("named as if compressed", ORDERS, renamed(ORDERS, f"{ORDERS}.gz"),
            refused(f"{ORDERS}.gz")),
    # Parquet.
    BadFile("Parquet cut off", LINES, content(LINES, lambda data: data[:-100]), refused(LINES)),
    BadFile("Parquet without its head", LINES, content(LINES, lambda data: data[4:]),
            refused(LINES)),
    BadFile(
        "bit flipped in the Parquet footer", LINES,
        content(LINES, lambda data: flipped(data, len(data) - 8)), refused(LINES),
    ),
    BadFile(
        "bit flipped in Parquet data, sha256 given", LINES,
        both(beside(f"{LINES}.sha256", checksum(LINES)),
             content(LINES, lambda data: flipped(data, 1000))),
        refused(LINES, "sha256"),
    ),
    BadFile("text named as Parquet", LINES, content(LINES, lambda _: b"a,b\n1,2\n"),
            refused(LINES)),
    BadFile("Parquet without rows", LINES, parquet("from product_detail limit 0"),
            refused(LINES)),
    BadFile(
        "Parquet column renamed", LINES, parquet("select * rename (price as cost)"
                                                 " from product_detail"),
        refused(LINES, "price", LINE_HEADER),
    ),
    BadFile(
        "Parquet column nested", LINES, parquet("select * replace ([price] as price)"
                                                " from product_detail"),
        refused(LINES, "price"),
    ),
    BadFile(
        "Parquet columns with types", LINES,
        parquet("""select * replace (cast(_pos as integer) as _pos,
            cast(price as decimal(12, 2)) as price) from product_detail"""),
        landed(),
    ),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class BadValue:
    """Cells of a record that is otherwise right, and what the warehouse says of the record.

    reason: as the ledger gives it; None where it is accepted, DUPLICATE where it is set aside.
    """

    name: str
    file: str
    cells: Mapping[str, str | None]
    reason: str | None


DUPLICATE = "duplicate"


def orders(reasons: Mapping[str, str | None], column: str, kind: str) -> tuple[BadValue, ...]:
    """Orders with one bad cell each; `reasons` gives the reason of each text."""
    return tuple(
        BadValue(f"{kind} {text!r}", ORDERS, {column: text}, reason)
        for text, reason in reasons.items()
    )


def order_lines(texts: Mapping[str | None, str], column: str, kind: str) -> tuple[BadValue, ...]:
    """Lines with one bad cell each."""
    return tuple(
        BadValue(f"{kind} {text!r}", LINES, {column: text}, reason)
        for text, reason in texts.items()
    )


UNREADABLE_AMOUNTS = (
    "NaN", "nan", "Infinity", "-inf", "1e300", "1e3", "0x10", "1_000", "12,50", "1.234,56",
    "1,234.56", "€ 5.00", "5.00 EUR", "--5", "\u0665", "1/2",
)  # fmt: skip
BAD_VALUES = (
    *orders(dict.fromkeys(UNREADABLE_AMOUNTS, "basketvalue_not_a_number"), "basketvalue", "amount"),
    *orders(
        {
            "-5.00": "basketvalue_negative",
            "999999999.00": "basketvalue_absurd",
            "": "basketvalue_missing",
            " 12.50 ": None,
            "0": None,
        },
        "basketvalue",
        "amount",
    ),
    *orders(
        {
            "2026-02-30 10:00:00": "createdate_not_a_time",
            "2026-13-01 10:00:00": "createdate_not_a_time",
            "31/01/2026 10:00:00": "createdate_not_a_time",
            "01-31-2026 10:00:00": "createdate_not_a_time",
            "2026-01-31 24:00:00": "createdate_not_a_time",
            "2026-01-31 10:00:60": "createdate_not_a_time",
            "yesterday": "createdate_not_a_time",
            "now": "createdate_not_a_time",
            "infinity": "createdate_not_a_time",
            "1767225600": "createdate_not_a_time",
            "1900-01-01 00:00:00": "createdate_implausible",
            "2099-12-31 00:00:00": "createdate_implausible",
            "2026-01-31 10:00:00 CET": "createdate_not_a_time",
            "2026-01-31 10:00:00+25:00": "createdate_not_a_time",
            "2026-01-31T10:00:00Z": None,
            "2026-01-31 10:00:00.5-0330": None,
            "2026-01-31 10:00:00+02:00": None,
            "": "createdate_missing",
        },
        "createdate",
        "time",
    ),
    *orders(
        dict.fromkeys(("6", "0", "-1", "4.5", "1e0", "five"), "rating_not_1_to_5"), "rating",
        "rating",
    ),
    *orders({"": "client_id_missing", "   ": "client_id_missing"}, "client_id", "client"),
    *orders(
        dict.fromkeys(
            (
                "'; drop table core.fct_orders; --", "{{ env_var('HOME') }}", "=1+1",
                "../../etc/passwd", "000042", "42", "9" * 25, "\u202eabc", "\U0001f469",
            )
        ),
        "client_id",
        "client",
    ),
    BadValue("order without an id", ORDERS, {"order_id": ""}, "order_id_missing"),
    BadValue("order id as before", ORDERS, {"order_id": "kept-twice"}, None),
    BadValue(
        "order id in capitals with blanks", ORDERS, {"order_id": " KEPT-Twice "}, DUPLICATE
    ),
    BadValue(
        "that order with another amount", ORDERS,
        {"order_id": "kept-twice", "basketvalue": "0.01"}, DUPLICATE,
    ),
    *order_lines(
        {
            "10.5": "count_not_an_integer",
            "0x10": "count_not_an_integer",
            "1e3": "count_not_an_integer",
            "1_000": "count_not_an_integer",
            "1,000": "count_not_an_integer",
            "NaN": "count_not_an_integer",
            "0": "count_not_positive",
            "-1": "count_not_positive",
            "99999999": "count_absurd",
            None: "count_missing",
        },
        "count",
        "count",
    ),
    BadValue("line of a position", LINES, {"_pos": "999", "count": "2"}, None),
    BadValue("another line of that position", LINES, {"_pos": "999", "count": "1"}, DUPLICATE),
    *order_lines(
        {
            None: "price_missing",
            "NaN": "price_not_a_number",
            "Infinity": "price_not_a_number",
            "1e300": "price_not_a_number",
            "2,99": "price_not_a_number",
            "-2.99": "price_negative",
        },
        "price",
        "price",
    ),
    BadValue("line of an unknown order", LINES, {"order_id": "nowhere"}, "orphan"),
    BadValue("promotion of an unknown order", PROMOTIONS, {"order_id": "nowhere"}, "orphan"),
    BadValue("opening in 1900", OPENS, {"appopendate": "1900-01-01 00:00:00"},
             "appopendate_implausible"),
    BadValue("opening without a client", OPENS, {"client_id": ""}, "client_id_missing"),
)  # fmt: skip
