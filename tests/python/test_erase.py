"""`clientele erase` and `verify-erasure`, on a shop of a few rows that lies in every place."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from clientele.cli import main
from clientele.erasure import text_files
from clientele.erasure.duckdb_files import find, rewrite
from clientele.erasure.erase import unfinished
from clientele.erasure.people import person_tables
from clientele.erasure.replacing import PRIVATE, Replacing, amend
from clientele.erasure.traces import Traces, hash_key, published_key
from clientele.intake.contracts import read_contracts
from clientele.intake.erased_people import read_erased_people
from clientele.intake.errors import IntakeError
from clientele.production import journal
from clientele.production.home import Home
from clientele.production.keys import PUBLICATION, pseudonym, read_key
from clientele.progress import SILENT
from clientele.versions import undisturbed
from warehouse import ROOT

# Of twenty characters and more, so that their bytes can be nothing else; lower case as in staging.
GONE, STAYS = "gone-client-9f31c0a7d2", "kept-client-51b8e6f0a3"
GONE_ORDER, LATE_ORDER = "gone-order-77aa01c3e9", "late-order-42bb90d1f7"
KEPT_ORDER = "kept-order-0c"
SHORT = "7"
GONE_KEY, KEPT_KEY = hash_key("market", GONE), hash_key("market", STAYS)
ORDER_KEY = hash_key("market", GONE_ORDER)
RUN = "20260701T060000Z-00aa"
STEPS = (
    "lock", "heal", "look", "list", "spill", "warehouses", "replace", "record", "published",
    "exports", "others", "logs", "landing", "receipt", "journal",
)  # fmt: skip

WAREHOUSE = f"""
    create schema staging; create schema core; create schema marts; create schema segments;
    create table staging.stg_market__market_order (
        order_key bigint, order_id varchar, customer_id varchar, reject_reasons varchar,
        raw_row varchar
    );
    insert into staging.stg_market__market_order values
        ({ORDER_KEY}, '{GONE_ORDER}', '{GONE}', null, null),
        ({hash_key("market", KEPT_ORDER)}, '{KEPT_ORDER}', '{STAYS}', null, null),
        (null, null, null, 'order_id_missing', '{{"client_id":"{GONE.upper()}","rating":"7"}}'),
        (null, null, null, 'order_id_missing', '{{"client_id":"{STAYS}","rating":"7"}}');
    create table staging.stg_olist__orders (order_id varchar, order_customer_id varchar);
    insert into staging.stg_olist__orders values ('{GONE_ORDER}', 'x');
    create table core.dim_customers (customer_key bigint, source varchar, customer_id varchar);
    insert into core.dim_customers values
        ({GONE_KEY}, 'market', '{GONE}'), ({KEPT_KEY}, 'market', '{STAYS}'),
        ({hash_key("olist", GONE)}, 'olist', '{GONE[:9]}');
    create table core.lines (order_key bigint, price decimal(18, 4));
    insert into core.lines values ({ORDER_KEY}, 1), ({hash_key("market", KEPT_ORDER)}, 2);
    create table core.neighbours (winners bigint[], names varchar[], label varchar);
    insert into core.neighbours values
        ([{GONE_KEY}], [], 'a'), ([], ['{GONE}'], 'b'), ([{KEPT_KEY}], ['{STAYS}'], 'c');
    create table marts.memberships (person_id varchar, audience_id varchar);
    insert into marts.memberships values ('{GONE_KEY}', 'a'), ('{KEPT_KEY}', 'a');
    create table segments.history (customer_key bigint primary key, segment_name varchar not null);
    comment on table segments.history is 'Who was where.';
    comment on column segments.history.segment_name is 'Its name.';
    insert into segments.history values ({GONE_KEY}, 'loyal'), ({KEPT_KEY}, 'loyal');
    create table segments.sizes as select 'loyal' as segment_name, 2 as customer_count;
    create view marts.customers as select * from core.dim_customers;
"""


class Shop:
    """A project folder in which two clients have ordered, and one of them is erased."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = Home(folder / "production")
        self.landing = folder / "landing"
        self.warehouse = folder / "warehouse" / "clientele.duckdb"

    def run(self, command: str, *arguments: str, input: str | None = None) -> Result:
        """Run a command about the client who goes, in the project's folder."""
        former = Path.cwd()
        os.chdir(self.folder)
        try:
            words = [command, *arguments, "--source", "market"]
            return CliRunner().invoke(main, words, input=input)
        finally:
            os.chdir(former)

    def files(self) -> list[Path]:
        """All files but those that only have pseudonyms."""
        return [path for path in self.folder.rglob("*") if path.is_file()]

    def holding(self, *marks: str | int) -> dict[str, list[str | int]]:
        """Which files have which of some marks in their bytes, an integer as DuckDB stores it."""
        found = {}
        for path in self.files():
            content = path.read_bytes().lower()
            raw = path.read_bytes()
            here = [
                mark for mark in marks
                if (mark.to_bytes(8, "little") in raw if isinstance(mark, int)
                    else mark.encode() in content)
            ]  # fmt: skip
            if here:
                found[str(path.relative_to(self.folder))] = here
        return found


