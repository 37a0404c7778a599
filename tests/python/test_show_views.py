"""`clientele show lists`, `new-customers` and `quality`, on a few rows and on the demo."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result

from clientele.cli import main
from terminal import run_on_terminal
from warehouse import ROOT, Warehouse

TABLES = """
    create schema customer;
    create schema marts;
    create table marts.campaign_status (
        source varchar, campaign_id varchar, campaign_version integer, campaign_name varchar,
        channel varchar, campaign_state varchar, status_reason varchar, audience_count bigint,
        sent_count bigint, sent_today_count bigint, holdout_global_count bigint,
        holdout_campaign_count bigint, suppressed_count bigint, capped_count bigint,
        outranked_count bigint, as_of_date date
    );
    create table marts.campaign_power (
        source varchar, campaign_id varchar, campaign_version integer, power_state varchar,
        power_reason varchar
    );
    create table marts.campaign_lists (
        source varchar, campaign_id varchar, campaign_version integer, customer_key bigint,
        customer_id varchar, offer varchar, reason varchar, expected_value decimal(18, 4)
    );
    create table marts.data_quality (
        source varchar, check_name varchar, check_subject varchar, check_grain varchar,
        severity varchar, meaning varchar, evidence varchar, failing_rows bigint,
        checked_rows bigint, people_touched integer, lists_touched integer,
        money_at_risk decimal(18, 4), failing_share double, tolerated_share double,
        is_ok boolean, as_of_date date
    );
    create table marts.row_reconciliation (
        source varchar, source_table varchar, landed_count bigint, accepted_count bigint,
        rejected_count bigint, duplicate_count bigint, unexplained_count bigint
    );
    create table marts.new_customer_playbook (
        source varchar, customer_key bigint, customer_id varchar, situation varchar,
        next_step varchar, channel varchar, offer varchar, probability double,
        expected_value_of_acting decimal(18, 4), reason_1 varchar, reason_2 varchar,
        reason_3 varchar, first_order_date date
    );
    create table customer.customer_quality_status (
        source varchar, quality_status varchar, reason varchar, is_in_force boolean
    );
"""

SHOPS = """
    insert into marts.campaign_status values
        ('market', 'winback', 1, 'Old', 'push', 'superseded', 'A later version runs.',
            0, 0, 0, 0, 0, 0, 0, 0, '2026-06-30'),
        ('market', 'winback', 2, 'Win [b]back[/b]', 'push', 'running', '2 people are on its list.',
            1117, 5, 2, 10, 20, 30, 40, 1012, '2026-06-30'),
        ('market', 'call', 1, 'Call them', 'phone', 'running', 'No customer fulfils its rules.',
            0, 0, 0, 0, 0, 0, 0, 0, '2026-06-30'),
        ('olist', 'winback', 1, 'Win back', 'email', 'running', 'The source has no orders yet.',
            0, 0, 0, 0, 0, 0, 0, 0, null);
    insert into marts.campaign_power values
        ('market', 'winback', 2, 'too_small', 'a rise of 3 points takes 9 runs');
    insert into marts.campaign_lists values
        ('market', 'winback', 2, 9007199254740993, 'a', 'A [red]voucher', 'promo_share is 0.4',
            1.5),
        ('market', 'winback', 2, 5, 'c', 'A [red]voucher', 'late', null),
        ('market', 'winback', 2, 7, 'b', 'A [red]voucher', 'late', 1.5);
    insert into marts.data_quality values
        ('market', 'late', 'orders', 'order', 'info', 'is late', '3 of 9', 3, 9, null, null, null,
            0.3333, 1, true, '2026-06-30'),
        ('market', 'gap', 'orders', 'order', 'warn', 'pays less', '1 of 9', 1, 9, 1, 1, 12.5,
            0.1111, 0.5, true, '2026-06-30'),
        ('market', 'lines', 'orders', 'order', 'warn', 'adds up not', '4 of 9', 4, 9, 3, 2, 1234.5,
            0.4444, 0.1, false, '2026-06-30'),
        ('market', 'stale', 'source', 'source', 'error', 'is fresh', 'nothing to check', 0, 0, null,
            null, null, null, 0, true, '2026-06-30'),
        ('olist', 'stale', 'source', 'source', 'error', 'is fresh', 'nothing to check', 0, 0, null,
            null, null, null, 0, true, null);
    insert into marts.row_reconciliation values ('market', 'market_order', 12, 9, 1, 2, 0);
    insert into marts.new_customer_playbook values
        ('market', 9007199254740993, 'x', 'profitable_once', 'Give a reason', 'email', 'voucher',
            0.2, 3.25, 'for: much', 'against: little', null, '2026-06-01'),
        ('market', 2, 'y', 'profitable_once', 'Give a reason', 'email', 'voucher', 0.4, -1, null,
            null, null, '2026-06-02'),
        ('market', 3, 'z', 'no_forecast', 'Wait', 'none', 'none', null, null, null, null, null,
            '2026-06-02');
    insert into customer.customer_quality_status values
        ('market', 'published', 'AUC 0.8', true), ('market', 'withheld', 'too old', false);
