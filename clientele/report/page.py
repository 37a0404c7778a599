"""Puts the sections of every shop together into one HTML page that asks nothing of the network."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from clientele import __version__
from clientele.pages.charts import draw
from clientele.pages.numbers import Numbers
from clientele.pages.writing import environment
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
from clientele.report.reading import Query, Row, Tables


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
    columns that find the row, as JSON; the source is the one of the section around it.
    """
    value = row[column]
    if value is None:
        return Markup('<span class="unknown">{}</span>').format(shown)
    place = json.dumps(row.place, default=str, separators=(",", ":")) if row.place else ""
    return Markup('<data value="{}" data-of="{}.{}"{}>{}</data>').format(
        value,
        row.table,
        column,
        Markup(' data-at="{}"').format(place) if place else "",
        shown,
    )


def queries() -> dict[str, tuple[Query, ...]]:
    """Return what each section reads."""
    return {section.NAME: section.QUERIES for section in SECTIONS}


def render(
    shops: Mapping[str, tuple[Row, dict[str, Tables]]], warehouse_name: str, locale: str
) -> str:
    """Return the report of all sources as HTML.

    shops: what `read_shops` returns for `queries()`; warehouse_name: the file that the page says it
    was read from; locale: of numbers and dates, as CLDR names it. The same input gives the same
    bytes. Raises ValueError for a locale that nobody knows.
    """
    Numbers(locale)
    templates = environment(Path(__file__).parent)
    templates.filters.update(sentence=sentence, words=words)
    prepared = []
    for position, (overview, tables) in enumerate(shops.values(), start=1):
        shop = Shop(overview, position, locale)
        sections = [
            {
                "name": section.NAME,
                "title": section.TITLE,
                "context": tables[section.NAME] | section.prepare(tables[section.NAME], shop),
            }
            for section in SECTIONS
        ]
        prepared.append({"shop": shop, "sections": sections})
    templates.globals["include_section"] = _include_section
    return templates.get_template("page.html").render(
        shops=prepared,
        warehouse_name=warehouse_name,
        program_version=__version__,
        language="en",
    )


@pass_context
def _include_section(context: Context, shop: Shop, section: Mapping[str, Any]) -> Markup:
    """Return a section's template, which sees the shop, its tables and what was prepared."""
    template = context.environment.get_template(f"{section['name']}.html")
    return Markup(template.render(**section["context"], shop=shop))


def sentence(text: str | None) -> str:
    """Return a reason with a capital letter and a full stop."""
    text = (text or "no reason was given").strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."


def words(name: str) -> str:
    """Return a name of the warehouse as words."""
    return name.replace("_", " ")
