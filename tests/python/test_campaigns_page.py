"""The page docs/campaigns.md is true of the demo: each query gives the table below it."""

from __future__ import annotations

import re

import pytest

from pages import Block, blocks, shown
from warehouse import ROOT, Warehouse

PAGE = (ROOT / "docs" / "campaigns.md").read_text()
QUERIES = [block for block in blocks(PAGE) if block.answer]
NAMED = re.compile(r'^ +"(\w+)": "(text|number|flag|date)",$', re.MULTILINE)


@pytest.mark.parametrize("block", QUERIES, ids=lambda block: " ".join(block.text.split()[-4:]))
def test_the_page_says_what_the_demo_is(demo_warehouse: Warehouse, block: Block) -> None:
    """The answer of the built demo is the table of the page, word for word."""
    answer = [[shown(value) for value in row] for row in demo_warehouse.answer(block.text)]
    assert answer == block.answer


def test_every_query_of_the_page_has_its_answer() -> None:
    """No table is left out, so that nothing on the page is only said."""
    assert len(QUERIES) == PAGE.count("```sql") >= 4


def test_the_page_lists_every_column_that_rules_may_name() -> None:
    """The allow-list of the page is the allow-list."""
    allowed = NAMED.findall((ROOT / "macros" / "audience_columns.sql").read_text())
    for kind in ("text", "number", "flag", "date"):
        columns = ", ".join(column for column, its_kind in allowed if its_kind == kind)
        assert f"| {kind} | {columns} |" in PAGE
