"""`clientele export`, on a warehouse of a few rows."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from clientele.cli import main
from clientele.export import (
    LIST_COLUMNS,
    ExportError,
    export_lists,
)
from clientele.safe_text import formula_safe, list_file_name
from clientele.versions import PRIVATE
from clientele.warehouse_file import open_warehouse
from warehouse import Warehouse

TODAY = "2026-06-30"
TABLES = """
    create schema intermediate;
    create schema campaigns;
    create schema marts;
    create table intermediate.int_as_of (source varchar, as_of_date date);
    create table campaigns.customer_suppressions (
        customer_key bigint, source varchar, channel varchar, suppression varchar,
        is_hard boolean, suppressed_on date, as_of_date date
    );
    create table campaigns.campaign_assignments (
        source varchar, campaign_id varchar, campaign_version integer, customer_key bigint,
        customer_id varchar, arm varchar, bucket integer, assigned_date date, run_id varchar
    );
    create table marts.campaign_ledger (
        source varchar, campaign_id varchar, campaign_version integer, customer_key bigint,
        customer_id varchar, state varchar, state_group varchar, assigned_date date,
        as_of_date date
    );
    create table marts.campaign_lists (
        campaign_id varchar, campaign_version integer, customer_key bigint, source varchar,
        customer_id varchar, campaign_name varchar, channel varchar, offer varchar,
        reason varchar, who_they_are varchar, segment_name varchar, rfm_segment varchar,
        lifecycle_stage varchar, favourite_category varchar, recency_days integer,
        average_order_value decimal(18, 4), cm2_365d decimal(18, 4),
        expected_value decimal(18, 4), assigned_date date, as_of_date date
    );
    create table marts.campaign_status (
        source varchar, campaign_id varchar, campaign_version integer, campaign_name varchar,
        channel varchar, campaign_state varchar, audience_count bigint, sent_count bigint,
        sent_today_count bigint, holdout_global_count bigint, holdout_campaign_count bigint,
        suppressed_count bigint, capped_count bigint, outranked_count bigint,
        unexplained_count bigint, status_reason varchar, starts_on date, ends_on date,
        as_of_date date
    );
    create table marts.audiences (
        id varchar, name varchar, description varchar, source varchar, campaign_id varchar,
        campaign_version integer, channel varchar, member_count bigint
    );
    create table marts.people (id varchar, source varchar, customer_id varchar);
    create table marts.audience_memberships (person_id varchar, audience_id varchar);
"""

# What follows from the ledger, in the words of the models' contract.
DERIVED = f"""
    insert into intermediate.int_as_of values ('market', date '{TODAY}');
    insert into campaigns.campaign_assignments
        select
            source, campaign_id, campaign_version, customer_key, customer_id, state, 0,
            assigned_date, 'run of ' || assigned_date
        from marts.campaign_ledger where assigned_date is not null;
    insert into marts.campaign_lists
        select
            campaign_id, campaign_version, customer_key, source, customer_id, 'Name of it', 'push',
            'An offer', 'promo_share is 0.4', 'Order often.', 'Loyal', 'champions', 'active',
            'dairy', 3, 20, -12.5 * customer_key, 100 - customer_key, assigned_date, as_of_date
        from marts.campaign_ledger where state = 'sent' and assigned_date = as_of_date;
    insert into marts.campaign_status
        select
            'market', campaign_id, version, 'Name of it', 'push', 'running',
            count(customer_key), count(*) filter (where state_group = 'sent'),
            count(*) filter (where state = 'sent' and assigned_date = as_of_date),
            count(*) filter (where state_group = 'holdout_global'),
            count(*) filter (where state_group = 'holdout_campaign'),
            count(*) filter (where state_group = 'suppressed'),
            count(*) filter (where state_group = 'capped'),
            count(*) filter (where state_group = 'outranked'),
            0, 'it runs', null, null, date '{TODAY}'
        from seed left join marts.campaign_ledger as ledger using (campaign_id)
        where ledger.campaign_version is null or ledger.campaign_version = version
        group by all;
    insert into marts.audiences
        select
            'market.' || campaign_id || '.v' || campaign_version, campaign_name, 'Words',
            source, campaign_id, campaign_version, channel, sent_today_count
        from marts.campaign_status;
    insert into marts.people
        select distinct customer_key::varchar, source, customer_id from marts.campaign_lists;
    insert into marts.audience_memberships
        select customer_key::varchar, source || '.' || campaign_id || '.v' || campaign_version
        from marts.campaign_lists;
