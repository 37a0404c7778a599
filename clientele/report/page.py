"""Puts the sections of every shop together into one HTML page that asks nothing of the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from markupsafe import Markup

from clientele import __version__
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
from clientele.report.reading import Query, Tables, read_shops
from clientele.report.shop import Shop


class Section(Protocol):
    """A part of the page: a module of this folder, beside its template of the same name."""

    NAME: str  # of the template, and of the place on the page
    TITLE: str
    QUERIES: tuple[Query, ...]

    @staticmethod
    def prepare(tables: Tables, shop: Shop) -> dict[str, Any]:
        """Return what the template shows beside the tables: charts, words, choices."""


TEMPLATES = environment(Path(__file__).parent)
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
    for section in SECTIONS:
        steps.step(section.TITLE.lower())
        for entry in entries:
            body = section_html(section, entry["tables"][section.NAME], entry["shop"])
            entry["sections"].append({"name": section.NAME, "title": section.TITLE, "body": body})
    return TEMPLATES.get_template("page.html").render(
        shops=entries, warehouse_name=warehouse.name, program_version=__version__
    )


def section_html(section: Section, tables: Tables, shop: Shop) -> Markup:
    """Return a section of a shop; tables: what its queries found, by their keys."""
    template = TEMPLATES.get_template(f"{section.NAME}.html")
    return Markup(template.render(**(tables | section.prepare(tables, shop)), shop=shop))
