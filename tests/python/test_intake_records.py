"""Records of raw files: none is lost, and each is taken as it was written or rejected with why."""

from __future__ import annotations

import csv
import io
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clientele.intake import csv_records, json_records
from clientele.intake.contracts import Contract
from clientele.intake.errors import FileRefused
from clientele.intake.records import LONGEST_RECORD, Batch

HEADER = b"id,name,comment\n"


def contract(*columns: str, nested: tuple[str, ...] = (), **more: Any) -> Contract:
    options = {"delimiter": ",", "quote": '"', "minimum_rows": 1, "most_rejected": 1.0, **more}
    return Contract(
        source="shop", table="people", columns=columns or ("id", "name", "comment"), formats={},
        nested=frozenset(nested), person=None, is_optional=False, **options,
    )  # fmt: skip


def taken(batches: list[Batch]) -> tuple[dict[int, list[str | None]], dict[int, str]]:
    """Values of accepted records and reasons of rejected ones, by number."""
    values: dict[int, list[str | None]] = {}
    reasons: dict[int, str] = {}
    for batch in batches:
        if len(batch.numbers):
            marks = batch.marks
            for number, line in zip(batch.numbers, batch.text.split(marks.record), strict=True):
                assert number not in values
                values[number] = [
                    "" if value == marks.empty else value or None
                    for value in line.split(marks.field)
                ]
        for reject in batch.rejects:
            assert reject.record not in values
            assert reject.record not in reasons
            reasons[reject.record] = reject.reason
    numbers = sorted([*values, *reasons])
    assert numbers == list(range(1, len(numbers) + 1))
    return values, reasons


def read_csv(
    raw: bytes, agreed: Contract | None = None, block: int = csv_records.BLOCK_BYTES
) -> tuple[dict[int, list[str | None]], dict[int, str]]:
    batches = csv_records.csv_batches(io.BytesIO(raw).read, agreed or contract(), block)
    return taken(list(batches))


def read_json(
    raw: bytes, agreed: Contract | None = None
) -> tuple[dict[int, list[str | None]], dict[int, str]]:
    return taken(list(json_records.json_batches(io.BytesIO(raw).read, agreed or contract())))


GOOD = b"7,seven,fine\n"
DAMAGED_CSV = {
    "one field too few": (b"1,a\n", {1: "too_few_fields"}),
    "one field too many": (b"1,a,b,c\n", {1: "too_many_fields"}),
    "another delimiter midway": (b"1;a;b\n2;c;d\n", {1: "too_few_fields", 2: "too_few_fields"}),
    "a row of Latin-1": (b"1,caf\xe9,b\n", {1: "not_utf8"}),
    "half an emoji": (b'1,"\xf0\x9f",b\n', {1: "not_utf8"}),
    "the header once more": (HEADER, {1: "header_repeated"}),
    "the header once more, quoted": (b'"id","name","comment"\n', {1: "header_repeated"}),
    "a blank line": (b"\n", {1: "blank_record"}),
    "a blank line of Windows": (b"\r\n", {1: "blank_record"}),
    "a quote within a field": (b'1,a"b,c\n', {1: "quote_in_unquoted_field"}),
    "text behind a quote": (b'1,"a"b,c\n', {1: "text_after_quote"}),
    "a blank behind a quote": (b'1,"a" ,c\n', {1: "text_after_quote"}),
    "a quote that a later line ends": (b'1,"a,b\n2,"c",d\n', {1: "unclosed_quote"}),
    "too few fields over two lines": (b'1,"a\nb"\n', {1: "too_few_fields"}),
    "a line of a megabyte": (b"1," + b"x" * LONGEST_RECORD + b",b\n", {1: "too_long"}),
    "a line of ten megabytes": (b"x" * (10 << 20) + b"\n", {1: "too_long"}),
}


@pytest.mark.parametrize("damaged", DAMAGED_CSV)
@pytest.mark.parametrize("block", [csv_records.BLOCK_BYTES, 7000])
def test_a_damaged_record_of_csv_costs_no_other(damaged: str, block: int) -> None:
    raw, expected = DAMAGED_CSV[damaged]
    values, reasons = read_csv(HEADER + raw + GOOD, block=block)

    assert reasons == expected
    assert list(values.values())[-1] == ["7", "seven", "fine"]
    before = read_csv(HEADER + GOOD + raw + GOOD, block=block)
    assert before[1] == {number + 1: reason for number, reason in expected.items()}


def test_a_quote_that_nothing_ends_costs_its_line_alone() -> None:
    lines = b"".join(b"%d,a,b\n" % number for number in range(2, 40_000))
    values, reasons = read_csv(HEADER + b'1,"a,b\n' + lines * 5)

    assert reasons == {1: "unclosed_quote"}
    assert len(values) == 39_998 * 5
    assert values[2] == ["2", "a", "b"]


