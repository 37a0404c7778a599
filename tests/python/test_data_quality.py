"""Findings about orders and the checks of data quality, against the raw files and the truth."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from warehouse import ROOT, Warehouse, read_market

SEED = ROOT / "seeds" / "data_quality_checks.csv"


def planted(landing: Path) -> dict[tuple[str, str], int]:
    """Return how many rows of each kind the simulator made messy, by table and kind."""
    files = landing / "market_truth" / "truth_mess" / "*.parquet"
    with read_market(landing) as raw:
        rows = raw.execute(
            f"select table_name, kind, row_count from read_parquet('{files}')"
        ).fetchall()
    return {(table, kind): count for table, kind, count in rows}


def test_a_gap_is_found_exactly_where_the_copy_with_another_value_was_kept(
    demo_warehouse: Warehouse,
) -> None:
    """A charge fits the value that the simulator made first, the least of its copies'."""
    number = "try_cast(trim({}) as decimal(18, 4))".format
    with read_market(ROOT / "demo") as raw:
        copies = raw.execute(
            f"""
            select lower(trim(order_id)), min({number("basketvalue")}) as first_value
            from market_order
            where trim(order_id) <> ''
            group by 1
            having count(distinct {number("basketvalue")}) > 1
            """
        ).fetchall()
    assert len(copies) <= planted(ROOT / "demo")["market_order", "conflicting_copy"]
    kept = dict(
        demo_warehouse.query(
            "select order_id, basket_value from core.fct_orders where order_date is not null"
        )
    )
    expected = {
        order_id: kept[order_id] - first_value
        for order_id, first_value in copies
        if order_id in kept and kept[order_id] != first_value
    }
    found = demo_warehouse.query(
        "select order_id, amount_at_risk from marts.order_findings where finding = 'charge_gap'"
    )
    assert len(found) == 23
    assert dict(found) == expected


def test_lines_differ_where_lines_of_the_raw_file_were_rejected_or_copied(
    demo_warehouse: Warehouse,
) -> None:
    """Nothing but a lost line, or a value or count that was made another, makes a difference."""
    rejected = {
        row[0]
        for row in demo_warehouse.query(
            "select distinct lower(trim(json_extract_string(raw_row, '$.order_id'))) "
            "from marts.rejected_rows where source_table = 'product_detail'"
        )
    }
    with read_market(ROOT / "demo") as raw:
        copied = {
            row[0]
            for row in raw.execute(
                """
                select lower(trim(order_id)) from product_detail
                group by lower(trim(order_id)), trim(_pos)
                having count(distinct trim(count)) > 1
                """
            ).fetchall()
        }
    found = {
        row[0]
        for row in demo_warehouse.query(
            "select order_id from marts.order_findings "
            "where finding in ('lines_differ_from_basket', 'no_lines')"
        )
    }
    gaps = {
        row[0]
        for row in demo_warehouse.query(
            "select order_id from marts.order_findings where finding = 'charge_gap'"
        )
    }
    assert len(found) > 1_000
    # A line that lost the id of its order is missing there too, and nobody can say where.
    without_id = demo_warehouse.value(
        "select failing_rows from marts.data_quality where check_name = 'rejected_reason' "
        "and check_subject = 'product_detail: order_id_missing'"
    )
    assert len(found - rejected - copied - gaps) <= without_id < 0.1 * len(found)
    # And what lost a line with a value shows it: all but those whose lost line cost nothing.
    placed = {
        row[0]
        for row in demo_warehouse.query(
            "select order_id from core.fct_orders where order_date is not null"
        )
    }
    assert len((rejected & placed) - found) < 0.01 * len(found)


def test_ledger_checks_equal_what_the_simulator_planted(demo_warehouse: Warehouse) -> None:
    truth = planted(ROOT / "demo")
    checks = {
        (name, subject): failing
        for name, subject, failing in demo_warehouse.query(
            "select check_name, check_subject, failing_rows from marts.data_quality"
        )
    }
    for table in ("market_order", "promo_detail"):
        copies = truth[table, "exact_duplicate"] + truth[table, "conflicting_copy"]
        assert checks["duplicate_row", table] == copies
    assert checks["duplicate_row", "app_open"] == truth["app_open", "exact_duplicate"]
    assert (
        checks["rejected_reason", "market_order: rating_not_1_to_5"]
        == (truth["market_order", "rating_out_of_range"])
    )
    lost = ("null_required", "blank_required", "bad_date", "far_date")
    assert checks["rejected_row", "app_open"] == sum(truth["app_open", kind] for kind in lost)


