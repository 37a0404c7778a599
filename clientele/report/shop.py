"""One source as its sections show it: numbers that name where they were read, and charts."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import altair as alt
from markupsafe import Markup

from clientele.pages.charts import draw
from clientele.pages.model_charts import Picture
from clientele.pages.numbers import Numbers
from clientele.report.reading import Row


class Shop:
    """One source: its numbers in words, and its charts.

    Every number that a template shows comes through `count`, `percent`, `money` or `text_of`, which
    write where it was read beside it.
    """

    def __init__(self, overview: Row, position: int, locale: str) -> None:
        self.source = overview["source"]
        self.id = f"shop-{position}"  # a source's name may hold what an id may not
        self.overview = overview
        self.numbers = Numbers(locale, overview["currency"])

    def count(self, row: Row, column: str, digits: int = 0) -> Markup:
        """Return a number of a row, with so many decimals."""
        return figure(row, column, self.numbers.number(row[column], digits))

    def percent(self, row: Row, column: str, digits: int = 0) -> Markup:
        """Return a share of a row, from 0 to 1, as a percentage."""
        return figure(row, column, self.numbers.percent(row[column], digits))

    def money(self, row: Row, column: str, digits: int = 0) -> Markup:
        """Return an amount of a row in the shop's currency."""
        return figure(row, column, self.numbers.money(row[column], digits))

    def short_money(self, row: Row, column: str) -> Markup:
        """Return an amount of a row in three digits."""
        return figure(row, column, self.numbers.short_money(row[column]))

    def day(self, row: Row, column: str) -> Markup:
        """Return a date of a row."""
        return figure(row, column, self.numbers.day(row[column]))

    def month(self, row: Row, column: str) -> Markup:
        """Return the month of a date of a row."""
        return figure(row, column, self.numbers.month(row[column]))

    def chart(
        self,
        chart: Callable[[int], alt.TopLevelMixin],
        name: str,
        title: str,
        description: str,
        wide: int | None = None,
    ) -> Markup:
        """Return a chart; arguments as in `draw`, but `name` is unique within the shop."""
        return draw(chart, f"{self.id}-{name}", title, description, self.numbers, wide)

    def picture(self, picture: Picture | None, name: str, wide: int | None = None) -> Markup | None:
        """Return a chart that has its words; null where there is nothing to draw."""
        if picture is None:
            return None
        return self.chart(picture.chart, name, picture.title, picture.description, wide)


def figure(row: Row, column: str, shown: str) -> Markup:
    """Return a value as it is shown, and with it the value itself and where it was read.

    A page can thus be held against the tables: `data-of` is the table and the column, `data-at` the
    columns that find the row; the source is the one of the section around it.
    """
    value = row[column]
    if value is None:
        return Markup('<span class="unknown">{}</span>').format(shown)
    place = ";".join(f"{name}={quote(str(key))}" for name, key in row.place.items())
    return Markup('<data value="{}" data-of="{}.{}"{}>{}</data>').format(
        value,
        row.table,
        column,
        Markup(' data-at="{}"').format(place) if place else "",
        shown,
    )