"""

LIST_KEYS = {
    "campaign_id", "campaign_version", "campaign_name", "channel", "offer", "campaign_state",
    "status_reason", "power_state", "power_reason", "audience_count", "sent_today_count",
    "sent_before_count", "holdout_global_count", "holdout_campaign_count", "suppressed_count",
    "capped_count", "outranked_count",
}  # fmt: skip
STEP_KEYS = {
    "situation", "next_step", "channel", "offer", "customer_count", "mean_probability",
    "worthwhile_count", "expected_value",
}  # fmt: skip
CHECK_KEYS = {
    "check_name", "check_subject", "check_grain", "severity", "meaning", "evidence", "failing_rows",
    "checked_rows", "people_touched", "lists_touched", "money_at_risk", "failing_share",
    "tolerated_share", "is_ok",
}  # fmt: skip
VIEWS = ("lists", "new-customers", "quality")


def write(path: Path, *statements: str) -> Path:
    with duckdb.connect(str(path)) as connection:
        for statement in (TABLES, *statements):
            connection.execute(statement)
    return path


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("views") / "shops.duckdb", SHOPS)


def show(warehouse: Path, *arguments: str, columns: int = 80, **environment: str) -> Result:
    runner = CliRunner(env={"COLUMNS": str(columns), **environment})
    return runner.invoke(main, ["show", *arguments, "--warehouse", str(warehouse)])


def shown(warehouse: Path, *arguments: str) -> dict[str, Any]:
    result = show(warehouse, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_lists_in_json_are_the_rows_of_the_mart(shops: Path) -> None:
    overview = shown(shops, "lists")

    assert overview["warehouse"] == str(shops)
    market, olist = overview["shops"]
    assert (market["source"], market["as_of_date"]) == ("market", "2026-06-30")
    assert (olist["source"], olist["as_of_date"]) == ("olist", None)
    winback, call = market["lists"]
    assert set(winback) == set(call) == LIST_KEYS
    assert winback["campaign_version"] == 2
    assert winback["offer"] == "A [red]voucher"
    assert call["offer"] is call["power_state"] is None
    states = ("sent_today", "sent_before", "holdout_global", "holdout_campaign", "suppressed",
              "capped", "outranked")  # fmt: skip
    assert [winback[f"{state}_count"] for state in states] == [2, 3, 10, 20, 30, 40, 1012]
    assert sum(winback[f"{state}_count"] for state in states) == winback["audience_count"]


def test_lists_say_how_many_and_why_nobody(shops: Path) -> None:
    lines = show(shops, "lists").output.splitlines()

    assert lines[0] == "market, 2 people on 2 lists as of 2026-06-30"
    [row] = [line for line in lines if line.startswith("winback")]
    assert row.split() == ["winback", "push", "1,117", "2", "30", "1,085", "too", "small"]
    left_out = "Left out: sent to before 3, suppressed 30, capped 40, outranked 1,012"
    assert left_out in lines
    assert "call: No customer fulfils its rules." in lines
    assert "olist: no orders yet, so nobody is on a list." in lines


def test_a_wide_terminal_tells_every_state_and_the_offer(shops: Path) -> None:
    lines = show(shops, "lists", columns=200).output.splitlines()

    [row] = [line for line in lines if line.startswith("winback")]
    assert row.split() == ["winback", "push", "1,117", "2", "3", "30", "30", "40", "1,012", "too",
                           "small", "A", "[red]voucher"]  # fmt: skip


def test_members_of_a_list_stand_best_first_and_keys_keep_every_digit(shops: Path) -> None:
    [shop, empty] = shown(shops, "lists", "winback", "--limit", "2")["shops"]
    [entry] = shop["lists"]

    assert entry["members"] == [
        {"customer_key": "7", "reason": "late", "offer": "A [red]voucher", "expected_value": 1.5},
        {"customer_key": "9007199254740993", "reason": "promo_share is 0.4",
         "offer": "A [red]voucher", "expected_value": 1.5},
    ]  # fmt: skip
    assert empty["lists"][0]["members"] == []
    output = show(shops, "lists", "winback").output
    assert "market.winback.v2: Win [b]back[/b]" in output
    assert "9007199254740993" in output
    assert "Power: too small: a rise of 3 points takes 9 runs" in output


def test_new_customers_stand_by_what_to_do_and_only_worthwhile_values_are_summed(
    shops: Path,
) -> None:
    market, olist = shown(shops, "new-customers")["shops"]

    assert (market["quality_status"], market["reason"]) == ("published", "AUC 0.8")
    assert olist == {"source": "olist", "as_of_date": None, "quality_status": "untrained",
                     "reason": "nothing was fitted by the as-of date", "steps": []}  # fmt: skip
    once, unknown = market["steps"]
    assert set(once) == STEP_KEYS
    assert (once["customer_count"], once["worthwhile_count"]) == (2, 1)
    assert once["expected_value"] == 3.25
    assert once["mean_probability"] == pytest.approx(0.3)
    assert unknown["situation"] == "no_forecast"
    names = ("mean_probability", "worthwhile_count", "expected_value")
    assert [unknown[name] for name in names] == [None, None, None]

    output = show(shops, "new-customers").output
    assert "market, 3 new customers as of 2026-06-30" in output
    assert "Forecast published: AUC 0.8." in output
    [row] = [line for line in output.splitlines() if line.startswith("no_forecast")]
    assert row.split() == ["no_forecast", "1", "-", "-", "-", "Wait"]
    assert "olist: no orders yet" in output


def test_customers_of_a_situation(shops: Path) -> None:
    [shop] = shown(shops, "new-customers", "profitable_once", "--limit", "1")["shops"]
    [step] = shop["steps"]

    assert step["members"] == [
        {"customer_key": "9007199254740993", "probability": 0.2, "expected_value": 3.25,
         "reason_1": "for: much", "reason_2": "against: little", "reason_3": None,
         "first_order_date": "2026-06-01"},
    ]  # fmt: skip
    output = show(shops, "new-customers", "profitable_once", "--limit", "1").output
    assert "for: much; against: little" in " ".join(output.split())
    assert "1 of 2, best first" in output


def test_quality_shows_what_presses_and_json_everything(shops: Path) -> None:
    market, olist = shown(shops, "quality")["shops"]

    assert [check["check_name"] for check in market["checks"]] == ["lines", "stale", "gap", "late"]
    assert all(set(check) == CHECK_KEYS for check in market["checks"])
    assert market["checks"][0]["money_at_risk"] == 1234.5
    assert market["tables"] == [
        {"source_table": "market_order", "landed_count": 12, "accepted_count": 9,
         "rejected_count": 1, "duplicate_count": 2, "unexplained_count": 0}
    ]  # fmt: skip
    assert (olist["source"], len(olist["checks"]), olist["tables"]) == ("olist", 1, [])

    lines = show(shops, "quality").output.splitlines()
    assert lines[0] == "market, 1 of 4 checks failed as of 2026-06-30"
    firsts = [line.split()[0] for line in lines if " orders" in line or " source" in line]
    assert firsts == ["lines", "gap"]
    assert "lines: adds up not (4 of 9)." in lines
    assert "2 checks are fine or for information; --all shows them." in lines
    assert "market, every landed row is accounted for" in lines
    everything = show(shops, "quality", "--all").output
    assert "late" in everything
    assert "--all" not in everything


def test_rows_that_are_unaccounted_for_are_not_hidden(shops: Path, tmp_path: Path) -> None:
    lost = "update marts.row_reconciliation set accepted_count = 7, unexplained_count = 2"
    output = show(write(tmp_path / "shop.duckdb", SHOPS, lost), "quality").output

    assert "market, 2 landed rows are unaccounted for" in output


@pytest.mark.parametrize("view", VIEWS)
def test_a_warehouse_without_rows_is_shown_in_a_sentence(tmp_path: Path, view: str) -> None:
    warehouse = write(tmp_path / "shop.duckdb")
    result = show(warehouse, view)

    assert result.exit_code == 0, result.output
    [line] = result.output.splitlines()
    assert line.endswith(".")
    assert shown(warehouse, view)["shops"] == []


@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize("view", VIEWS)
def test_no_line_is_wider_than_the_terminal(shops: Path, view: str, columns: int) -> None:
    lines = show(shops, view, columns=columns).output.splitlines()

    assert max(map(len, lines)) <= columns
    assert not any("…" in line for line in lines)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("lists", "nosuch"), "there is no campaign nosuch; there are call, winback"),
        (
            ("new-customers", "\x1b[31mred"),
            r"no new customer is in the situation \x1b[31mred; there are no_forecast, "
            "profitable_once",
        ),
    ],
)
def test_a_name_that_nobody_knows_is_said_in_one_line(
    shops: Path, arguments: tuple[str, ...], words: str
) -> None:
    result = show(shops, *arguments)

    assert result.exit_code == 1
    assert result.output == f"Error: {words}\n"


@pytest.mark.parametrize(
    ("view", "table", "column"),
    [
        ("lists", "marts.campaign_status", "outranked_count"),
        ("new-customers", "marts.new_customer_playbook", "next_step"),
        ("quality", "marts.data_quality", "is_ok"),
        ("quality", "marts.data_quality", "meaning"),
        ("quality", "marts.row_reconciliation", "unexplained_count"),
    ],
)
def test_an_older_warehouse_and_a_part_of_one_are_said_in_one_line(
    tmp_path: Path, view: str, table: str, column: str
) -> None:
    older = write(tmp_path / "older.duckdb", f"alter table {table} drop column {column}")
    part = write(tmp_path / "part.duckdb", f"drop table {table}")

    for warehouse, said in (
        (older, "was built by another version"),
        (part, f"({table} is missing"),
    ):
        result = show(warehouse, view)
        assert result.exit_code == 1
        [line] = result.output.splitlines()
        assert line.startswith("Error: ")
        assert said in line


def test_names_that_a_terminal_would_obey_are_written_out(shops: Path, tmp_path: Path) -> None:
    change = "update marts.campaign_status set channel = chr(27) || '[2J' || chr(10) || 'x'"
    output = show(write(tmp_path / "shop.duckdb", SHOPS, change), "lists").output

    assert "\x1b" not in output
    assert r"\x1b[2J\nx" in output


def run_piped(warehouse: Path, *arguments: str, **environment: str) -> bytes:
    command = [sys.executable, "-m", "clientele", "show", *arguments, "--warehouse", str(warehouse)]
    return subprocess.run(
        command, check=True, capture_output=True, cwd=ROOT, env={**os.environ, **environment}
    ).stdout


def test_what_is_piped_has_no_escape_codes_and_any_encoding_will_do(
    shops: Path, tmp_path: Path
) -> None:
    named = "update marts.campaign_status set campaign_id = 'rückkehr' where source = 'market'"
    warehouse = write(tmp_path / "shop.duckdb", SHOPS, named)

    assert b"\x1b" not in run_piped(shops, "quality", FORCE_COLOR="", TERM="xterm-256color")
    ascii_only = run_piped(warehouse, "lists", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert rb"r\xfcckkehr" in ascii_only
    assert "rückkehr" in run_piped(warehouse, "lists", PYTHONUTF8="1").decode()
    as_json = run_piped(warehouse, "lists", "--json", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    names = [entry["campaign_id"] for entry in json.loads(as_json)["shops"][0]["lists"]]
    assert "rückkehr" in names


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_behind_the_output_is_one_line(shops: Path, unbuffered: str) -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    for options in ([], ["--json"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [sys.executable, "-m", "clientele", "show", "quality",
                 "--warehouse", str(shops), *options],
                cwd=ROOT, env=environment, stdout=full, stderr=subprocess.PIPE, text=True,
                check=False,
            )  # fmt: skip
        assert done.returncode == 1
        assert done.stderr == "Error: it cannot be printed: No space left on device\n"


@pytest.mark.parametrize(
    ("environment", "codes"),
    [
        ({}, {"bold", "red"}),
        ({"NO_COLOR": "1"}, {"bold"}),
        ({"TERM": "dumb"}, set()),
    ],
    ids=["colours", "no colours", "dumb terminal"],
)
@pytest.mark.parametrize("columns", [80, 200])
def test_a_terminal_is_told_what_it_understands(
    shops: Path, environment: dict[str, str], codes: set[str], columns: int
) -> None:
    command = [sys.executable, "-m", "clientele", "show", "quality", "--warehouse", str(shops)]
    code, screen, _ = run_on_terminal(command, ROOT, columns=columns, environment=environment)

    assert code == 0
    told = {
        number for found in re.findall(r"\x1b\[([0-9;]*)m", screen) for number in found.split(";")
    }
    assert {name for number, name in (("1", "bold"), ("31", "red")) if number in told} == codes
    assert ("\x1b" in screen) == bool(codes)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", screen)
    if "TERM" not in environment:  # a dumb one does not say how wide it is
        assert ("What it means" in plain) == (columns == 200)
    assert max(map(len, plain.splitlines())) <= columns


def test_the_views_of_the_demo_say_what_its_marts_say(demo_warehouse: Warehouse) -> None:
    path = demo_warehouse.path
    with duckdb.connect(str(path), read_only=True) as connection:

        def ask(query: str) -> list[tuple[Any, ...]]:
            return connection.execute(query).fetchall()

        ledger = ask(
            "select campaign_id, count(*), count(*) filter (state = 'sent' and assigned_date = "
            "as_of_date), count(*) filter (state_group like 'holdout%') from marts.campaign_ledger "
            "group by 1"
        )
        new = ask("select situation, count(*) from marts.new_customer_playbook group by 1")
        [(brings,)] = ask(
            "select sum(greatest(expected_value_of_acting, 0)) from marts.new_customer_playbook"
        )
        checks = ask("select check_name, check_subject, failing_rows from marts.data_quality")
        landed = ask("select sum(landed_count) from marts.row_reconciliation")
        best = ask("select campaign_id, max(expected_value) from marts.campaign_lists group by all")

    [shop] = shown(path, "lists")["shops"]
    told = {
        (entry["campaign_id"], entry["audience_count"], entry["sent_today_count"],
         entry["holdout_global_count"] + entry["holdout_campaign_count"])
        for entry in shop["lists"] if entry["audience_count"]
    }  # fmt: skip
    assert told == set(ledger)
    campaign, most = best[0]
    [entry] = shown(path, "lists", campaign, "--limit", "1")["shops"][0]["lists"]
    assert entry["members"][0]["expected_value"] == pytest.approx(float(most))

    [shop] = shown(path, "new-customers")["shops"]
    assert {(step["situation"], step["customer_count"]) for step in shop["steps"]} == set(new)
    total = sum(step["expected_value"] or 0 for step in shop["steps"])
    assert total == pytest.approx(float(brings))

    [shop] = shown(path, "quality")["shops"]
    found = {(c["check_name"], c["check_subject"], c["failing_rows"]) for c in shop["checks"]}
    assert found == set(checks)
    assert [(sum(entry["landed_count"] for entry in shop["tables"]),)] == landed
