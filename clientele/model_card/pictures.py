"""Pieces of the map of customers as inline SVG; colours are classes of the page's style."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape


def scale(low: float, high: float, start: float, end: float):
    """Return a function from values to places; a range without width lies in the middle."""
    width = (high - low) or 1.0
    return lambda value: start + (value - low) / width * (end - start)


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
    height: float,
    width: float,
) -> Markup:
    """Return a picture that a screen reader can tell."""
    return Markup(
        '<svg viewBox="0 0 {width} {height}" role="img" '
        'aria-labelledby="{name}-title {name}-text">'
        '<title id="{name}-title">{title}</title><desc id="{name}-text">{text}</desc>{parts}</svg>'
    ).format(
        width=width,
        height=f"{height:g}",
        name=name,
        title=title,
        text=description,
        parts=Markup("").join(parts),
    )
