"""`clientele sql`: what it answers, what it refuses, and that nothing else can be read or done."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from clientele.cli import main
from terminal import run_on_terminal
from warehouse import ROOT

KEY = 9_007_199_254_740_993  # one more than what a double holds
MESSAGE = "Error: "


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("asked") / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"""
            create schema marts;
            create table marts.people (
                customer_key bigint, name varchar, spent decimal(18, 4), first_date date
            );
            insert into marts.people values
                ({KEY}, 'Ana', 12.5, '2026-01-31'), (7, null, null, null),
                (8, 'Bo' || chr(27) || '[2J' || chr(155) || chr(10) || '"é,"', -1, '2026-02-01');
            create table marts.numbers as select range as number from range(250);
        """)
    return path


def ask(shop: Path, *arguments: str, text: str | bytes | None = None) -> Result:
    return CliRunner(env={"COLUMNS": "100"}).invoke(
        main, ["sql", "--warehouse", str(shop), *arguments], input=text
    )


def test_a_query_is_answered_as_a_table(shop: Path) -> None:
    result = ask(shop, "select name, spent, customer_key from marts.people order by all")

    assert result.exit_code == 0
    heading, _, *rows = result.output.splitlines()
    assert heading.split() == ["name", "spent", "customer_key"]
    assert [row.split() for row in rows] == [
        ["Ana", "12.5000", str(KEY)],
        [r"Bo\x1b[2J\x9b\n\"é,\"".replace('\\"', '"'), "-1.0000", "8"],
        ["-", "-", "7"],
    ]


def test_a_table_that_is_too_wide_is_printed_row_by_row(shop: Path) -> None:
    columns = ", ".join(f"number * 1000 as a_long_name_of_a_number_{n}" for n in range(9))
    lines = ask(shop, f"select {columns} from marts.numbers limit 2").output.splitlines()

    assert [line for line in lines if line.startswith("Row")] == ["Row 1", "Row 2"]
    assert lines[-1].split() == ["a_long_name_of_a_number_8", "1000"]


def test_a_long_answer_is_cut_off_in_a_table_alone_and_says_so(shop: Path) -> None:
    query = "from marts.numbers order by number"
    lines = ask(shop, query).output.splitlines()
    assert lines[-2].strip() == "99"
    assert lines[-1].startswith("The first 100 rows; there are more")
    assert ask(shop, query, "--limit", "250").output.splitlines()[-1].strip() == "249"

    assert len(ask(shop, query, "--csv").output.splitlines()) == 251
    assert len(json.loads(ask(shop, query, "--json").output)) == 250
    few = ask(shop, query, "--csv", "--limit", "2")
    assert few.stdout == "number\n0\n1\n"
    assert few.stderr == "The first 2 rows; there are more.\n"


def test_csv_and_json_carry_the_same_values(shop: Path) -> None:
    query = "select *, customer_key as plain, [spent] as listed from marts.people order by spent"
    read = list(csv.DictReader(io.StringIO(ask(shop, query, "--csv").output)))
    parsed = json.loads(ask(shop, query, "--json").output)

    assert parsed == [
        {"customer_key": "8", "name": 'Bo\x1b[2J\x9b\n"é,"', "spent": -1.0,
         "first_date": "2026-02-01", "plain": 8, "listed": [-1.0]},
        {"customer_key": str(KEY), "name": "Ana", "spent": 12.5, "first_date": "2026-01-31",
         "plain": str(KEY), "listed": [12.5]},
        {"customer_key": "7", "name": None, "spent": None, "first_date": None, "plain": 7,
         "listed": [None]},
    ]  # fmt: skip
    assert [(row["customer_key"], row["name"], row["spent"]) for row in read] == [
        ("8", 'Bo\x1b[2J\x9b\n"é,"', "-1.0000"), (str(KEY), "Ana", "12.5000"), ("7", "", ""),
    ]  # fmt: skip
    assert json.loads(ask(shop, "from marts.people where false", "--json").output) == []
    assert "\x1b" not in ask(shop, query, "--json").output


def test_no_terminal_gets_what_it_would_obey(shop: Path) -> None:
    for form in ([], ["--csv"], ["--json"]):
        command = [sys.executable, "-m", "clientele", "sql", "--warehouse", str(shop),
                   "select name from marts.people where customer_key = 8", *form]  # fmt: skip
        code, screen, _ = run_on_terminal(command, ROOT, environment={"NO_COLOR": "1"})
        assert code == 0, screen
        assert "[2J" in screen
        assert "\x1b[2J" not in screen
        assert "\x9b" not in screen


def test_several_queries_are_answered_in_turn_from_a_file_or_standard_input(
    shop: Path, tmp_path: Path
) -> None:
    text = "-- two\nselect 1 as one;\nsummarize marts.numbers;"
    file = tmp_path / "queries.sql"
    file.write_text(text, "utf-8-sig")

    answered = ask(shop, "--file", str(file))
    assert answered.exit_code == 0
    assert answered.output.splitlines()[0] == "one"
    assert "number" in answered.output
    assert ask(shop, "--file", "-", text=text).output == answered.output
    several = ask(shop, "--file", str(file), "--json")
    assert (several.exit_code, several.stdout) == (2, "")
    assert "one query at a time" in several.stderr


@pytest.mark.parametrize(
    "query",
    [
        "show all tables", "describe marts.people", "from marts.people", "table marts.people",
        "values (1)", "with a as (select 1) from a", "explain select 1",
        "pivot marts.people on name using count(*)", "summarize marts.people",
    ],
)  # fmt: skip
def test_all_kinds_of_queries_are_answered(shop: Path, query: str) -> None:
    assert ask(shop, query).exit_code == 0


# What must not be had. Each beside what the one line says.
REFUSED = {
    "from read_csv('{outside}')": "file system operations are disabled",
    "from read_text('{outside}')": "file system operations are disabled",
    "from read_blob('{outside}')": "file system operations are disabled",
    "from '{outside}'": "file system operations are disabled",
    "from glob('{folder}/*')": "file system operations are disabled",
    "from sniff_csv('{outside}')": "file system operations are disabled",
    "copy marts.people to '{folder}/stolen.csv'": "this is COPY",
    "explain analyze copy (select 1) to '{folder}/stolen.csv'": "file system operations",
    "from query('copy (select 1) to ''{folder}/stolen.csv''')": "single SELECT",
    "export database '{folder}/stolen'": "this is EXPORT",
    "attach '{folder}/other.duckdb'": "this is ATTACH",
    "install httpfs": "this is LOAD",
    "load httpfs": "this is LOAD",
    "pragma memory_limit='1TB'": "this is SET",
    "pragma database_list": "this is PRAGMA",
    "set enable_external_access = true": "this is SET",
    "reset lock_configuration": "this is ",
    "call enable_logging()": "this is CALL",
    "checkpoint": "this is CALL",
    "vacuum": "this is VACUUM",
    "begin": "this is TRANSACTION",
    "prepare a as select 1": "this is PREPARE",
    "create table taken (number integer)": "this is CREATE",
    "create temp table taken (number integer)": "this is CREATE",
    "insert into marts.people select * from marts.people": "this is INSERT",
    "delete from marts.people": "this is DELETE",
    "drop table marts.people": "this is DROP",
    "with gone as (delete from marts.people returning *) from gone": "read-only",
    "select getenv('CLIENTELE_PUBLICATION_KEY')": "getenv does not exist",
    "from text": "does not exist",  # a variable of the program
    "from source": "does not exist",
    "select 1; set threads = 1": "statement 2 is SET",
    "": "there is no query",
    "-- nothing": "there is no query",
}


@pytest.mark.parametrize("query", REFUSED)
def test_what_is_no_query_of_the_file_is_refused_in_one_line(
    shop: Path, tmp_path: Path, query: str
) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_text("secret\nword\n")
    before = shop.read_bytes()

    result = ask(shop, "--", query.format(outside=outside, folder=tmp_path))

    assert (result.exit_code, result.stdout) == (1, "")
    line, *place = result.stderr.splitlines()
    assert line.startswith(MESSAGE)
    assert REFUSED[query] in line
    assert not place or (len(place) == 2 and place[0].startswith("LINE ") and "^" in place[1])
    assert "word" not in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outside.csv"]
    assert shop.read_bytes() == before
    assert [path.name for path in shop.parent.iterdir()] == [shop.name]


def test_an_error_shows_its_place(shop: Path) -> None:
    result = ask(shop, "select name,\n  spend from marts.people")

    assert result.exit_code == 1
    error, line, place = result.stderr.splitlines()
    assert error == 'Error: Binder Error: Referenced column "spend" not found in FROM clause!'
    assert line == "LINE 2:   spend from marts.people"
    assert line[place.index("^") :].startswith("spend")


def test_an_error_cannot_move_the_cursor(shop: Path) -> None:
    result = ask(shop, "select error('away' || chr(27) || '[2J')")

    assert result.stderr == "Error: Invalid Input Error: away\\x1b[2J\n"


def test_what_needs_more_memory_than_there_is_says_which_setting(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIENTELE_MEMORY_LIMIT", "20MB")

    result = ask(shop, "select md5(range::varchar) as x from range(2000000) order by x")

    assert result.exit_code == 1
    [line] = result.stderr.splitlines()
    assert "CLIENTELE_MEMORY_LIMIT" in line
    assert [path.name for path in shop.parent.iterdir()] == [shop.name]  # nothing was spilled


@pytest.mark.parametrize(
    "arguments", [[], ["select 1", "--file", "-"], ["select 1", "--csv", "--json"]]
)
def test_options_that_do_not_fit_are_wrong(shop: Path, arguments: list[str]) -> None:
    assert ask(shop, *arguments).exit_code == 2


@pytest.mark.parametrize("content", [None, b"no database", b"", b"\xff\xfe"])
def test_files_that_cannot_be_read_are_told_in_one_line(
    tmp_path: Path, content: bytes | None, shop: Path
) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)

    for result in (ask(path, "select 1 as one from marts.people"), ask(shop, "--file", str(path))):
        assert result.exit_code == 1
        [line, *_] = result.stderr.splitlines()
        assert line.startswith(MESSAGE)
        assert "Traceback" not in result.stderr


def test_readers_do_not_keep_each_other_out(shop: Path) -> None:
    with duckdb.connect(str(shop), read_only=True):
        command = [sys.executable, "-m", "clientele", "sql", "--warehouse", str(shop), "select 1"]
        code, screen, _ = run_on_terminal(command, ROOT, environment=dict(os.environ))
    assert code == 0, screen
