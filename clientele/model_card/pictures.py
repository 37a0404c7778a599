"""The pictures of the cards as inline SVG; colours are classes of the page's style.

A picture is as wide in units as it is on a telephone, so that its text is as large as the page's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from clientele.model_card.reading import Row
from clientele.pages.rounding import Estimate, decimals, number, percent, rate

WIDTH, NARROW_WIDTH = 360, 260
LEFT, RIGHT, TOP, BOTTOM = 46, 350, 24, 254
HEIGHT = 298
NICE = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)


def calibration_curve(deciles: Sequence[Row], name: str) -> Markup:
    """Return what came true against what was forecast, one point a tenth of the customers.

    deciles: rows with `mean_forecast`, `observed_rate` and `customer_count`; name: an id that no
    other picture of the page has.
    """
    known = [row for row in deciles if row.get("mean_forecast") is not None]
    points = [
        (row["mean_forecast"], rate(row["observed_rate"], row["customer_count"])) for row in known
    ]
    if not points:
        return Markup("")
    top = ceiling([*(x for x, _ in points), *(y.upper for _, y in points)], most=1)
    x_at, y_at = scale(0, top, LEFT, RIGHT), scale(0, top, BOTTOM, TOP)
    parts = [*grid(y_at, ticks(top), percent), *_x_labels(x_at, ticks(top), percent)]
    parts.append(line(x_at(0), y_at(0), x_at(top), y_at(top), "reference"))
    for x, y in points:
        parts += whisker(x_at(x), y_at(y.lower), y_at(y.upper))
        parts.append(tag("circle", cx=x_at(x), cy=y_at(y.value), r=4.5, class_="mark"))
    parts.append(text((LEFT + RIGHT) / 2, HEIGHT - 6, "forecast probability", "axis", "middle"))
    parts.append(text(LEFT, TOP - 11, "turned out good", "axis", "start"))
    pairs = "; ".join(f"forecast {percent(x)}, came {percent(y.value)}" for x, y in points)
    return picture(
        name,
        "Calibration: what came true against what was forecast, by tenths of the test customers",
        f"Points on the diagonal would be perfect. From the best tenth on: {pairs}.",
        parts,
    )


def lift_by_decile(deciles: Sequence[Row], base_rate: float | None, name: str) -> Markup:
    """Return the rate of each tenth over that of all, as bars with their intervals.

    deciles: rows with `decile`, `lift`, `observed_rate` and `customer_count`; base_rate: rate of
    all test customers; name: an id that no other picture of the page has.
    """
    known = [row for row in deciles if row.get("lift") is not None]
    if not known or not base_rate:
        return Markup("")
    bars = []
    for row in known:
        interval = rate(row["observed_rate"], row["customer_count"])
        bars.append(
            (
                row["decile"],
                Estimate(row["lift"], interval.lower / base_rate, interval.upper / base_rate),
            )
        )
    top = ceiling([bar.upper for _, bar in bars])
    y_at = scale(0, top, BOTTOM, TOP)
    pitch = (RIGHT - LEFT) / 10
    parts = grid(y_at, ticks(top), lambda value: f"{value:g}")
    for decile, bar in bars:
        middle = LEFT + (decile - 0.5) * pitch
        height = y_at(0) - y_at(bar.value)
        parts.append(
            tag(
                "rect", x=middle - pitch * 0.34, y=y_at(bar.value), width=pitch * 0.68,
                height=height, class_="bar",
            )
        )  # fmt: skip
        parts += whisker(middle, y_at(bar.lower), y_at(bar.upper))
        parts.append(text(middle, BOTTOM + 16, str(decile), "tick", "middle"))
    parts.append(line(LEFT, y_at(1), RIGHT, y_at(1), "reference"))
    parts.append(text(RIGHT, y_at(1) - 4, "average", "axis", "end"))
    parts.append(
        text((LEFT + RIGHT) / 2, HEIGHT - 6, "tenth by forecast, 1 is the best", "axis", "middle")
    )
    parts.append(text(LEFT, TOP - 11, "times the average rate", "axis", "start"))
    values = ", ".join(f"{decile}: {number(bar.value, 1)}" for decile, bar in bars)
    return picture(
        name,
        "Lift by decile: how often customers turned out good, over the average",
        f"Times the average by tenth, the best first: {values}.",
        parts,
    )


def intervals(
    rows: Iterable[tuple[str, Estimate, bool]],
    title: str,
    name: str,
    *,
    reference: float | None = None,
    as_percent: bool = False,
) -> Markup:
    """Return estimates as points with their intervals, one line each.

    rows: words, estimate and whether it is the one that is served; reference: a value to compare
    with, drawn as a line; as_percent: the axis is of shares; name: an id that no other picture of
    the page has.
    """
    known = [row for row in rows if row[1].value is not None]
    if not known:
        return Markup("")
    ends = [
        end
        for _, estimate, _ in known
        for end in (estimate.value, estimate.lower, estimate.upper)
        if end is not None
    ]
    top = ceiling([*ends, *([] if reference is None else [reference])])
    lowest = min(0.0, *ends)
    x_at = scale(lowest, top, 4, NARROW_WIDTH - 8)
    factor, shown_as = (100, percent) if as_percent else (1, number)
    row_height, parts = 44, []
    bottom = 8 + row_height * len(known)
    for tick in ticks(top):
        parts.append(line(x_at(tick), 4, x_at(tick), bottom, "grid"))
        anchor = "end" if tick == top else "start" if tick == 0 == lowest else "middle"
        label = percent(tick) if as_percent else f"{tick:g}"
        parts.append(text(x_at(tick), bottom + 16, label, "tick", anchor))
    if reference is not None:
        parts.append(line(x_at(reference), 4, x_at(reference), bottom, "reference"))
    said = []
    for index, (words, estimate, is_served) in enumerate(known):
        middle = 8 + row_height * index + 30
        digits = decimals(estimate, 0 if as_percent else 2, factor)
        shown = f"{words}: {shown_as(estimate.value, digits)}"
        parts.append(
            text(4, middle - 13, shown, "label is-served" if is_served else "label", "start")
        )
        if estimate.has_interval:
            parts.append(
                line(x_at(estimate.lower), middle, x_at(estimate.upper), middle, "whisker")
            )
        kind = "mark" if is_served else "mark other"
        parts.append(tag("circle", cx=x_at(estimate.value), cy=middle, r=5, class_=kind))
        said.append(f"{shown} (served)" if is_served else shown)
    return picture(name, title, "; ".join(said) + ".", parts, bottom + 24, NARROW_WIDTH)


def ceiling(values: Iterable[float], most: float | None = None) -> float:
    """Return a round number that no value exceeds; at most `most`."""
    highest = max(max(values), 1e-6)
    power = 1e-6
    while power * 10 < highest:
        power *= 10
    found = next(step * power for step in NICE if step * power >= highest * (1 - 1e-9))
    found = float(f"{found:.6g}")
    return found if most is None else min(found, most)


def ticks(top: float) -> list[float]:
    """Return four or five round numbers from 0 to the top."""
    for count in (4, 3, 5):
        step = float(f"{top / count:.6g}")
        if len(f"{step:.2g}") >= len(f"{step:.6g}"):
            return [float(f"{step * index:.6g}") for index in range(count + 1)]
    return [0.0, top / 2, top]


def scale(low: float, high: float, start: float, end: float):
    """Return a function from values to places; a range without width lies in the middle."""
    width = (high - low) or 1.0
    return lambda value: start + (value - low) / width * (end - start)


def grid(y_at, ticks: Iterable[float], words) -> list[Markup]:
    """Return lines across with their labels; words: turns a tick into its label."""
    parts = []
    for tick in ticks:
        parts.append(line(LEFT, y_at(tick), RIGHT, y_at(tick), "grid"))
        parts.append(text(LEFT - 5, y_at(tick) + 4, words(tick), "tick", "end"))
    return parts


def _x_labels(x_at, ticks: Sequence[float], words) -> list[Markup]:
    return [
        text(x_at(tick), BOTTOM + 16, words(tick), "tick", "end" if tick == ticks[-1] else "middle")
        for tick in ticks
    ]


def whisker(x: float, lower: float, upper: float) -> list[Markup]:
    """Return an upright interval."""
    return [
        line(x, lower, x, upper, "whisker"),
        line(x - 3, lower, x + 3, lower, "whisker"),
        line(x - 3, upper, x + 3, upper, "whisker"),
    ]


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    """Return a line; kind: its class."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind)