"""


NOBODY = (
    "insert into marts.campaign_status select * replace ('nobody' as campaign_id, "
    "0 as audience_count, 0 as sent_count, 0 as sent_today_count, 0 as holdout_global_count, "
    "0 as holdout_campaign_count, 0 as suppressed_count, 0 as capped_count, "
    "0 as outranked_count) from marts.campaign_status where campaign_id = 'winback'",
    "insert into marts.audiences select * replace ('nobody' as campaign_id, "
    "'market.nobody.v1' as id) from marts.audiences where campaign_id = 'winback'",
)


def write_warehouse(path: Path, *changes: str, campaigns: dict[str, int] | None = None) -> Path:
    """Write a warehouse of two running campaigns, winback with 8 states and call with 2 sent."""
    campaigns = {"winback": 1, "call": 2} if campaigns is None else campaigns
    with duckdb.connect(str(path)) as connection:
        connection.execute(TABLES)
        connection.execute("create temp table seed (campaign_id varchar, version integer)")
        key = 0
        for number, (campaign, version) in enumerate(campaigns.items()):
            connection.execute("insert into seed values (?, ?)", [campaign, version])
            states = ["sent", "sent", "sent"] if number else [
                "sent", "sent", "holdout_global", "holdout_campaign", "suppressed:no_consent",
                "capped", "outranked:call", "sent",
            ]  # fmt: skip
            for place, state in enumerate(states):
                key += 1
                day = None if ":" in state or state == "capped" else TODAY
                day = "2026-06-20" if place == len(states) - 1 else day  # sent days ago
                connection.execute(
                    "insert into marts.campaign_ledger values ('market', ?, ?, ?, ?, ?, ?, ?, ?)",
                    [campaign, version, key, f"c{key}", state, state.split(":")[0], day, TODAY],
                )
        connection.execute(DERIVED)
        for change in changes:
            connection.execute(change)
    return path


def export(warehouse: Path, root: Path, *options: str):
    arguments = ["export", "--warehouse", str(warehouse), "--root", str(root), *options]
    return CliRunner().invoke(main, arguments)


def manifest_of(root: Path) -> dict:
    return json.loads((root / "current" / "manifest.json").read_text("utf-8"))


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def tree(root: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes, links by where they lead."""
    return {
        path.relative_to(root).as_posix(): (
            os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
        )
        for path in sorted(root.rglob("*"))
        if path.is_symlink() or path.is_file()
        if path.name != ".clientele-export.lock"
    }


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_warehouse(tmp_path_factory.mktemp("export") / "shop.duckdb")


