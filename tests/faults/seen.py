"""What was expected of each fault and what was seen, for the table that `make faults` prints."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

IS_WHOLE = os.environ.get("CLIENTELE_FAULTS") == "whole"
NOTES = os.environ.get("CLIENTELE_FAULTS_NOTES", "")


@dataclass
class Seen:
    """What a test says that it saw."""

    text: str = ""

    def say(self, text: str) -> None:
        """Set what was seen."""
        self.text = text


@contextmanager
def check(kind: str, fault: str, expected: str) -> Iterator[Seen]:
    """Note a fault with its outcome, whatever becomes of the block."""
    seen, is_right = Seen(), False
    try:
        yield seen
        is_right = True
    finally:
        note(kind, fault, expected, seen.text or ("as expected" if is_right else ""), is_right)


def note(kind: str, fault: str, expected: str, seen: str, is_right: bool) -> None:
    """Append a row to the notes; one write a row, so that processes may write side by side."""
    if NOTES:
        row = json.dumps([kind, fault, expected, seen, is_right])
        with Path(NOTES).open("a") as file:
            file.write(row + "\n")


def summary(notes: Path) -> tuple[str, bool]:
    """Return the notes as Markdown, and whether all is as expected."""
    rows = [json.loads(line) for line in notes.read_text().splitlines()]
    kinds = dict.fromkeys(row[0] for row in rows)
    wrong = sum(not row[4] for row in rows)
    parts = [
        "# Faults, what is expected of each and what was seen",
        f"{len(rows)} rows, {wrong} not as expected.",
    ]
    for kind in kinds:
        parts.append(f"## {kind.capitalize()}")
        table = ["| fault | expected | seen |", "|---|---|---|"]
        for _, fault, expected, seen, is_right in (row for row in rows if row[0] == kind):
            mark = "" if is_right else "**NOT AS EXPECTED** "
            table.append(f"| {_cell(fault)} | {_cell(expected)} | {mark}{_cell(seen)} |")
        parts.append("\n".join(table))
    return "\n\n".join(parts) + "\n", not wrong


def _cell(text: str) -> str:
    shown = "".join(character if character.isprintable() else " " for character in text)
    shown = shown.replace("|", "\\|")
    return shown if len(shown) <= 120 else shown[:119] + "…"


def main() -> None:
    """Write the table of the notes, and print it."""
    notes, output = Path(sys.argv[1]), Path(sys.argv[2])
    text, is_right = summary(notes)
    output.write_text(text)
    print(text)
    sys.exit(not is_right)


if __name__ == "__main__":
    main()
