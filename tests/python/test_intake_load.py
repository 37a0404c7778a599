"""Loads: all of a folder lands or nothing does, once, and with what the sender said checked."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import os
import random
import resource
import signal
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from clientele.cli import main
from clientele.intake.errors import IntakeError, LoadRefused
from clientele.intake.landing_folder import verify_landing
from clientele.intake.load import STEPS
from clientele.intake.parquet_parts import PartWriter
from clientele.production.keys import ERASURE, pseudonym, read_key
from clientele.production.locks import holding
from clientele.progress import Steps
from intake_folder import HEADER, LINES, Place
from warehouse import ROOT


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_records_land_with_where_they_come_from_and_rejects_with_their_text(place: Place) -> None:
    raw = HEADER + b'A1,1,"one, ""two"""\nA2,x,bad id\nA3\n,4,\n'
    place.put("orders-2026.csv", raw)
    loaded = place.load()
    file = loaded["files"][0]
    load = loaded["load"]
    rows = place.landed("orders", "* exclude (_file, _ingested_at)")

    assert load.startswith("20260701T060000Z-")
    assert rows == [
        ("A1", "1", 'one, "two"', 1, None, None),
        (None, None, None, 2, "not_in_format", "A2,x,bad id"),
        (None, None, None, 3, "too_few_fields", "A3"),
        (None, "4", None, 4, None, None),
    ]
    assert place.landed("orders", "_file, _ingested_at")[0] == (
        f"{load}/orders-2026.csv",
        datetime(2026, 7, 1, 6),
    )
    assert (file["records"], file["accepted"], file["rejected"], file["erased"]) == (4, 2, 2, 0)
    assert file["reasons"] == {"not_in_format": 1, "too_few_fields": 1}
    assert file["sha256"] == hashlib.sha256(raw).hexdigest()
    assert place.everything() == [
        f"shop/load={load}/load.json",
        f"shop/load={load}/orders/1-1.parquet",
    ]
    manifest = json.loads((place.landing / f"shop/load={load}/load.json").read_text())
    assert manifest["files"] == loaded["files"]
    types = place.landed("orders", "typeof(client_id), typeof(_record), typeof(_ingested_at)")[0]
    assert types == ("VARCHAR", "BIGINT", "TIMESTAMP")


def test_the_same_file_changes_nothing_a_second_time(place: Place) -> None:
    place.put("orders.csv", HEADER + b"A1,1,\n")
    place.load()
    before = place.everything()
    place.raw.joinpath("orders.csv").rename(place.raw / "orders-again.csv")
    place.put("deep/orders/twice.csv", HEADER + b"A1,1,\n")
    again = place.load(ingested_at=None)

    assert again["load"] is None
    assert [file["note"] for file in again["skipped"]] == ["landed before"] * 2
    assert place.everything() == before

    place.put("orders_2.csv", HEADER + b"A2,2,\n")
    place.put("orders_3.csv", HEADER + b"A2,2,\n")
    more = place.load()
    assert [file["path"] for file in more["files"]] == ["orders_2.csv"]
    assert {file["note"] for file in more["skipped"]} == {
        "landed before",
        "the same as orders_2.csv",
    }
    assert len(place.landed("orders", "order_id")) == 2


def test_loads_of_the_same_second_are_told_apart_by_their_time(place: Place) -> None:
    """Of rows with one key the latest wins, so no two loads may be of one time."""
    times = []
    for number in range(3):
        place.put("orders.csv", HEADER + f"A1,{number},\n".encode())
        times.append(place.load(ingested_at=None)["ingested_at"])
    assert times == sorted(set(times))


