"""A person in files of text: lists for channels, logs, pages, what dbt says of a build."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from clientele.durable import sync_folder
from clientele.erasure.people import ErasureError
from clientele.erasure.replacing import Removed, Replacing, private_folder
from clientele.erasure.traces import ID_COLUMNS, REFERENCE_COLUMNS, Traces

BOM = b"\xef\xbb\xbf"
GONE = b"[erased]"
# Files whose lines stand alone; in JSON the words go and the rest stays; other files are made anew
# by the command that made them, and go as a whole.
LINES = {".log", ".txt", ".jsonl", ".ndjson", ".sql", ".md", ".yml", ".yaml"}
REDACTED = {".json"}
# What production says of itself: no line of it may be lost, and its numbers are counts and sizes.
OWN_RECORDS = {"journal.jsonl", "run.json"}
JSON_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"')
PIECE = 1 << 24
LONGEST_CELL = (1 << 31) - 1  # as long as every platform lets it be
OVERLAP = 1 << 10


def find_in_list(path: Path, traces: Traces) -> int:
    """Return the number of records of a CSV file that tell of the people.

    Raises ErasureError and OSError.
    """
    with path.open("rb") as file:
        return sum(is_theirs for _, is_theirs in _records(path, file, traces))


def rewrite_list(
    path: Path, traces: Traces, found: int, replacing: Replacing, records: Iterable[Path] = ()
) -> None:
    """Write a CSV file anew without these records; the bytes of all others stay.

    Raises ErasureError and OSError.
    """
    with private_folder(path.parent, path.stat().st_size) as private:
        finished = private / path.name
        with path.open("rb") as old, finished.open("wb") as new:
            for raw, is_theirs in _records(path, old, traces):
                if not is_theirs:
                    new.write(raw)
        replacing.replace(finished, path, records, Removed(found))


def find_words(path: Path, traces: Traces) -> int:
    """Return the number of lines, or of pieces of one long line, with a word that tells of them.

    Raises OSError.
    """
    words = traces.words()
    with path.open("rb") as file:
        if path.name in OWN_RECORDS:
            texts = JSON_TEXT.findall(file.read())
            return sum(len(words.findall(text)) for text in texts)
        if _is_json(path) or not _has_lines(path):
            return len(words.findall(file.read()))
        return sum(bool(words.search(line)) for line in file)


def how_words_go(path: Path) -> str:
    """Return what is taken out of a file with such words: lines, words or the whole file."""
    if _is_json(path):
        return "words"
    return "lines" if _has_lines(path) else "file"


def erase_words(path: Path, traces: Traces, replacing: Replacing) -> None:
    """Take such words out of a file that has any. Raises OSError."""
    words = traces.words()
    if how_words_go(path) == "file":
        path.unlink()
        sync_folder(path.parent)
        return
    with private_folder(path.parent, path.stat().st_size) as private:
        finished = private / path.name
        with path.open("rb") as old, finished.open("wb") as new:
            if _is_json(path):
                new.write(_redacted(path, old.read(), words))
            else:
                new.writelines(line for line in old if not words.search(line))
        replacing.replace(finished, path)


def find_bytes(path: Path, texts: Iterable[bytes], numbers: Iterable[bytes]) -> int:
    """Return how many of some byte strings are anywhere in a file. Raises OSError.

    texts: in lower case, found in whatever case. numbers: found as they are.
    """
    missing_texts, missing_numbers = set(texts), set(numbers)
    total = len(missing_texts) + len(missing_numbers)
    tail = b""
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            window = tail + piece
            missing_numbers = {mark for mark in missing_numbers if mark not in window}
            window = window.lower()
            missing_texts = {mark for mark in missing_texts if mark not in window}
            tail = (tail + piece)[-OVERLAP:]
    return total - len(missing_texts) - len(missing_numbers)


def _is_json(path: Path) -> bool:
    return path.suffix in REDACTED or path.name in OWN_RECORDS


def _redacted(path: Path, content: bytes, words: re.Pattern[bytes]) -> bytes:
    """Return JSON without the words, which is JSON still: a number becomes a text."""
    content = JSON_TEXT.sub(lambda text: words.sub(GONE, text[0]), content)
    return content if path.name in OWN_RECORDS else words.sub(b'"' + GONE + b'"', content)


def _has_lines(path: Path) -> bool:
    return bool(LINES & set(path.suffixes)) and path.suffix not in (".gz", ".zip")


def _records(path: Path, lines: Iterable[bytes], traces: Traces) -> Iterator[tuple[bytes, bool]]:
    """Give each record of a CSV file as its bytes, and whether it tells of the people.

    path: where it is of, for who is told that it is no CSV. A record that no column tells of is
    theirs where a whole word of it is. Raises ErasureError.
    """
    taken: list[bytes] = []

    def texts() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            # Python 3.10 reads no NUL.
            yield line.decode("utf-8", "surrogateescape").replace("\0", " ")

    sought: list[tuple[int, set[str]]] = []
    all_texts = traces.texts
    words = traces.words()
    csv.field_size_limit(LONGEST_CELL)
    for number, cells in enumerate(_cells(path, texts())):
        raw = b"".join(taken)
        taken.clear()
        plain = [cell.lstrip("\ufeff").lstrip("'").strip().lower() for cell in cells]
        if number == 0:
            sought = [
                (place, traces.ids if name in ID_COLUMNS else traces.all_references)
                for place, name in enumerate(plain)
                if name in ID_COLUMNS | REFERENCE_COLUMNS
            ]
        is_theirs = (
            any(place < len(plain) and plain[place] in values for place, values in sought)
            or any(cell in all_texts for cell in plain)
            or bool(words.search(raw))
        )
        yield raw, is_theirs
    if taken:
        yield b"".join(taken), False


def _cells(path: Path, texts: Iterable[str]) -> Iterator[list[str]]:
    """Give the cells of each record. Raises ErasureError where the text is no CSV."""
    try:
        yield from csv.reader(texts, strict=True)
    except csv.Error as error:  # such as a lost quote, or text in a file that is none
        raise ErasureError(
            f"{path} is no CSV ({error}); set it right, or move it elsewhere"
        ) from error


def line_numbers(path: Path, traces: Traces) -> list[int]:
    """Return the lines of a seed that name the people, as an editor counts them.

    Raises ErasureError and OSError.
    """
    content = path.read_bytes().removeprefix(BOM)
    numbers, line = [], 1
    for raw, is_theirs in _records(path, io.BytesIO(content), traces):
        if is_theirs:
            numbers.append(line)
        line += raw.count(b"\n")
    return numbers
