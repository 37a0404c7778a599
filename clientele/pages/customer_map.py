"""The map of customers: those alike lie close together, in the colours of their segments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import hypot
from statistics import median
from typing import Any

import altair as alt
from markupsafe import Markup

from clientele.pages.charts import MUTED, OTHER, SERIES, SHEET, draw
from clientele.pages.numbers import Numbers

Row = Mapping[str, Any]

PADDING = 2  # of every drawing, on each side
EDGE = 20  # left of the dots and below them, for the words of the axes
# What is more, and what is less, the further one goes.
DIRECTIONS = {
    "recency": ("longer without an order", "ordered lately"),
    "frequency": ("more orders", "fewer orders"),
    "average_order_value": ("larger orders", "smaller orders"),
    "promo_share": ("more promotions", "fewer promotions"),
    "own_discount_share": ("more own discount", "less own discount"),
    "rating": ("more stars given", "fewer stars given"),
    "app_opens_30d": ("more app openings", "fewer app openings"),
    "app_opens_90d": ("more app openings", "fewer app openings"),
    "cm2_rate": ("higher margin rate", "lower margin rate"),
    "distance": ("further away", "closer by"),
    "category_breadth": ("more categories", "fewer categories"),
    "predicted_quality": ("more likely good", "less likely good"),
}


def series_colour(index: int) -> str:
    """Return the colour of a segment, by its place in the list from 0; the ninth has none."""
    return SERIES[index] if index < len(SERIES) else OTHER


def axis_words(axes: Sequence[Row], component: int, most: int = 2) -> list[str]:
    """Return what a direction of the map stands for, the weightiest first.

    axes: rows of segment_projection_axes; component: 1 is to the right, 2 upwards. Features of the
    same words are named once.
    """
    rows = [row for row in axes if row["component"] == component]
    rows.sort(key=lambda row: (-abs(row["loading"]), row["feature"]))
    found: dict[str, None] = {}
    for row in rows:
        name = row["feature"].replace("_", " ")
        more, less = DIRECTIONS.get(row["feature"], (f"more {name}", f"less {name}"))
        found[more if row["loading"] > 0 else less] = None
    return list(found)[:most]


def customer_map(
    dots: Sequence[Row], groups: Sequence[Row], axes: Sequence[Row], name: str, numbers: Numbers
) -> Markup:
    """Return customers as dots by their two principal components, a colour a segment.

    dots: `segment_id`, `component_1` and `component_2` of each; groups: the segments in the order
    of their numbers, which stand at the middle (median) of each; axes: rows of
    segment_projection_axes; name: as in `draw`. Without dots there is nothing to draw.
    """
    if not dots or not axes:
        return Markup("")
    places = _places(dots, groups)
    words = [", ".join(axis_words(axes, component)) for component in (1, 2)]
    tips = "; ".join(f"{index} {group['segment_name']}" for index, group in enumerate(groups, 1))
    return draw(
        lambda width: _chart(places, words, width),
        name,
        f"{numbers.number(len(dots))} customers by their two principal components",
        f"To the right: {words[0]}. Upwards: {words[1]}. Numbers stand at the middle of their "
        f"segment: {tips}.",
        numbers,
    )


Places = list[tuple[str, str, list[tuple[float, float]]]]  # name, colour, from 0 to 1


def _places(dots: Sequence[Row], groups: Sequence[Row]) -> Places:
    """Return the dots of each segment within a square, both ways on one scale."""
    x_low, x_high = _middle_range([float(dot["component_1"]) for dot in dots])
    y_low, y_high = _middle_range([float(dot["component_2"]) for dot in dots])
    side = max(x_high - x_low, y_high - y_low) or 1.0
    x_start, y_start = (x_low + x_high - side) / 2, (y_low + y_high - side) / 2
    found = []
    for index, group in enumerate(groups):
        own = [
            (
                _within((float(dot["component_1"]) - x_start) / side),
                _within((float(dot["component_2"]) - y_start) / side),
            )
            for dot in dots
            if dot["segment_id"] == group["segment_id"]
        ]
        found.append((group["segment_name"], series_colour(index), own))
    return found


def _chart(places: Places, words: Sequence[str], width: int) -> alt.LayerChart:
    """Return the map as broken lines of no length with round ends.

    A segment is one path, so that a dot costs some ten bytes; in whole pixels, for the same reason.
    """
    inner = width - 2 * PADDING
    side = inner - EDGE - 6
    height = side + EDGE + 6
    x = alt.X("x:Q", scale=alt.Scale(domain=[0, inner], nice=False, zero=False), axis=None)
    y = alt.Y("y:Q", scale=alt.Scale(domain=[height, 0], nice=False, zero=False), axis=None)
    clouds: list[alt.Chart] = []
    labels: list[dict[str, Any]] = []
    for number, (name, colour, own) in enumerate(places, start=1):
        if not own:
            continue
        # As text, which Altair does not hold against its schema dot by dot; a line without an end
        # breaks the path.
        lines = [
            f"{EDGE + round(across * side)},{6 + round((1 - up) * side)},{place}\n,,{place}"
            for place, (across, up) in enumerate(own)
        ]
        data = alt.InlineData(
            values="\n".join(["x,y,order", *lines]),
            format=alt.CsvDataFormat(
                type="csv", parse={"x": "number", "y": "number", "order": "number"}
            ),
        )
        dots = alt.Chart(data).mark_line(
            strokeWidth=4.5,
            strokeCap="round",
            opacity=0.5,
            invalid="break-paths-show-domains",
            stroke=colour,
            description=name,
        )
        clouds.append(dots.encode(x=x, y=y, order="order:Q"))
        middle = median(across for across, _ in own), median(up for _, up in own)
        across, up = (min(max(place, 0.03), 0.97) * side for place in middle)
        label = {"x": EDGE + across, "y": 6 + side - up, "label": str(number)}
        # Of numbers that would lie upon each other the first is read.
        if all(hypot(label["x"] - one["x"], label["y"] - one["y"]) >= 18 for one in labels):
            labels.append(label)
    numbers = alt.Chart(alt.Data(values=labels)).encode(x=x, y=y, text="label:N")
    bold = {"fontSize": 17, "fontWeight": "bold", "aria": False}
    sizes = {"fontSize": 12, "color": MUTED, "limit": side, "aria": False}
    across = alt.Chart(alt.Data(values=[{"x": inner, "y": height - 4}])).mark_text(
        text=f"{words[0]} \N{RIGHTWARDS ARROW}", align="right", baseline="bottom", **sizes
    )
    upwards = alt.Chart(alt.Data(values=[{"x": 2, "y": 6}])).mark_text(
        text=f"{words[1]} \N{RIGHTWARDS ARROW}",
        align="right",
        baseline="top",
        angle=270,
        **sizes,
    )
    return alt.layer(
        *clouds,
        numbers.mark_text(stroke=SHEET, strokeWidth=5, **bold),
        numbers.mark_text(**bold),
        across.encode(x=x, y=y),
        upwards.encode(x=x, y=y),
    ).properties(width=width, height=height)


def _middle_range(values: Sequence[float]) -> tuple[float, float]:
    """Return the range of all but the outermost hundredth, a little widened."""
    ordered = sorted(values)
    cut = len(ordered) // 200
    low, high = ordered[cut], ordered[-1 - cut]
    return low - 0.03 * (high - low), high + 0.03 * (high - low)


def _within(share: float) -> float:
    """Return a place at the edge for one beyond it."""
    return min(max(share, 0.0), 1.0)
