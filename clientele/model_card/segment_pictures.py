"""The pictures of the segments' card: curves over k, ageing over time, and the map of customers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from markupsafe import Markup

from clientele.model_card.pictures import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    ceiling,
    grid,
    line,
    picture,
    scale,
    tag,
    text,
    ticks,
    whisker,
)  # fmt: skip
from clientele.model_card.reading import Row
from clientele.pages.rounding import Z_95, Estimate, number, percent

SQUARE = 340  # of the map, whose axes have one scale
HUE_STEP = 137.5  # the golden angle: neighbours in the list are far apart in hue


def curve_over_k(
    scores: Sequence[Row],
    measure: str,
    title: str,
    name: str,
    *,
    error: str | None = None,
    as_percent: bool = False,
) -> Markup:
    """Return a measure of each number of segments; the one that is served is filled.

    scores: rows of segment_k_scores; error: column of its standard error, drawn as 95 % intervals;
    the row of the rule segments, which has no k, is a line across where the measure knows it.
    """
    known = [row for row in scores if row["k"] is not None and row[measure] is not None]
    if not known:
        return Markup("")
    rules = next((row[measure] for row in scores if row["k"] is None), None)
    points = [(row, _with_error(row, measure, error)) for row in known]
    ends = [end for _, point in points for end in (point.value, point.upper) if end is not None]
    top = ceiling([*ends, *([] if rules is None else [rules])])
    x_at = scale(min(row["k"] for row in known) - 0.5, max(row["k"] for row in known) + 0.5,
                 LEFT, RIGHT)  # fmt: skip
    y_at = scale(0, top, BOTTOM, TOP)
    parts = grid(y_at, ticks(top), _whole_percent if as_percent else _short)
    parts.append(_path([(x_at(row["k"]), y_at(max(row[measure], 0))) for row in known], "curve"))
    if rules is not None:
        parts.append(line(LEFT, y_at(rules), RIGHT, y_at(rules), "reference"))
        parts.append(text(RIGHT, y_at(rules) + 14, "rule segments", "axis", "end"))
    for row, point in points:
        if point.has_interval:
            parts += whisker(x_at(row["k"]), y_at(max(point.lower, 0)), y_at(point.upper))
        kind = "mark" if row["is_chosen"] else "mark other"
        parts.append(tag("circle", cx=x_at(row["k"]), cy=y_at(max(point.value, 0)), r=5,
                         class_=kind))  # fmt: skip
        if measure == "inertia" and row["is_knee"]:
            parts.append(text(x_at(row["k"]), y_at(point.value) - 12, "knee", "axis", "middle"))
        label = "tick is-served" if row["is_chosen"] else "tick"
        parts.append(text(x_at(row["k"]), BOTTOM + 16, str(row["k"]), label, "middle"))
    parts.append(text((LEFT + RIGHT) / 2, HEIGHT - 6, "number of segments", "axis", "middle"))
    said = ", ".join(f"{row['k']}: {_shown(row[measure], as_percent)}" for row in known)
    said += "" if rules is None else f"; rule segments: {_shown(rules, as_percent)}"
    return picture(name, f"{title} by number of segments", f"{said}.", parts)


def ageing(
    lags: Sequence[Row],
    origins: Sequence[Row],
    measure: str,
    bound: str,
    threshold: float,
    name: str,
) -> Markup:
    """Return how a measure changes with the age of the segments, against its threshold.

    lags: rows of segment_stability_lags; origins: rows of segment_stability, each a dot;
    measure: `rho` or `phi`; bound: the lags' column that is held against the threshold; name: an
    id that no other picture of the page has.
    """
    if not lags:
        return Markup("")
    top = ceiling([threshold, *(row[measure] for row in origins), *(row[bound] for row in lags)])
    latest = max(row["lag_days"] for row in lags)
    x_at, y_at = scale(0, latest * 1.05, LEFT, RIGHT), scale(0, top, BOTTOM, TOP)
    parts = grid(y_at, ticks(top), _whole_percent if measure == "phi" else _short)
    step = max(1, round(len(lags) / 5))
    for row in lags[step - 1 :: step]:
        parts.append(
            text(x_at(row["lag_days"]), BOTTOM + 16, str(row["lag_days"]), "tick", "middle")
        )
    dots = "".join(
        f"M{x_at(row['lag_days']):.0f} {y_at(max(row[measure], 0)):.1f}h0"
        for row in origins
        if row[measure] is not None
    )
    parts.append(tag("path", d=dots, class_="dots faint"))
    parts.append(line(LEFT, y_at(threshold), RIGHT, y_at(threshold), "reference"))
    shown = _shown(threshold, measure == "phi")
    parts.append(text(RIGHT, y_at(threshold) - 5, f"limit {shown}", "axis", "end"))
    judged = [row for row in lags if row["is_judged"]]
    parts.append(
        _path([(x_at(row["lag_days"]), y_at(max(row[bound], 0))) for row in judged], "curve")
    )
    for row in judged:
        parts.append(tag("circle", cx=x_at(row["lag_days"]), cy=y_at(max(row[bound], 0)), r=4,
                         class_="mark"))  # fmt: skip
    parts.append(text((LEFT + RIGHT) / 2, HEIGHT - 6, "age in days", "axis", "middle"))
    said = ", ".join(
        f"{row['lag_days']} days: {_shown(row[bound], measure == 'phi')}"
        f"{'' if row['is_judged'] else ' (fewer than 3 origins)'}"
        for row in lags
    )
    title = {
        "rho": "Agreement of the kept segments with new ones, by age",
        "phi": "Share of margin that would change its segment, by age",
    }[measure]
    return picture(name, title, f"{said}. The limit is {shown}.", parts)


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


def _with_error(row: Row, measure: str, error: str | None) -> Estimate:
    spread = row[error] if error else None
    if spread is None:
        return Estimate(row[measure])
    return Estimate(row[measure], row[measure] - Z_95 * spread, row[measure] + Z_95 * spread)


def _middle_range(values: Sequence[float]) -> tuple[float, float]:
    """Return the range of all but the outermost hundredth, a little widened."""
    ordered = sorted(values)
    cut = len(ordered) // 200
    low, high = ordered[cut], ordered[-1 - cut]
    return low - 0.03 * (high - low), high + 0.03 * (high - low)


def _within(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


def _path(points: Sequence[tuple[float, float]], kind: str) -> Markup:
    return tag("path", d="M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points), class_=kind)


def _short(value: float) -> str:
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


def _whole_percent(share: float) -> str:
    return percent(share, 0 if math.isclose(100 * share, round(100 * share)) else 1)


def _shown(value: float, as_percent: bool) -> str:
    if as_percent:
        return percent(value, 1)
    return number(value, 0 if abs(value) >= 100 else 2)