def test_the_last_line_of_a_file_that_was_cut_off_is_rejected() -> None:
    assert read_csv(HEADER + b"1,a,b\n2,c")[1] == {2: "too_few_fields"}
    assert read_csv(HEADER + b'1,a,b\n2,c,"d')[1] == {2: "unclosed_quote"}
    assert read_csv(HEADER + b"1,a,b\n2,c,d")[0][2] == ["2", "c", "d"]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "it is empty"),
        (b"\xef\xbb\xbf", "it is empty"),
        (b"id,name\n1,a\n", "'comment' is missing"),
        (b"id,name,comment,age\n", "'age' is not agreed"),
        (b"id,nom,comment\n", "column 2 is 'nom', and 'name' is agreed"),
        (b"name,id,comment\n", "column 1 is 'name', and 'id' is agreed"),
        (b"ID,name,comment\n", "column 1 is 'ID', and 'id' is agreed"),
        (b"id,name,comment,id\n", "'id' is there twice"),
        (b"id;name;comment\n", "the delimiter is ';'"),
        (b"id, name, comment\n", "' name', and 'name' is agreed"),
        ("id,name,comment\n".encode("utf-16"), "it is UTF-16"),
        ("id,name,comment\n".encode("utf-32"), "it is UTF-32"),
        ("id,name,comment\n".encode("utf-16-le"), "no list of the declared columns|missing|is 'i"),
        (b"\n1,a,b\n", "the declared columns|missing"),
        (b"x" * (3 << 20), "line 1 is no header"),
    ],
)
def test_a_header_that_is_not_the_declared_one_is_refused(raw: bytes, said: str) -> None:
    with pytest.raises(FileRefused, match=said):
        read_csv(raw)


@pytest.mark.parametrize("raw", [b"4711,Ann,hi\n", b"4711;Ann;hi\n", b'4711,"Ann,hi\n'])
def test_a_record_in_the_place_of_the_header_is_not_told(raw: bytes) -> None:
    """What is said may go into a mail, where nobody is erased."""
    with pytest.raises(FileRefused) as refused:
        read_csv(raw)
    assert "4711" not in str(refused.value)
    assert "Ann" not in str(refused.value)


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("is_last_ended", [True, False])
def test_nasty_text_is_taken_as_it_is(ends: str, mark: bytes, is_last_ended: bool) -> None:
    rows = [
        ["007", 'say "hi", twice', "one\ntwo\r\nthree\rfour"],
        ["\0", "😀 שלום", "\x1f\x1e\x1d"],
        ["=1+1", "\t tab ", "\ufeff\u2028"],
        ["9" * 30, ",", '"'],
    ]
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator=ends, quoting=csv.QUOTE_ALL)
    writer.writerows([["id", "name", "comment"], *rows])
    raw = mark + file.getvalue().encode()
    values, reasons = read_csv(raw if is_last_ended else raw.removesuffix(ends.encode()))

    assert not reasons
    assert list(values.values()) == rows


def test_a_blank_field_is_null_and_a_quoted_one_is_not() -> None:
    assert read_csv(HEADER + b'1,,""\n,"", \n')[0] == {
        1: ["1", None, ""],
        2: [None, "", " "],
    }


TEXTS = st.text(alphabet=st.sampled_from('ab,;"\n\r\t\0\x1f\x1e\x1d é😀=\u2028'), max_size=6)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.lists(TEXTS, min_size=2, max_size=2), max_size=12),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    block=st.integers(min_value=1, max_value=60),
)
def test_what_a_csv_writer_wrote_is_read_as_it_was(
    rows: list[list[str]], quoting: Any, block: int
) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, quoting=quoting, lineterminator="\n").writerows([["id", "name"], *rows])
    values, reasons = read_csv(file.getvalue().encode(), contract("id", "name"), block)
    is_header = [row == ["id", "name"] for row in rows]

    assert not any(is_header)
    assert not reasons
    assert list(values.values()) == rows


@settings(max_examples=300, deadline=None)
@given(
    raw=st.lists(
        st.sampled_from([b"a", b",", b",", b'"', b'"', b"\n", b"\n", b"\r", b"\xe9", b"\0", b"id"]),
        max_size=60,
    ).map(b"".join),
    block=st.integers(min_value=1, max_value=20),
)
def test_where_blocks_end_changes_nothing(raw: bytes, block: int) -> None:
    agreed = contract("id", "name")
    whole = read_csv(b"id,name\n" + raw, agreed)

    assert read_csv(b"id,name\n" + raw, agreed, block) == whole


