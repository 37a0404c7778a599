"""`clientele show segments`, on a warehouse of a few rows."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from clientele.cli import main

TABLES = """
    create schema customer;
    create schema segments;
    create schema marts;
    create table segments.segment_maintenance (
        source varchar, maintenance_state varchar, next_refit_date date, as_of_date date
    );
    create table customer.customer_single_view (source varchar, is_customer boolean);
    create table segments.segmentation_status (
        source varchar, segmentation_status varchar, segmentation_method varchar, reason varchar
    );
    create table segments.segments (
        source varchar, segment_id integer, segment_name varchar, who_they_are varchar,
        what_to_do varchar
    );
    create table segments.segment_profiles (
        source varchar, segment_id integer, customer_count bigint,
        customer_share decimal(9, 6), cm2_share decimal(9, 6)
    );
    create table marts.campaign_status (
        source varchar, campaign_id varchar, campaign_version integer, campaign_name varchar,
        channel varchar, campaign_state varchar, sent_today_count bigint
    );
"""

SEGMENTED = """
    insert into segments.segment_maintenance values
        ('market', 'watch', date '2026-12-26', date '2026-06-30');
    insert into customer.customer_single_view
        select 'market', i < 1200 from range(1500) as numbers (i);
    insert into segments.segmentation_status values
        ('market', 'segmented', 'clusters', 'k = 2 is best');
    insert into segments.segments values
        ('market', 1, 'Loyal regulars', 'Order often.', 'Keep them.'),
        ('market', 2, 'One-timers', 'Ordered once.', 'Write once.');
    insert into segments.segment_profiles values
        ('market', 1, 300, 0.25, 1.1), ('market', 2, 900, 0.75, -0.1);
    insert into marts.campaign_status values
        ('market', 'winback', 1, 'Win back', 'push', 'ended', 0),
        ('market', 'winback', 2, 'Win back', 'push', 'running', 0),
        ('market', 'second_order', 1, 'Second order', 'push', 'running', 2);
"""

UNSEGMENTED = """
    insert into segments.segment_maintenance values
        ('market', 'not_fitted', null, date '2026-06-30');
    insert into customer.customer_single_view values ('market', true);
    insert into segments.segmentation_status values
        ('market', 'unsegmented', 'rules', '1 customers are fewer than the 100 needed');
