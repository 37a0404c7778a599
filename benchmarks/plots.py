"""The plots of a result: cost against size, rivals, memory."""

from __future__ import annotations

import math
from pathlib import Path

import altair as alt
import pandas as pd
import vl_convert

Sizes = list[tuple[int, dict[str, dict[str, float]]]]  # customers, medians of each case

PICTURES = {
    "cost": "CPU seconds against customers, on logarithmic axes",
    "rivals": "CPU seconds and memory of SQL, polars and pandas for the same single view",
    "memory": "Peak memory against customers, on logarithmic axes",
}
NAMES = {
    "first": "whole build, every fit",
    "refresh": "whole build, no fit due",
    "increment": "whole build, one day added",
    "sql": "single view, 24 months",
    "sql_now": "single view, SQL",
    "polars": "single view, polars",
    "pandas": "single view, pandas",
    "copies": "its tables, only copied",
    "floor": "floor",
}
COLOURS = {
    "first": "#5b2a86", "refresh": "#9a4fc9", "increment": "#d42a76", "sql": "#2f74d0",
    "sql_now": "#0b3d91", "polars": "#b5651d", "pandas": "#7a0f1f", "floor": "#666666",
    "copies": "#2e8b6f",
}  # fmt: skip
TEXT, MUTED, GRID = "#1e1e1e", "#5c5c5c", "#e3e3e3"
WIDTH, HEIGHT = 460, 360
LABEL_PIXELS = 17  # between two labels beside the lines
SHORT = 'format(datum.value, datum.value < 1000 ? ".3~f" : "~s")'
MEMORY_GOAL = 2_000  # MB
CONFIG = {
    "background": "white",
    "font": "sans-serif",
    "padding": 12,
    "view": {"stroke": None},
    "axis": {
        "labelColor": MUTED, "titleColor": MUTED, "gridColor": GRID, "domainColor": GRID,
        "tickColor": GRID, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal",
        "titlePadding": 8,
    },
    "title": {
        "anchor": "start", "fontSize": 15, "color": TEXT, "subtitleColor": MUTED,
        "subtitleFontSize": 12, "offset": 14, "frame": "group",
    },
}  # fmt: skip


def draw(sizes: Sizes, folder: Path) -> None:
    """Write the pictures as SVG; those that a result has nothing for are left out."""
    charts = {
        "cost": against_size(sizes, "cpu", "CPU seconds", cost_title(sizes)),
        "rivals": rivals(sizes),
        "memory": against_size(sizes, "peak", "peak memory, MB", memory_title(sizes), MEMORY_GOAL),
    }
    for name, chart in charts.items():
        if chart is not None:
            spec = chart.configure(**CONFIG).to_json()
            (folder / f"{name}.svg").write_text(vl_convert.vegalite_to_svg(spec))


def frame_of(sizes: Sizes, measure: str) -> pd.DataFrame:
    """Return one row a case and size: case, customers, value."""
    rows = [
        (case, customers, figures[measure])
        for customers, found in sizes
        for case, figures in found.items()
        if case in NAMES
    ]
    return pd.DataFrame(rows, columns=["case", "customers", "value"])


def short(number: float) -> str:
    """Return a number in a few letters: 5k, 578k, 5.8m."""
    for unit, letter in ((1e6, "m"), (1e3, "k")):
        if number >= unit:
            return f"{number / unit:.3g}{letter}"
    return f"{number:.3g}"


def against_size(
    sizes: Sizes, measure: str, label: str, title: dict, goal: float | None = None
) -> alt.LayerChart | None:
    """Return lines over the sizes, each with its name beside its end."""
    frame = frame_of(sizes, measure)
    if frame.empty:
        return None
    low, high = frame["value"].min() / 1.4, frame["value"].max() * 1.4
    customers = sorted(frame["customers"].unique())
    x = alt.X(
        "customers:Q",
        scale=alt.Scale(
            type="log", domain=[customers[0] / 1.25, customers[-1] * 1.1], nice=False
        ),
        axis=alt.Axis(
            values=customers, grid=False, title="customers",
            labelExpr="{" + ", ".join(f"'{n}': '{short(n)}'" for n in customers)
            + "}[round(datum.value)]",
        ),
    )  # fmt: skip
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    y = alt.Y(
        "value:Q",
        scale=scale,
        axis=alt.Axis(values=ticks(low, high), labelExpr=SHORT, title=label),
    )
    colour = alt.Color(
        "case:N", legend=None, scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values()))
    )
    base = alt.Chart(frame).encode(x=x, y=y, color=colour)
    ends = placed(frame, low, high)
    # A line that ends before the others is led to its name by dots, which are not taken for cost.
    ends["is_early"] = ends["customers"] < customers[-1]
    names = (
        alt.Chart(ends)
        .mark_text(align="left", dx=12, baseline="middle", fontSize=12)
        .encode(x=alt.value(WIDTH), y=alt.Y("place:Q", scale=scale), text="label:N", color=colour)
    )
    threads = (
        alt.Chart(ends)
        .mark_rule(strokeWidth=0.9, opacity=0.7)
        .encode(
            x=alt.X("customers:Q"), x2=alt.value(WIDTH + 9),
            y=alt.Y("value:Q", scale=scale), y2=alt.Y2("place:Q"), color=colour,
            strokeDash=alt.StrokeDash(
                "is_early:N", legend=None,
                scale=alt.Scale(domain=[False, True], range=[[1, 0], [1, 5]]),
            ),
        )
    )  # fmt: skip
    layers = [threads, base.mark_line(strokeWidth=2), base.mark_point(filled=True, size=45), names]
    if goal is not None and low < goal < high:
        rule = alt.Chart(pd.DataFrame({"value": [goal]})).encode(y=alt.Y("value:Q", scale=scale))
        told = rule.mark_text(
            align="left", baseline="bottom", dx=4, dy=-3, color=MUTED, fontSize=12
        ).encode(x=alt.value(0), text=alt.value(f"goal: {goal / 1000:g} GB"))
        layers = [rule.mark_rule(strokeDash=[5, 4], color=MUTED), *layers, told]
    return alt.layer(*layers).properties(width=WIDTH, height=HEIGHT, title=title)


