"""The page docs/campaign_results.md is true of the demo: each query gives the table below it."""

from __future__ import annotations

import pytest

from pages import Block, blocks, shown
from warehouse import ROOT, Warehouse

PAGE = (ROOT / "docs" / "campaign_results.md").read_text()
QUERIES = [block for block in blocks(PAGE) if block.answer]


@pytest.mark.parametrize("block", QUERIES, ids=["before", "after"])
def test_the_page_says_what_the_demo_is(demo_warehouse: Warehouse, block: Block) -> None:
    """The answer of the built demo is the table of the page, word for word."""
    answer = [[shown(value) for value in row] for row in demo_warehouse.answer(block.text)]
    assert answer == block.answer


def test_every_query_of_the_page_has_its_answer() -> None:
    """No table is left out, so that nothing on the page is only said."""
    assert len(QUERIES) == PAGE.count("```sql") == 2
