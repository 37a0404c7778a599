"""Looks at a report as a browser shows it."""

from __future__ import annotations

import datetime
import math
import shutil
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import duckdb
import pytest
from axe_playwright_python.sync_playwright import Axe
from click.testing import CliRunner
from playwright.sync_api import Browser, Page, sync_playwright

from clientele.cli import main

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
WIDTHS = (375, 1440)
THEMES = ("light", "dark")
SERIOUS = ("serious", "critical")


@dataclass(frozen=True)
class Seen:
    """What a browser found on the page at one width and in one theme."""

    requests: list[str]
    complaints: list[str]
    width: int
    charts: list[dict[str, Any]]
    accessibility: list[str]


def write_report(warehouse: Path, output: Path, *options: str) -> Path:
    """Write a warehouse's report as the command does."""
    result = CliRunner().invoke(
        main, ["report", "--warehouse", str(warehouse), "--output", str(output), *options]
    )
    assert result.exit_code == 0, result.output
    return output


@contextmanager
def chromium() -> Iterator[Browser]:
    """Give the Chromium of this machine; a test is skipped where there is none."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, path: Path, width: int = 1440, theme: str = "light") -> Iterator[Page]:
    """Give the page with all its details open."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
    page.goto(path.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    yield page
    page.close()


def look(browser: Browser, path: Path, width: int, theme: str) -> Seen:
    """Return what is to be seen of a page at a width and in a theme."""
    requests: list[str] = []
    complaints: list[str] = []
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    charts = page.evaluate(
        """[...document.querySelectorAll('.chart')].map(chart => {
            const drawn = [...chart.querySelectorAll('svg')].filter(
                svg => svg.getBoundingClientRect().width > 0);
            const svg = drawn[0];
            const marks = svg ? [...svg.querySelectorAll('.role-mark *')].filter(mark => {
                const box = mark.getBoundingClientRect();
                return box.width + box.height > 0;
            }) : [];
            const edge = svg ? svg.getBoundingClientRect() : null;
            return {
                id: chart.id, drawn: drawn.length, marks: marks.length,
                label: svg ? svg.getAttribute('aria-label') : '',
                cut: svg ? [...svg.querySelectorAll('text')].filter(text => {
                    const box = text.getBoundingClientRect();
                    return box.width && (box.left < edge.left - 10 || box.right > edge.right + 10);
                }).map(text => text.textContent) : [],
            };
        })"""
    )
    found = Axe().run(page).response["violations"]
    seen = Seen(
        requests=[url for url in requests if url != path.as_uri()],
        complaints=complaints,
        width=page.evaluate("document.documentElement.scrollWidth"),
        charts=charts,
        accessibility=[
            f"{violation['id']}: {node['html'][:200]}"
            for violation in found
            if violation["impact"] in SERIOUS
            for node in violation["nodes"][:3]
        ],
    )
    page.close()
    return seen


def figures(page: Page) -> list[dict[str, Any]]:
    """Return every number of the page with the table, column and row that it names."""
    return page.evaluate(
        """[...document.querySelectorAll('data[data-of]')].map(found => ({
            value: found.value, of: found.dataset.of, at: found.dataset.at || '',
            shown: found.textContent,
            source: found.closest('[data-source]').dataset.source,
        }))"""
    )


def differing(found: list[dict[str, Any]], warehouse: Path) -> list[str]:
    """Return the numbers of a page that their tables do not have, each as a line of words."""
    wrong = []
    by_table: dict[tuple[str, str, tuple[str, ...]], list[dict[str, Any]]] = defaultdict(list)
    for figure in found:
        pairs = [pair.split("=") for pair in figure["at"].split(";") if pair]
        figure["place"] = {name: unquote(key) for name, key in pairs}
        table, _, column = figure["of"].rpartition(".")
        by_table[table, column, tuple(figure["place"])].append(figure)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        for (table, column, grain), numbers in by_table.items():
            keys = ", ".join(f'"{name}"' for name in ("source", *grain))
            rows = connection.execute(f'select {keys}, "{column}" from {table}').fetchall()
            values: dict[tuple[str, ...], list[Any]] = defaultdict(list)
            for row in rows:
                values[tuple(_text(value) for value in row[:-1])].append(row[-1])
            for figure in numbers:
                place = (figure["source"], *(_text(value) for value in figure["place"].values()))
                there = values.get(place, [])
                if len(there) != 1 or not _same(there[0], figure["value"]):
                    wrong.append(f"{figure['of']} at {place}: {figure['value']}, not {there[:3]}")
    return wrong


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return str(value)


def _same(value: Any, shown: str) -> bool:
    if isinstance(value, float):
        return math.isclose(value, float(shown), rel_tol=1e-12)
    if isinstance(value, Decimal):
        return value == Decimal(shown)
    if isinstance(value, datetime.date):
        return value.isoformat() == shown
    return value is not None and str(value) == shown


def assert_sound(warehouse: Path, folder: Path) -> None:
    """Hold that a warehouse's report can be written, shown and read, at both widths.

    Every chart has marks, nothing is asked of the network, nothing is wider than the page, no
    check of accessibility fails, and every number is its table's.
    """
    path = write_report(warehouse, folder / "report.html")
    with chromium() as browser:
        for width, theme in zip(WIDTHS, THEMES, strict=True):
            seen = look(browser, path, width, theme)
            assert seen.requests == []
            assert seen.complaints == []
            assert seen.width == width
            assert [
                chart for chart in seen.charts if chart["drawn"] != 1 or not chart["marks"]
            ] == []
            assert seen.accessibility == []
        with opened(browser, path) as page:
            assert differing(figures(page), warehouse) == []