@pytest.fixture(scope="module")
def exported(warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("exported") / "exports"
    result = export(warehouse, root)
    assert result.exit_code == 0, result.output
    assert result.output == ""
    return root


def test_a_list_holds_who_is_sent_today_with_the_best_first(exported: Path) -> None:
    lines = read_csv(exported / "current/lists/market.winback.v1.csv")

    assert tuple(lines[0]) == LIST_COLUMNS
    assert [line["customer_id"] for line in lines] == ["c1", "c2"]  # c8 was sent ten days ago
    assert [line["cm2_365d"] for line in lines] == ["-12.5000", "-25.0000"]
    assert lines[0]["as_of_date"] == TODAY
    assert lines[0]["reason"] == "promo_share is 0.4"


def test_activation_tables_have_the_columns_that_tools_look_for(exported: Path) -> None:
    def read(table: str) -> tuple[list[str], list[tuple]]:
        path = exported / f"current/activation/{table}.parquet"
        result = duckdb.connect().execute(f"from '{path}'")
        return [column[0] for column in result.description], result.fetchall()

    assert read("audiences") == (
        ["id", "name", "description"],
        [("market.call.v2", "Name of it", "Words"), ("market.winback.v1", "Name of it", "Words")],
    )
    columns, people = read("people")
    assert columns[0] == "id"
    assert people == [(key, "market", f"c{key}") for key in ("1", "10", "2", "9")]
    assert read("audience_memberships") == (
        ["person_id", "audience_id"],
        [(key, "market.call.v2") for key in ("10", "9")]
        + [(key, "market.winback.v1") for key in ("1", "2")],
    )


def test_the_kept_arms_are_all_there(exported: Path, warehouse: Path) -> None:
    path = exported / "current/campaign_assignments.parquet"
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        differing = connection.execute(
            f"(from campaigns.campaign_assignments except all from '{path}')"
            f" union all (from '{path}' except all from campaigns.campaign_assignments)"
        ).fetchall()
        count = connection.execute("select count(*) from campaigns.campaign_assignments").fetchone()

    assert differing == []
    assert count == (8,)


def test_the_manifest_counts_and_hashes_every_file(exported: Path) -> None:
    manifest = manifest_of(exported)
    version = exported / "current"

    files = {file["path"]: file for file in manifest["files"]}
    on_disk = {p.relative_to(version).as_posix() for p in version.rglob("*") if p.is_file()}
    assert on_disk == {*files, "manifest.json"}
    for path, file in files.items():
        content = (version / path).read_bytes()
        assert file["bytes"] == len(content)
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
    assert files["lists/market.winback.v1.csv"]["rows"] == 2
    assert files["lists/market.winback.v1.csv"]["audience_id"] == "market.winback.v1"
    assert files["campaign_assignments.parquet"]["rows"] == 8
    [call, winback] = manifest["lists"]
    assert (call["status"], winback["status"]) == ("written", "written")
    assert winback["counts"]["audience_count"] == 8
    assert winback["run_ids"] == [f"run of {TODAY}"]
    assert manifest["as_of_dates"] == {"market": TODAY}
    assert (exported / "current").resolve().name == manifest["version"]


def test_the_same_warehouse_gives_the_same_bytes_wherever_it_lies(
    exported: Path, warehouse: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "elsewhere.duckdb"
    copy.write_bytes(warehouse.read_bytes())

    assert export(copy, tmp_path / "o'ther [root]").exit_code == 0

    assert tree(tmp_path / "o'ther [root]") == tree(exported)
    before = tree(exported)
    assert export(warehouse, exported).exit_code == 0
    assert tree(exported) == before
    assert str(tmp_path) not in (exported / "current/manifest.json").read_text("utf-8")


def test_json_is_for_machines_and_quiet_for_nobody(warehouse: Path, tmp_path: Path) -> None:
    printed = json.loads(export(warehouse, tmp_path / "a", "--json").output)

    assert printed["manifest"] == manifest_of(tmp_path / "a")
    assert Path(printed["folder"]) == (tmp_path / "a/current").resolve()
    assert export(warehouse, tmp_path / "b", "--quiet").output == ""


def test_people_at_a_terminal_see_what_was_written(warehouse: Path, tmp_path: Path) -> None:
    from rich.console import Console

    from clientele.export import print_export

    console = Console(width=120, file=io.StringIO())
    print_export(export_lists(warehouse, tmp_path), console)
    output = console.file.getvalue()

    [line] = [line for line in output.splitlines() if "market.winback.v1" in line]
    assert [cell.strip() for cell in line.strip("│ ").split("│")] == [
        "market.winback.v1", "push", "2", "lists/market.winback.v1.csv",
    ]  # fmt: skip
    assert str((tmp_path / "current").resolve()) in output


def test_only_the_lists_that_are_asked_for(warehouse: Path, tmp_path: Path) -> None:
    assert export(warehouse, tmp_path, "--list", "call").exit_code == 0

    assert [path.name for path in (tmp_path / "current/lists").iterdir()] == ["market.call.v2.csv"]
    members = tmp_path / "current/activation/audience_memberships.parquet"
    audiences = duckdb.connect().execute(f"select distinct audience_id from '{members}'").fetchall()
    assert audiences == [("market.call.v2",)]
    result = export(warehouse, tmp_path, "--list", "cal")
    assert result.exit_code == 1
    assert result.output == "Error: there is no campaign cal; there are call, winback\n"


# What a list may be made of.

TRICKY = [
    "=1+1", "+49 170 1234", "-5", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1+1", "\u00a0\u200b-1",
    "'=already", '"=1', "\uff1d1+1", "plain", "0012", "a,b", 'say "hi"', "two\r\nlines", "x;=1",
    "x;\t=1", 'x;"=1', "x\n-1", "Zoë 🙂", "a - b", "", "=cmd|' /C calc'!A0", "-", "\x00=1",
    "שלום \u202e=1",
]  # fmt: skip
STARTS_A_FORMULA = re.compile(r"[\s\x00-\x1f\u00a0\u200b\u202e\"]*[=+\-@\uff1d]|[\t\r\n]")


@pytest.fixture(scope="module")
def tricky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tricky")
    values = ", ".join(
        f"({number}, " + " || ".join(f"chr({ord(letter)})" for letter in text or " ") + ")"
        for number, text in enumerate(TRICKY)
    )
    write_warehouse(
        folder / "shop.duckdb",
        f"create table tricky as select * from (values {values}) as cells (number, cell)",
        "insert into marts.campaign_ledger select 'market', 'winback', 1, 1000 + number, 'x', "
        f"'sent', 'sent', date '{TODAY}', date '{TODAY}' from tricky",
        "insert into campaigns.campaign_assignments select 'market', 'winback', 1, "
        f"1000 + number, 'x', 'sent', 0, date '{TODAY}', 'run' from tricky",
        "insert into marts.campaign_lists select 'winback', 1, 1000 + number, 'market', "
        "'t' || number, 'Name', 'push', cell, cell, null, null, '', 'active', null, -3, 9, -0.5, "
        f"-number, date '{TODAY}', date '{TODAY}' from tricky",
        "insert into marts.people select (1000 + number)::varchar, 'market', 'x' from tricky",
        "insert into marts.audience_memberships select (1000 + number)::varchar, "
        "'market.winback.v1' from tricky",
        "update marts.campaign_status set audience_count = audience_count + "
        f"{len(TRICKY)}, sent_count = sent_count + {len(TRICKY)}, "
        f"sent_today_count = sent_today_count + {len(TRICKY)} where campaign_id = 'winback'",
    )
    result = export(folder / "shop.duckdb", folder / "exports")
    assert result.exit_code == 0, result.output
    return folder / "exports/current/lists/market.winback.v1.csv"


def test_no_cell_begins_a_formula_and_none_is_lost(tricky: Path) -> None:
    cells = [line["offer"] for line in read_csv(tricky) if line["customer_id"].startswith("t")]

    assert len(cells) == len(TRICKY)
    for text, cell in zip(TRICKY, cells, strict=True):
        assert not STARTS_A_FORMULA.match(cell), (text, cell)
        assert cell.replace("'", "") == (text or " ").replace("'", "")
    for text in ("plain", "0012", "a,b", 'say "hi"', "two\r\nlines", "Zoë 🙂", "a - b"):
        assert text in cells  # what is no formula stays as it is
    assert cells[0] == "'=1+1"


def test_a_spreadsheet_that_splits_at_semicolons_or_tabs_finds_no_formula_either(
    tricky: Path,
) -> None:
    text = tricky.read_text("utf-8-sig")

    for line in re.split(r"[\r\n]+", text):
        for cell in re.split(r"[;\t]", line):
            assert not re.match(r"[\s\"]*[=@\uff1d]", cell), line


def test_numbers_stay_numbers_and_texts_stay_texts(tricky: Path) -> None:
    table = pd.read_csv(tricky, dtype={"customer_id": str}, keep_default_na=False)

    assert list(table.columns) == list(LIST_COLUMNS)
    assert table["cm2_365d"].dtype == "float64"
    assert (table["cm2_365d"] < 0).all()
    assert (table.loc[table["customer_id"].str.startswith("t"), "recency_days"] == -3).all()
    raw = tricky.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfcustomer_id,")
    assert b",-3,9.0000,-0.5000," in raw  # no apostrophe, no quotes
    assert b',,"","active"' in raw  # not known is empty, an empty text is quoted
    assert raw.endswith(b"\r\n")
    assert raw.count(b"\r\n") == 1 + len(table) + sum("\r\n" in text for text in TRICKY) * 2


def test_the_manifest_says_how_many_rows_were_changed(tricky: Path) -> None:
    manifest = json.loads((tricky.parents[1] / "manifest.json").read_text("utf-8"))
    [file] = [file for file in manifest["files"] if file["audience_id"] == "market.winback.v1"]

    assert file["rows"] == 2 + len(TRICKY)
    assert file["guarded_rows"] == len(TRICKY) - 9  # those that are no formula


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.text(st.sampled_from("=+-@'\" ;,\t\r\nab\u00a0\u200b\uff1d\x01"), max_size=8),
        min_size=60,
    )
)
def test_any_text_is_made_safe_and_can_be_made_out_again(texts: list[str]) -> None:
    query = f"select {formula_safe('cell')} from (select unnest(?) as cell)"
    cells = [row[0] for row in duckdb.connect().execute(query, [texts]).fetchall()]

    for text, cell in zip(texts, cells, strict=True):
        for part in re.split(r"[;\t\r\n]", cell):
            assert not re.match(r"[ \"\u00a0\u200b\x01]*[=+\-@\uff1d]", part)
        assert not re.match(r"[\t\r\n]", cell)
        assert cell.replace("'", "") == text.replace("'", "")
        without_lead = re.sub(r"^'(?='*[\t\r\n])", "", cell)
        lead = r"(^|[;\t\r\n])'(?=[ \"'\u00a0\u200b\x01]*[=+\-@\uff1d])"
        assert re.sub(lead, r"\1", without_lead) == text