def placed(frame: pd.DataFrame, low: float, high: float) -> pd.DataFrame:
    """Return the last point of each line, with where its name stands: none covers another."""
    ends = frame.sort_values("customers").groupby("case").tail(1).sort_values("value").copy()
    span = math.log(high / low)
    heights = [math.log(value / low) / span * HEIGHT for value in ends["value"]]
    for index in range(1, len(heights)):
        heights[index] = max(heights[index], heights[index - 1] + LABEL_PIXELS)
    for index in range(len(heights) - 1, -1, -1):
        above = heights[index + 1] if index + 1 < len(heights) else HEIGHT + LABEL_PIXELS
        heights[index] = min(heights[index], above - LABEL_PIXELS)
    ends["place"] = [low * math.exp(height / HEIGHT * span) for height in heights]
    ends["label"] = [NAMES[case] for case in ends["case"]]
    return ends


def ticks(low: float, high: float) -> list[float]:
    """Return 1, 2, 5, 10, ... in a range."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if high / low < 200 else (1, 3)
    return [step * 10.0**power for power in powers for step in steps
            if low <= step * 10.0**power <= high]  # fmt: skip


def rivals(sizes: Sizes) -> alt.HConcatChart | None:
    """Return bars of the largest size at which most of the rivals were measured."""
    with_rivals = [
        (len({"polars", "pandas"} & set(found)), customers, found)
        for customers, found in sizes
        if "sql_now" in found and {"polars", "pandas"} & set(found)
    ]
    if not with_rivals:
        return None
    _, customers, found = max(with_rivals, key=lambda size: size[:2])
    cases = [case for case in ("floor", "sql_now", "polars", "pandas") if case in found]
    words = {"floor": "floor", "sql_now": "SQL (dbt)", "polars": "polars", "pandas": "pandas"}
    charts = []
    for measure, label in (("cpu", "CPU seconds"), ("peak", "peak memory, MB")):
        frame = pd.DataFrame(
            {
                "case": cases,
                "name": [words[case] for case in cases],
                "value": [found[case][measure] for case in cases],
            }
        )
        frame["told"] = [
            f"{value:,.{0 if value >= 100 else 1}f}"
            + (f"  ({value / found['sql_now'][measure]:.2g}x SQL)" if case != "sql_now" else "")
            for case, value in zip(cases, frame["value"], strict=True)
        ]
        base = alt.Chart(frame).encode(
            y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelFontSize=13, ticks=False)),
            x=alt.X("value:Q", title=label, scale=alt.Scale(domain=[0, frame["value"].max() * 1.5]),
                    axis=alt.Axis(tickCount=4, format=",.3~f", grid=False)),
        )  # fmt: skip
        bars = base.mark_bar(height=24).encode(
            color=alt.Color("case:N", legend=None,
                            scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values())))
        )  # fmt: skip
        text = base.mark_text(align="left", dx=5, color=TEXT, fontSize=12).encode(text="told:N")
        charts.append((bars + text).properties(width=300, height=38 * len(cases)))
    return alt.hconcat(*charts, spacing=40).properties(title=rivals_title(customers, found))


def rivals_title(customers: int, found: dict[str, dict[str, float]]) -> dict:
    """Return what the bars say."""
    ours = found["sql_now"]
    parts = [
        f"{case} takes {found[case]['cpu'] / ours['cpu']:.2g}x the CPU and "
        f"{found[case]['peak'] / ours['peak']:.2g}x the memory of SQL"
        for case in ("polars", "pandas")
        if case in found
    ]
    return {
        "text": parts[0] if len(parts) == 1 else [f"{parts[0]},", parts[1]],
        "subtitle": [
            f"single view of {customers:,} customers, equal in every value; SQL keeps rejects and",
            "all its tables, and its CPU holds a start of dbt; the others keep the result alone",
        ],
    }


def growth(sizes: Sizes, case: str, measure: str) -> tuple[float, float] | None:
    """Return how many times the customers and the measure grew between the two largest sizes."""
    having = [(customers, found[case][measure]) for customers, found in sizes if case in found]
    if len(having) < 2:
        return None
    (fewer, less), (more, greater) = having[-2:]
    return more / fewer, greater / less


def cost_title(sizes: Sizes) -> dict:
    """Return what the lines of cost say."""
    grown = growth(sizes, "first", "cpu")
    if grown is None:
        return {"text": "CPU of each build"}
    fewer, more = sizes[-2][0], sizes[-1][0]
    return {
        "text": f"{grown[0]:.3g} times the customers cost {grown[1]:.2g} times the CPU",
        "subtitle": f"whole build with every fit, from {short(fewer)} to {short(more)} customers",
    }


def memory_title(sizes: Sizes) -> dict:
    """Return what the lines of memory say."""
    peaks = {
        case: found[case]["peak"] for _, found in sizes[-1:] for case in ("first", "sql")
        if case in found
    }  # fmt: skip
    if not peaks:
        return {"text": "Peak memory of each process"}
    case = max(peaks, key=peaks.get)
    return {
        "text": f"{short(sizes[-1][0])} customers take {peaks[case] / 1000:.2g} GB at most",
        "subtitle": f"peak of the largest process: {NAMES[case]}",
    }
