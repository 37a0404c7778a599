"""The page docs/add_your_own_source.md is true: followed word for word, it gives what it says.

The page is read from top to bottom. A block under a path in bold is written to that path in a copy
of the project, or changes the file there; commands run; a query is asked where it stands, and its
answer is compared with the table below it. What the shop sold is also computed here, from the
page's raw rows in plain Python.
"""

from __future__ import annotations

import csv
import re
import shutil
import sys
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

import pytest

from pages import blocks, shown
from warehouse import ROOT, Builder, Warehouse

PAGE = ROOT / "docs" / "add_your_own_source.md"
SOURCE = "corner_shop"
# What a builder's project lacks and the page changes or runs.
OTHER_PARTS = ("Makefile", "pyproject.toml", "dbt-bouncer.yml")


@dataclass
class Played:
    """A project in which the page was followed."""

    warehouse: Warehouse
    written: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    answers: list[list[list[str]]] = field(default_factory=list)


def change(text: str, diff: str) -> str:
    """Return a text with its lines changed, as a block of `+` and `-` lines says.

    Raises:
        AssertionError: unless the lines to change are there exactly once.
    """
    lines = diff.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line[0] in " -")
    new = "".join(line[1:] for line in lines if line[0] in " +")
    places = list(re.finditer("^" + re.escape(old), text, re.MULTILINE))
    assert len(places) == 1, f"not there exactly once:\n{old}"
    return text[: places[0].start()] + new + text[places[0].end() :]


PAGE_BLOCKS = list(blocks(PAGE.read_text()))
QUERIES = [block for block in PAGE_BLOCKS if block.language == "sql" and block.path is None]


@pytest.fixture(scope="module")
def played(builder: Builder) -> Played:
    """The page, followed from top to bottom in a copy of the project."""
    project = builder.project(ROOT / "demo")
    for part in OTHER_PARTS:
        shutil.copy2(ROOT / part, project / part)
    result = Played(Warehouse(project, 0, ""))
    for block in PAGE_BLOCKS:
        if block.language == "diff":
            assert block.path is not None
            file = project / block.path
            file.write_text(change(file.read_text(), block.text))
            result.changed.append(block.path)
        elif block.path is not None:
            file = project / block.path
            assert not (ROOT / block.path).exists(), f"{block.path} is in the project already"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
            result.written.append(block.path)
        elif block.language == "bash":
            if block.text.startswith("dbt-bouncer") and sys.version_info < (3, 11):
                continue  # it needs a later Python
            finished = builder.run(project, "bash", "-euc", block.text)
            end = "\n".join(finished.stdout.splitlines()[-60:])
            assert finished.returncode == 0, f"{block.text}\n{end}"
        elif block.language == "sql":
            rows = result.warehouse.answer(block.text)
            result.answers.append([[shown(value) for value in row] for row in rows])
    return result


@pytest.fixture(scope="module")
def receipts(played: Played) -> list[dict[str, str]]:
    """The receipts that hold what a receipt must, each once, read from the raw file."""
    good = {}
    with (played.warehouse.project / "raw" / SOURCE / "sales.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            number = row["receipt_no"].strip().lower()
            is_time = re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row["sold_at"])
            try:
                Decimal(row["total"])
            except InvalidOperation:
                continue
            if number and is_time and row["state"] in ("paid", "void"):
                good[number] = row
    return list(good.values())


def test_the_page_has_every_kind_of_block() -> None:
    """A page that is written in a way that this test does not read would pass unread."""
    fences = PAGE.read_text().count("\n```") // 2
    assert len(PAGE_BLOCKS) == fences
    unread = [block for block in PAGE_BLOCKS if not block.path and block.language == ""]
    assert [block.text.split()[0] for block in unread] == ["sqlfluff"]
    assert all(block.answer is not None for block in QUERIES)
    assert len(QUERIES) >= 10
    bold = re.findall(r"^\*\*`", PAGE.read_text(), re.MULTILINE)
    paths = [block for block in PAGE_BLOCKS if block.path is not None]
    assert len(bold) == len({block.path for block in paths})


@pytest.mark.parametrize("number", range(len(QUERIES)))
def test_a_query_of_the_page_gives_the_answer_below_it(played: Played, number: int) -> None:
    assert played.answers[number] == QUERIES[number].answer


def test_a_source_needs_its_own_folders_and_its_name_and_nothing_else(played: Played) -> None:
    """Nothing from core on is changed, and of shared files only lists."""
    homes = (f"models/staging/{SOURCE}/", f"models/intermediate/{SOURCE}/", f"raw/{SOURCE}/")
    assert [path for path in played.written if not path.startswith(homes)] == []
    assert set(played.changed) == {
        "macros/union_sources.sql", "Makefile", "pyproject.toml", "dbt-bouncer.yml",
        "seeds/non_product_codes.csv",
    }  # fmt: skip


def test_orders_revenue_and_customers_are_those_of_the_raw_rows(
    played: Played, receipts: list[dict[str, str]]
) -> None:
    """After the last build, in which the demo shop is switched on beside it."""
    sold = [row for row in receipts if row["state"] == "paid"]
    revenue = sum(Decimal(row["total"]) - Decimal(row["discount"] or 0) for row in sold)
    cards = {row["card_no"].strip().lower() for row in receipts} - {""}
    assert played.warehouse.query(
        f"""
        select
            count(*),
            count(*) filter (where is_successful),
            sum(net_revenue) filter (where is_successful),
            count(distinct customer_key),
            count(*) filter (where customer_key is null)
        from core.fct_orders where source = '{SOURCE}'
        """
    ) == [
        (
            len(receipts),
            len(sold),
            revenue,
            len(cards),
            sum(not row["card_no"].strip() for row in receipts),
        )
    ]
    assert revenue == Decimal("66.20")
    assert (len(receipts), len(cards)) == (8, 4)


def test_the_other_source_stands_beside_it(played: Played) -> None:
    """The last build holds both, and every row of both is explained."""
    assert played.warehouse.query(
        "select source, sum(unexplained_count) from marts.row_reconciliation "
        "group by all order by all"
    ) == [(SOURCE, 0), ("market", 0)]


def test_all_places_that_list_the_sources_list_the_same() -> None:
    """The folders, the known names, the linters and the commands that people copy."""
    folders = {path.name for path in (ROOT / "models" / "staging").iterdir() if path.is_dir()}
    folders.remove("contact")  # lists of people to leave alone, no shop
    macro = (ROOT / "macros" / "union_sources.sql").read_text()
    settings = (ROOT / "pyproject.toml").read_text()
    listed = {
        "macros/union_sources.sql": re.findall(r"set known = \[(.*?)\]", macro),
        "pyproject.toml": re.findall(r"^sources = \[(.*?)\]", settings, re.MULTILINE),
    }
    for name in ("Makefile", "dbt-bouncer.yml", "README.md", "CONTRIBUTING.md"):
        text = (ROOT / name).read_text()
        listed[name] = re.findall(r"dbt.* parse .*\{sources: \[(.*?)\]", text)
    for name, lists in listed.items():
        assert lists, name
        for found in lists:
            assert set(re.findall(r"\w+", found)) == folders, name


def test_a_change_of_lines_that_are_not_there_is_refused() -> None:
    """So a page that goes stale fails, and does not write beside the point."""
    assert change("a\nb\nc\n", " a\n-b\n+d\n") == "a\nd\nc\n"
    for text in ("a\nc\n", "a\nb\na\nb\n", "xa\nb\n"):
        with pytest.raises(AssertionError, match="not there exactly once"):
            change(text, " a\n-b\n+d\n")
