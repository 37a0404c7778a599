"""The docs: each column says what it is, each room has its colour, the page keeps to itself."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from playwright.sync_api import sync_playwright

from conftest import Once
from warehouse import ROOT, Builder, Warehouse

PICTURE = Path("docs") / "pictures" / "rooms.svg"
EVERYTHING = {
    "sources": ["market", "olist", "online_retail", "sales_json"],
    "contact_sources": ["suppressions", "consents"],
}
UP_TO_INTERMEDIATE = ("path:seeds", "path:models/staging", "path:models/intermediate")
# What dbt's own page gives sources and exposures, selected nodes, tests, and the graph's ground.
SOURCE, EXPOSURE, SELECTED, TEST, GROUND = "#5fb825", "#ff694b", "#bd6bb6", "#0094b3", "#005e7a"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def source_tables() -> Iterator[tuple[str, str, list[str]]]:
    """Give each raw table with its source and the columns that its YAML describes."""
    for path in sorted((ROOT / "models" / "staging").glob("*/_*__sources.yml")):
        for source in yaml.safe_load(path.read_text())["sources"]:
            for table in source["tables"]:
                yield source["name"], table["name"], [each["name"] for each in table["columns"]]


@pytest.fixture(scope="module")
def every_source(
    builder: Builder, once: Once, tmp_path_factory: pytest.TempPathFactory
) -> Warehouse:
    """All sources without a row, in the columns that their YAML describes, up to intermediate."""

    def build() -> Warehouse:
        landing = tmp_path_factory.mktemp("no_rows")
        for source, table, columns in source_tables():
            folder = landing / source / table
            folder.mkdir(parents=True)
            texts = ", ".join(f'cast(null as varchar) as "{column}"' for column in columns)
            duckdb.sql(f"copy (select {texts} limit 0) to '{folder}/part.parquet'")
        return builder.build(landing, variables=EVERYTHING, select=UP_TO_INTERMEDIATE)

    return once("every_source", build)


def read_manifest(warehouse: Warehouse) -> dict[str, Any]:
    """Return what dbt made of the project."""
    return json.loads((warehouse.project / "target" / "manifest.json").read_text())


def columns_without_a_block(warehouse: Warehouse) -> list[str]:
    """Return the columns of tables and views that no doc block describes."""
    manifest = read_manifest(warehouse)
    blocks = {block["block_contents"].strip() for block in manifest["docs"].values()}
    described = {
        (node["schema"], node["alias"], column.lower())
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed", "snapshot")
        for column, about in node["columns"].items()
        if about["description"].strip() in blocks
    }
    built = warehouse.query(
        "select table_schema, table_name, lower(column_name) from information_schema.columns "
        "where table_schema <> 'builds'"  # what builds keep for themselves: docs/increments.md
    )
    assert len(built) > 500
    return sorted(".".join(column) for column in set(built) - described)


def test_every_column_of_the_demo_is_described_by_a_block(demo_warehouse: Warehouse) -> None:
    assert columns_without_a_block(demo_warehouse) == []


def test_every_column_of_every_source_is_described_by_a_block(every_source: Warehouse) -> None:
    """Staging builds on the described raw columns alone: none that it reads is left out."""
    assert columns_without_a_block(every_source) == []
    manifest = read_manifest(every_source)
    blocks = {block["block_contents"].strip() for block in manifest["docs"].values()}
    raw = [column for table in manifest["sources"].values() for column in table["columns"].values()]
    assert len(raw) > 80
    assert [column["name"] for column in raw if column["description"].strip() not in blocks] == []


@pytest.mark.parametrize("source", ["market", "sales_json"])
def test_raw_columns_are_those_that_land(source: str) -> None:
    for its_source, table, columns in source_tables():
        if its_source == source:
            files = ROOT / "demo" / source / table / "*.parquet"
            landed = duckdb.sql(f"select * from read_parquet('{files}') limit 0").columns
            assert sorted(columns) == sorted(landed), table


def rooms(manifest: dict[str, Any]) -> dict[str, set[str | None]]:
    """Return the colours of the nodes of each room."""
    found: dict[str, set[str | None]] = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] in ("model", "seed", "snapshot"):
            folder, room, *_ = Path(node["original_file_path"]).parts
            room = room if folder == "models" else folder
            found.setdefault(room, set()).add(node["docs"]["node_color"])
    return found


def linear(colour: str) -> list[float]:
    """Return red, green and blue of `#rrggbb` as shares of light (sRGB, IEC 61966-2-1)."""
    shares = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in shares]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21, as WCAG 2 defines it."""
    lighter, darker = sorted(
        (
            0.2126 * red + 0.7152 * green + 0.0722 * blue
            for red, green, blue in map(linear, (one, other))
        ),
        reverse=True,
    )
    return (lighter + 0.05) / (darker + 0.05)


