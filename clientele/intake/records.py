"""Records of a raw file on their way into Parquet: accepted ones as text, rejected ones with why.

Accepted records travel as one text a batch, their values between marks that the batch does not
contain. So no dialect can be read in two ways, and DuckDB gets thousands of records with one call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

LONGEST_RECORD = 1 << 20  # bytes; what is longer is no record, but a quote that nobody closed
# Control characters, which text hardly has; NUL and what ends lines or is typed are not among them.
CONTROLS = tuple(code for code in (*range(0x1F, 0x0D, -1), *range(0x08, 0x00, -1)))


@dataclass(frozen=True)
class Marks:
    """Characters that a batch does not contain."""

    field: str  # between values
    empty: str  # a value that is there and has no letters; a null has nothing between its marks
    record: str  # between records


@dataclass(frozen=True)
class Reject:
    """A record that is not taken as one."""

    record: int  # number in the file, 1 = the first after the header
    reason: str
    raw: str
    line: int | None = None  # where it begins in the file, where that is known
    column: str | None = None


@dataclass(frozen=True)
class Batch:
    """Some records of a file, in their order."""

    numbers: Sequence[int]  # of the accepted records
    text: str
    marks: Marks
    rejects: list[Reject] = field(default_factory=list)
    raw: Callable[[int], str] = str  # raw text of the accepted record at a position
    line: Callable[[int], int | None] = lambda position: None  # the line where it begins


def raw_text(raw: bytes) -> str:
    r"""Return raw bytes as text; what is no UTF-8 is written as `\xe9`."""
    return raw.decode("utf-8", "backslashreplace")


def absent_marks(text: str) -> Marks:
    """Return three characters that a text does not contain.

    There are over 1.1 million characters beside the surrogates; to hold all but two of them a text
    needs 4.3 MB, and batches of values are smaller.
    """
    found = (character for character in _characters() if character not in text)
    return Marks(next(found), next(found), next(found))


def batch_of_values(
    numbers: Sequence[int],
    values: Iterable[Sequence[str | None]],
    rejects: list[Reject],
    raws: Sequence[str],
    lines: Sequence[int],
) -> Batch:
    """Return records whose values are known one by one as a batch."""
    rows = list(values)
    marks = absent_marks("".join(value for row in rows for value in row if value))
    text = marks.record.join(
        marks.field.join(
            "" if value is None else value or marks.empty
            for value in row
        )
        for row in rows
    )  # fmt: skip
    return Batch(numbers, text, marks, rejects, raws.__getitem__, lines.__getitem__)


def _characters() -> Iterator[str]:
    yield from map(chr, CONTROLS)
    yield from map(chr, range(0xFDD0, 0xFDF0))  # set apart by Unicode for uses within programs
    yield from map(chr, range(0xE000, 0xF900))
    yield from map(chr, range(0xF0000, 0x110000))
    yield from map(chr, range(0x20, 0xD800))
    yield from map(chr, range(0xF900, 0xF0000))
