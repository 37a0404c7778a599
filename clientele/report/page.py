"""Puts the sections of every shop together into one HTML page that asks nothing of the network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from markupsafe import Markup

from clientele import __version__
from clientele.pages.charts import draw
from clientele.pages.numbers import DEFAULT_LOCALE, Numbers
from clientele.pages.writing import environment
from clientele.progress import SILENT, Steps
from clientele.report import (
    campaigns,
    cohorts,
    findings,
    glance,
    new_customers,
    products,
    promotions,
    recommendations,
    revenue,
    rfm,
    segment_count,
    segments,
    service,
)
from clientele.report.reading import Query, Row, Tables, read_shops


class Section(Protocol):
    """A part of the page: a module of this folder, beside its template of the same name."""

    NAME: str  # of the template, and of the place on the page
    TITLE: str
    QUERIES: tuple[Query, ...]

    @staticmethod
    def prepare(tables: Tables, shop: Shop) -> dict[str, Any]:
        """Return what the template shows beside the tables: charts, words, choices."""


# In the order of the page.
SECTIONS: tuple[Section, ...] = (
    glance,
    campaigns,
    new_customers,
    segments,
    segment_count,
    recommendations,
    revenue,
    cohorts,
    rfm,
    products,
    promotions,
    service,
    findings,
)


class Shop:
    """One source: its numbers in words, and its charts.

    Every number that a template shows comes through `count`, `percent`, `money` or `text_of`, which
    write where it was read beside it.
    """

    def __init__(self, overview: Row, position: int, locale: str) -> None:
        self.source = overview["source"]
        self.id = f"shop-{position}"  # a source's name may hold what an id may not
        self.overview = overview
        self.numbers = Numbers(locale, self.overview["currency"])

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
        chart: Callable[[int], Any],
        name: str,
        title: str,
        description: str,
        wide: int | None = None,
    ) -> Markup:
        """Return a chart; arguments as in `draw`, but `name` is unique within the shop."""
        return draw(chart, f"{self.id}-{name}", title, description, self.numbers, wide)


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


def render(warehouse: Path, locale: str = DEFAULT_LOCALE, steps: Steps = SILENT) -> str:
    """Return the report of all sources as HTML.

    warehouse: the DuckDB file that `dbt build` wrote; it is opened read-only. locale: of numbers
    and dates, as CLDR names it. steps: is told of each section that is read and written. The same
    warehouse gives the same bytes. Raises UnknownLocale and WarehouseError.
    """
    Numbers(locale)
    steps.expect(1 + len(SECTIONS))
    steps.step("reading the warehouse")
    shops = read_shops(warehouse, {section.NAME: section.QUERIES for section in SECTIONS})
    entries = [
        {"shop": Shop(overview, position, locale), "tables": tables, "sections": []}
        for position, (overview, tables) in enumerate(shops.values(), start=1)
    ]
    templates = environment(Path(__file__).parent)
    templates.filters.update(sentence=sentence, words=words)
    for section in SECTIONS:
        steps.step(section.TITLE.lower())
        template = templates.get_template(f"{section.NAME}.html")
        for entry in entries:
            tables = entry["tables"][section.NAME]
            prepared = section.prepare(tables, entry["shop"])
            body = template.render(**(tables | prepared), shop=entry["shop"])
            entry["sections"].append(
                {"name": section.NAME, "title": section.TITLE, "body": Markup(body)}
            )
    return templates.get_template("page.html").render(
        shops=entries, warehouse_name=warehouse.name, program_version=__version__
    )


def sentence(text: str | None) -> str:
    """Return a reason with a capital letter and a full stop."""
    text = (text or "no reason was given").strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."


def words(name: str) -> str:
    """Return a name of the warehouse as words."""
    return name.replace("_", " ")
