"""JSON lines (RFC 8259, one object a line) as accepted and rejected records.

A value becomes the text that the sender wrote: `007`, `1e300` and `12345678901234567890` stay as
they are. Python's own scanner reads what a table may hold as JSON, and only to find where it ends.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from json.decoder import scanstring
from typing import Any

from clientele.intake.contracts import Contract
from clientele.intake.csv_records import BYTE_ORDER_MARK, OTHER_MARKS, Read
from clientele.intake.errors import FileRefused
from clientele.intake.records import LONGEST_RECORD, Batch, Reject, batch_of_values, raw_text

BLOCK_BYTES = 2 << 20
BLANKS = " \t\r"
SCALAR = re.compile(r"true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
SPACE = re.compile(r"[ \t\r]*")
DEEPEST = 200  # brackets within brackets; more is an attack on the reader's stack


class RecordError(Exception):
    """A line is not taken; the arguments are the reason and, where there is one, the column."""


def json_batches(read: Read, contract: Contract, block_bytes: int = BLOCK_BYTES) -> Iterator[Batch]:
    """Yield the records of a file of JSON lines in batches.

    read: gives up to so many bytes of the file, and none at its end.
    block_bytes: how much is looked at together; it bounds the memory.

    Rejects a line as `not_json`, `not_an_object`, `not_utf8`, `not_unicode` (half a surrogate
    pair), `blank_record`, `duplicate_key`, `unknown_column`, `missing_column`, `not_a_scalar`, or
    `too_long` (over `LONGEST_RECORD`). Each column must be there; what is not known is null.

    Raises FileRefused where the file is no file of JSON lines at all.
    """
    parse = record_parser(contract)
    record, is_first = 1, True
    rest: bytes = b""
    while True:
        data = read(block_bytes)
        buffer, rest = rest + data, b""
        if is_first:
            if len(buffer) < 4 and data:
                rest = buffer
                continue
            buffer, is_first = _without_mark(buffer), False
        if data:
            whole, mark, rest = buffer.rpartition(b"\n")
            if len(rest) > LONGEST_RECORD:
                # The line is rejected when it ends; its first part is enough to be too long.
                rest = rest[: LONGEST_RECORD + 1]
            lines = whole.split(b"\n") if mark else []
        else:
            lines = buffer.removesuffix(b"\n").split(b"\n") if buffer else []
        numbers, values, rejects, raws = [], [], [], []
        for line in lines:
            try:
                if len(line) > LONGEST_RECORD:
                    raise RecordError("too_long", None)
                values.append(parse(line))
                numbers.append(record)
                raws.append(raw_text(line))
            except RecordError as error:
                reason, column = error.args
                raw = raw_text(line[:LONGEST_RECORD].removesuffix(b"\r"))
                rejects.append(Reject(record, reason, raw, record, column))
            record += 1
        if lines:
            yield batch_of_values(numbers, values, rejects, raws, numbers)
        if not data:
            return


def record_parser(contract: Contract) -> Callable[[bytes], list[str | None]]:
    """Return the function that makes the values of a line, in the contract's order.

    It raises RecordError.
    """
    places = {column: place for place, column in enumerate(contract.columns)}
    width = len(places)

    def parse(line: bytes) -> list[str | None]:
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise RecordError("not_utf8", None) from error
        place = SPACE.match(text).end()  # type: ignore[union-attr]
        if place == len(text):
            raise RecordError("blank_record", None)
        if text[place] != "{":
            _skip_value(text, place)
            raise RecordError("not_an_object", None)
        values: list[str | None] = [None] * width
        found: list[tuple[str, str]] = []
        seen = set()
        place = SPACE.match(text, place + 1).end()  # type: ignore[union-attr]
        is_over = text.startswith("}", place)
        while not is_over:
            if not text.startswith('"', place):
                raise RecordError("not_json", None)
            key, place = _string(text, place)
            place = SPACE.match(text, place).end()  # type: ignore[union-attr]
            if not text.startswith(":", place):
                raise RecordError("not_json", None)
            place = SPACE.match(text, place + 1).end()  # type: ignore[union-attr]
            is_string, is_nested = text.startswith('"', place), text.startswith(("{", "["), place)
            if is_string:
                value, end = _string(text, place)
            else:
                end = _skip_value(text, place)
                value = text[place:end]
            if key in seen:
                found.append(("duplicate_key", key))
            elif key not in places:
                found.append(("unknown_column", key))
            elif is_nested and key not in contract.nested:
                found.append(("not_a_scalar", key))
            else:
                values[places[key]] = None if not is_string and value == "null" else value
            seen.add(key)
            place = SPACE.match(text, end).end()  # type: ignore[union-attr]
            is_over = text.startswith("}", place)
            if not is_over:
                if not text.startswith(",", place):
                    raise RecordError("not_json", None)
                place = SPACE.match(text, place + 1).end()  # type: ignore[union-attr]
        if SPACE.match(text, place + 1).end() < len(text):  # type: ignore[union-attr]
            raise RecordError("not_json", None)
        if found:
            raise RecordError(*found[0])
        if len(seen) < width:
            missing = next(column for column in contract.columns if column not in seen)
            raise RecordError("missing_column", missing)
        return values

    return parse


def _string(text: str, place: int) -> tuple[str, int]:
    try:
        value, end = scanstring(text, place + 1, True)
    except ValueError as error:
        raise RecordError("not_json", None) from error
    if "\\u" in text[place:end]:
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise RecordError("not_unicode", None) from error
    return value, end


def _skip_value(text: str, place: int) -> int:
    """Return where the value ends that begins at a place; it is JSON to the letter."""
    if text.startswith(("{", "["), place):
        if text.count("{", place) + text.count("[", place) > DEEPEST and _depth(text) > DEEPEST:
            raise RecordError("not_json", None)
        try:
            return _DECODER.raw_decode(text, place)[1]
        except (ValueError, RecursionError) as error:
            raise RecordError("not_json", None) from error
    if text.startswith('"', place):
        return _string(text, place)[1]
    match = SCALAR.match(text, place)
    if not match:
        raise RecordError("not_json", None)
    return match.end()


def _depth(text: str) -> int:
    depth = deepest = 0
    for mark in re.sub(r'"(?:[^"\\]|\\.)*"', "", text):
        depth += (mark in "{[") - (mark in "}]")
        deepest = max(deepest, depth)
    return deepest


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


# Numbers are not computed: a whole number of a million digits would take minutes.
_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_int=len, parse_float=len)


def _without_mark(buffer: bytes) -> bytes:
    for mark, encoding in OTHER_MARKS.items():
        if buffer.startswith(mark):
            raise FileRefused(f"it is {encoding} by its first bytes; UTF-8 is expected")
    buffer = buffer.removeprefix(BYTE_ORDER_MARK)
    if not buffer.strip():
        raise FileRefused("it is empty")
    if buffer.lstrip()[:1] == b"[":
        raise FileRefused("line 1: it is one array; one object a line is expected")
    return buffer
