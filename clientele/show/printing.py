"""Tables that read well in 80 columns and in 200, on a dumb terminal, without colours and in a pipe."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from clientele.safe_text import printable

WIDE = 120  # from here on a table has the columns that one can do without
NOT_KNOWN = "-"


def plain_console() -> Console:
    """Return the console of standard output, on which a text is a text and nothing else.

    A letter that the output's encoding lacks is written out, since a name must not stop a table.
    """
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    return Console(markup=False, highlight=False, emoji=False)


def table(title: str, columns: Sequence[tuple[str, str]]) -> Table:
    """Return an empty table. columns: headings, each with `left`, `right` or `fold` (left, broken
    anywhere, for ids).
    """
    made = Table(
        title=Text(printable(title), style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
    )
    for heading, kind in columns:
        justify = "right" if kind == "right" else "left"
        made.add_column(
            heading,
            justify=justify,
            no_wrap=kind == "right",
            overflow="fold",
        )
    return made


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
