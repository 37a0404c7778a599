"""The map of customers on the segments' card."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from markupsafe import Markup

from clientele.model_card.pictures import picture, scale, tag, text
from clientele.model_card.reading import Row
from clientele.pages.rounding import number, percent

SQUARE = 340  # of the map, whose axes have one scale
HUE_STEP = 137.5  # the golden angle: neighbours in the list are far apart in hue


def customer_map(
    places: Sequence[Row],
    groups: Sequence[Row],
    axes: Sequence[Row],
    name: str,
) -> Markup:
    """Return customers as dots by their two principal components, a colour a segment.

    places: rows of segment_projection; groups: the segments in the order of their numbers, which
    stand at the middle (median) of each; axes: rows of segment_projection_axes; name: an id that
    no other picture of the page has.
    """
    if not places or not axes:
        return Markup("")
    x_low, x_high = _middle_range([row["component_1"] for row in places])
    y_low, y_high = _middle_range([row["component_2"] for row in places])
    half = max(x_high - x_low, y_high - y_low) / 2 or 1.0
    x_middle, y_middle = (x_low + x_high) / 2, (y_low + y_high) / 2
    x_at = scale(x_middle - half, x_middle + half, 20, SQUARE - 10)
    y_at = scale(y_middle - half, y_middle + half, SQUARE - 40, 10)
    parts, labels = [], []
    for index, group in enumerate(groups):
        own = [row for row in places if row["segment_id"] == group["segment_id"]]
        if not own:
            continue
        # Zero-length strokes with round ends: a dot costs about ten bytes. Beyond the edge they
        # are drawn at the edge.
        dots = "".join(
            f"M{_within(x_at(row['component_1']), 14, SQUARE - 4):.0f} "
            f"{_within(y_at(row['component_2']), 4, SQUARE - 34):.0f}h0"
            for row in own
        )
        parts.append(tag("path", d=dots, class_="dots", style=f"--hue:{hue(index)}"))
        x = _within(x_at(median(row["component_1"] for row in own)), 20, SQUARE - 10)
        y = _within(y_at(median(row["component_2"] for row in own)), 16, SQUARE - 40)
        labels.append(text(x, y + 5, str(index + 1), "number-label", "middle"))
    shares = {row["component"]: row["explained_variance_share"] for row in axes}
    first, second = (f"component {n}: {percent(shares.get(n), 0)} of variance" for n in (1, 2))
    parts += labels
    parts.append(text(SQUARE / 2, SQUARE - 10, f"{first} \N{RIGHTWARDS ARROW}", "axis", "middle"))
    parts.append(
        tag("text", f"{second} \N{RIGHTWARDS ARROW}", class_="axis", text_anchor="middle",
            transform=f"translate(9 {SQUARE / 2 - 15:.0f}) rotate(-90)")
    )  # fmt: skip
    said = "; ".join(
        f"{index} {group['segment_name']}" for index, group in enumerate(groups, start=1)
    )
    return picture(
        name,
        f"{number(len(places))} customers by their two principal components",
        f"{first}, {second}. Numbers stand at the middle of their segment: {said}.",
        parts,
        SQUARE,
        SQUARE,
    )


def hue(index: int) -> str:
    """Return the hue of a segment, in degrees, by its place in the list from 0."""
    return f"{(210 + index * HUE_STEP) % 360:.0f}"


def _middle_range(values: Sequence[float]) -> tuple[float, float]:
    """Return the range of all but the outermost hundredth, a little widened."""
    ordered = sorted(values)
    cut = len(ordered) // 200
    low, high = ordered[cut], ordered[-1 - cut]
    return low - 0.03 * (high - low), high + 0.03 * (high - low)


def _within(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
