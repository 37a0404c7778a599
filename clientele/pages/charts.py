"""Charts: Altair says what they show, vl-convert draws them, CSS gives them their colours.

A chart is drawn once, as SVG in the page, in colours that are variables of `page.css`: it needs no
script, prints, and follows the light or dark theme of whoever reads it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import altair as alt
import vl_convert
from altair.utils.schemapi import debug_mode
from markupsafe import Markup

from clientele.pages.numbers import Numbers

TEXT, MUTED, GRID, SHEET = "var(--text)", "var(--muted)", "var(--grid)", "var(--sheet)"
ACCENT, OTHER, AGAINST = "var(--accent)", "var(--other)", "var(--against)"
GOOD, CARE, STOP = "var(--good)", "var(--care)", "var(--stop)"
# Colours of groups, in their order on the page; told apart by people who see few colours, too.
SERIES = [f"var(--series-{position})" for position in range(1, 9)]
# How an axis writes its numbers, as `labelExpr`: short, as the locale of the page has them.
SHORT_MONEY, SHORT_NUMBER = "short_money(datum.value)", "short_number(datum.value)"
LETTER_WIDTH = 7.6  # pixels, of the wider fonts
NARROW, WIDE = 340, 1040  # pixels of a whole drawing: a phone's, and the page's

DRAWN = frozenset(("d", "transform", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r"))
FRACTION = re.compile(r"[0-9]+[.][0-9]{2,}")
DOTS = re.compile(r"(?:M[\d.,-]+Z)+")  # lines of no length with round ends
SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
ElementTree.register_namespace("", SVG)
ElementTree.register_namespace("xlink", XLINK)

CONFIG: dict[str, Any] = {
    "background": None,
    "font": "sans-serif",
    "padding": 2,
    "view": {"stroke": None},
    "axis": {
        "labelColor": MUTED, "titleColor": MUTED, "gridColor": GRID, "domainColor": GRID,
        "tickColor": GRID, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal",
        "labelLimit": 160, "titlePadding": 6,
    },
    "legend": {
        "labelColor": TEXT, "titleColor": MUTED, "labelFontSize": 12, "titleFontSize": 12,
        "titleFontWeight": "normal", "orient": "top", "labelLimit": 220,
    },
    "header": {"labelColor": TEXT, "titleColor": MUTED, "labelFontSize": 12},
    "text": {"color": TEXT, "fontSize": 12},
    "bar": {"color": ACCENT},
    "line": {"color": ACCENT, "strokeWidth": 2},
    "point": {"color": ACCENT, "filled": True},
    "rule": {"color": MUTED},
    "area": {"color": ACCENT},
    "range": {"category": SERIES},
}  # fmt: skip


def draw(
    chart: Callable[[int], alt.TopLevelMixin],
    name: str,
    title: str,
    description: str,
    numbers: Numbers,
    wide: int | None = None,
) -> Markup:
    """Return a chart as a picture of the page, which a screen reader can tell.

    chart: makes the chart for a width in pixels, which its whole drawing should take; it is asked
        for the width of a phone, and for `wide` too where the chart gains by it.
    name: unique on the page, for example `market-revenue`.
    title, description: what it shows, and what is to be seen in it.
    numbers: axes are written in its locale.
    """
    widths = [NARROW] if wide is None else [NARROW, wide]
    label = f"{title}. {description}"
    # What we draw is known to be right; to hold it against the schema costs a quarter of the time.
    with debug_mode(False):
        charts = [(width, chart(width).to_dict(validate=False)) for width in widths]
    drawn = [
        Markup('<div class="{}">{}</div>').format(
            "drawing" if wide is None else "drawing narrow" if width == NARROW else "drawing wide",
            _svg(spec, f"{name}-{width}", label, numbers),
        )
        for width, spec in charts
    ]
    return Markup('<div class="chart" id="{}">{}</div>').format(name, Markup("").join(drawn))


def _svg(spec: dict[str, Any], prefix: str, label: str, numbers: Numbers) -> Markup:
    _prepare(spec, numbers)
    spec["config"] = CONFIG
    spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    for composed in ("hconcat", "vconcat", "concat", "facet", "repeat"):
        if composed in spec:
            del spec["autosize"]
            break
    text = vl_convert.vegalite_to_svg(
        spec,
        format_locale=numbers.axis_numbers(),
        time_format_locale=numbers.axis_dates(),
    )
    return Markup(_cleaned(text, prefix, label))


def _prepare(spec: Any, numbers: Numbers) -> None:
    """Write short numbers as the locale has them, and keep tips to the marks that describe theirs.

    Vega would describe the others by the names of their columns, and a line by its first point.
    """
    if isinstance(spec, list):
        for part in spec:
            _prepare(part, numbers)
    if not isinstance(spec, dict):
        return
    written = spec.get("labelExpr")
    if written in (SHORT_MONEY, SHORT_NUMBER):
        spec["labelExpr"] = numbers.axis_label(is_money=written == SHORT_MONEY)
        if spec.get("minExtent"):  # an upright axis; pages are read in wider fonts than drawn
            usual = round(LETTER_WIDTH * len(numbers.short_money(40_000)))
            spec["minExtent"] = max(spec["minExtent"], usual)
    if "mark" in spec:
        mark = spec["mark"] if isinstance(spec["mark"], dict) else {"type": spec["mark"]}
        is_told = "description" in spec.get("encoding", {}) or "description" in mark
        spec["mark"] = {**mark, "aria": is_told and mark["type"] != "line"}
    for name, part in spec.items():
        if name not in ("data", "datasets"):
            _prepare(part, numbers)


def _cleaned(text: str, prefix: str, label: str) -> str:
    """Return the drawing without what a page does not need, with a tip on each mark.

    What vega says of a mark for screen readers becomes its title, which a pointer shows: the
    picture as a whole is told by `label`, and a table stands beside it. Ids get a prefix, since
    those of two drawings would be the same.
    """
    root = ElementTree.fromstring(text)
    for element in root.iter():
        tip = element.attrib.pop("aria-label", None)
        is_mark = element.attrib.pop("aria-roledescription", "") not in (
            "axis", "legend", "title", "header", "group mark container",
        )  # fmt: skip
        for useless in ("role", "aria-hidden", "pointer-events", "font-family"):
            element.attrib.pop(useless, None)
        for opaque in ("opacity", "fill-opacity", "stroke-opacity"):
            if element.get(opaque) == "1":
                del element.attrib[opaque]
        if tip and is_mark and element.tag != f"{{{SVG}}}g":
            title = ElementTree.Element(f"{{{SVG}}}title")
            title.text = tip
            element.insert(0, title)
        for attribute, value in element.attrib.items():
            if attribute == "id":
                element.set("id", f"{prefix}-{value}")
            elif "url(#" in value:
                element.set(attribute, value.replace("url(#", f"url(#{prefix}-"))
            elif attribute in DRAWN:
                element.set(attribute, _printable(FRACTION.sub(_tenth, value)))
    for parent in list(root.iter()):
        for child in list(parent):
            if child.get("display") == "none" or child.get("d") == "M0,0h0v0h0Z":
                parent.remove(child)
    root.set("role", "img")
    root.set("aria-label", label)
    return ElementTree.tostring(root, encoding="unicode")


def _printable(path: str) -> str:
    """Return a path of dots with a length that shows on paper too.

    Readers of PDF, that of Chromium among them, draw nothing of a line without any length.
    """
    return path.replace("Z", "h.1") if DOTS.fullmatch(path) else path


def _tenth(found: re.Match[str]) -> str:
    """Return a length in pixels as far as it can be seen."""
    return f"{float(found[0]):.1f}".removesuffix(".0")
