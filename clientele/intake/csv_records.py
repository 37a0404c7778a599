"""CSV files (RFC 4180) as accepted and rejected records, none of which is lost.

A block of a file is split by its bytes all at once where every record in it is as declared; where
one is not, the block is gone through record by record. Both ways read the same language, so where a
block happens to end changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from clientele.intake.contracts import Contract
from clientele.intake.errors import FileRefused
from clientele.intake.records import (
    CONTROLS,
    LONGEST_RECORD,
    Batch,
    Marks,
    Reject,
    batch_of_values,
    raw_text,
)

BLOCK_BYTES = 2 << 20
FEW_QUOTES = 4000  # in a block, up to which they are gone through one by one
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
OTHER_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
NEWLINE, RETURN = b"\n", b"\r"
Read = Callable[[int], bytes]


def csv_batches(read: Read, contract: Contract, block_bytes: int = BLOCK_BYTES) -> Iterator[Batch]:
    """Yield the records of a CSV file in batches, after its header was found to be as declared.

    read: gives up to so many bytes of the file, and none at its end.
    block_bytes: how much is looked at together; it bounds the memory.

    Rejects a record as `too_few_fields`, `too_many_fields`, `not_utf8`, `header_repeated`,
    `blank_record`, `quote_in_unquoted_field`, `text_after_quote`, `too_long` (over
    `LONGEST_RECORD`), or `unclosed_quote`: a quoted field that does not end, or that has text
    behind its end in another line than it began. Of that the first line alone is rejected, and
    reading goes on with the next line, so that one lost quote costs no good record.

    Raises FileRefused where the header is not as declared.
    """
    reader = _Reader(contract)
    buffer, is_end = b"", False
    while not is_end and (not buffer or NEWLINE not in buffer) and len(buffer) <= LONGEST_RECORD:
        data = read(block_bytes)
        is_end = not data
        buffer += data
    buffer = reader.after_header(buffer)
    while True:
        data = b"" if is_end else read(block_bytes)
        is_end = is_end or not data
        buffer += data
        batch, used = reader.quick(buffer, is_end) or reader.careful(buffer, is_end)
        if used == 0 and len(buffer) > 2 * LONGEST_RECORD and not is_end:
            batch, used, buffer, is_end = reader.endless(buffer, read, block_bytes)
        if batch and (batch.numbers or batch.rejects):
            yield batch
        buffer = buffer[used:]
        if is_end and not buffer:
            return


class _Reader:
    """The language of a contract, and how far a file was read."""

    def __init__(self, contract: Contract) -> None:
        self._columns = contract.columns
        self._contract = contract
        self._delimiter, self._quote = contract.delimiter.encode(), contract.quote.encode()
        quote, delimiter = re.escape(self._quote), re.escape(self._delimiter)
        self._quoted = re.compile(b"%b[^%b]*(?:%b%b[^%b]*)*%b" % ((quote,) * 6))
        self._unquoted = re.compile(b"[^%b%b\n]*" % (delimiter, quote))
        self._record, self._line = 1, 2

    # The header

    def after_header(self, buffer: bytes) -> bytes:
        """Return what follows the header. Raises FileRefused."""
        for mark, encoding in OTHER_MARKS.items():
            if buffer.startswith(mark):
                raise FileRefused(f"it is {encoding} by its first bytes; UTF-8 is expected")
        buffer = buffer.removeprefix(BYTE_ORDER_MARK)
        if not buffer:
            raise FileRefused("it is empty; the first line must be the header")
        line, _, rest = buffer.partition(NEWLINE)
        _, values, used = self._split(line + NEWLINE, 0, is_end=True)
        if values is None or used < len(line):
            raise FileRefused("line 1 is no header: a quote in it is wrong, or it has no end")
        header = [raw_text(value or b"") for value in values]
        if tuple(header) != self._columns:
            raise FileRefused(f"line 1: {self._header_fault(header)}")
        return rest

    def _header_fault(self, found: list[str]) -> str:
        declared = list(self._columns)
        missing = [name for name in declared if name not in found]
        extra = [name for name in found if name not in declared]
        if len(found) == 1 and len(declared) > 1:
            for other in ";\t|,":
                if other != self._contract.delimiter and found[0].split(other)[0] == declared[0]:
                    return f"the delimiter is {other!r}, and {self._contract.delimiter!r} is agreed"
            return f"no list of the declared columns with {self._contract.delimiter!r} between them"
        if not {name.strip().lower() for name in found} & {name.lower() for name in declared}:
            # Perhaps it is a record: what is in it is nothing for screens and mails.
            return "it holds none of the declared columns; perhaps the header is missing"
        if missing and extra and len(found) == len(declared):
            place = declared.index(missing[0])
            return f"column {place + 1} is {found[place]!r}, and {missing[0]!r} is agreed"
        if missing:
            return f"the column {missing[0]!r} is missing"
        if extra:
            return f"the column {extra[0]!r} is not agreed"
        if len(found) > len(declared):
            twice = next(name for name in declared if found.count(name) > 1)
            return f"the column {twice!r} is there twice"
        place = next(place for place, name in enumerate(declared) if found[place] != name)
        return (
            f"columns are out of order: column {place + 1} is {found[place]!r}, "
            f"and {declared[place]!r} is agreed"
        )

    # All records of a block at once

    def quick(self, buffer: bytes, is_end: bool) -> tuple[Batch, int] | None:
        """Return the whole records of a block, and its bytes; None where one is not as declared."""
        import numpy as np

        block = buffer
        if is_end and block and not block.endswith(NEWLINE):
            block += NEWLINE
        has_quotes = self._quote in block
        if not has_quotes:
            block = block[: block.rfind(NEWLINE) + 1]
        codes = np.frombuffer(block, np.uint8)
        ends, parts = codes == NEWLINE[0], codes == self._delimiter[0]
        if has_quotes:
            quotes = codes == self._quote[0]
            outside = self._outside(quotes)
            ends &= outside
            whole = np.flatnonzero(ends[::-1])
            if not len(whole):
                return None
            size = len(block) - int(whole[0])
            block, codes = block[:size], codes[:size]
            ends, parts = ends[:size], (parts & outside)[:size]
            quotes = quotes[:size]
        if not block:
            return None
        places = np.flatnonzero(ends | parts)
        count, is_even = divmod(len(places), len(self._columns))
        if is_even or not count:
            return None
        last = ends[places].reshape(count, len(self._columns))
        if not last[:, -1].all() or last[:, :-1].any():
            return None
        record_ends = places[len(self._columns) - 1 :: len(self._columns)]
        lengths = np.diff(record_ends, prepend=-1)
        if lengths.max() > LONGEST_RECORD or (len(self._columns) == 1 and lengths.min() < 3):
            return None
        marks = [code for code in CONTROLS if bytes((code,)) not in block][:3]
        if len(marks) < 3:
            return None
        field, empty, record = marks
        keep = None
        if not has_quotes:
            written = block.translate(
                bytes.maketrans(self._delimiter + NEWLINE, bytes((field, record)))
            )
            if RETURN in block:
                written = written.replace(bytes((RETURN[0], record)), bytes((record,)))
        else:
            kept = self._kept(codes, quotes)
            if kept is None:
                return None
            keep, empties = kept
            changed = codes.copy()
            changed[parts], changed[record_ends], changed[empties] = field, record, empty
            before = record_ends[record_ends > 0] - 1
            keep[before[codes[before] == RETURN[0]]] = False
            written = changed[keep].tobytes()
        try:
            text = written[:-1].decode("utf-8")
        except UnicodeDecodeError:
            return None
        if chr(field).join(self._columns) in text:
            return None  # perhaps a header
        first, self._record = self._record, self._record + count
        line_count = block.count(NEWLINE) if has_quotes else count
        line, self._line = self._line, self._line + line_count
        is_plain = line_count == count

        def raw(position: int) -> str:
            begin = int(record_ends[position - 1]) + 1 if position else 0
            return raw_text(block[begin : int(record_ends[position])].removesuffix(RETURN))

        def line_of(position: int) -> int | None:
            return line + position if is_plain else None

        batch = Batch(
            range(first, first + count), text, Marks(chr(field), chr(empty), chr(record)),
            raw=raw, line=line_of,
        )  # fmt: skip
        return batch, min(len(block), len(buffer))

    def _outside(self, quotes):
        """Say which bytes stand outside of quotes; a quote that ends a field counts as outside."""
        import numpy as np

        places = np.flatnonzero(quotes)
        if len(places) > FEW_QUOTES:
            # Counted modulo 256, which leaves odd numbers odd.
            return (np.cumsum(quotes, dtype=np.uint8) & 1) == 0
        outside = np.ones(len(quotes), bool)
        for begin, end in zip(places[0::2], [*places[1::2], len(quotes)], strict=False):
            outside[begin:end] = False
        return outside

    def _kept(self, codes, quotes):
        """Say which bytes are text and not quotes, and where a quoted field is empty.

        None where a quote neither begins nor ends a field and is no doubled one.
        """
        import numpy as np

        places = np.flatnonzero(quotes)
        keep = np.ones(len(codes), bool)
        if not len(places):
            return keep, places
        begins, closes = places[0::2], places[1::2]
        doubled = closes[:-1] + 1 == begins[1:]
        first = begins[np.concatenate(([True], ~doubled))]
        last = closes[np.concatenate((~doubled, [True]))]
        before = codes[first[first > 0] - 1]
        after = codes[last + 1]  # there is one: the block ends with the end of a line
        returns = last[after == RETURN[0]]
        if (
            not np.isin(before, (self._delimiter[0], NEWLINE[0])).all()
            or not np.isin(after, (self._delimiter[0], NEWLINE[0], RETURN[0])).all()
            or not (codes[returns + 2] == NEWLINE[0]).all()
        ):
            return None
        empties = first[last == first + 1]
        keep[first], keep[last], keep[closes[:-1][doubled]] = False, False, False
        keep[empties] = True
        return keep, empties

    # Record by record

    def careful(self, buffer: bytes, is_end: bool) -> tuple[Batch, int]:
        """Return the whole records of a block, and its bytes."""
        numbers: list[int] = []
        accepted: list[list[str | None]] = []
        raws, lines, rejects = [], [], []
        begin = 0
        while begin < len(buffer):
            reason, values, end = self._split(buffer, begin, is_end)
            if end == 0:
                break
            raw = buffer[begin:end]
            line_count = raw.count(NEWLINE)
            raw = raw.removesuffix(NEWLINE).removesuffix(RETURN)
            texts = None
            if not reason and values is not None:
                reason, texts = self._judged(raw, values)
            if texts is not None:
                numbers.append(self._record)
                accepted.append(texts)
                raws.append(raw_text(raw))
                lines.append(self._line)
            else:
                rejects.append(
                    Reject(self._record, reason, raw_text(raw[:LONGEST_RECORD]), self._line)
                )
            self._record += 1
            self._line += line_count
            begin = end
        return batch_of_values(numbers, accepted, rejects, raws, lines), begin

    def _judged(
        self, raw: bytes, values: list[bytes | None]
    ) -> tuple[str, list[str | None] | None]:
        if not raw:
            return "blank_record", None
        try:
            raw.decode("utf-8")
            texts = [None if value is None else value.decode("utf-8") for value in values]
        except UnicodeDecodeError:
            return "not_utf8", None
        if len(texts) < len(self._columns):
            return "too_few_fields", None
        if len(texts) > len(self._columns):
            return "too_many_fields", None
        if tuple(texts) == self._columns:
            return "header_repeated", None
        return "", texts

    def _split(
        self, buffer: bytes, begin: int, is_end: bool
    ) -> tuple[str, list[bytes | None] | None, int]:
        """Return reason, values and end of the record that begins at a place.

        The end is 0 where the block does not say how the record ends; values are None where the
        quotes are wrong, and then the record is the line.
        """
        found = buffer.find(NEWLINE, begin)
        line_end = len(buffer) if found < 0 else found
        if found < 0 and not is_end:
            return "", None, 0
        after_line = min(line_end + 1, len(buffer))
        if line_end - begin > LONGEST_RECORD:
            return "too_long", None, after_line
        line = buffer[begin:line_end]
        if self._quote not in line:
            values = line.removesuffix(RETURN).split(self._delimiter)
            return "", [value or None for value in values], after_line
        reason, split, end = self._split_quoted(buffer, begin, is_end)
        is_long = (end or len(buffer)) - begin > LONGEST_RECORD
        if end == 0 and not (is_end or is_long):
            return "", None, 0
        if end == 0 or (end > line_end + 1 and (reason or is_long)):
            reason = "unclosed_quote"
        return (reason, None, after_line) if reason else ("", split, end)

    def _split_quoted(
        self, buffer: bytes, begin: int, is_end: bool
    ) -> tuple[str, list[bytes | None], int]:
        values: list[bytes | None] = []
        place, size, quote = begin, len(buffer), self._quote
        while True:
            if buffer.startswith(quote, place):
                match = self._quoted.match(buffer, place)
                if not match or buffer.startswith(quote, match.end()):
                    return "", values, 0
                values.append(match[0][1:-1].replace(quote * 2, quote))
                place, wrong = match.end(), "text_after_quote"
                if buffer.startswith(RETURN, place) and (
                    buffer.startswith(NEWLINE, place + 1) or place + 1 == size
                ):
                    place += 1
            else:
                match = self._unquoted.match(buffer, place)
                assert match
                value = match[0]
                place, wrong = match.end(), "quote_in_unquoted_field"
                if buffer.startswith(NEWLINE, place) or place == size:
                    value = value.removesuffix(RETURN)
                values.append(value or None)
            if place == size:
                return "", values, size if is_end else 0
            if buffer.startswith(NEWLINE, place):
                return "", values, place + 1
            if not buffer.startswith(self._delimiter, place):
                return wrong, values, place + 1
            place += 1

    def endless(
        self, buffer: bytes, read: Read, block_bytes: int
    ) -> tuple[Batch, int, bytes, bool]:
        """Return a line that is longer than memory may hold as a reject, and what follows it."""
        raw, is_end = raw_text(buffer[:LONGEST_RECORD]), False
        found = -1
        while found < 0:
            buffer = read(block_bytes)
            is_end = not buffer
            found = len(buffer) - 1 if is_end else buffer.find(NEWLINE)
            if is_end:
                break
        reject = Reject(self._record, "too_long", raw, self._line)
        self._record += 1
        self._line += 1
        return batch_of_values([], [], [reject], [], []), found + 1, buffer, is_end