def write_parquet(path: Path, query: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"copy ({query}) to '{path}' (format parquet, compression uncompressed)")


def write_database(path: Path, statements: str, version: str = "v2.0.0") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute("set force_compression = 'uncompressed'")
        connection.execute(f"attach '{path}' as made (storage_version '{version}'); use made")
        connection.execute(statements)
        connection.execute("use memory; detach made")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop as every test begins with it."""
    shop = Shop(tmp_path_factory.mktemp("shop"))
    for path in ROOT.glob("models/staging/*/_*__sources.yml"):
        target = shop.folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True)
        shutil.copy(path, target)
    write_landing(shop)
    write_database(shop.warehouse, WAREHOUSE)
    folder = shop.home.warehouse_folder(RUN)
    folder.mkdir(parents=True)
    shutil.copy(shop.warehouse, folder / "clientele.duckdb")
    write_published(shop, folder)
    write_what_left(shop)
    return shop.folder


def write_landing(shop: Shop) -> None:
    zone = shop.landing / "market"
    load = zone / "load=20260701T050000Z-0a0a0a0a"
    columns = "null::varchar as _reject_reasons, null::varchar as _raw_text"
    orders = load / "market_order" / "1.parquet"
    write_parquet(
        orders,
        f"select ' {GONE.upper()}' as client_id, '{LATE_ORDER}' as order_id, {columns} "
        f"union all select '{STAYS}', '{KEPT_ORDER}', null, null "
        f"union all select null, null, 'too_few_fields', 'x;{GONE};2026' "
        "union all select null, null, 'too_few_fields', 'x;somebody;2026'",
    )
    (load / "load.json").write_text(
        json.dumps(
            {
                "load": load.name.removeprefix("load="),
                "files": [
                    {
                        "table": "market_order", "sha256": "of the raw file", "bytes": 5,
                        "records": 4, "accepted": 2, "rejected": 2, "erased": 0,
                        "parquet": [
                            {"path": "market_order/1.parquet", "sha256": sha256(orders), "rows": 4}
                        ],
                    }
                ],
            }
        )
    )  # fmt: skip
    write_parquet(
        zone / "market_order" / "by_hand.parquet",
        f"select '{GONE}' as client_id, '{GONE_ORDER}' as order_id "
        f"union all select '{SHORT}', '{KEPT_ORDER}'",
    )
    write_parquet(
        zone / "product_detail" / "by_hand.parquet",
        f"select unnest(['{GONE_ORDER}', '{LATE_ORDER}', '{KEPT_ORDER}']) as order_id, "
        "'7' as price",
    )
    write_parquet(
        shop.landing / "contact" / "consents" / "by_hand.parquet",
        f"select 'market' as source, '{GONE}' as customer_id union all select 'olist', '{GONE}'",
    )
    write_parquet(
        shop.landing / "olist" / "olist_customers_dataset" / "by_hand.parquet",
        "select 'of the order' as customer_id, 'the person' as customer_unique_id",
    )


def write_published(shop: Shop, folder: Path) -> None:
    key = read_key(shop.home.keys, PUBLICATION, make=True)
    rows = ", ".join(
        f"({published_key(key, hash_key('market', client))}, "
        f"'{pseudonym(key, 'market', client)}', 1.5)"
        for client in (GONE, STAYS)
    )
    version = shop.home.version(RUN)
    write_database(
        version,
        f"""
        create schema marts;
        create table marts.customers (
            customer_key bigint primary key, customer_id varchar not null, clv double
        );
        comment on table marts.customers is 'One row per customer.';
        comment on column marts.customers.clv is 'Worth.';
        insert into marts.customers values {rows};
        """,
        version="v1.0.0",
    )
    version.chmod(0o444)
    shop.home.served.symlink_to(Path("versions") / version.name)
    inner = folder / "clientele.duckdb"
    (folder / "run.json").write_text(
        json.dumps(
            {
                "run": RUN, "sha256": sha256(version), "bytes": version.stat().st_size,
                "warehouse_sha256": sha256(inner), "warehouse_bytes": inner.stat().st_size,
                "tables": {"marts.customers": 2},
            }
        )
    )  # fmt: skip


def write_what_left(shop: Shop) -> None:
    version = shop.folder / "exports" / "versions" / "2026-06-30-00"
    (version / "lists").mkdir(parents=True)
    head = b"\xef\xbb\xbfcustomer_id,reason\r\n"
    kept = f'"{STAYS}","two\r\nlines, ""quoted"""\r\n'.encode()
    csv = version / "lists" / "market.winback.v1.csv"
    csv.write_bytes(head + f'"{GONE}","overdue"\r\n'.encode() + kept)
    people = version / "people.parquet"
    write_parquet(people, f"select unnest(['{GONE_KEY}', '{KEPT_KEY}']) as id")
    files = [
        {"path": str(path.relative_to(version)), "rows": 2, "bytes": path.stat().st_size,
         "sha256": sha256(path)}
        for path in (csv, people)
    ]  # fmt: skip
    (version / "manifest.json").write_text(json.dumps({"files": files}))
    for path, text in {
        "logs/dbt.log": f"built\nlooked at {GONE}, found\nkey {GONE_KEY}.\nother {STAYS}\n",
        "logs/dbt.log.1": f"x{GONE}y is another word\n",
        "target/run_results.json": json.dumps({"message": f"row {GONE} failed", "status": "fail"}),
        "target/report.html": f"<td>{GONE_KEY}</td>",
        "target/model_card.html": "<td>all well</td>",
        "seeds/suppressions.csv": f"source,customer_id\nmarket,{STAYS}\nmarket,{GONE}\n",
        "warehouse/spill/duckdb_temp_1.tmp": GONE,
        "production/work/half.txt": GONE,
        "landing/.clientele-load/half.parquet": GONE,
    }.items():
        target = shop.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


