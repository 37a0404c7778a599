"""Who went from which segment to which: bands between then and today, as wide as they are many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import altair as alt

from clientele.pages.charts import MUTED, NARROW, OTHER

GROUND = "var(--ground)"
NODE_GAP, NODE_WIDTH, LABEL_STEP, TOP, PADDING = 10, 10, 16, 24, 2
# How far a band has come between its ends, a quarter of the way at a time: it leaves and arrives
# level.
CURVE = (0.0, 0.1035, 0.5, 0.8965, 1.0)


@dataclass(frozen=True)
class Flow:
    """Those who went one way. Sizes are of both ends; a place of None is outside the segments."""

    start: str
    end: str
    start_size: float
    end_size: float
    tip: str


@dataclass
class Node:
    """A segment at one end: its name, colour and label, and where it stands."""

    name: str
    label: str
    colour: str = OTHER
    top: float = 0.0
    size: float = 0.0
    used: float = field(default=0.0)


def flow_chart(
    starts: Sequence[Node],
    ends: Sequence[Node],
    flows: Sequence[Flow],
    titles: tuple[str, str],
    least_share: float = 0.005,
) -> Callable[[int], alt.LayerChart]:
    """Return what draws the flows for a width in pixels.

    starts, ends: the segments then and today in the order of the page, with those outside them;
    flows: between their names; titles: over the two ends. A flow of less than `least_share` of all
    is not drawn, but has its place.
    """

    def chart(width: int) -> alt.LayerChart:
        inner = width - 2 * PADDING
        margin = 0 if width <= NARROW else 190
        rows = max(len(starts), len(ends))
        height = TOP + max(240 if width <= NARROW else 280, rows * 26)
        scale = min(_scale(nodes, flows, side, height) for side, nodes in enumerate((starts, ends)))
        left, right = (
            {node.name: node for node in _stacked(nodes, flows, side, height, scale)}
            for side, nodes in enumerate((starts, ends))
        )
        total = max(sum(flow.start_size for flow in flows), sum(flow.end_size for flow in flows))
        x_from, x_to = margin + NODE_WIDTH, inner - margin - NODE_WIDTH
        bands: list[dict[str, Any]] = []
        order = {node.name: index for index, node in enumerate(ends)}
        for node in starts:
            own = [flow for flow in flows if flow.start == node.name]
            for flow in sorted(own, key=lambda flow: order[flow.end]):
                start, end = left[flow.start], right[flow.end]
                sizes = flow.start_size * scale, flow.end_size * scale
                tops = start.top + start.used, end.top + end.used
                start.used += sizes[0]
                end.used += sizes[1]
                if max(flow.start_size, flow.end_size) < least_share * total:
                    continue
                colour = end.colour if start.colour == OTHER else start.colour
                for step, done in enumerate(CURVE):
                    top = tops[0] + (tops[1] - tops[0]) * done
                    size = sizes[0] + (sizes[1] - sizes[0]) * done
                    bands.append(
                        {
                            "x": round(x_from + (x_to - x_from) * step / (len(CURVE) - 1)),
                            "y": round(top, 1),
                            "y2": round(top + max(size, 0.5), 1),
                            "band": f"{flow.start}\n{flow.end}",
                            "colour": colour,
                            "tip": flow.tip,
                        }
                    )
        return _drawing((inner, height), margin, (left, right), bands, titles).properties(
            width=width, height=height
        )

    return chart


def _sizes(nodes: Sequence[Node], flows: Sequence[Flow], side: int) -> list[float]:
    return [
        sum(
            (flow.start_size, flow.end_size)[side]
            for flow in flows
            if (flow.start, flow.end)[side] == node.name
        )
        for node in nodes
    ]


def _scale(nodes: Sequence[Node], flows: Sequence[Flow], side: int, height: float) -> float:
    """Return the pixels that there are for one of an end, which may be a customer or an amount."""
    room = height - TOP - NODE_GAP * (len(nodes) - 1) - 4
    return room / (sum(_sizes(nodes, flows, side)) or 1.0)


def _stacked(
    nodes: Sequence[Node], flows: Sequence[Flow], side: int, height: float, scale: float
) -> list[Node]:
    """Return the segments of one end below each other."""
    found, top = [], float(TOP)
    for node, size in zip(nodes, _sizes(nodes, flows, side), strict=True):
        found.append(Node(node.name, node.label, node.colour, top, size * scale))
        top += size * scale + NODE_GAP
    return found


def spread(places: Sequence[float], step: float, low: float, high: float) -> list[float]:
    """Return places in their order, moved apart to at least a step and kept between two ends."""
    found: list[float] = []
    for place in places:
        found.append(max(place, low if not found else found[-1] + step))
    limit = high
    for index in range(len(found) - 1, -1, -1):
        found[index] = min(found[index], limit)
        limit = found[index] - step
    return found


def _drawing(
    size: tuple[float, float],
    margin: float,
    sides: tuple[dict[str, Node], dict[str, Node]],
    bands: list[dict[str, Any]],
    titles: tuple[str, str],
) -> alt.LayerChart:
    inner, height = size
    x = alt.X("x:Q", scale=alt.Scale(domain=[0, inner], nice=False, zero=False), axis=None)
    y = alt.Y("y:Q", scale=alt.Scale(domain=[height, 0], nice=False, zero=False), axis=None)
    colour = alt.Color("colour:N", scale=None)
    blocks, labels = [], ([], [])
    for side, nodes in enumerate(sides):
        edge = margin if side == 0 else inner - margin - NODE_WIDTH
        is_inside = margin == 0
        at = {
            (0, False): edge - 8,
            (1, False): edge + NODE_WIDTH + 8,
            (0, True): edge + NODE_WIDTH + 6,
            (1, True): edge - 6,
        }[side, is_inside]
        middles = [node.top + node.size / 2 for node in nodes.values()]
        places = spread(middles, LABEL_STEP, TOP + 6, height - 6)
        for node, place in zip(nodes.values(), places, strict=True):
            blocks.append(
                {
                    "x": edge,
                    "x2": edge + NODE_WIDTH,
                    "y": round(node.top, 1),
                    "y2": round(node.top + max(node.size, 1), 1),
                    "colour": node.colour,
                    "tip": node.label,
                }
            )
            labels[side].append({"x": at, "y": place, "label": node.label})
        labels[side].append({"x": at, "y": 8, "label": titles[side], "is_title": True})
    layers = [
        alt.Chart(alt.Data(values=bands))
        .mark_area(opacity=0.35, interpolate="monotone")
        .encode(x=x, y=y, y2="y2:Q", detail="band:N", fill=colour, description="tip:N"),
        alt.Chart(alt.Data(values=blocks))
        .mark_rect()
        .encode(x=x, x2="x2:Q", y=y, y2="y2:Q", fill=colour, description="tip:N"),
    ]
    for side in (0, 1):
        is_right_aligned = (side == 0) != (margin == 0)
        text = {
            "align": "right" if is_right_aligned else "left",
            "baseline": "middle",
            "fontSize": 12,
            "aria": False,
            "limit": margin - 10 if margin else inner / 2 - NODE_WIDTH - 10,
        }
        base = alt.Chart(alt.Data(values=labels[side])).encode(x=x, y=y, text="label:N")
        if margin == 0:
            layers.append(
                base.mark_text(stroke="var(--ground)", strokeWidth=3, strokeOpacity=0.8, **text)
            )
        named = base.transform_filter("!datum.is_title")
        layers.append(named.mark_text(**text))
        layers.append(base.transform_filter("datum.is_title").mark_text(color=MUTED, **text))
    return alt.layer(*layers)