def test_both_ways_of_reading_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(7)
    alphabet = [
        b"a",
        b"bc",
        b",",
        b",",
        b'"',
        b'""',
        b"\n",
        b"\r\n",
        b'","',
        b'\n"',
        b'"\n',
        b"\xc3",
    ]
    files = [
        b"id,name\n" + b"".join(chance.choices(alphabet, k=chance.randrange(1, 14)))
        for _ in range(6000)
    ]
    agreed = contract("id", "name")
    both = [read_csv(file, agreed) for file in files]
    quick = sum(bool(values) and not reasons for values, reasons in both)
    monkeypatch.setattr(csv_records._Reader, "quick", lambda *_: None)

    assert quick > 20
    assert [read_csv(file, agreed) for file in files] == both


LINE = b'{"id": 1, "name": "a", "comment": null}\n'
DAMAGED_JSON = {
    "cut off": (b'{"id": 1, "name": "a", "comm', "not_json"),
    "not a number": (b'{"id": NaN, "name": "a", "comment": null}', "not_json"),
    "infinity within": (b'{"id": [Infinity], "name": "a", "comment": null}', "not_json"),
    "a leading zero": (b'{"id": 007, "name": "a", "comment": null}', "not_json"),
    "a decimal comma": (b'{"id": 1,5, "name": "a", "comment": null}', "not_json"),
    "single quotes": (b"{'id': 1}", "not_json"),
    "a comma too many": (b'{"id": 1, "name": "a", "comment": null,}', "not_json"),
    "two objects": (b'{"id": 1, "name": "a", "comment": null} {}', "not_json"),
    "a list": (b'[1, "a", null]', "not_an_object"),
    "a number": (b"12", "not_an_object"),
    "a nested value": (b'{"id": {"x": 1}, "name": "a", "comment": null}', "not_a_scalar"),
    "a key too few": (b'{"id": 1, "name": "a"}', "missing_column"),
    "a key too many": (b'{"id": 1, "name": "a", "comment": null, "x": 1}', "unknown_column"),
    "a key twice": (b'{"id": 1, "id": 2, "name": "a", "comment": null}', "duplicate_key"),
    "Latin-1": (b'{"id": 1, "name": "\xe9", "comment": null}', "not_utf8"),
    "half a surrogate pair": (b'{"id": 1, "name": "\\ud83d", "comment": null}', "not_unicode"),
    "a raw tab": (b'{"id": 1, "name": "\t", "comment": null}', "not_json"),
    "a blank line": (b"  \r", "blank_record"),
    "a thousand brackets": (b'{"id": ' + b"[" * 100_000, "not_json"),
    "a megabyte": (b'{"id": "' + b"x" * LONGEST_RECORD + b'"}', "too_long"),
    "ten megabytes": (b"[" * (10 << 20), "too_long"),
}


@pytest.mark.parametrize("damaged", DAMAGED_JSON)
def test_a_damaged_line_of_json_costs_no_other(damaged: str) -> None:
    raw, reason = DAMAGED_JSON[damaged]
    values, reasons = read_json(LINE + raw + b"\n" + LINE)

    assert reasons == {2: reason}
    assert values == {1: ["1", "a", None], 3: ["1", "a", None]}


def test_json_values_are_the_texts_that_were_written() -> None:
    agreed = contract("a", "b", "c", "d", "e", nested=("e",))
    raw = rb'{"b": 12345678901234567890123, "a": 1e300, "c": "0\u0000\ud83d\ude00", '
    raw += b'"d": false, "e": {"x": [1.50, null]} }'

    assert read_json(raw, agreed)[0] == {
        1: ["1e300", "12345678901234567890123", "0\0😀", "false", '{"x": [1.50, null]}']
    }


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(st.none() | TEXTS, min_size=2, max_size=2), min_size=1, max_size=8))
def test_what_a_json_writer_wrote_is_read_as_it_was(rows: list[list[str | None]]) -> None:
    raw = "\n".join(json.dumps(dict(zip(("id", "name"), row, strict=True))) for row in rows)

    assert list(read_json(raw.encode(), contract("id", "name"))[0].values()) == rows


@pytest.mark.parametrize(
    "raw", [b"", b" \n", b"\xef\xbb\xbf", b'[{"id": 1}]', "{}".encode("utf-16")]
)
def test_a_file_that_is_no_json_lines_is_refused(raw: bytes) -> None:
    with pytest.raises(FileRefused):
        read_json(raw)


def test_the_whole_of_a_project_is_a_contract() -> None:
    from clientele.intake.contracts import read_contracts

    root = Path(__file__).parents[2]
    market = read_contracts(root, "market")

    assert market["app_open"].header == "client_id,appopendate"
    assert market["promo_detail"].person is not None
    assert market["promo_detail"].person.through == "market_order"
    assert read_contracts(root, "sales_json")["sales_transactions"].nested == {"product_json"}
    assert all(table.is_optional for table in read_contracts(root, "contact").values())