def test_a_key_that_stops_the_command_in_the_midst_of_a_query_gives_no_traceback(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB tells of Ctrl-C by an error of its own."""

    def stop(*_: object, **__: object) -> None:
        raise RuntimeError("Query interrupted")

    monkeypatch.setattr("clientele.intake.load.load_files", stop)
    ended = CliRunner().invoke(main, ["load", str(place.root), "--source", "shop"])
    assert (ended.exit_code, ended.stderr.strip()) == (1, "Aborted!")


def test_the_longest_name_of_a_table_counts(place: Place) -> None:
    place.put("order_lines_1.csv", LINES)
    place.put("orders/any.csv.gz", gzip.compress(HEADER + b"A1,1,\n"))
    place.put(".hidden", b"")
    place.put(".git/orders.csv", b"")
    loaded = place.load()

    assert {file["path"]: file["table"] for file in loaded["files"]} == {
        "order_lines_1.csv": "order_lines",
        "orders/any.csv.gz": "orders",
    }


GOOD = HEADER + b"A1,1,\nA2,2,\n"
REFUSED = {
    "an empty file": ("orders.csv", b"", "it is empty"),
    "a header alone": ("orders.csv", HEADER, "it holds 0 records, and 1 is the least"),
    "a column missing": ("orders.csv", b"client_id,comment\n", "'order_id' is missing"),
    "columns swapped": ("orders.csv", b"order_id,client_id,comment\n", "out of order|column 1"),
    "values swapped": ("orders.csv", HEADER + b"1,A1,\n", "column order_id: not_in_format"),
    "too many rejects": ("orders.csv", HEADER + b"1\n2\nA,3,\n", "2 of 3 records.*line 2"),
    "an unknown name": ("customers.csv", GOOD, "begins with none of the tables' names: orders"),
    "an unknown format": ("orders.xlsx", GOOD, "format is not known"),
    "gzip that is cut off": ("orders.csv.gz", gzip.compress(GOOD)[:-9], "damaged or cut off"),
    "gzip that is none": ("orders.csv.gz", GOOD + LINES, "damaged or cut off"),
    "gzip with a bit flipped": (
        "orders.csv.gz",
        gzip.compress(GOOD)[:-8] + b"\0" * 8,
        "damaged or cut off",
    ),
    "an array of JSON": ("orders.json", b'[{"a": 1}]', "one array; one object a line"),
    "no Parquet": ("orders.parquet", GOOD + LINES, "it is damaged"),
    "UTF-16": ("orders.csv", GOOD.decode().encode("utf-16"), "UTF-16"),
    "another sha256": ("orders.csv.sha256", b"0" * 64 + b"  orders.csv\n", "its sha256 is not"),
    "no sha256": ("orders.csv.sha256", b"none", "not as sha256sum writes it"),
    "other rows": ("orders.csv.rows", b"3\n", "holds 2 records, and orders.csv.rows says 3"),
    "no rows": ("orders.csv.rows", b"many", "no number of rows"),
    "a word of no file": ("order_lines.csv.rows", b"3", "the file that it speaks of is missing"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_is_not_as_agreed_is_refused_and_nothing_lands(place: Place, case: str) -> None:
    name, content, said = REFUSED[case]
    place.put("orders.csv", GOOD)
    place.put("notes.csv", b"note,more\na,b\n")
    place.put(name, content)

    with pytest.raises(LoadRefused, match=f"(?s)1 file is refused.*{said}"):
        place.load()
    assert place.everything() == []


def test_what_the_sender_says_is_checked_and_right(place: Place) -> None:
    place.put("orders.csv", GOOD)
    place.put("orders.csv.sha256", hashlib.sha256(GOOD).hexdigest().encode() + b"  x/orders.csv\n")
    place.put("orders.csv.rows", b"2")

    assert place.load()["files"][0]["accepted"] == 2


def test_what_is_no_plain_file_of_the_folder_is_refused(place: Place, tmp_path: Path) -> None:
    outside = tmp_path / "orders.csv"
    outside.write_bytes(GOOD)
    place.raw.joinpath("orders.csv").symlink_to(outside)
    place.raw.joinpath("orders").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(place.raw / "orders.jsonl")
    (place.raw / os.fsdecode(b"orders\xff.csv")).write_bytes(GOOD)

    with pytest.raises(LoadRefused) as refused:
        place.load()
    told = str(refused.value)
    assert "4 files are refused" in told
    assert told.count("it is a link that leads out") == 2
    assert "orders.jsonl: it is no file" in told
    assert "its name is no UTF-8" in told


def test_a_folder_without_files_is_no_delivery(place: Place) -> None:
    place.put("orders.csv", GOOD)
    place.load()
    place.raw.joinpath("orders.csv").unlink()
    place.raw.joinpath(".hidden").write_bytes(GOOD)
    before = place.everything()

    with pytest.raises(
        LoadRefused, match=r"raw has no file; expected are files such as .*orders\.csv"
    ):
        place.load()
    assert place.everything() == before


def test_a_table_that_never_landed_is_missed_unless_that_is_allowed(place: Place) -> None:
    place.put("orders.csv", GOOD)

    with pytest.raises(LoadRefused, match=r"(?s)order_lines has ever landed.*order_id,product"):
        place.load(allow_missing=False)
    place.load()
    place.put("order_lines.csv", LINES)
    assert place.load(allow_missing=False)["load"]
    assert place.load(allow_missing=False)["load"] is None


def test_parquet_lands_as_text_without_loss(place: Place, tmp_path: Path) -> None:
    path = place.raw / "orders.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"""
            copy (
                from (values
                    ('007', 12345678901234567890123456789012345678::decimal(38, 0),
                        timestamp '2026-07-01 12:00:00.25'),
                    (null, 4, null),
                    ('', 5, timestamp '2026-07-01')
                ) as rows (client_id, order_id, comment)
            ) to '{path}' (format parquet)
        """)
    place.load()

    assert place.landed("orders", "client_id, order_id, comment, _record") == [
        ("007", "12345678901234567890123456789012345678", "2026-07-01 12:00:00.25", 1),
        (None, "4", None, 2),
        ("", "5", "2026-07-01 00:00:00", 3),
    ]
    content = path.read_bytes()
    for damaged in (content[:-20], content[:40] + b"\0" * 40 + content[80:]):
        path.write_bytes(damaged)
        with pytest.raises(LoadRefused, match=r"orders.parquet: it is damaged"):
            place.load()
    with duckdb.connect() as connection:
        connection.execute(f"""
            copy (select 'a' as client_id, [1] as order_id, 1.5 as comment)
            to '{path}' (format parquet)
        """)
    with pytest.raises(LoadRefused, match="'order_id' is nested"):
        place.load()


class Killed(Steps):
    """Ends the process as a kill does, when a step begins."""

    def __init__(self, name: str) -> None:
        self._name = name

    def step(self, name: str) -> None:
        if name == self._name:
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("step", STEPS)
def test_a_load_that_is_killed_leaves_nothing_half_and_is_healed(place: Place, step: str) -> None:
    place.put("orders.csv", GOOD)
    place.put("order_lines.csv", LINES)
    child = os.fork()
    if child == 0:
        place.load(Killed(step))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    seen = [name for name in place.everything() if not name.startswith(".")]

    assert os.WIFSIGNALED(status)
    assert bool(seen) == (step == "clean up")
    later = place.load(ingested_at=None)
    begun = step in ("convert", "sync", "publish")
    if begun:  # it counts as ingested when it was begun
        assert later["load"].startswith("20260701T060000Z")
    assert (later["load"] is None) == (step == "clean up")
    assert len(place.landed("orders", "1")) == 2
    assert len([name for name in place.everything() if name.endswith("load.json")]) == 1
    assert not (place.landing / ".clientele-load").exists()
    assert verify_landing(place.landing, ["shop"]) == []


class Meddling(Steps):
    """Changes a raw file when it has been looked at and its records are to be read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def step(self, name: str) -> None:
        if name == "convert":
            self._path.write_bytes(self._path.read_bytes() + b"A9,9,late\n")


def test_a_file_that_is_changed_while_it_is_read_does_not_land(place: Place) -> None:
    path = place.put("orders.csv", GOOD)
    with pytest.raises(IntakeError, match="was changed while it was read"):
        place.load(Meddling(path))
    assert place.everything() == []


def test_what_was_written_otherwise_than_it_was_read_does_not_land(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = PartWriter._copy

    def copy_otherwise(self: PartWriter, path: Path) -> None:
        self._connection.execute("update part set line = replace(line, '1', '7')")
        copy(self, path)

    monkeypatch.setattr(PartWriter, "_copy", copy_otherwise)
    place.put("orders.csv", GOOD)
    with pytest.raises(IntakeError, match="does not hold what was written"):
        place.load()
    assert place.everything() == []


def test_finished_files_are_taken_over_and_those_of_another_load_removed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clientele.intake import load as module

    place.put("orders.csv", GOOD)
    place.put("order_lines.csv", LINES)
    for _ in range(2):
        child = os.fork()
        if child == 0:
            place.load(Killed("sync"))
            os._exit(0)
        os.waitpid(child, 0)
    converted = []
    convert = module._Load._converted
    monkeypatch.setattr(
        module._Load, "_converted",
        lambda self, *args: converted.append(args[1].name) or convert(self, *args),
    )  # fmt: skip
    part = next((place.landing / ".clientele-load").glob("load=*/orders/*.parquet"))
    part.write_bytes(part.read_bytes()[:-1])
    place.load()
    assert converted == ["orders.csv"]  # of the other one, what was converted was whole
    assert len(place.landed("orders", "1")) == 2


def test_two_loads_at_once_are_one(place: Place) -> None:
    place.put("orders.csv", GOOD)
    place.landing.mkdir()
    arguments = ["load", str(place.raw), "--source", "shop", "--allow-missing"]
    arguments += ["--landing", str(place.landing), "--home", str(place.home.root)]
    arguments += ["--project", str(place.root / "project")]
    with holding(place.landing / ".clientele.lock", "clientele run", shared=True):
        busy = CliRunner().invoke(main, arguments)

    assert busy.exit_code == 75
    assert "at work" in busy.stderr
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0
    assert "1 file, 2 records: 2 accepted, 0 rejected" in done.stdout
    assert "shop: nothing new (1 file skipped" in CliRunner().invoke(main, arguments).stdout
    told = json.loads(CliRunner().invoke(main, [*arguments, "--json"]).stdout)
    assert told["skipped"][0]["note"] == "landed before"
    place.put("orders.csv", b"")
    refused = CliRunner().invoke(main, arguments)
    assert refused.exit_code == 65
    assert "Expected of orders:\n  client_id,order_id,comment" in refused.stderr
    unknown = CliRunner().invoke(main, [*arguments, "--source", "stop"])
    assert unknown.exit_code == 1
    assert "there is no source 'stop'; there are shop" in unknown.stderr


def test_a_disk_that_takes_no_more_gives_one_line_and_the_space_back(place: Place) -> None:
    chance = random.Random(3)
    rows = (f"{chance.random()},{number},{chance.random()}\n" for number in range(60_000))
    place.put("orders.csv", HEADER + "".join(rows).encode())
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        try:
            place.load()
        except (OSError, duckdb.Error):
            os._exit(7)
        os._exit(0)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 7
    assert place.everything() == []
    assert place.load()["files"][0]["accepted"] == 60_000


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read_is_named(place: Place) -> None:
    place.put("orders.csv", GOOD).chmod(0)
    with pytest.raises(OSError, match=r"orders\.csv"):
        place.load()


def erase(place: Place, **entry: str) -> bytes:
    key = read_key(place.home.keys, ERASURE, make=True)
    hashed = {
        name: pseudonym(key, "shop", text) if name in ("person", "reference") else text
        for name, text in entry.items()
    }
    with place.home.erased.open("a") as file:
        file.write(json.dumps({"source": "shop", **hashed}) + "\n")
    return key


def test_erased_people_do_not_come_back_nor_what_belongs_to_their_orders(place: Place) -> None:
    erase(place, person="a1")
    erase(place, table="orders", reference="9")
    place.put("orders.csv", HEADER + b"A2,2,\n A1 ,1,gone\nA1,too,many,fields\nA1\nA3,3,\nA3,x,\n")
    place.put("order_lines.csv", b"order_id,product\n1,tea\n2,tea\n9,tea\n1\n3,tea\n")
    place.put("notes.csv", b"note,more\nA1,2\n")
    loaded = place.load()
    counts = {file["table"]: (file["accepted"], file["rejected"], file["erased"])
              for file in loaded["files"]}  # fmt: skip

    assert counts == {"orders": (2, 1, 3), "order_lines": (2, 0, 3), "notes": (1, 0, 0)}
    assert place.landed("orders", "client_id, _raw_text") == [
        ("A2", None), ("A3", None), (None, "A3,x,"),
    ]  # fmt: skip
    place.put("order_lines-2.csv", b"order_id,product\n1,coffee\n2,coffee\n")
    later = place.load()
    assert later["files"][0]["erased"] == 1
    place.home.keys.joinpath("erasure.key").unlink()
    with pytest.raises(IntakeError, match="people were erased, and no key"):
        place.load()


def test_a_list_of_erased_people_that_cannot_be_read_stops_the_load(place: Place) -> None:
    erase(place, person="a1")
    place.put("orders.csv", GOOD)
    with place.home.erased.open("a") as file:
        file.write('{"source": "shop", "per')
    with pytest.raises(IntakeError, match="line 2, is no line of erased people"):
        place.load()


def test_the_landing_zone_says_what_is_not_as_it_was_left(place: Place) -> None:
    place.put("orders.csv", GOOD)
    place.put("order_lines.csv", LINES)
    load = place.landing / "shop" / f"load={place.load()['load']}"
    by_hand = place.landing / "shop/notes/by_hand.parquet"
    by_hand.parent.mkdir()
    part = load / "orders/1-1.parquet"
    content = part.read_bytes()
    by_hand.write_bytes(content)
    assert verify_landing(place.landing, ["shop", "none"]) == []

    by_hand.write_bytes(content[:-5])
    part.write_bytes(bytes((*content[:30], content[30] ^ 1, *content[31:])))
    (load / "orders/more.parquet").write_bytes(content)
    (load / "order_lines/2-1.parquet").unlink()
    found = {
        finding.path.name: finding.problem for finding in verify_landing(place.landing, ["shop"])
    }
    assert set(found) == {"by_hand.parquet", "1-1.parquet", "more.parquet", "2-1.parquet"}
    assert "sha256" in found["1-1.parquet"]
    assert "does not list" in found["more.parquet"]


@pytest.mark.parametrize("seed", range(12))
def test_random_damage_loses_no_record(tmp_path: Path, seed: int) -> None:
    place, chance = Place(tmp_path), random.Random(seed)
    rows = [[f"c{n}", str(n), chance.choice(["", "a,b", 'x "y"', "one\ntwo"])] for n in range(200)]
    path = place.raw / "orders.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["client_id", "order_id", "comment"], *rows])
    raw = bytearray(path.read_bytes())
    for _ in range(8):
        raw[chance.randrange(len(HEADER) + 1, len(raw))] = chance.choice(b'",\n\xff\0x')
    path.write_bytes(raw)
    file = place.load()["files"][0]

    assert file["accepted"] + file["rejected"] == file["records"]
    assert file["records"] == len(place.landed("orders", "1"))
    numbers = [number for (number,) in place.landed("orders", "_record")]
    assert numbers == list(range(1, len(numbers) + 1))
    kept = {tuple(row) for row in place.landed("orders", "client_id, order_id, comment")}
    assert len(kept & {(a, b, c or None) for a, b, c in rows}) > 150


def test_the_demo_as_csv_lands_as_it_was(tmp_path: Path) -> None:
    from clientele.intake.load import load_files
    from clientele.production.home import Home

    raw, landing = tmp_path / "raw", tmp_path / "landing"
    raw.mkdir()
    tables = ("market_order", "app_open", "promo_detail", "product_detail")
    with duckdb.connect() as connection:
        for table in tables:
            connection.execute(f"""
                copy (from '{ROOT}/demo/market/{table}/*.parquet') to '{raw}/{table}.csv'
                (header, delimiter ',')
            """)
        loaded = load_files(raw, "market", landing, Home(tmp_path / "home"), project=ROOT)
        for table in tables:
            ours = f"read_parquet('{landing}/market/**/{table}/*.parquet', hive_partitioning=false)"
            theirs = f"read_parquet('{ROOT}/demo/market/{table}/*.parquet')"
            plain = "* exclude (_file, _record, _ingested_at, _reject_reasons, _raw_text)"
            plain = f"select {plain} from {ours}"
            for one, other in ((plain, f"from {theirs}"), (f"from {theirs}", plain)):
                differing = connection.execute(
                    f"select count(*) from (({one}) except all ({other}))"
                ).fetchone()
                assert differing == (0,), table
    assert sum(file["rejected"] for file in loaded["files"]) == 0