def test_people_whose_id_is_written_in_several_ways_are_those_of_the_raw_files(
    demo_warehouse: Warehouse,
) -> None:
    """Most are so because of app opens; no two of these spellings stand in rejected rows alone."""
    with read_market(ROOT / "demo") as raw:
        written = raw.execute(
            "select client_id from market_order union select client_id from app_open"
        ).fetchall()
    spellings: dict[str, set[str]] = {}
    for (text,) in written:
        if text is not None and text.strip(" "):
            spellings.setdefault(text.strip(" ").lower(), set()).add(text)
    people = dict(
        demo_warehouse.query("select customer_id, customer_key from customer.customer_single_view")
    )
    several = {
        people[each] for each, texts in spellings.items() if len(texts) > 1 and each in people
    }
    assert len(several) > 400
    found = {
        key
        for (key,) in demo_warehouse.query(
            "select customer_key from intermediate.int_customer_spellings"
        )
    }
    assert several == found & set(people.values())
    assert demo_warehouse.query(
        "select failing_rows, checked_rows, is_ok from marts.data_quality "
        "where check_name = 'several_spellings'"
    ) == [(len(several), len(people), True)]


def test_every_check_has_a_row_also_where_nothing_fails(demo_warehouse: Warehouse) -> None:
    with SEED.open() as file:
        named = {row["check_name"] for row in csv.DictReader(file)}
    found = {row[0] for row in demo_warehouse.query("select check_name from marts.data_quality")}
    assert found == named
    assert (
        demo_warehouse.value("select count(*) from marts.data_quality where failing_rows = 0")
        > len(named) // 3
    )


def test_findings_and_checks_add_up(demo_warehouse: Warehouse) -> None:
    """Rows, money, people and lists of each check are those of its findings, counted anew."""
    counted = demo_warehouse.query(
        """
        select
            findings.source,
            finding,
            count(distinct order_key) as failing_rows,
            cast(sum(amount_at_risk) as decimal(18, 4)) as money_at_risk,
            count(distinct case when listed then findings.customer_key end) as people_touched
        from marts.order_findings as findings
        left join (select distinct customer_key, true as listed from marts.campaign_lists) as lists
            on findings.customer_key = lists.customer_key
        group by findings.source, finding
        """
    )
    checks = demo_warehouse.query(
        "select source, check_name, failing_rows, money_at_risk, people_touched "
        "from marts.data_quality where check_grain = 'order' and failing_rows > 0 "
        "and people_touched is not null"
    )
    assert len(counted) >= 4
    assert sorted(counted) == sorted(checks)
    assert demo_warehouse.value(
        "select sum(failing_rows) from marts.data_quality where check_name = 'rejected_row'"
    ) == demo_warehouse.value("select count(*) from marts.rejected_rows")


def test_a_finding_changes_no_order(demo_warehouse: Warehouse) -> None:
    """Findings are placed orders of the fact, with their own customer and day."""
    strangers = demo_warehouse.value(
        """
        select count(*) from marts.order_findings as findings
        left join core.fct_orders as orders
            on
                findings.order_key = orders.order_key
                and findings.order_id = orders.order_id
                and findings.customer_key is not distinct from orders.customer_key
                and findings.order_date = orders.order_date
        where orders.order_key is null or orders.order_status = 'cart'
        """
    )
    assert strangers == 0


@pytest.mark.parametrize("finding", ["refund_above_basket", "missing_customer"])
def test_what_the_demo_does_not_have_is_said_to_be_none(
    demo_warehouse: Warehouse, finding: str
) -> None:
    orders = demo_warehouse.value(
        "select count(*) from core.fct_orders where order_date is not null"
    )
    assert demo_warehouse.query(
        "select failing_rows, checked_rows, evidence, is_ok from marts.data_quality "
        f"where check_name = '{finding}'"
    ) == [(0, orders, f"0 of {orders}", True)]
