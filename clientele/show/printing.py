"""Tables that read well in 80 columns and in 200, without colours and in a pipe."""

from __future__ import annotations

import json
import sys
from datetime import date
from decimal import Decimal
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from clientele.safe_text import printable

WIDE = 110  # columns of the terminal from which on tables say what one can do without
WIDEST = 140
NOT_KNOWN = "-"


def plain_console() -> Console:
    """Return the console of standard output, on which a text is a text and nothing else.

    A letter that the output's encoding lacks is written out, since a name must not stop a table.
    """
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    return Console(markup=False, highlight=False, emoji=False)


def table(*columns: tuple[str, str]) -> Table:
    """Return an empty table. columns: each a heading, and `left` or `right`, where numbers stand.

    Words break between them, ids where they must, numbers never.
    """
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for heading, side in columns:
        is_number = side == "right"
        made.add_column(
            heading, justify="right" if is_number else "left", no_wrap=is_number, overflow="fold"
        )
    return made


def title(console: Console, text: str) -> None:
    """Print what a table or a paragraph is about."""
    say(console, text, style="bold")


def cell(text: str | None, style: str = "") -> Text:
    """Return a text of the warehouse as a cell."""
    return Text(NOT_KNOWN if text is None else printable(text), style=style)


def say(console: Console, text: str, style: str = "") -> None:
    """Print a sentence that may hold texts of the warehouse."""
    console.print(Text(printable(text), style=style))


def count(number: int | None) -> str:
    """Return a number of things with separators."""
    return NOT_KNOWN if number is None else f"{number:,}"


def money(amount: float | None) -> str:
    """Return an amount in the source's currency, with two digits."""
    return NOT_KNOWN if amount is None else f"{amount:,.2f}"


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share from 0 to 1 as a percentage."""
    return NOT_KNOWN if share is None else f"{share:.{digits}%}"


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with values that JSON can carry: days as text, decimals as numbers."""
    return {name: _plain(value) for name, value in row.items()}


def json_text(value: Any) -> str:
    """Return JSON that standard output can write, whatever its encoding."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower()
    return json.dumps(value, ensure_ascii=not encoding.startswith("utf"), indent=2)


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value