@pytest.fixture
def shop(template: Path, tmp_path: Path) -> Shop:
    """A copy of the shop for one test."""
    shutil.copytree(template, tmp_path / "shop", symlinks=True)
    return Shop(tmp_path / "shop")


MARKS = (GONE, GONE_ORDER, LATE_ORDER, str(GONE_KEY), GONE_KEY, ORDER_KEY)


def marks_of(shop: Shop) -> tuple[str | int, ...]:
    key = read_key(shop.home.keys, PUBLICATION)
    return (*MARKS, published_key(key, GONE_KEY), pseudonym(key, "market", GONE))


def left_to_people(found: dict[str, list[str | int]]) -> dict[str, list[str | int]]:
    """Leave out the seed, which only people change, and the log of another word."""
    theirs = ("seeds/suppressions.csv", "logs/dbt.log.1", "landing/contact")
    return {path: marks for path, marks in found.items() if not path.startswith(theirs)}


def test_no_byte_of_a_client_is_left_in_any_place(shop: Shop) -> None:
    before = shop.holding(*marks_of(shop))
    assert {Path(path).parts[0] for path in before} == {
        "exports", "landing", "logs", "production", "seeds", "target", "warehouse"
    }  # fmt: skip

    result = shop.run("erase", GONE.upper(), "--json")

    assert result.exit_code == 0, result.stderr
    assert left_to_people(shop.holding(*marks_of(shop))) == {}
    receipt = json.loads(result.stdout)
    assert {place["place"]: place["rows"] for place in receipt["places"]} == {
        "warehouses": 2 * 9, "published": 1, "exports": 2, "others": 0, "logs": 4, "spill": 0,
        "landing": 2 + 1 + 2 + 1,
    }  # fmt: skip
    assert receipt["by_hand"] == ["seeds/suppressions.csv, line 3"]


def test_everybody_else_stays(shop: Shop) -> None:
    shop.run("erase", GONE)

    for path in (shop.warehouse, shop.home.warehouse(RUN)):
        with duckdb.connect(str(path), read_only=True) as connection:
            counts = {
                name: connection.execute(f"select count(*) from {name}").fetchone()
                for name in ("staging.stg_market__market_order", "core.lines", "core.neighbours",
                             "marts.memberships", "segments.history", "segments.sizes",
                             "marts.customers", "staging.stg_olist__orders")
            }  # fmt: skip
        assert counts == {
            "staging.stg_market__market_order": (2,), "core.lines": (1,), "core.neighbours": (1,),
            "marts.memberships": (1,), "segments.history": (1,), "segments.sizes": (1,),
            "marts.customers": (2,), "staging.stg_olist__orders": (0,),
        }  # fmt: skip
    landed = duckdb.sql(
        f"select client_id, _raw_text from '{shop.landing}/market/load=*/market_order/*.parquet'"
    ).fetchall()
    assert landed == [(STAYS, None), (None, "x;somebody;2026")]
    consents = f"select source from '{shop.landing}/contact/consents/*.parquet'"
    assert duckdb.sql(consents).fetchall() == [("olist",)]
    [csv] = shop.folder.glob("exports/versions/*/lists/*.csv")
    assert csv.read_bytes() == (
        b"\xef\xbb\xbfcustomer_id,reason\r\n" + f'"{STAYS}","two\r\nlines, ""quoted"""\r\n'.encode()
    )
    assert (shop.folder / "logs/dbt.log").read_text() == f"built\nother {STAYS}\n"
    assert not (shop.folder / "target/report.html").exists()
    assert (shop.folder / "target/model_card.html").exists()
    results = json.loads((shop.folder / "target/run_results.json").read_text())
    assert results == {"message": "row [erased] failed", "status": "fail"}


def test_files_keep_their_form(shop: Shop) -> None:
    def form(path: Path) -> list[object]:
        with duckdb.connect(str(path), read_only=True) as connection:
            queries = (
                "select schema_name, table_name, comment, sql from duckdb_tables() order by all",
                "select table_name, column_name, comment, is_nullable from duckdb_columns() "
                "where not internal order by all",
                "select schema_name, view_name, sql from duckdb_views() where not internal "
                "order by all",
                "select tags from duckdb_databases() where path is not null order by all",
            )
            return [connection.execute(query).fetchall() for query in queries]

    paths = (shop.warehouse, shop.home.version(RUN))
    before = [form(path) for path in paths]

    shop.run("erase", GONE)

    assert [form(path) for path in paths] == before
    assert shop.home.version(RUN).stat().st_mode & 0o777 == 0o444
    assert os.readlink(shop.home.served) == f"versions/{RUN}.duckdb"


