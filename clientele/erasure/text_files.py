"""A person in files of text: lists for channels, logs, pages, what dbt says of a build."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

from clientele.erasure.replacing import Removed, Replacing, private_folder
from clientele.erasure.traces import ID_COLUMNS, REFERENCE_COLUMNS, Traces

BOM = b"\xef\xbb\xbf"
GONE = b"[erased]"
# Files whose lines stand alone; in JSON the words go and the rest stays; other files are made anew
# by the command that made them, and go as a whole.
LINES = {".log", ".txt", ".jsonl", ".ndjson", ".sql", ".md", ".yml", ".yaml"}
REDACTED = {".json"}
PIECE = 1 << 24
LONGEST_CELL = (1 << 31) - 1  # as long as every platform lets it be
OVERLAP = 1 << 10


def find_in_list(path: Path, traces: Traces) -> int:
    """Return the number of records of a CSV file that tell of the people. Raises OSError."""
    with path.open("rb") as file:
        return sum(is_theirs for _, is_theirs in _records(file, traces))


def rewrite_list(
    path: Path, traces: Traces, found: int, replacing: Replacing, records: Iterable[Path] = ()
) -> None:
    """Write a CSV file anew without these records; the bytes of all others stay. Raises OSError."""
    with private_folder(path.parent, path.stat().st_size) as private:
        finished = private / path.name
        with path.open("rb") as old, finished.open("wb") as new:
            for raw, is_theirs in _records(old, traces):
                if not is_theirs:
                    new.write(raw)
        replacing.replace(finished, path, records, Removed(found))


def find_words(path: Path, traces: Traces) -> int:
    """Return the number of lines, or of pieces of one long line, with a word that tells of them.

    Raises OSError.
    """
    words = traces.words()
    with path.open("rb") as file:
        if path.suffix in REDACTED or not _has_lines(path):
            return len(words.findall(file.read()))
        return sum(bool(words.search(line)) for line in file)


def how_words_go(path: Path) -> str:
    """Return what is taken out of a file with such words: lines, words or the whole file."""
    if path.suffix in REDACTED:
        return "words"
    return "lines" if _has_lines(path) else "file"


def erase_words(path: Path, traces: Traces, replacing: Replacing) -> None:
    """Take such words out of a file that has any. Raises OSError."""
    words = traces.words()
    if how_words_go(path) == "file":
        path.unlink()
        return
    with private_folder(path.parent, path.stat().st_size) as private:
        finished = private / path.name
        with path.open("rb") as old, finished.open("wb") as new:
            if path.suffix in REDACTED:
                new.write(words.sub(GONE, old.read()))
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


def _has_lines(path: Path) -> bool:
    return bool(LINES & set(path.suffixes)) and path.suffix not in (".gz", ".zip")


def _records(lines: Iterable[bytes], traces: Traces) -> Iterator[tuple[bytes, bool]]:
    """Give each record of a CSV file as its bytes, and whether it tells of the people.

    A record that no column tells of is theirs where a whole word of it is.
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
    for number, cells in enumerate(csv.reader(texts())):
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


def line_numbers(path: Path, traces: Traces) -> list[int]:
    """Return the lines of a seed that name the people, as an editor counts them. Raises OSError."""
    content = path.read_bytes().removeprefix(BOM)
    numbers, line = [], 1
    for raw, is_theirs in _records(io.BytesIO(content), traces):
        if is_theirs:
            numbers.append(line)
        line += raw.count(b"\n")
    return numbers