def test_the_lists_of_the_demo_are_the_rows_of_the_mart(
    demo_warehouse: Warehouse, tmp_path: Path
) -> None:
    result = export(demo_warehouse.path, tmp_path)

    assert result.exit_code == 0, result.output
    mart = demo_warehouse.table("marts.campaign_lists")
    assert len(mart) > 100
    parts = [
        pd.read_csv(path, dtype={"customer_id": str})
        for path in (tmp_path / "current/lists").iterdir()
    ]
    written = pd.concat([part for part in parts if len(part)])
    for frame in (mart, written):
        frame["key"] = frame["customer_id"] + " " + frame["campaign_id"]
    mart, written = mart.set_index("key").sort_index(), written.set_index("key").sort_index()
    assert list(written.index) == list(mart.index)
    for column in ("offer", "reason", "rfm_segment", "channel"):
        assert written[column].fillna("").tolist() == mart[column].fillna("").tolist()
    pd.testing.assert_series_equal(written["cm2_365d"], mart["cm2_365d"].astype(float))
    [(running,)] = demo_warehouse.query(
        "select count(*) from marts.campaign_status where campaign_state = 'running'"
    )
    assert len(parts) == running
    people = tmp_path / "current/activation/people.parquet"
    ids = duckdb.connect().execute(f"select id from '{people}'").fetchall()
    assert sorted(int(key) for (key,) in ids) == sorted(mart["customer_key"])


