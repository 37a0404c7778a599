"""Charts of how good the models are, drawn alike in the report and on the model cards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from clientele.pages.charts import ACCENT, MUTED, OTHER, SHEET, SHORT_NUMBER, TEXT
from clientele.pages.numbers import Numbers
from clientele.pages.rounding import Z_95, Estimate, decimals

Row = Mapping[str, Any]
HEIGHT = 260
DASHES = [5, 4]
STATES = ["served", "passed the gate", "did not pass"]  # of a number of segments
LEAST_RHO, MOST_PHI = 0.80, 0.10  # limits of the backtest of the segments, as its SQL has them


@dataclass(frozen=True)
class Picture:
    """A chart with its words; `chart` makes it for a width in pixels, as `draw` wants it."""

    chart: Callable[[int], alt.TopLevelMixin]
    title: str
    description: str


def calibration(deciles: Iterable[Row], numbers: Numbers) -> Picture | None:
    """Return what came true against what was forecast, one point a tenth of the customers.

    deciles: rows with `decile`, `mean_forecast`, `observed_rate` and the ends of its interval,
    `lower_rate` and `upper_rate`, from the best tenth on. Null where there is none.
    """
    known = [_floats(row) for row in deciles if row["mean_forecast"] is not None]
    if not known:
        return None
    for row in known:
        row["tip"] = (
            f"tenth {row['decile']:g}: forecast {_percent(row['mean_forecast'], numbers)}, came "
            f"{_percent(row['observed_rate'], numbers)}"
        )
    top = min(1.0, 1.04 * max(max(row["mean_forecast"], row["upper_rate"]) for row in known))
    scale = alt.Scale(domain=[0, top], nice=False)
    axis = alt.Axis(format=percent_format([top]), tickCount=5, labelOverlap=True)

    def chart(width: int) -> alt.LayerChart:
        x = alt.X("mean_forecast:Q", title="forecast probability", scale=scale, axis=axis)
        y = alt.Y("observed_rate:Q", title="turned out good", scale=scale, axis=axis)
        base = alt.Chart(_data(known)).encode(x=x)
        diagonal = (
            alt.Chart(_data([{"at": 0.0}, {"at": top}]))
            .mark_line(color=MUTED, strokeWidth=1.5, strokeDash=DASHES)
            .encode(x=alt.X("at:Q", scale=scale), y=alt.Y("at:Q", scale=scale))
        )
        whiskers = base.mark_rule(color=TEXT, strokeWidth=1.3).encode(
            y=alt.Y("lower_rate:Q", scale=scale, title="turned out good"), y2="upper_rate:Q"
        )
        points = base.mark_point(
            color=ACCENT, filled=True, size=75, opacity=1, stroke=SHEET, strokeWidth=1.5
        ).encode(y=y, description="tip:N")
        return alt.layer(diagonal, whiskers, points, width=width, height=HEIGHT)

    pairs = "; ".join(row["tip"] for row in known)
    return Picture(
        chart,
        "Calibration: what came true against what was forecast, by tenths of the test customers",
        f"Points on the diagonal would be perfect. From the best tenth on: {pairs}.",
    )


def lift(deciles: Iterable[Row], numbers: Numbers) -> Picture | None:
    """Return the rate of each tenth over that of all, as bars with their intervals.

    deciles: rows with `decile`, `decile_lift` and the ends of its interval, `lower_decile_lift`
    and `upper_decile_lift`. Null where there is none.
    """
    known = [_floats(row) for row in deciles if row["decile_lift"] is not None]
    if not known:
        return None
    for row in known:
        row["tip"] = f"tenth {row['decile']:g}: {numbers.number(row['decile_lift'], 1)} times"

    def chart(width: int) -> alt.LayerChart:
        x = alt.X("decile:O", title="tenth by forecast, 1 is the best", axis=alt.Axis(labelAngle=0))
        y = alt.Y("decile_lift:Q", title="times the average rate", axis=alt.Axis(tickCount=5))
        base = alt.Chart(_data(known)).encode(x=x)
        return alt.layer(
            base.mark_bar(color=ACCENT, opacity=0.55).encode(y=y, description="tip:N"),
            base.mark_rule(color=TEXT, strokeWidth=1.3).encode(
                y=alt.Y("lower_decile_lift:Q", title="times the average rate"),
                y2="upper_decile_lift:Q",
            ),
            across(1, "average"),
            width=width,
            height=HEIGHT,
        )

    said = "; ".join(row["tip"] for row in known)
    return Picture(
        chart,
        "Lift by decile: how often customers turned out good, over the average",
        f"Times the average, the best tenth first: {said}.",
    )


def intervals(
    methods: Sequence[tuple[str, Estimate, bool]],
    title: str,
    numbers: Numbers,
    *,
    reference: float | None = None,
    as_percent: bool = False,
) -> Picture | None:
    """Return estimates as points with their intervals, one line each.

    methods: words, estimate and whether it is the one that is served; reference: a value to compare
    with, drawn as a line; as_percent: they are shares. Null where nothing is known.
    """
    rows = []
    for words, estimate, is_served in methods:
        if estimate.value is None:
            continue
        digits = decimals(estimate, 0 if as_percent else 2, 100 if as_percent else 1)
        shown = numbers.percent if as_percent else numbers.number
        rows.append(
            {
                "words": f"{words}: {shown(estimate.value, digits)}",
                "value": float(estimate.value),
                "lower": None if estimate.lower is None else float(estimate.lower),
                "upper": None if estimate.upper is None else float(estimate.upper),
                "is_served": is_served,
            }
        )
    if not rows:
        return None

    def chart(width: int) -> alt.LayerChart:
        x = alt.X("value:Q", title=None, scale=alt.Scale(zero=True),
                  axis=alt.Axis(format=".0%" if as_percent else ",.2~f", tickCount=4))  # fmt: skip
        y = alt.Y("words:N", title=None, sort=None, axis=None)
        base = alt.Chart(_data(rows)).encode(y=y)
        layers = [
            base.mark_rule(color=TEXT, strokeWidth=1.3).encode(x=alt.X("lower:Q"), x2="upper:Q"),
            base.mark_point(filled=True, size=90, opacity=1, stroke=SHEET, strokeWidth=1.5).encode(
                x=x, color=_served("is_served"), description="words:N"
            ),
            base.mark_text(align="left", dy=-15, color=TEXT).encode(
                x=alt.value(4),
                text="words:N",
                opacity=alt.condition("datum.is_served", alt.value(1), alt.value(0.8)),
            ),
        ]
        if reference is not None:
            line = alt.Chart(_data([{"at": reference}])).mark_rule(color=MUTED, strokeDash=DASHES)
            layers.insert(0, line.encode(x="at:Q"))
        return alt.layer(*layers, width=width, height=46 * len(rows))

    said = "; ".join(f"{row['words']}{' (served)' if row['is_served'] else ''}" for row in rows)
    return Picture(chart, title, f"{said}.")


def curve_over_k(
    scores: Iterable[Row],
    measure: str,
    title: str,
    numbers: Numbers,
    *,
    error: str | None = None,
    as_percent: bool = False,
) -> Picture | None:
    """Return a measure of each number of segments; what passed the gate is filled, the served blue.

    scores: rows of segment_k_scores; error: column of its standard error, drawn as 95 % intervals.
    The row of the rule segments, which has no k, is a line across where the measure knows it. Null
    where no number has the measure.
    """
    scores = list(scores)
    known = [row for row in scores if row["k"] is not None and row[measure] is not None]
    if not known:
        return None
    rules = next((row[measure] for row in scores if row["k"] is None), None)

    def shown(value: float) -> str:
        if as_percent:
            return numbers.percent(value, 1)
        return numbers.number(value, 0 if abs(value) >= 100 else 2)

    rows = [
        {
            "k": row["k"],
            "value": float(row[measure]),
            "lower": _end(row, measure, error, -1),
            "upper": _end(row, measure, error, 1),
            "state": STATES[0 if row["is_chosen"] else 1 if row["is_eligible"] else 2],
            "knee": "knee" if measure == "inertia" and row["is_knee"] else "",
            "tip": f"{row['k']} segments: {shown(row[measure])}",
        }
        for row in sorted(known, key=lambda row: row["k"])
    ]
    ends = [end for row in rows for end in (row["value"], row["upper"]) if end is not None]
    form = {"format": percent_format(ends)} if as_percent else {"labelExpr": SHORT_NUMBER}
    is_flat = max(map(abs, ends)) < 0.01  # an axis of nothing has no ticks

    def chart(width: int) -> alt.LayerChart:
        x = alt.X("k:O", title="number of segments", axis=alt.Axis(labelAngle=0))
        y = alt.Y(
            "value:Q", title=None,
            scale=alt.Scale(zero=True, **({"domainMax": 0.01} if is_flat else {})),
            axis=alt.Axis(**form, tickCount=5),
        )  # fmt: skip
        base = alt.Chart(_data(rows)).encode(x=x)
        layers = [
            base.mark_line(color=OTHER, strokeWidth=1.5).encode(y=y),
            base.mark_rule(color=TEXT, strokeWidth=1.3).encode(y=alt.Y("lower:Q"), y2="upper:Q"),
            base.mark_point(size=85, opacity=1, strokeWidth=2, filled=False).encode(
                y=y,
                stroke=alt.Stroke(
                    "state:N", legend=None,
                    scale=alt.Scale(domain=STATES, range=[ACCENT, OTHER, OTHER]),
                ),
                fill=alt.Fill(
                    "state:N", legend=None,
                    scale=alt.Scale(domain=STATES, range=[ACCENT, OTHER, SHEET]),
                ),
                description="tip:N",
            ),
            base.mark_text(dy=-13, color=MUTED).encode(y=y, text="knee:N"),
        ]  # fmt: skip
        if rules is not None:
            # Below the line, where most curves are not, but never on the axis.
            has_room = float(rules) > 0.15 * max(*ends, float(rules))
            layers.append(across(float(rules), "rule segments", below=has_room))
        return alt.layer(*layers, width=width, height=HEIGHT)

    said = "; ".join(f"{row['tip']} ({row['state']})" for row in rows)
    said += "" if rules is None else f"; rule segments: {shown(rules)}"
    return Picture(chart, f"{title} by number of segments", f"{said}.")


def ageing(
    lags: Iterable[Row], origins: Iterable[Row], measure: str, numbers: Numbers
) -> Picture | None:
    """Return how a measure changes with the age of the segments, against its limit.

    lags: rows of segment_stability_lags; origins: rows of segment_stability, each a faint dot;
    measure: `rho`, whose low end is held against the limit, or `phi`, whose high end is. Null where
    nothing was looked at.
    """
    lags = sorted(lags, key=lambda row: row["lag_days"])
    if not lags:
        return None
    is_share = measure == "phi"
    bound = "high_phi" if is_share else "low_rho"
    limit = MOST_PHI if is_share else LEAST_RHO

    def shown(value: float | None) -> str:
        return numbers.percent(value, 1) if is_share else numbers.number(value, 2)

    words = f"limit {numbers.percent(limit) if is_share else shown(limit)}"
    judged = [
        {
            "days": row["lag_days"],
            "value": max(float(row[bound]), 0.0),
            "tip": f"{row['lag_days']} days: {shown(row[bound])}",
        }
        for row in lags
        if row["is_judged"] and row[bound] is not None
    ]
    dots = [
        {"days": row["lag_days"], "value": max(float(row[measure]), 0.0)}
        for row in origins
        if row[measure] is not None
    ]

    # Agreement far below the limit is rare; from 0 on, all of the picture would be empty.
    seen = [limit, *(row["value"] for row in (*judged, *dots))]
    lowest = 0.0 if is_share else min(0.6, *seen)

    def chart(width: int) -> alt.LayerChart:
        x = alt.X("days:Q", title="age in days", axis=alt.Axis(tickCount=6), scale=alt.Scale(
            domain=[0, 1.05 * lags[-1]["lag_days"]], nice=False))  # fmt: skip
        y = alt.Y("value:Q", title=None, scale=alt.Scale(domainMin=lowest, zero=False),
                  axis=alt.Axis(format=percent_format(seen) if is_share else ".1f",
                                tickCount=5))  # fmt: skip
        faint = alt.Chart(_data(dots)).mark_point(
            color=OTHER, filled=True, size=28, opacity=0.55
        ).encode(x=x, y=y)  # fmt: skip
        base = alt.Chart(_data(judged)).encode(x=x, y=y)
        return alt.layer(
            faint,
            across(limit, words, below=not is_share),
            base.mark_line(color=ACCENT),
            base.mark_point(color=ACCENT, filled=True, size=55, opacity=1).encode(
                description="tip:N"
            ),
            width=width,
            height=HEIGHT,
        )

    said = "; ".join(
        f"{row['lag_days']} days: {shown(row[bound])}"
        f"{'' if row['is_judged'] else ' (fewer than 3 origins)'}"
        for row in lags
    )
    title = (
        "Share of margin that would change its segment, by age"
        if is_share
        else "Agreement of the kept segments with new ones, by age"
    )
    return Picture(chart, title, f"{said}; {words}.")


def across(at: float, words: str, *, below: bool = False, left: bool = False) -> alt.LayerChart:
    """Return a dashed line across the chart with words at one end, which no mark hides."""
    base = alt.Chart(_data([{"at": at, "words": words}])).encode(y=alt.Y("at:Q", title=None))
    place = {"align": "left" if left else "right", "baseline": "bottom", "dy": 17 if below else -3}
    end = alt.value(4) if left else alt.value("width")
    return alt.layer(
        base.mark_rule(color=MUTED, strokeWidth=1.5, strokeDash=DASHES),
        base.mark_text(**place, color=SHEET, stroke=SHEET, strokeWidth=4).encode(
            x=end, text="words:N"
        ),
        base.mark_text(**place, color=MUTED).encode(x=end, text="words:N"),
    )


def percent_format(shares: Iterable[float]) -> str:
    """Return how an axis writes shares: with a decimal where its steps would look alike."""
    top = max(shares, default=1.0)
    return ".0%" if top >= 0.05 else ".1%" if top >= 0.005 else ".2%"


def _percent(share: float, numbers: Numbers) -> str:
    return numbers.percent(share, 0 if share >= 0.1 else 1)


def _served(flag: str) -> alt.Color:
    return alt.Color(
        f"{flag}:N", legend=None, scale=alt.Scale(domain=[True, False], range=[ACCENT, OTHER])
    )


def _end(row: Row, measure: str, error: str | None, sign: int) -> float | None:
    spread = row[error] if error else None
    return None if spread is None else float(row[measure]) + sign * Z_95 * float(spread)


def _floats(row: Row) -> dict[str, Any]:
    """Return the numbers of a row as a chart takes them; decimals have no place in JSON."""
    return {
        name: float(value)
        for name, value in row.items()
        if not isinstance(value, (str, bool)) and hasattr(value, "__float__")
    }


def _data(rows: Sequence[Mapping[str, Any]]) -> alt.Data:
    return alt.Data(values=list(rows))
