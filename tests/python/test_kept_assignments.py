"""Builds by dbt leave arms where they are: a full refresh, changed seeds, a new warehouse."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import duckdb
import pytest

from warehouse import NO_TESTS, ROOT, Builder, Warehouse

ARMS = "select * from campaigns.campaign_assignments order by all"


@pytest.fixture(scope="module")
def again(builder: Builder, demo_warehouse: Warehouse) -> Warehouse:
    """The demo with nine tenths held out, refreshed in full."""
    project = builder.project(ROOT / "demo")
    warehouse = Warehouse(project, 0, "")
    shutil.copy2(demo_warehouse.path, warehouse.path)
    seed = project / "seeds" / "campaigns.csv"
    seed.write_text(re.sub(",0[.]1,(14|30),", r",0.9,\1,", seed.read_text()))
    build(builder, project, "--full-refresh")
    return warehouse


def build(builder: Builder, project: Path, *arguments: str) -> None:
    """Build the campaign seeds and models of a project whose other models are built."""
    finished = builder.dbt(
        project, "build", *NO_TESTS, "--select", "campaigns", "campaign_rules",
        "path:models/campaigns", "path:models/marts/campaigns/campaign_l*", *arguments,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout


def test_a_full_refresh_with_other_shares_moves_no_arm(
    demo_warehouse: Warehouse, again: Warehouse
) -> None:
    """The seed's share is another, and what was drawn is what it was."""
    share = "select min(holdout_share) from campaigns.campaigns_in_force"
    assert demo_warehouse.value(share) != again.value(share)
    before = demo_warehouse.query(ARMS)
    assert len(before) > 1_000
    assert again.query(ARMS) == before
    lists = "select * from marts.campaign_lists order by all"
    assert again.query(lists) == demo_warehouse.query(lists)


def test_a_new_warehouse_begins_with_the_kept_arms(
    builder: Builder, demo_warehouse: Warehouse, again: Warehouse, tmp_path: Path
) -> None:
    """Without its table, but with the file of another warehouse, the same people are listed."""
    before = demo_warehouse.query(ARMS)
    kept = tmp_path / "kept.parquet"
    with duckdb.connect(str(again.path)) as connection:
        connection.execute(f"copy campaigns.campaign_assignments to '{kept}' (format parquet)")
        for table in ("campaign_assignments", "campaign_list_log"):
            connection.execute(f"drop table campaigns.{table}")
    build(builder, again.project, "--vars", json.dumps({"kept_assignments": str(kept)}))
    assert again.query(ARMS) == before
    lists = "select * from marts.campaign_lists order by all"
    assert again.query(lists) == demo_warehouse.query(lists)