def text(x: float, y: float, words: str, kind: str, anchor: str) -> Markup:
    """Return words at a place; kind: their class; anchor: start, middle or end."""
    return tag("text", words, x=x, y=y, class_=kind, text_anchor=anchor)


def tag(element: str, words: str | None = None, **attributes: object) -> Markup:
    """Return an element; numbers are rounded to a tenth, `class_` and `text_anchor` are renamed."""
    listed = Markup("").join(
        Markup(' {}="{}"').format(
            name.rstrip("_").replace("_", "-"),
            f"{value:.1f}".removesuffix(".0") if isinstance(value, (int, float)) else value,
        )
        for name, value in attributes.items()
    )
    return Markup("<{0}{1}>{2}</{0}>").format(
        Markup(element), listed, Markup("") if words is None else escape(words)
    )


def picture(
    name: str,
    title: str,
    description: str,
    parts: Iterable[Markup],
    height: float = HEIGHT,
    width: float = WIDTH,
) -> Markup:
    """Return a picture that a screen reader can tell."""
    return Markup(
        '<svg viewBox="0 0 {width} {height}" class="{kind}" role="img" '
        'aria-labelledby="{name}-title {name}-text">'
        '<title id="{name}-title">{title}</title><desc id="{name}-text">{text}</desc>{parts}</svg>'
    ).format(
        width=width,
        kind="narrow" if width == NARROW_WIDTH else "wide",
        height=f"{height:g}",
        name=name,
        title=title,
        text=description,
        parts=Markup("").join(parts),
    )
