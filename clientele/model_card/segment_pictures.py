"""The pictures of the segments' card: curves over k, and ageing over time."""

from __future__ import annotations

import math
from collections.abc import Sequence

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


def _with_error(row: Row, measure: str, error: str | None) -> Estimate:
    spread = row[error] if error else None
    if spread is None:
        return Estimate(row[measure])
    return Estimate(row[measure], row[measure] - Z_95 * spread, row[measure] + Z_95 * spread)


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