def test_records_of_rewritten_files_are_set_right(shop: Shop) -> None:
    shop.run("erase", GONE)

    assert_records(shop)


def assert_records(shop: Shop) -> None:
    version, inner = shop.home.version(RUN), shop.home.warehouse(RUN)
    assert json.loads((inner.parent / "run.json").read_text()) == {
        "run": RUN, "sha256": sha256(version), "bytes": version.stat().st_size,
        "warehouse_sha256": sha256(inner), "warehouse_bytes": inner.stat().st_size,
        "tables": {"marts.customers": 1},
    }  # fmt: skip
    [load] = shop.landing.glob("market/load=*")
    [file] = json.loads((load / "load.json").read_text())["files"]
    part = load / "market_order/1.parquet"
    assert file["parquet"] == [
        {"path": "market_order/1.parquet", "sha256": sha256(part), "rows": 2}
    ]
    assert (file["records"], file["accepted"], file["rejected"], file["erased"]) == (4, 1, 1, 2)
    [manifest] = shop.folder.glob("exports/versions/*/manifest.json")
    for entry in json.loads(manifest.read_text())["files"]:
        path = manifest.parent / entry["path"]
        assert (entry["sha256"], entry["bytes"]) == (sha256(path), path.stat().st_size)
        assert entry["rows"] == 1


def test_delete_in_place_leaves_the_bytes_that_a_new_file_does_not_have(tmp_path: Path) -> None:
    naive, ours = tmp_path / "naive.duckdb", tmp_path / "clientele.duckdb"
    filler = "insert into core.lines select range, 1 from range(200000)"
    write_database(naive, f"{WAREHOUSE}; {filler}")
    shutil.copy(naive, ours)
    traces = Traces.of("market", [GONE], None)
    traces.order_ids = {GONE_ORDER}

    with duckdb.connect(str(naive)) as connection:
        connection.execute(f"delete from core.dim_customers where customer_key = {GONE_KEY}")
        connection.execute("checkpoint; vacuum; checkpoint")
    rewrite(ours, traces, find(ours, traces), Replacing(tmp_path / "note"))

    assert GONE.encode() in naive.read_bytes()  # or this test would prove nothing
    content = ours.read_bytes()
    assert GONE.encode() not in content.lower()
    assert ORDER_KEY.to_bytes(8, "little") not in content
    assert STAYS.encode() in content


def test_an_older_header_does_not_bring_anybody_back(shop: Shop, tmp_path: Path) -> None:
    def with_other_header(path: Path) -> Path:
        """Copy a file whose older header counts as the newer one, and the newer one is gone."""
        content = bytearray(path.read_bytes())
        headers = [bytes(content[place : place + 4096]) for place in (4096, 8192)]
        # After its checksum a header has the number of its iteration: the greater one is read.
        older = min(headers, key=lambda header: int.from_bytes(header[8:16], "little"))
        content[4096:8192] = content[8192:12288] = older
        copy = tmp_path / f"older_{path.name}"
        copy.write_bytes(content)
        return copy

    def ids(path: Path) -> set[str]:
        try:
            with duckdb.connect(str(path), read_only=True) as connection:
                rows = connection.execute("select customer_id from core.dim_customers").fetchall()
        except duckdb.Error:
            return set()
        return {client for (client,) in rows}

    naive = tmp_path / "naive.duckdb"
    shutil.copy(shop.warehouse, naive)
    with duckdb.connect(str(naive)) as connection:
        connection.execute(f"delete from core.dim_customers where customer_key = {GONE_KEY}")
    assert GONE not in ids(naive)
    assert GONE in ids(with_other_header(naive))  # or this test would prove nothing

    shop.run("erase", GONE)

    assert GONE not in ids(shop.warehouse)
    assert GONE not in ids(with_other_header(shop.warehouse))


def test_a_client_who_is_found_nowhere_is_on_the_list_all_the_same(shop: Shop) -> None:
    result = shop.run("erase", "nobody-of-that-name")

    assert result.exit_code == 0
    assert "Found nowhere" in result.stdout
    [line] = shop.home.erased.read_text().splitlines()
    assert json.loads(line).keys() == {"source", "person", "erased_at", "key"}
    assert "nobody-of-that-name" not in "".join(
        path.read_text(errors="replace") for path in shop.home.root.rglob("*") if path.is_file()
    )


def test_the_list_names_orders_whose_lines_may_come_late(shop: Shop) -> None:
    shop.run("erase", GONE)

    key = bytes.fromhex((shop.home.keys / "erasure.key").read_text().strip())
    entries = [json.loads(line) for line in shop.home.erased.read_text().splitlines()]
    assert entries[0]["person"] == pseudonym(key, "market", GONE)
    assert {entry["reference"]: entry["table"] for entry in entries[1:]} == {
        pseudonym(key, "market", order): "market_order" for order in (GONE_ORDER, LATE_ORDER)
    }