def lab(colour: str) -> tuple[float, float, float]:
    """Return a colour in CIE L*a*b* (D65), where distances are about as large as they look."""
    red, green, blue = linear(colour)
    x, y, z = (
        part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116
        for part in (
            (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505,
            0.2126 * red + 0.7152 * green + 0.0722 * blue,
            (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089,
        )
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def test_rooms_have_colours_that_can_be_told_apart_and_read(demo_warehouse: Warehouse) -> None:
    found = rooms(read_manifest(demo_warehouse))
    assert len(found) == 11
    assert all(len(colours) == 1 and None not in colours for colours in found.values()), found
    assert found["snapshots"] == found["segments"]
    colours = {room: next(iter(its)) for room, its in found.items() if room != "snapshots"}
    for room, colour in colours.items():
        assert contrast(colour, "#ffffff") >= 4.5, room  # names stand in white on it
        assert contrast(colour, GROUND) >= 1.5, room
    colours |= {"source": SOURCE, "exposure": EXPOSURE, "selected": SELECTED, "test": TEST}
    for one, other in combinations(colours.items(), 2):
        distance = sum((a - b) ** 2 for a, b in zip(lab(one[1]), lab(other[1]), strict=True)) ** 0.5
        assert distance >= 25, (one, other)


def test_the_picture_and_the_overview_name_the_rooms_in_their_colours(
    demo_warehouse: Warehouse,
) -> None:
    manifest = read_manifest(demo_warehouse)
    expected = {room: next(iter(its)) for room, its in rooms(manifest).items()}
    expected |= {"landing": SOURCE, "exposures": EXPOSURE}
    del expected["snapshots"]  # they have the colour of segments, whose history they keep
    svg = (ROOT / PICTURE).read_text()
    drawn = re.findall(r'<rect [^>]*fill="(#\w+)"/>\s*<text [^>]*font-weight[^>]*>(\w+)<', svg)
    assert {room: colour for colour, room in drawn} == expected
    overview = manifest["docs"]["doc.clientele.__overview__"]["block_contents"]
    table = re.findall(r"^\| (\w+) \| [a-z ]+ \| .* \| .* \|$", overview, re.MULTILINE)
    assert set(table) == {"room", *expected}
    assert str(PICTURE) in overview


def test_every_link_of_the_overview_leads_somewhere(demo_warehouse: Warehouse) -> None:
    manifest = read_manifest(demo_warehouse)
    known = {*manifest["nodes"], *manifest["sources"], *manifest["exposures"]}
    overview = manifest["docs"]["doc.clientele.__overview__"]["block_contents"]
    links = re.findall(r"\(#!/(\w+)/([\w.]+)\)", overview)
    assert len(links) > 40
    assert [name for kind, name in links if name not in known or not name.startswith(kind)] == []


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")
def test_the_page_shows_the_rooms_and_asks_nobody(
    builder: Builder, demo_warehouse: Warehouse, tmp_path: Path
) -> None:
    """Opened from a file, dbt's page asks for nothing but files beside it."""
    project = demo_warehouse.project
    shutil.copytree(ROOT / PICTURE.parent, project / PICTURE.parent, dirs_exist_ok=True)
    # Where it is parsed already; other files of tests read what lies in the project.
    shutil.copy2(project / "target" / "manifest.json", tmp_path)
    finished = builder.dbt(
        project,
        "--quiet", "docs", "generate", "--static", "--no-compile", "--empty-catalog",
        "--target-path", str(tmp_path),
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{(tmp_path / 'static_index.html').as_uri()}#!/overview")
        picture = page.get_by_role("img", name=re.compile("^The rooms: landing, staging"))
        picture.wait_for()
        width = picture.evaluate("async image => { await image.decode(); return image.width }")
        titles = page.locator("h2").all_inner_texts()
        page.goto("about:blank")
        page.goto(
            f"{(tmp_path / 'static_index.html').as_uri()}#!/metric/metric.clientele.net_revenue"
        )
        page.get_by_text("Basket value less own discount and refunds plus delivery fee").wait_for()
        browser.close()
    assert width > 600
    assert titles == ["Five questions", "The rooms", "How to read a status", "Beside these pages"]
    outside = {url for url in asked if not url.startswith(("file:", "data:", "blob:", "about:"))}
    assert asked
    assert outside == set()
