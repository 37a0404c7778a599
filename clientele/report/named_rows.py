"""Charts with a row for each name: names as long as they are, in as many lines as they take."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import altair as alt

PHONE = 500  # pixels: below it, names are broken into short lines
MOST_LINES = 3
LETTER = 7.4  # pixels of a letter of the widest font that a reader may have


def broken(name: str, width: int) -> str:
    """Return a name with line breaks, for a drawing of so many pixels; what is too long is cut."""
    letters = 19 if width < PHONE else 42
    return "\n".join(textwrap.wrap(name, letters, max_lines=MOST_LINES, placeholder="\u2026"))


def name_axis(names: Mapping[Hashable, str], field: str, width: int) -> alt.Y:
    """Return the vertical axis of a chart with a row for each of some names, in their order.

    names: what is shown, by what `field` holds as text; two things may have the same name.
    """
    ids = [str(one) for one in names]
    shown = {str(one): broken(name, width) for one, name in names.items()}
    label = f"split({json.dumps(shown)}[datum.value], '\\n')"
    return alt.Y(
        f"{field}:N",
        sort=ids,
        title=None,
        axis=alt.Axis(
            labelExpr=label,
            labelLimit=0,
            labelPadding=8,
            # The font that a reader has is not the one that the drawing was measured with.
            minExtent=8
            + LETTER
            * max((len(line) for text in shown.values() for line in text.split("\n")), default=0),
            ticks=False,
            domain=False,
            grid=False,
        ),
    )


def height(names: Mapping[Hashable, str], width: int, least: int = 30) -> int:
    """Return the pixels that the rows take."""
    lines = max((broken(name, width).count("\n") + 1 for name in names.values()), default=1)
    return len(names) * max(least, 16 * lines + 8)


def unique_names(
    rows: Sequence[Mapping[str, Any]], key: tuple[str, str], name: str
) -> dict[tuple[Any, Any], str]:
    """Return the names of things and their versions by both, with the version where it tells."""
    found = {(row[key[0]], row[key[1]]): row[name] for row in rows}
    shown = list(found.values())
    return {
        place: f"{one}, version {place[1]}" if shown.count(one) > 1 else one
        for place, one in found.items()
    }
