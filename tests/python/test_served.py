"""What commands read where nobody names a file, and where nothing may be written."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from clientele.cli import main
from clientele.production.home import Home
from clientele.production.keys import key_variable
from clientele.production.served import behind, published
from test_export import write_warehouse

RUN = "20260701T040000Z-00ab"
KEY = "5a" * 32


def write_named(path: Path, name: str) -> Path:
    """Write a file whose one row says which file it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        connection.execute(f"create table marts.campaign_status as select '{name}' as campaign_id, "
                           f"'{name}' as campaign_name, 'running' as campaign_state")  # fmt: skip
    return path


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with what a developer built and nothing in production."""
    monkeypatch.chdir(tmp_path)
    for name in ("CLIENTELE_WAREHOUSE", "CLIENTELE_HOME", key_variable("publication")):
        monkeypatch.delenv(name, raising=False)
    write_named(tmp_path / "warehouse" / "clientele.duckdb", "developed")
    return tmp_path


def serve(root: Path, name: str = "served") -> Home:
    home = Home(root)
    write_named(home.version(RUN), name)
    write_named(home.warehouse(RUN), "behind")
    home.served.symlink_to(Path("versions") / f"{RUN}.duckdb")
    return home


def command(*arguments: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(main, list(arguments))


def asked(*options: str, **environment: str) -> str:
    query = "select campaign_id from marts.campaign_status"
    result = command("sql", query, "--json", *options, **environment)
    assert result.exit_code == 0, result.output
    return json.loads(result.output)[0]["campaign_id"]


def test_the_nearest_file_that_is_named_is_read(place: Path) -> None:
    assert asked() == "developed"
    serve(place / "production")
    assert asked() == "served"
    serve(place / "elsewhere", "other")
    assert asked("--home", "elsewhere") == "other"
    assert asked(CLIENTELE_HOME="elsewhere") == "other"
    named = write_named(place / "named.duckdb", "named")
    assert asked(CLIENTELE_WAREHOUSE=str(named)) == "named"
    assert asked("--warehouse", "warehouse/clientele.duckdb",
                 CLIENTELE_WAREHOUSE=str(named)) == "developed"  # fmt: skip


def test_what_needs_all_tables_reads_the_warehouse_behind_what_is_served(place: Path) -> None:
    home = serve(place / "production")

    assert published(None, home).path == home.served
    assert behind(None, home).path == home.warehouse(RUN)
    assert behind(None, home).served_run == published(None, home).served_run == RUN
    named = behind(Path("named.duckdb"), home)
    assert (named.path, named.served_run) == (Path("named.duckdb"), None)


@pytest.mark.parametrize("arguments", [["show", "lists"], ["report"], ["sql", "select 1"]])
def test_a_link_that_leads_nowhere_is_told_and_nothing_else_is_shown(
    place: Path, arguments: list[str]
) -> None:
    home = serve(place / "production")
    home.version(RUN).unlink()

    result = command(*arguments)

    assert result.exit_code == 1
    assert str(Path("production/published/clientele.duckdb")) in result.stderr
    assert result.stdout == ""


def test_names_are_completed_from_what_is_served(place: Path) -> None:
    def complete(line: str) -> str:
        words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
        environment = {"_CLIENTELE_COMPLETE": "bash_complete"} | words
        return CliRunner(env=environment).invoke(main, prog_name="clientele").stdout.strip()

    assert complete("clientele show lists ") == "plain,developed"
    serve(place / "production")
    assert complete("clientele show lists ") == "plain,served"
    assert complete("clientele export --list ") == "plain,served"
    serve(place / "elsewhere", "other")
    assert complete("clientele show lists --home elsewhere ") == "plain,other"
    line = "clientele show lists --warehouse warehouse/clientele.duckdb "
    assert complete(line) == "plain,developed"


# Exports.


@pytest.fixture
def shop(place: Path) -> Home:
    """A production whose warehouse has lists."""
    home = serve(place / "production")
    home.warehouse(RUN).unlink()
    write_warehouse(home.warehouse(RUN))
    return home


def test_an_export_of_what_is_served_names_the_version_and_has_its_keys(
    shop: Home, place: Path
) -> None:
    served = command("export", "--json", CLIENTELE_PUBLICATION_KEY=KEY)
    assert served.exit_code == 0, served.output
    named = command("export", "--json", "--root", "named", "--warehouse", str(shop.warehouse(RUN)))
    manifests = [json.loads(result.stdout)["manifest"] for result in (served, named)]

    assert [manifest["served_version"] for manifest in manifests] == [RUN, None]
    ids = [
        duckdb.sql(f"select id from '{root}/current/activation/people.parquet'").fetchall()
        for root in ("exports", "named")
    ]
    assert len(ids[0]) == len(ids[1]) > 0
    assert not set(ids[0]) & set(ids[1])
    lists = [
        (Path(root) / "current" / file["path"]).read_bytes()
        for root in ("exports", "named")
        for file in manifests[0]["files"]
        if file["path"].startswith("lists/")
    ]
    assert lists[: len(lists) // 2] == lists[len(lists) // 2 :]


def test_an_export_of_what_is_served_needs_the_key_of_its_pseudonyms(shop: Home) -> None:
    result = command("export")

    assert (result.exit_code, result.stdout) == (1, "")
    [line] = result.stderr.splitlines()
    assert "no key at production/keys/publication.key" in line
    assert not Path("exports").exists()


# Where nothing may be written.


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["report", "--output", "{home}/report.html"], "--output"),
        (["report", "--output", "{home}/published/clientele.duckdb"], "--output"),
        (["model-card", "--output", "link/cards.html"], "--output"),
        (["export", "--root", "{home}/lists"], "--root"),
        (["export", "--root", "exports/../production"], "--root"),
        (["marts", "--output", "{home}/published/versions/x.duckdb"], "--output"),
        (["marts", "--parquet", "{home}"], "--parquet"),
    ],
)
def test_nothing_is_written_into_the_folder_of_production(
    place: Path, arguments: list[str], option: str
) -> None:
    home = serve(place / "production")
    (place / "link").symlink_to("production")
    before = sorted(home.root.rglob("*"))

    result = command(*(argument.format(home=home.root) for argument in arguments))

    assert (result.exit_code, result.stdout) == (1, "")
    [line] = result.stderr.splitlines()
    assert line.endswith(f"the folder of production; {option} names another place")
    assert sorted(home.root.rglob("*")) == before


@pytest.mark.parametrize("folder", ["keys", "published"])
def test_a_folder_of_production_is_known_where_home_names_another(place: Path, folder: str) -> None:
    home = serve(place / "production")
    home.lock.touch()  # as the first run leaves it

    result = command("report", "--home", "elsewhere", "--output", str(home.root / folder / "page"))

    assert (result.exit_code, result.stdout) == (1, "")
    assert "a folder of production or a landing zone; --output names another" in result.stderr
    assert not (home.root / folder / "page").exists()


@pytest.mark.parametrize("name", ["report", "model-card"])
def test_no_page_is_written_over_a_database(place: Path, name: str) -> None:
    serve(place / "production")
    for output in (Path("warehouse/clientele.duckdb"), write_named(Path("other.duckdb"), "other")):
        before = output.read_bytes()

        result = command(name, "--output", str(output))

        assert result.exit_code == 1
        assert result.stderr == f"Error: {output} is a DuckDB file; --output names another file\n"
        assert output.read_bytes() == before


def test_marts_are_not_written_over_another_warehouse(place: Path) -> None:
    other = write_warehouse(place / "other.duckdb")
    manifest = place / "manifest.json"
    node = {
        "unique_id": "model.shop.campaign_status", "resource_type": "model", "access": "public",
        "schema": "marts", "alias": "campaign_status", "description": "One row per campaign.",
        "columns": {
            name: {"name": name, "description": "", "constraints": []}
            for name in ("campaign_id", "campaign_name", "campaign_state")
        },
    }  # fmt: skip
    manifest.write_text(json.dumps({"nodes": {"campaign_status": node}}))
    before = other.read_bytes()

    result = command("marts", "--manifest", str(manifest), "--output", str(other))

    assert result.exit_code == 1
    assert result.stderr == f"Error: {other} is a warehouse; --output names another file\n"
    assert other.read_bytes() == before
    assert command("marts", "--manifest", str(manifest), "--output", "bi.duckdb").exit_code == 0
