"""Pages of docs/ that tests follow: their fenced blocks, with paths above and tables below."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

BLOCK = re.compile(
    r"^(?:\*\*`(?P<path>[^`]+)`\*\*\n+)?"
    r"```(?P<language>\w*)\n(?P<text>.*?)^```$"
    r"(?:\n\n(?P<answer>(?:^\|[^\n]*\n)+))?",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block of the page, with the path above it and the table below it."""

    language: str
    text: str
    path: str | None
    answer: list[list[str]] | None


def table(markdown: str) -> list[list[str]]:
    """Return the cells of a table in Markdown, the header first."""
    rows = [line.strip().strip("|").split("|") for line in markdown.splitlines()]
    return [[cell.strip() for cell in row] for row in (rows[0], *rows[2:])]


def blocks(page: str) -> Iterator[Block]:
    """Give the blocks of a page; a change without a path is of the file last named."""
    named = None
    for found in BLOCK.finditer(page):
        named = found["path"] or named
        answer = table(found["answer"]) if found["language"] == "sql" and found["answer"] else None
        path = named if found["language"] == "diff" else found["path"]
        yield Block(found["language"], found["text"], path, answer)


def shown(value: object) -> str:
    """Return a value as the page writes it."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