"""


def write(path: Path, *statements: str) -> Path:
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path


def show(warehouse: Path, *options: str):
    arguments = ["show", "segments", "--warehouse", str(warehouse), *options]
    return CliRunner(env={"COLUMNS": "200"}).invoke(main, arguments)


@pytest.fixture(scope="module")
def segmented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("show") / "shop.duckdb", TABLES, SEGMENTED)


def test_the_table_has_names_counts_shares_and_what_to_do(segmented: Path) -> None:
    result = show(segmented)

    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert any("market, 1,200 customers as of 2026-06-30" in line for line in lines)
    [loyal] = [line for line in lines if "Loyal regulars" in line]
    assert re.split(" {2,}", loyal.strip()) == [
        "Loyal regulars", "300", "25.0%", "110.0%", "Keep them.",
    ]  # fmt: skip
    assert result.output.index("One-timers") < result.output.index("Loyal regulars")


def test_below_the_table_stand_the_places_and_an_empty_list_is_not_hidden(segmented: Path) -> None:
    output = show(segmented).output

    assert f"{segmented}, schema marts" in output.replace("\n", "")
    assert "marts.campaign_lists: second_order 2, winback 0" in output
    assert "Docs" in output


def test_json_is_for_machines(segmented: Path) -> None:
    overview = json.loads(show(segmented, "--json").output)

    [shop] = overview["shops"]
    assert (shop["source"], shop["as_of_date"], shop["customers"]) == ("market", "2026-06-30", 1200)
    assert shop["method"] == "clusters"
    assert (shop["maintenance_state"], shop["next_refit_date"]) == ("watch", "2026-12-26")
    assert shop["segments"][0] == {
        "segment_id": 2,
        "name": "One-timers",
        "who_they_are": "Ordered once.",
        "what_to_do": "Write once.",
        "customers": 900,
        "customer_share": 0.75,
        "cm2_share": -0.1,
    }
    assert [(entry["campaign_id"], entry["customers"]) for entry in overview["lists"]] == [
        ("second_order", 2),
        ("winback", 0),
    ]


def test_a_shop_without_segments_says_why(tmp_path: Path) -> None:
    result = show(write(tmp_path / "shop.duckdb", TABLES, UNSEGMENTED))

    assert result.exit_code == 0, result.output
    assert "no segments, because 1 customers are fewer than the 100 needed." in result.output


def test_why_a_shop_has_rule_segments_stands_above_its_table(
    segmented: Path, tmp_path: Path
) -> None:
    rules = (
        "update segments.segmentation_status set segmentation_status = 'rules_better', "
        "segmentation_method = 'rules', reason = 'rules explain 18 %'"
    )
    output = show(write(tmp_path / "shop.duckdb", TABLES, SEGMENTED, rules)).output

    assert output.startswith("market has rule segments: rules explain 18 %.\n")
    assert "Renew the segments by 2026-12-26 (today's state: watch)." in output
    assert "Loyal regulars" in output
    assert "rule segments" not in show(segmented).output


def test_a_warehouse_without_orders_says_so(tmp_path: Path) -> None:
    no_orders = "insert into segments.segment_maintenance (source) values ('market')"
    result = show(write(tmp_path / "shop.duckdb", TABLES, no_orders))

    assert result.exit_code == 0, result.output
    assert "market: no orders yet" in result.output


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no warehouse at"),
        ("select 1", "is not built yet (customer.customer_single_view is missing)"),
    ],
)
def test_what_is_missing_is_said_in_one_line(
    tmp_path: Path, content: str | None, words: str
) -> None:
    warehouse = tmp_path / "shop.duckdb"
    if content:
        write(warehouse, content)

    result = show(warehouse)

    assert result.exit_code == 1
    [line] = result.output.splitlines()
    assert line.startswith("Error: ")
    assert words in line


def test_a_file_that_is_no_warehouse_is_said_in_one_line(tmp_path: Path) -> None:
    warehouse = tmp_path / "shop.duckdb"
    warehouse.write_text("not a database, but long enough to be read as the header of one " * 99)

    result = show(warehouse)

    assert result.exit_code == 1
    [line] = result.output.splitlines()
    assert "cannot be opened" in line


def test_a_build_at_work_is_said_in_one_line(segmented: Path) -> None:
    code = (
        "import duckdb, sys; connection = duckdb.connect(sys.argv[1]);"
        "print('open', flush=True); sys.stdin.read()"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(segmented)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert writer.stdout.readline() == "open\n"
        result = show(segmented)
    finally:
        writer.communicate("")

    assert result.exit_code == 1
    [line] = result.output.splitlines()
    assert "is in use by another process" in line


def test_a_damaged_warehouse_is_not_taken_for_one_in_use(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.duckdb"
    with duckdb.connect(str(damaged)) as connection:
        connection.execute("create table numbers as select range as number from range(1000)")
    content = bytearray(damaged.read_bytes())
    content[12_288:] = bytes(len(content) - 12_288)  # DuckDB speaks of a block
    damaged.write_bytes(content)

    result = show(damaged)

    assert result.exit_code == 1
    [line] = result.output.splitlines()
    assert "cannot be opened" in line
    assert "in use" not in line


def test_showing_writes_nothing(segmented: Path) -> None:
    before = segmented.read_bytes()

    show(segmented)

    assert segmented.read_bytes() == before
    assert [path.name for path in segmented.parent.iterdir()] == [segmented.name]