# Lists that break a rule.

LIST = "update marts.campaign_lists set"
BROKEN = {
    "status_does_not_add_up": (
        "update marts.campaign_status set capped_count = 0 where campaign_id = 'winback'",
        "its audience of 8 is not the sum of its states, 7",
    ),
    "status_has_unexplained_people": (
        "update marts.campaign_status set unexplained_count = 1 where campaign_id = 'winback'",
        "its audience of 8 is not the sum of its states",
    ),
    "ledger_lost_a_row": (
        "delete from marts.campaign_ledger where state = 'capped'",
        "campaign_status and the ledger count its states differently",
    ),
    "ledger_has_a_state_of_its_own": (
        "update marts.campaign_ledger set state = 'lost', state_group = 'lost' "
        "where state = 'capped'",
        "the ledger has 8 rows and 7 customers with a known state",
    ),
    "ledger_has_a_customer_twice": (
        "insert into marts.campaign_ledger from marts.campaign_ledger where state = 'capped'",
        "1 customers are in its ledger more than once",
    ),
    "list_has_one_less": (
        "delete from marts.campaign_lists where customer_key = 2",
        "it has 1 rows, but the ledger has 2 customers sent today and campaign_status 2",
    ),
    "list_has_somebody_else": (
        f"{LIST} customer_key = 77 where customer_key = 2",
        "1 customers on it and 1 that the ledger has sent today are not the same",
    ),
    "list_has_a_customer_twice": (
        "insert into marts.campaign_lists from marts.campaign_lists where customer_key = 2",
        "2 rows are of customers who are on lists more than once today",
    ),
    "list_has_somebody_suppressed": (
        "insert into campaigns.customer_suppressions values "
        f"(2, 'market', 'push', 'unsubscribed', true, null, date '{TODAY}')",
        "1 customers on it are suppressed on its channel",
    ),
    "list_has_somebody_held_out": (
        "update campaigns.campaign_assignments set arm = 'holdout_campaign' "
        "where customer_key = 2",
        "1 customers on it have no arm `sent` of today in campaign_assignments",
    ),
    "list_is_of_yesterday": (
        f"{LIST} as_of_date = date '2026-06-29' where customer_key = 2",
        "1 rows are not of the as-of date",
    ),
    "list_has_a_nameless_row": (
        f"{LIST} customer_id = null where customer_key = 2",
        "1 rows name no customer",
    ),
    "campaign_does_not_run": (
        "update marts.campaign_status set campaign_state = 'ended' where campaign_id = 'winback'",
        "it has rows, but the campaign does not run",
    ),
    "status_is_there_twice": (
        "insert into marts.campaign_status from marts.campaign_status "
        "where campaign_id = 'winback'",
        "campaign_status has 2 rows of it",
    ),
    "memberships_are_of_another_build": (
        "delete from marts.audience_memberships where person_id = '2'",
        "1 rows are not in audience_memberships and people",
    ),
    "memberships_have_one_more": (
        "insert into marts.audience_memberships values ('77', 'market.winback.v1')",
        "audience_memberships has 3 members for its 2 rows",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_list_that_breaks_a_rule_is_left_out_and_the_others_are_written(
    tmp_path: Path, case: str
) -> None:
    change, words = BROKEN[case]
    broken = write_warehouse(tmp_path / "shop.duckdb", change)

    result = export(broken, tmp_path / "exports", "--quiet")

    assert result.exit_code == 1
    [line] = result.stderr.splitlines()
    assert line.startswith("Error: market.winback.v1 is not written: ")
    assert words in line
    lists = [path.name for path in (tmp_path / "exports/current/lists").iterdir()]
    assert lists == ["market.call.v2.csv"]
    [call, winback] = manifest_of(tmp_path / "exports")["lists"]
    assert (call["status"], winback["status"]) == ("written", "refused")
    assert words in "; ".join(winback["reasons"])
    for table in ("audiences", "people", "audience_memberships"):
        path = tmp_path / f"exports/current/activation/{table}.parquet"
        content = str(duckdb.connect().execute(f"from '{path}'").fetchall())
        assert "winback" not in content
        assert "call" in content or table == "people"
        assert "'1'" not in content


def test_lists_of_a_past_day_are_not_given_out_again(tmp_path: Path) -> None:
    """A build that looked back shows them, and nobody is written to a second time."""
    back = write_warehouse(
        tmp_path / "shop.duckdb",
        "insert into campaigns.campaign_assignments select * replace ('later' as campaign_id, "
        f"date '{TODAY}' + 6 as assigned_date) from campaigns.campaign_assignments limit 1",
    )

    result = export(back, tmp_path / "exports")

    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert len(lines) == 2
    assert all("it is of a past day: people were assigned on 20" in line for line in lines)
    assert list((tmp_path / "exports/current/lists").iterdir()) == []


def test_a_customer_on_two_lists_stops_both(tmp_path: Path) -> None:
    both = write_warehouse(
        tmp_path / "shop.duckdb",
        "insert into marts.campaign_lists select * replace ('call' as campaign_id, "
        "2 as campaign_version) from marts.campaign_lists where customer_key = 2",
    )

    result = export(both, tmp_path / "exports")

    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 2
    assert list((tmp_path / "exports/current/lists").iterdir()) == []


def test_who_was_sent_before_a_soft_reason_came_up_today_stays_on_the_list(tmp_path: Path) -> None:
    soft = write_warehouse(
        tmp_path / "shop.duckdb",
        "insert into campaigns.customer_suppressions values "
        f"(2, 'market', 'push', 'recent_order', false, null, date '{TODAY}'), "
        f"(1, 'market', 'email', 'unsubscribed', true, null, date '{TODAY}')",
    )

    assert export(soft, tmp_path / "exports").exit_code == 0


def test_where_nothing_runs_the_export_is_empty_and_says_so(tmp_path: Path) -> None:
    idle = write_warehouse(tmp_path / "shop.duckdb", campaigns={})

    result = export(idle, tmp_path / "exports")

    assert result.exit_code == 0
    assert result.stderr == "No campaign runs today, so there is no list.\n"
    manifest = manifest_of(tmp_path / "exports")
    assert manifest["lists"] == []
    assert {file["rows"] for file in manifest["files"]} == {0}


def test_a_running_campaign_that_reaches_nobody_has_a_list_without_rows(tmp_path: Path) -> None:
    nobody = write_warehouse(tmp_path / "shop.duckdb", *NOBODY)

    assert export(nobody, tmp_path / "exports").exit_code == 0

    content = (tmp_path / "exports/current/lists/market.nobody.v1.csv").read_bytes()
    assert content == b"\xef\xbb\xbf" + ",".join(LIST_COLUMNS).encode() + b"\r\n"


# Names of files.

NAMES = [
    "../../etc/passwd", "..", "/etc/passwd", "a/b", "a\\b", "nul", "a\x00b", "A", "a", "\uff21",
    "é", "e\u0301", "..\u2215x", "x" * 300, "x" * 301, "-rf", ".hidden", "\u202egnp", "a\nb", "",
    "'", "C:\\x", "a.v1", "con", "~", "$(id)", "{uuid}", "*", "\ud7ff",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_list_never_leaves_its_folder(tmp_path: Path, name: str) -> None:
    file = list_file_name(f"market.{name}.v1")

    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*[.]csv", file)
    assert len(file) < 150
    assert (tmp_path / file).resolve().parent == tmp_path.resolve()


def test_lists_of_different_names_have_different_files() -> None:
    files = {list_file_name(f"market.{name}.v1").lower() for name in NAMES}

    assert len(files) == len(NAMES)


def test_strange_campaign_ids_are_exported_under_the_root(tmp_path: Path) -> None:
    names = [name for name in NAMES if "\x00" not in name]
    strange = write_warehouse(tmp_path / "shop.duckdb", campaigns=dict.fromkeys(names, 1))
    outside = tree(tmp_path)

    result = export(strange, tmp_path / "deep/er/exports")

    assert result.exit_code == 0, result.output
    lists = tmp_path / "deep/er/exports/current/lists"
    assert len(list(lists.iterdir())) == len(names)
    everything = tree(tmp_path)
    assert {path for path in everything if not path.startswith("deep/er/exports/")} == set(outside)


def test_two_lists_of_one_name_are_refused(tmp_path: Path) -> None:
    twins = write_warehouse(
        tmp_path / "shop.duckdb",
        *NOBODY,
        "insert into marts.campaign_status select * replace ('market.b' as source, "
        "'c' as campaign_id) from marts.campaign_status where campaign_id = 'nobody'",
        "insert into marts.audiences select * replace ('market.b' as source, "
        "'c' as campaign_id) from marts.audiences where campaign_id = 'nobody'",
        "update marts.campaign_status set campaign_id = 'b.c' where campaign_id = 'nobody'",
        "update marts.audiences set campaign_id = 'b.c', id = 'market.b.c.v1' "
        "where campaign_id = 'nobody'",
    )

    result = export(twins, tmp_path / "exports")

    assert result.exit_code == 1
    assert result.stderr.count("market.b.c.v1 is not written: another list") == 2
    assert not (tmp_path / "exports/current/lists/market.b.c.v1.csv").exists()


# Where it is written.


def test_what_leads_out_of_the_root_is_refused(warehouse: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("versions", "journal.json", "current", ".clientele-export.lock"):
        root = tmp_path / f"root of {name}"
        root.mkdir()
        (root / name).symlink_to(elsewhere)

        result = export(warehouse, root)

        assert result.exit_code == 1, name
        [line] = result.output.splitlines()
        assert line.startswith("Error: ")
        assert list(elsewhere.iterdir()) == []
        assert [path.name for path in root.iterdir() if path.name[0] != "."] == [name][
            : name[0] != "."
        ]


def test_versions_are_kept_to_a_number_and_only_those_of_an_export_go(tmp_path: Path) -> None:
    root = tmp_path / "exports"
    names = []
    for number in range(4):
        shop = write_warehouse(
            tmp_path / f"{number}.duckdb", f"update marts.campaign_lists set offer = 'o{number}'"
        )
        assert export(shop, root, "--keep", "2").exit_code == 0
        names.append(manifest_of(root)["version"])
        if number == 0:
            (root / "versions" / names[0] / "notes.txt").write_text("of a person")
            (root / "versions" / "mine").mkdir()
            (root / "versions" / "2026-01-01-0123456789abcdef").mkdir()
            (root / "versions" / "2026-01-01-0123456789abcdef" / "manifest.json").write_text("{}")
    assert len(set(names)) == 4
    kept = {path.name for path in (root / "versions").iterdir()}

    assert kept == {names[0], names[2], names[3], "mine", "2026-01-01-0123456789abcdef"}
    assert (root / "current").resolve().name == names[3]
    # An older warehouse makes its version current again, and that is then the newest.
    assert export(tmp_path / "2.duckdb", root, "--keep", "1").exit_code == 0
    assert (root / "current").resolve().name == names[2]
    assert not (root / "versions" / names[3]).exists()


def test_a_version_that_was_changed_by_hand_is_not_served_again(
    warehouse: Path, tmp_path: Path
) -> None:
    export(warehouse, tmp_path)
    path = tmp_path / "current/lists/market.call.v2.csv"
    path.write_text("saved by somebody")

    result = export(warehouse, tmp_path)

    assert result.exit_code == 1
    [line] = result.output.splitlines()
    assert "market.call.v2.csv is not as it was written" in line
    assert path.read_text() == "saved by somebody"


# Errors and accidents.


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no warehouse at"),
        ("select 1", "is not built yet (intermediate.int_as_of is missing)"),
    ],
)
def test_what_is_missing_is_said_in_one_line(
    tmp_path: Path, content: str | None, words: str
) -> None:
    if content:
        duckdb.connect(str(tmp_path / "shop.duckdb")).execute(content).close()

    result = export(tmp_path / "shop.duckdb", tmp_path / "exports")

    assert result.exit_code == 1
    [line] = result.output.splitlines()
    assert words in line
    assert not (tmp_path / "exports").exists()


def test_a_list_without_a_column_is_said_in_one_line(tmp_path: Path) -> None:
    old = write_warehouse(
        tmp_path / "shop.duckdb", "alter table marts.campaign_lists drop column expected_value"
    )

    result = export(old, tmp_path / "exports")

    assert result.exit_code == 1
    [line] = result.output.splitlines()
    assert "marts.campaign_lists has no column expected_value" in line


def test_a_build_at_work_is_said_in_one_line(warehouse: Path, tmp_path: Path) -> None:
    code = (
        "import duckdb, sys; connection = duckdb.connect(sys.argv[1]);"
        "print('open', flush=True); sys.stdin.read()"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(warehouse)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert writer.stdout.readline() == "open\n"
        result = export(warehouse, tmp_path / "exports")
    finally:
        writer.communicate("")

    assert result.exit_code == 1
    [line] = result.output.splitlines()
    assert "is in use by another process" in line


def test_two_exports_at_once_are_one_too_many(warehouse: Path, tmp_path: Path) -> None:
    from clientele.versions import private_folder, writing

    with writing(tmp_path, private_folder(tmp_path)):
        result = export(warehouse, tmp_path)

    assert result.exit_code == 1
    [line] = result.output.splitlines()
    assert f"another export is writing to {tmp_path} (process {os.getpid()})" in line
    assert export(warehouse, tmp_path).exit_code == 0


def test_a_root_that_is_a_file_is_said_in_one_line(warehouse: Path, tmp_path: Path) -> None:
    (tmp_path / "exports").write_text("a file")

    for root in (tmp_path / "exports", tmp_path / "exports/below"):
        result = export(warehouse, root)

        assert result.exit_code == 1
        [line] = result.output.splitlines()
        assert "cannot be written" in line


def test_a_full_disk_leaves_the_former_export(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: it fails a write in the middle."""
    root = tmp_path / "exports"
    export(write_warehouse(tmp_path / "small.duckdb"), root)
    before = tree(root)
    big = write_warehouse(
        tmp_path / "big.duckdb",
        "update marts.campaign_lists set offer = repeat('long ', 100000)",
    )
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300000, 300000));"
        "from clientele.cli import main; main(sys.argv[1:])"
    )

    result = subprocess.run(
        [sys.executable, "-c", code, "export", "--warehouse", str(big), "--root", str(root)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert result.returncode == 1
    [line] = result.stderr.splitlines()
    assert line.startswith("Error: ")
    assert tree(root) == before
    assert [path.name for path in root.iterdir() if path.name.startswith(PRIVATE)] == []


# Exports one shop a line of its input, each in a process of its own that kills itself before its
# n-th change of the file system; answers with the status of the process.
KILLED = """
import os, signal, sys
from pathlib import Path
from clientele.export import export_lists

CHANGES = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink"}
for line in sys.stdin:
    moment, shop, root = line.rstrip("\\n").split("\\t")
    process = os.fork()
    if process == 0:
        left = int(moment)

        def kill(event, arguments):
            global left
            if event in CHANGES:
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(kill)
        export_lists(Path(shop), Path(root), keep=1)
        os._exit(0)
    print(os.waitpid(process, 0)[1], flush=True)
"""


def test_a_kill_between_any_two_steps_leaves_an_export_that_is_whole(tmp_path: Path) -> None:
    root = tmp_path / "exports"
    whole = {}
    for number in range(2):
        shop = write_warehouse(
            tmp_path / f"{number}.duckdb", f"update marts.campaign_lists set offer = 'o{number}'"
        )
        export(shop, tmp_path / f"whole {number}")
        files = tree(tmp_path / f"whole {number}")
        whole[manifest_of(tmp_path / f"whole {number}")["version"]] = (shop, files)
    export(tmp_path / "0.duckdb", root)
    killer = subprocess.Popen(
        [sys.executable, "-c", KILLED],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    swaps = 0
    try:
        for moment in range(200):
            # Always the other shop, so that there is a version to rename, to swap and to remove.
            former = (root / "current").resolve().name
            [shop] = [entry[0] for version, entry in whole.items() if version != former]
            killer.stdin.write(f"{moment}\t{shop}\t{root}\n")
            killer.stdin.flush()
            status = int(killer.stdout.readline())
            assert status in (0, signal.SIGKILL)

            current = (root / "current").resolve().name
            swaps += current != former
            served = {k: v for k, v in tree(root).items() if k.startswith(f"versions/{current}/")}
            assert served == {k: v for k, v in whole[current][1].items() if k.startswith("vers")}
            if status == 0:
                break
    finally:
        killer.communicate("")

    assert moment > 20
    assert swaps > 2  # some kills came after the swap
    assert tree(root) == whole[(root / "current").resolve().name][1]


def test_debris_of_others_is_left_alone(warehouse: Path, tmp_path: Path) -> None:
    mine = tmp_path / f"{PRIVATE}notes"
    mine.mkdir()
    (tmp_path / f"{PRIVATE}0123456789abcdef").symlink_to(mine)
    debris = tmp_path / f"{PRIVATE}fedcba9876543210"
    (debris / "version").mkdir(parents=True)
    (tmp_path / "report.csv").write_text("of a person")

    assert export(warehouse, tmp_path).exit_code == 0

    assert mine.is_dir()
    assert (tmp_path / f"{PRIVATE}0123456789abcdef").is_symlink()
    assert (tmp_path / "report.csv").read_text() == "of a person"
    assert not debris.exists()


def test_queries_of_an_export_reach_no_other_file(warehouse: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a,b")
    (tmp_path / "own").mkdir()
    with open_warehouse(warehouse, (), writable_folder=tmp_path / "own") as connection:
        connection.execute(f"copy (select 1) to '{tmp_path}/own/file.csv'")
        for query in (
            f"from '{tmp_path}/secret.csv'",
            f"copy (select 1) to '{tmp_path}/out.csv'",
            f"copy (select 1) to '{tmp_path}/own/../out.csv'",
        ):
            with pytest.raises(duckdb.PermissionException):
                connection.execute(query)
    with open_warehouse(warehouse, ()) as connection, pytest.raises(duckdb.PermissionException):
        connection.execute(f"from '{tmp_path}/secret.csv'")


def test_nothing_is_written_beside_the_root(warehouse: Path, tmp_path: Path) -> None:
    before = warehouse.read_bytes()

    export(warehouse, tmp_path / "exports")

    assert warehouse.read_bytes() == before
    assert [path.name for path in warehouse.parent.iterdir()] == [warehouse.name]
    with pytest.raises(ExportError, match="there is no campaign"):
        export_lists(warehouse, tmp_path / "nowhere", ["=1\n2"])
    assert not (tmp_path / "nowhere").exists()
