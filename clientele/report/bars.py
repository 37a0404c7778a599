"""Pictures that several sections draw: bars of a ranking, pairs of shares, rates with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import altair as alt

from clientele.pages.charts import ACCENT, MUTED, OTHER, SHORT_MONEY, SHORT_NUMBER
from clientele.pages.numbers import Numbers
from clientele.pages.rounding import rate
from clientele.report.reading import Row

BAR_HEIGHT = 24
LABEL_SHARE = 0.42  # of a drawing, at most, for what its bars are called
LETTER_WIDTH = 7.6  # pixels; fonts of readers are wider than the one that drawings are measured by
LARGEST_SHARE = 0.7  # of the colour of a cell: text on it stays readable

Drawing = Callable[[int], alt.TopLevelMixin]
Values = Sequence[dict[str, Any]]


def shade(value: Any, largest: Any) -> str:
    """Return how much of its colour a cell gets, for `--share`: none for nothing and for losses."""
    if value is None or largest is None or largest <= 0 or value <= 0:
        return "0"
    return f"{LARGEST_SHARE * float(value) / float(largest):.2f}"


def number_axis(
    number_format: str, ticks: int = 4, title: str | None = None, extent: int = 0
) -> alt.Axis:
    """Return an axis of numbers, each written for itself: nothing is 0 and not 0k.

    number_format: as d3 has it, written in the locale of the page, or SHORT_MONEY or SHORT_NUMBER
        of the charts. extent: pixels that it takes at least, for the numbers of an upright axis.
    """
    is_short = number_format in (SHORT_MONEY, SHORT_NUMBER)
    written = number_format if is_short else f"format(datum.value, '{number_format}')"
    return alt.Axis(labelExpr=written, tickCount=ticks, title=title, minExtent=extent)


def height_of(values: Values) -> float:
    """Return how high a drawing with one bar for each label is."""
    labels = {value["label"] for value in values}
    return BAR_HEIGHT * len(labels) * (1.4 if any("\n" in label for label in labels) else 1)


def names(values: Values, width: int) -> alt.Y:
    """Return the axis of what bars are called, in the order of the values.

    A label may have several lines.
    """
    labels = list(dict.fromkeys(value["label"] for value in values))
    longest = max(len(line) for label in labels for line in label.splitlines())
    widest = int(min(width * LABEL_SHARE, LETTER_WIDTH * longest + 6))
    axis = alt.Axis(
        labelExpr="split(datum.label, '\\n')",
        labelLimit=int(0.9 * widest),
        minExtent=widest,
        ticks=False,
        domain=False,
    )
    return alt.Y("label:N", title=None, sort=labels, axis=axis)


def ranked_bars(values: Values, number_format: str) -> Drawing:
    """Return bars from the first to the last value.

    values: of each bar its `label`, its `value` and its `tip`.
    """

    def chart(width: int) -> alt.Chart:
        return (
            alt.Chart(alt.Data(values=list(values)), width=width, height=height_of(values))
            .mark_bar(color=ACCENT, height={"band": 0.7})
            .encode(
                y=names(values, width),
                x=alt.X("value:Q", axis=number_axis(number_format)),
                description="tip:N",
            )
        )

    return chart


def share_pairs(
    rows: Iterable[Row], label: str, shares: Mapping[str, str], numbers: Numbers, digits: int = 0
) -> list[dict[str, Any]]:
    """Return the values of `paired_shares`.

    label: the column of what a pair is called; shares: the columns of the two, each by its kind.
    """
    return [
        {
            "label": row[label],
            "kind": kind,
            "value": float(row[column]),
            "tip": f"{row[label]}: {numbers.percent(row[column], digits)} {kind}",
        }
        for row in rows
        for kind, column in shares.items()
    ]


def paired_shares(values: Values, first: str, second: str) -> Drawing:
    """Return two bars for each label, to be compared.

    values: of each bar its `label`, its `kind` (`first` or `second`), its `value` and its `tip`.
    The page has the legend: it can be wider than the picture.
    """

    def chart(width: int) -> alt.Chart:
        return (
            alt.Chart(alt.Data(values=list(values)), width=width, height=1.5 * height_of(values))
            .mark_bar()
            .encode(
                y=names(values, width),
                yOffset=alt.YOffset("kind:N", sort=[first, second]),
                x=alt.X("value:Q", axis=number_axis(".0%")),
                color=alt.Color(
                    "kind:N",
                    sort=[first, second],
                    scale=alt.Scale(domain=[first, second], range=[OTHER, ACCENT]),
                    legend=None,
                ),
                description="tip:N",
            )
        )

    return chart


def rate_value(
    label: str, share: Any, count: int, numbers: Numbers, digits: int = 0
) -> dict[str, Any]:
    """Return a value of `rates`: a share of so many, with its interval.

    label: may have several lines.
    """
    found = rate(float(share), count)
    value, lower, upper = (
        numbers.percent(end, digits) for end in (found.value, found.lower, found.upper)
    )
    return {
        "label": label,
        "value": found.value,
        "lower": found.lower,
        "upper": found.upper,
        "tip": f"{' '.join(label.splitlines())}: {value} ({lower} to {upper})",
    }


def rates(values: Values) -> Drawing:
    """Return rates as points, each on the line of its interval.

    values: of each rate its `label`, its `value`, `lower` and `upper`, and its `tip`.
    """

    def chart(width: int) -> alt.LayerChart:
        base = alt.Chart(alt.Data(values=list(values))).encode(y=names(values, width))
        whiskers = base.mark_rule(color=MUTED, strokeWidth=2).encode(
            x=alt.X("lower:Q", axis=number_axis(".0%")),
            x2="upper:Q",
        )
        points = base.mark_point(color=ACCENT, filled=True, size=70, opacity=1).encode(
            x=alt.X("value:Q", axis=number_axis(".0%")), description="tip:N"
        )
        return alt.layer(whiskers, points).properties(width=width, height=height_of(values))

    return chart