def test_nobody_is_written_down_under_their_id(shop: Shop) -> None:
    result = shop.run("erase", "--file", "-", input=f"{GONE}\n\n{STAYS}\n")

    assert result.exit_code == 0
    assert GONE not in result.stdout + result.stderr
    kept = [shop.home.journal, shop.home.erased, *shop.home.root.glob("erasures/*")]
    assert len(kept) == 3
    for path in kept:
        assert GONE not in path.read_text()
        assert str(GONE_KEY) not in path.read_text()


def test_verifying_names_each_place_and_then_none(shop: Shop) -> None:
    before = shop.run("verify-erasure", GONE, "--json")
    assert before.exit_code == 1
    found = json.loads(before.stdout)["found"]
    assert {entry["place"] for entry in found} == {
        "warehouses", "published", "exports", "logs", "spill", "landing"
    }  # fmt: skip
    assert GONE not in before.stdout
    by_file = {Path(entry["file"]).name: entry for entry in found}
    assert by_file["clientele.duckdb"]["rows"]["core.dim_customers"] == 1

    shop.run("erase", GONE)
    seed = shop.folder / "seeds/suppressions.csv"
    assert shop.run("verify-erasure", GONE).exit_code == 1
    seed.write_text("source,customer_id\n")

    after = shop.run("verify-erasure", GONE)
    assert after.exit_code == 0, after.stdout
    assert "Nothing found" in after.stdout


def test_packed_files_are_named_since_nobody_is_found_in_them(shop: Shop) -> None:
    also = shop.folder / "copies"
    also.mkdir()
    packed = also / "list.csv.gz"
    packed.write_bytes(gzip.compress(f"client_id\n{GONE}\n".encode()))

    erased = shop.run("erase", GONE, "--also", str(also), "--json")
    assert [str(packed) in note for note in json.loads(erased.stdout)["notes"]].count(True) == 1
    looked = shop.run("verify-erasure", GONE, "--also", str(also))
    assert f"Not looked into, since it is packed: {packed}" in looked.stdout


def test_verifying_finds_bytes_that_no_query_reads(shop: Shop) -> None:
    shop.run("erase", GONE)
    (shop.folder / "seeds/suppressions.csv").unlink()
    assert shop.run("verify-erasure", GONE).exit_code == 0
    with shop.warehouse.open("ab") as file:
        file.write(GONE_KEY.to_bytes(8, "little"))

    result = shop.run("verify-erasure", GONE)

    assert result.exit_code == 1
    assert "1 ids or keys in its bytes" in result.stdout


def test_a_failed_run_that_quoted_a_client_is_told_without_them(shop: Shop) -> None:
    """dbt repeats the value that a cast failed on, and the journal repeats dbt."""
    number = 7_654_321  # an id, and here a count
    why = f"Conversion Error: Could not convert string '{GONE}' to INT32"
    journal.append(shop.home.journal, journal.FAILED, run=RUN, why=why, value=number)
    before = journal.read(shop.home.journal)

    assert shop.run("verify-erasure", GONE).exit_code == 1
    assert shop.run("erase", GONE, str(number)).exit_code == 0
    events = journal.read(shop.home.journal)
    assert events[: len(before) - 1] == before[:-1]
    assert events[len(before) - 1] == before[-1] | {"why": why.replace(GONE, "[erased]")}
    assert events[-1]["event"] == journal.ERASED
    assert GONE not in shop.home.journal.read_text()


def test_json_without_a_client_is_json_still(shop: Shop) -> None:
    said = shop.folder / "logs" / "said.json"
    said.write_text(
        '{"client": 7654321, "text": "client 7654321, \\"7654321\\"", "other": 76543210}'
    )

    assert shop.run("erase", "7654321").exit_code == 0
    assert json.loads(said.read_text()) == {
        "client": "[erased]", "text": 'client [erased], "[erased]"', "other": 76543210,
    }  # fmt: skip


def test_verifying_writes_nothing(shop: Shop) -> None:
    before = {path: sha256(path) for path in shop.files()}

    shop.run("verify-erasure", GONE)

    assert {path: sha256(path) for path in shop.files()} == before


def test_a_short_id_takes_only_its_own_rows(shop: Shop) -> None:
    result = shop.run("erase", SHORT)

    assert result.exit_code == 0, result.stderr
    query = f"select client_id from '{shop.landing}/market/market_order/*.parquet'"
    assert duckdb.sql(query).fetchall() == [(GONE,)]
    query = f"select count(*) from '{shop.landing}/market/product_detail/*.parquet'"
    assert duckdb.sql(query).fetchall() == [(2,)]  # the line of its order, not the price of 7
    with duckdb.connect(str(shop.warehouse), read_only=True) as connection:
        [rejected] = connection.execute(
            "select count(*) from staging.stg_market__market_order where raw_row is not null"
        ).fetchone()
    assert rejected == 2


KILLED = """
import os, sys
from clientele.progress import Steps
at, seen = int(sys.argv[1]), []
def step(self, name):
    seen.append(name)
    print(name, flush=True)
    if len(seen) == at:
        os.kill(os.getpid(), 9)
Steps.step = step
from clientele.cli import main
main([*sys.argv[2:], "--json"])
"""


def killed(shop: Shop, number: int) -> tuple[int, list[str]]:
    """Erase in a process that is killed at a step; return its exit code and steps until then."""
    words = [sys.executable, "-c", KILLED, str(number), "erase", GONE, "--source", "market"]
    result = subprocess.run(
        words, cwd=shop.folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    return result.returncode, result.stdout.partition("{")[0].split()


def places_of(shop: Shop) -> list[list[dict[str, object]]]:
    """What the receipts of a shop tell by place."""
    return [
        json.loads(path.read_text())["places"]
        for path in sorted((shop.home.root / "erasures").glob("*.json"))
    ]


def test_a_kill_at_any_step_is_healed_by_the_same_command(template: Path, tmp_path: Path) -> None:
    whole = Shop(tmp_path / "whole")
    shutil.copytree(template, whole.folder, symlinks=True)
    code, steps = killed(whole, 0)
    assert code == 0
    assert set(steps) == set(STEPS) - {"others"}
    places = {steps.index(name) for name in steps[steps.index("list") :]}
    # The landing zone is rewritten last, and there is most to set right.
    places |= {len(steps) - 1 - steps[::-1].index(name) for name in ("replace", "record")}
    for place in sorted(places):
        shop = Shop(tmp_path / f"shop{place}")
        shutil.copytree(template, shop.folder, symlinks=True)

        code, seen = killed(shop, place + 1)

        assert (code, seen) == (-9, steps[: place + 1])
        assert len(unfinished(shop.home)) == (place > steps.index("list"))
        healed = shop.run("erase", GONE)
        assert healed.exit_code == 0, healed.stderr
        assert left_to_people(shop.holding(*marks_of(shop))) == {}, steps[place]
        assert_records(shop)
        assert unfinished(shop.home) == []
        assert not list(shop.folder.rglob(".clientele-erase-*"))
        assert not list(shop.home.root.glob("erasing.json*"))
        # What the erasure that was killed had done is told, too.
        assert places_of(whole)[0] in places_of(shop), steps[place]


def test_a_reader_of_what_is_served_sees_no_error(shop: Shop) -> None:
    open_before = duckdb.connect(str(shop.home.served), read_only=True)
    errors: list[Exception] = []
    counts: set[int] = set()
    done = threading.Event()

    def poll() -> None:
        while not done.is_set():
            try:
                path = str(shop.home.served)
                with duckdb.connect(path, read_only=True) as connection:
                    counts.update(
                        *connection.execute("select count(*) from marts.customers").fetchall()
                    )
            except duckdb.Error as error:
                errors.append(error)

    reader = threading.Thread(target=poll)
    reader.start()
    words = [sys.executable, "-m", "clientele", "erase", GONE, "--source", "market"]
    subprocess.run(
        words, cwd=shop.folder, check=True, capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    done.set()
    reader.join()

    assert errors == []
    assert counts <= {1, 2}
    assert open_before.execute("select count(*) from marts.customers").fetchone() == (2,)


def test_an_export_at_work_is_waited_for(shop: Shop) -> None:
    root = shop.folder / "exports"
    with undisturbed(root):
        result = shop.run("erase", GONE)

    assert result.exit_code == 75
    assert "another export is writing to exports (process" in result.stderr
    assert shop.run("erase", GONE).exit_code == 0


def test_a_warehouse_in_use_is_named(shop: Shop) -> None:
    script = (
        f"import duckdb; c = duckdb.connect({str(shop.warehouse)!r}); print(1, flush=True); input()"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert writer.stdout
    writer.stdout.readline()
    try:
        result = shop.run("erase", GONE)
    finally:
        writer.communicate(b"\n")

    assert result.exit_code == 75
    assert result.stderr.count("\n") == 1
    assert "in use by another process" in result.stderr


def test_a_list_of_another_key_is_refused(shop: Shop) -> None:
    """Nobody on it would be recognised: loads would bring them back."""
    assert shop.run("erase", GONE).exit_code == 0
    key = shop.home.keys / "erasure.key"
    former = key.read_text()
    key.write_text("ab" * 32)
    listed = shop.home.erased.read_bytes()

    with pytest.raises(IntakeError, match="another key of erasure"):
        read_erased_people(shop.home, read_contracts(ROOT, "market"))
    for command in ("erase", "verify-erasure"):
        result = shop.run(command, STAYS)
        assert result.exit_code == 1
        assert result.stderr.count("\n") == 1
        assert "another key of erasure" in result.stderr
    assert shop.home.erased.read_bytes() == listed

    key.write_text(former)
    assert shop.run("verify-erasure", GONE).stderr == ""


def test_a_version_of_another_key_is_not_passed_over(shop: Shop) -> None:
    """Its pseudonyms are not those that the key at hand makes: nobody would be found in it."""
    run = shop.home.served_run()
    assert run
    shop.home.warehouse_folder(run).mkdir(parents=True, exist_ok=True)
    shop.home.record(run).write_text(json.dumps({"run": run, "key": "0123456789abcdef"}))

    for command in ("erase", "verify-erasure"):
        result = shop.run(command, GONE)
        assert result.exit_code == 1
        assert result.stderr.count("\n") == 1
        assert "pseudonyms of another key" in result.stderr


def test_a_damaged_file_is_named_and_not_taken_for_one_in_use(shop: Shop) -> None:
    content = bytearray(shop.warehouse.read_bytes())
    content[20_000:21_000] = bytes(1000)  # DuckDB speaks of a block whose checksum is wrong
    shop.warehouse.write_bytes(content)

    result = shop.run("erase", GONE)

    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert f"{shop.warehouse.name} cannot be read" in result.stderr
    assert "restore it, or remove it" in result.stderr


def test_what_a_writer_left_beside_a_warehouse_goes_into_the_new_file(shop: Shop) -> None:
    with duckdb.connect(str(shop.warehouse)) as connection:
        connection.execute("pragma disable_checkpoint_on_shutdown")
        connection.execute(
            f"insert into core.dim_customers values ({GONE_KEY}, 'market', '{GONE}'), "
            "(1, 'market', 'latest')"
        )
    log = shop.warehouse.with_name("clientele.duckdb.wal")
    assert GONE.encode() in log.read_bytes()

    shop.run("erase", GONE)

    assert not log.exists()
    with duckdb.connect(str(shop.warehouse), read_only=True) as connection:
        rows = connection.execute("select customer_id from core.dim_customers").fetchall()
    assert ("latest",) in rows
    assert (GONE,) not in rows


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


@pytest.mark.parametrize(
    ("break_it", "said", "code"),
    [
        (lambda shop: (shop.home.keys / "publication.key").unlink(), "no key at", 1),
        (lambda shop: shutil.rmtree(shop.folder / "models"), "is not the dbt project", 1),
        (lambda shop: shutil.rmtree(shop.landing), "there is no landing zone at landing", 1),
        (
            lambda shop: cut_off(shop.landing / "market/market_order/by_hand.parquet"),
            "by_hand.parquet cannot be read as Parquet",
            1,
        ),
    ],
)
def test_what_is_missing_is_told_in_one_line(
    shop: Shop, break_it: Callable[[Shop], object], said: str, code: int
) -> None:
    break_it(shop)

    result = shop.run("erase", GONE)

    assert result.exit_code == code
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert GONE not in result.stderr


def test_a_csv_that_is_none_is_named(shop: Shop) -> None:
    path = shop.folder / "exports" / "noted.csv"
    path.write_bytes(b'audience_id,note\n1,"a lost quote\n' + b"2,x\n" * 50_000)

    result = shop.run("erase", GONE)

    assert result.exit_code == 1
    assert "noted.csv is no CSV" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_line_of_the_list_that_was_cut_short_is_written_anew(shop: Shop) -> None:
    shop.run("erase", STAYS)
    whole = shop.home.erased.read_bytes()
    shop.home.erased.write_bytes(whole + b'{"source": "market", "per')
    assert shop.run("erase", GONE).exit_code == 0

    content = shop.home.erased.read_bytes()
    assert content.startswith(whole)
    assert read_erased_people(shop.home, read_contracts(ROOT, "market"))
    # A line that lacks its end alone is a whole one.
    shop.home.erased.write_bytes(content.removesuffix(b"\n"))
    shop.run("erase", "nobody-of-that-name")
    assert shop.home.erased.read_bytes().startswith(content)


def test_a_lost_key_is_not_made_anew_while_anybody_of_any_shop_was_erased_with_it(
    shop: Shop,
) -> None:
    shop.home.erased.write_text('{"source": "olist", "person": "' + "0" * 64 + '"}\n')

    result = shop.run("erase", GONE)

    assert result.exit_code == 1
    assert "no key at" in result.stderr
    assert not (shop.home.keys / "erasure.key").exists()


def test_small_files_that_a_kill_left_go(shop: Shop) -> None:
    left = shop.home.root / "erasures" / f"{PRIVATE}receipt.json"
    left.parent.mkdir()
    left.write_text("{}")
    shop.run("erase", GONE)
    assert not left.exists()


def test_a_journal_that_is_lost_keeps_the_versions_that_it_told_of(shop: Shop) -> None:
    shop.home.journal.unlink(missing_ok=True)
    versions = list(shop.home.versions.iterdir())
    shop.run("erase", GONE)

    told = [event["run"] for event in journal.read(shop.home.journal) if "run" in event]
    assert told == [RUN]
    assert list(shop.home.versions.iterdir()) == versions


def test_orders_of_a_marketplace_are_found_through_its_customers(tmp_path: Path) -> None:
    zone = tmp_path / "landing" / "olist"
    person, other = "a" * 32, "b" * 32
    write_parquet(
        zone / "olist_customers_dataset" / "1.parquet",
        f"select unnest(['c1', 'c2', 'c3']) as customer_id, "
        f"unnest(['{person}', '{person}', '{other}']) as customer_unique_id",
    )
    write_parquet(
        zone / "olist_orders_dataset" / "1.parquet",
        "select unnest(['o1', 'o2', 'o3']) as order_id, unnest(['c1', 'c2', 'c3']) as customer_id",
    )
    write_parquet(
        zone / "olist_order_items_dataset" / "1.parquet",
        "select unnest(['o1', 'o1', 'o2', 'o3']) as order_id",
    )
    shop = Shop(tmp_path)
    shutil.copytree(ROOT / "models/staging/olist", tmp_path / "models/staging/olist")
    words = ["erase", person, "--source", "olist"]
    result = subprocess.run(
        [sys.executable, "-m", "clientele", *words], cwd=tmp_path, capture_output=True, text=True,
        check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip

    assert result.returncode == 0, result.stderr
    counts = {
        folder.name: duckdb.sql(f"select count(*) from '{folder}/*.parquet'").fetchall()
        for folder in zone.iterdir()
    }
    assert list(counts.values()) == [[(1,)]] * 3
    assert len(shop.home.erased.read_text().splitlines()) == 1 + 2 + 2


def test_a_long_cell_and_a_null_byte_keep_no_list_from_being_read(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    long = f'"{"x" * 200_000}"'
    path.write_text(f"client_id,text\n{GONE},{long}\n{STAYS},{long}\n{GONE},a\0b\n{STAYS},a\0b\n")
    traces = Traces.of("market", [GONE], None)

    assert text_files.find_in_list(path, traces) == 2
    text_files.rewrite_list(path, traces, 2, Replacing(tmp_path / "journal.jsonl", SILENT))
    assert path.read_text() == f"client_id,text\n{STAYS},{long}\n{STAYS},a\0b\n"


def test_every_source_says_whose_rows_it_has() -> None:
    tables = person_tables(ROOT)

    assert {table.folder for table in tables} >= {"market", "olist", "online_retail", "sales_json"}
    names = [table.name for table in tables]
    assert names.index("product_detail") < names.index("market_order")
    assert names.index("olist_order_items_dataset") < names.index("olist_orders_dataset")
    assert names.index("olist_orders_dataset") < names.index("olist_customers_dataset")


def test_a_record_of_another_file_stays_as_it_is() -> None:
    entry = {"old_sha256": "a", "sha256": "b", "old_bytes": 5, "bytes": 4, "rows": 1,
             "rejected": 0, "tables": {}}  # fmt: skip
    record = {"rows": 9, "files": [{"sha256": "c", "rows": 3, "bytes": 5}]}

    assert not amend(record, entry)
    assert record == {"rows": 9, "files": [{"sha256": "c", "rows": 3, "bytes": 5}]}


def test_the_same_raw_file_does_not_bring_anybody_back(shop: Shop, tmp_path: Path) -> None:
    pytest.importorskip("clientele.intake.load", reason="needs `clientele load`")
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "app_open.csv").write_text(
        "client_id,appopendate\n"
        + f"{GONE.upper()},2026-06-01 10:00:00\n{STAYS},2026-06-01 11:00:00\n"
    )
    (raw / "product_detail.csv").write_text(
        "order_id,_pos,count,product_id,price,subcategory_id,brand_id,mastercategory_id\n"
        f"{GONE_ORDER},1,1,p,2.5,s,b,m\n{KEPT_ORDER},1,1,p,2.5,s,b,m\n"
    )
    shop.run("erase", GONE)

    for landing in ("landing", "fresh"):
        result = shop.run("load", str(raw), "--allow-missing", "--landing", landing)

        assert result.exit_code == 0, result.stderr
        files = f"{shop.folder / landing}/market/load=*"
        opens = duckdb.sql(f"select client_id from '{files}/app_open/*.parquet'").fetchall()
        assert opens == [(STAYS,)]
        lines = duckdb.sql(f"select order_id from '{files}/product_detail/*.parquet'").fetchall()
        assert lines == [(KEPT_ORDER,)]
    assert GONE not in str(shop.holding(GONE, GONE_ORDER).keys() - {"seeds/suppressions.csv"})
    assert not [path for path in shop.holding(GONE, GONE_ORDER) if path.startswith("fresh")]


def test_what_is_erased_from_a_load_is_as_its_manifest_says(shop: Shop, tmp_path: Path) -> None:
    folder = pytest.importorskip("clientele.intake.landing_folder", reason="needs the loads")
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "app_open.csv").write_text(
        f"client_id,appopendate\n{GONE},2026-06-01 10:00:00\n{STAYS},2026-06-01 11:00:00\n"
        f"{GONE}\n{STAYS},2026-06-01 12:00:00\n" + f"{STAYS},2026-06-01 13:00:00\n" * 20
    )
    loaded = shop.run("load", str(raw), "--allow-missing", "--landing", "fresh")
    assert loaded.exit_code == 0, loaded.stderr

    erased = shop.run("erase", GONE, "--landing", "fresh")

    assert erased.exit_code == 0, erased.stderr
    assert folder.verify_landing(shop.folder / "fresh", ["market"]) == []
    [path] = (shop.folder / "fresh").glob("market/load=*/load.json")
    [file] = json.loads(path.read_text())["files"]
    assert (file["records"], file["accepted"], file["rejected"], file["erased"]) == (24, 22, 0, 2)
    again = shop.run("load", str(raw), "--allow-missing", "--landing", "fresh")
    assert again.exit_code == 0, again.stderr
    assert len(list((shop.folder / "fresh").glob("market/load=*"))) == 1
