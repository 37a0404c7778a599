"""A run on the mini shop: what is published, what is kept, and what ends it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import stat
import threading
import time
from collections import namedtuple
from pathlib import Path

import duckdb
import pytest

from clientele.production import publishing
from clientele.production import run as running
from clientele.production.building import Build, _environment
from clientele.production.keys import PURPOSES, key_variable
from clientele.production.locks import holding
from clientele.versions import file_sha256
from conftest import Once
from mini_shop import MiniShop, orders, play
from warehouse import ROOT


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory, once: Once) -> MiniShop:
    """A shop whose first run was well; nobody changes it."""

    def make() -> MiniShop:
        shop = MiniShop.make(tmp_path_factory.mktemp("mini_shop"))
        shop.run()
        return shop

    return once("mini_shop_first_run", make)


@pytest.fixture
def shop(first_run: MiniShop, tmp_path: Path) -> MiniShop:
    """A copy of it for one test."""
    return first_run.copy(tmp_path / "shop")


@pytest.fixture
def played(shop: MiniShop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The build that a program in dbt's place brings again and again."""
    return play(shop, monkeypatch, tmp_path)


def alter(path: Path, change) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def still_serves(shop: MiniShop, run: str | None) -> bool:
    """Whether a run is served, whole, and nothing else lies about but its log."""
    if run is None or shop.home.served_run() != run:
        return False
    names = {name for name in shop.names() if not name.startswith("logs/")}
    return names == shop.whole_names(run) and not shop.home.work.exists()


def test_a_first_run_serves_the_public_tables_alone(first_run: MiniShop) -> None:
    home = first_run.home
    run = home.served_run()

    assert run
    assert first_run.served("select count(*), sum(order_count) from marts.customers") == [(40, 400)]
    assert first_run.served("select sum(net_revenue) from marts.order_days") == [(4000,)]
    assert first_run.served(
        "select table_name from information_schema.tables order by all"
    ) == [(name,) for name in (
        "customers", "gate_measures", "order_days", "rejected_rows", "row_reconciliation",
    )]  # fmt: skip
    assert first_run.names() == first_run.whole_names(run)


def test_others_can_read_what_is_published_and_nothing_else(first_run: MiniShop) -> None:
    home = first_run.home
    run = home.served_run()
    assert run

    modes = {
        path: stat.S_IMODE(path.stat().st_mode)
        for path in (home.version(run), home.versions, home.versions.parent, home.warehouses,
                     home.keys, home.logs, home.parsed.parent)
    }  # fmt: skip
    assert modes == {
        home.version(run): 0o444, home.versions: 0o755, home.versions.parent: 0o755,
        home.warehouses: 0o700, home.keys: 0o700, home.logs: 0o700, home.parsed.parent: 0o700,
    }  # fmt: skip


def test_the_key_of_pseudonyms_reaches_nothing_that_dbt_writes(first_run: MiniShop) -> None:
    key = (first_run.home.keys / "publication.key").read_bytes().strip()
    others = [
        path
        for path in first_run.home.root.rglob("*")
        if path.is_file() and path.parent != first_run.home.keys
    ]

    assert len(others) > 5
    assert not [
        path
        for path in others
        if key in path.read_bytes() or bytes.fromhex(key.decode()) in path.read_bytes()
    ]


def test_a_key_of_the_environment_is_not_given_to_dbt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {key_variable(purpose) for purpose in PURPOSES}
    for name in variables:
        monkeypatch.setenv(name, "ab" * 32)
    assert not variables & set(_environment(tmp_path, "run"))


def test_a_landed_file_that_is_not_as_it_was_left_is_refused_before_anything_is_built(
    shop: MiniShop,
) -> None:
    run = shop.home.served_run()
    load = shop.landing / "shop" / "load=20260701T060000Z-00aabbcc"
    (load / "orders").mkdir(parents=True)
    part = load / "orders" / "1-1.parquet"
    shutil.copy(shop.landing / "shop" / "orders" / "part-0.parquet", part)
    manifest = {
        "load": load.name.removeprefix("load="), "source": "shop",
        "files": [{"parquet": [{"path": "orders/1-1.parquet", "sha256": file_sha256(part)}]}],
    }  # fmt: skip
    (load / "load.json").write_text(json.dumps(manifest))
    flip(part)
    result = shop.call("run")

    assert result.exit_code == 65
    assert f"{part}: its sha256 is not that of load.json" in result.stderr
    assert shop.events()[-1]["checks"] == ["landing"]
    assert still_serves(shop, run)


def test_a_second_run_begins_from_the_first_and_retention_keeps_what_is_asked(
    shop: MiniShop,
) -> None:
    first = shop.home.served_run()
    reader = duckdb.connect(str(shop.home.served), read_only=True)
    shop.land("part-1", orders(20, first=400))
    record = shop.run("--keep", "1")

    assert record["began_from"] == first
    assert record["removed"] == [first]
    assert still_serves(shop, record["run"])
    assert [event["event"] for event in shop.events()] == ["promoted", "promoted", "removed"]
    # Who has the former version open keeps it.
    assert reader.execute("select sum(order_count) from marts.customers").fetchall() == [(400,)]
    assert shop.served("select sum(order_count) from marts.customers") == [(420,)]
    with duckdb.connect(str(shop.home.warehouse(record["run"])), read_only=True) as warehouse:
        kept = warehouse.execute("select build, landed_count from marts.kept_runs order by all")
        assert kept.fetchall() == [(1, 400), (2, 420)]


def test_a_failing_data_test_publishes_nothing_and_is_told_in_one_screen(shop: MiniShop) -> None:
    run = shop.home.served_run()
    shop.land("part-1", orders(1, first=400, amount="-1"))
    result = shop.call("run")

    assert result.exit_code == 1
    assert result.stderr.splitlines()[:2] == [
        "Error: dbt build failed:",
        "  test no_order_is_negative: Got 1 result, configured to fail if != 0",
    ]
    assert len(result.stderr.splitlines()) == 3
    log = Path(result.stderr.rpartition("The log is in ")[2].strip())
    assert "no_order_is_negative" in (log / "dbt_output.txt").read_text()
    assert still_serves(shop, run)
    assert shop.events()[-1]["event"] == "failed"


def test_a_project_that_dbt_cannot_parse_is_told_without_a_traceback(shop: MiniShop) -> None:
    run = shop.home.served_run()
    (shop.project / "models" / "order_days.sql").write_text("select {{ ref('nothing') }}")
    result = shop.call("run")

    assert result.exit_code == 1
    assert "nothing" in result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) <= 13
    assert still_serves(shop, run)


def test_too_many_rejected_rows_are_refused_with_reason_file_and_record_until_accepted(
    shop: MiniShop,
) -> None:
    run = shop.home.served_run()
    shop.land("part-1", orders(410, first=400, amount="10,00"))
    result = shop.call("run")

    assert result.exit_code == 65
    lines = result.stderr.splitlines()
    assert lines[0] == "Error: the gate refuses the new version, and what is served stays:"
    assert "  landed_rows, shop, orders: 400 served, 810 new; may grow by 100%" in lines
    assert "  rejected_share, shop, orders: 0 served, 0.5062 new; at most 0.5" in lines
    assert "    orders: 410 rows amount_not_a_number, such as record 1 of part-1.parquet" in lines
    assert lines[-1].endswith("clientele run --accept landed_rows --accept rejected_share")
    assert still_serves(shop, run)
    assert shop.events()[-1]["checks"] == ["landed_rows", "rejected_share"]

    # One of the two is not both.
    assert shop.call("run", "--accept", "landed_rows").exit_code == 65
    record = shop.run("--accept", "landed_rows", "--accept", "rejected_share")
    assert shop.home.served_run() == record["run"]
    assert shop.events()[-1]["accepted"] == ["landed_rows", "rejected_share"]


def test_after_a_rollback_the_next_run_begins_from_it_and_not_from_the_bad_version(
    shop: MiniShop,
) -> None:
    first = shop.home.served_run()
    assert first
    shop.land("part-1", orders(300, first=400))
    second = shop.run()["run"]
    result = shop.call("rollback")

    assert result.exit_code == 0
    assert result.stdout == f"{first} is served again, instead of {second}\n"
    assert shop.served("select sum(order_count) from marts.customers") == [(400,)]
    assert shop.call("rollback").exit_code == 1  # nothing was served before the first

    # Without the bad file: measured against the bad version, 43 % of the rows would be gone.
    (shop.landing / "shop" / "orders" / "part-1.parquet").unlink()
    third = shop.run()
    assert third["began_from"] == first
    assert [event["event"] for event in shop.events()] == [
        "promoted", "promoted", "rolled_back", "promoted",
    ]  # fmt: skip
    # The one before is the one that it began from, and not the bad one.
    assert shop.call("rollback", "--json").exit_code == 0
    assert shop.home.served_run() == first
    assert shop.call("rollback", second).exit_code == 0
    assert shop.home.served_run() == second


def test_a_rollback_is_refused_to_what_is_served_unknown_or_damaged(
    shop: MiniShop, played: Path
) -> None:
    first = shop.home.served_run()
    assert first
    second = shop.run()["run"]

    for name, words in ((second, "served already"), ("20200101T000000Z-0000", "no version")):
        result = shop.call("rollback", name)
        assert result.exit_code == 1
        assert words in result.stderr
    flip(shop.home.version(first))
    result = shop.call("rollback")
    assert result.exit_code == 1
    assert f"{first}.duckdb is not as it was written" in result.stderr
    assert shop.home.served_run() == second
    shop.home.version(first).unlink()
    assert f"{first} (damaged)" in shop.call("status").stdout
    shop.home.version(second).unlink()
    assert f"rollback {first}" not in shop.call("status").stderr


def flip(path: Path) -> None:
    """Flip one bit in the middle of a file."""
    mode = path.stat().st_mode
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))
    path.chmod(mode)


@pytest.mark.parametrize("damage", ["flipped", "truncated", "missing", "log beside", "no record"])
def test_a_damaged_warehouse_behind_what_is_served_is_named_and_not_built_upon(
    shop: MiniShop, played: Path, damage: str
) -> None:
    run = shop.home.served_run()
    assert run
    warehouse = shop.home.warehouse(run)
    if damage == "flipped":
        flip(warehouse)
    elif damage == "truncated":
        os.truncate(warehouse, 100_000)
    elif damage == "missing":
        warehouse.unlink()
    elif damage == "log beside":
        warehouse.with_name("clientele.duckdb.wal").write_bytes(b"anything")
    else:
        shop.home.record(run).write_text("{")
    result = shop.call("run")

    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert len(lines) == 1
    assert str(warehouse.parent) in lines[0]
    assert shop.home.served_run() == run
    assert not shop.home.work.exists()
    assert shop.events()[-1]["event"] == "failed"
    if damage != "flipped":  # whose size is right: only a whole reading finds it
        assert shop.call("status").exit_code == 1


def test_a_run_while_another_is_at_work_ends_with_75_and_one_line(shop: MiniShop) -> None:
    with holding(shop.home.lock, "clientele run"):
        for command in ("run", "rollback"):
            result = shop.call(command)
            assert result.exit_code == 75
            assert result.stderr.startswith(f"Error: clientele run (process {os.getpid()}, since ")
            assert len(result.stderr.splitlines()) == 1
        found = json.loads(shop.call("status", "--json").stdout)
        assert found["at_work"].startswith("clientele run")
    assert json.loads(shop.call("status", "--json").stdout)["at_work"] is None


def test_whoever_looks_at_a_lock_keeps_nobody_away(tmp_path: Path) -> None:
    lock = tmp_path / ".clientele.lock"
    lock.touch()
    looking = os.open(lock, os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    threading.Timer(0.05, os.close, [looking]).start()
    with holding(lock, "clientele run"):
        pass


def test_a_run_while_something_lands_ends_with_75(shop: MiniShop) -> None:
    with holding(shop.landing / ".clientele.lock", "clientele load"):
        result = shop.call("run")
    assert result.exit_code == 75
    assert "clientele load (process" in result.stderr


def test_a_disk_that_is_too_small_is_told_before_anything_is_built(
    shop: MiniShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(running.shutil, "disk_usage", lambda path: usage(10**9, 10**9, 1000))
    result = shop.call("run")

    assert result.exit_code == 1
    assert "0.0 GB free, and a run needs about 0.1 GB" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("Out of Memory Error: failed to allocate data of size 16.0 MiB (95.3 MiB/95.3 MiB used)",
         "Error: model customers needs more memory than 100MB; "
         "CLIENTELE_MEMORY_LIMIT sets a higher one"),
        ('IO Error: Could not write file "x.duckdb": No space left on device',
         "Error: the disk of {home} is full, or a file-size limit is reached; "
         "free space, run again"),
        ("Parser Error: Memory must have a number (e.g. 1GB)",
         "Error: CLIENTELE_MEMORY_LIMIT is '100MB'; it must be a size, such as 2GB"),
    ],
)  # fmt: skip
def test_what_the_machine_lacks_is_told_in_one_line(
    shop: MiniShop, played: Path, monkeypatch: pytest.MonkeyPatch, message: str, line: str
) -> None:
    run = shop.home.served_run()
    monkeypatch.setenv("CLIENTELE_MEMORY_LIMIT", "100MB")
    results = json.loads((played / "run_results.json").read_text())
    for result in results["results"]:
        if result["unique_id"] == "model.mini_shop.customers":
            result.update(status="error", message=f"Runtime Error in model customers\n  {message}")
    (played / "run_results.json").write_text(json.dumps(results))
    child = running.building.CHILD
    child.write_text(child.read_text() + "sys.exit(1)\n")
    result = shop.call("run")

    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == line.format(home=shop.home.root.resolve())
    assert still_serves(shop, run)


@pytest.mark.parametrize("fault", ["missing node", "other run", "other invocation", "skipped",
                                   "warned error", "no results"])  # fmt: skip
def test_results_that_are_not_whole_fresh_and_passed_publish_nothing(
    shop: MiniShop, played: Path, fault: str
) -> None:
    run = shop.home.served_run()
    results = played / "run_results.json"
    if fault == "missing node":
        alter(results, lambda content: content["results"].pop())
    elif fault == "other run":
        (played / "run").write_text("a run of another name")
    elif fault == "other invocation":
        alter(results, lambda content: content["metadata"].update(invocation_id="another"))
    elif fault == "no results":
        results.write_text("")
    else:
        status = {"skipped": "skipped", "warned error": "warn"}[fault]
        alter(results, lambda content: content["results"][-1].update(status=status))
    result = shop.call("run")

    assert result.exit_code == 1
    assert "Traceback" not in result.stderr
    assert still_serves(shop, run)


@pytest.mark.parametrize(
    ("is_noted", "statement", "message"),
    [
        (False, "delete from marts.customers where order_count > 0", "other bytes than were"),
        (True, "delete from marts.customers where order_count > 0", "has other rows than"),
        (True, "update marts.gate_measures set value = value + 1", "is not that of the warehouse"),
        (
            True,
            "update marts.row_reconciliation set landed_count = landed_count + 1",
            "the published rows are others",
        ),
    ],
    ids=["bytes", "rows", "measures", "landed rows"],
)
def test_a_version_that_is_not_what_was_built_is_not_published(
    shop: MiniShop,
    played: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_noted: bool,
    statement: str,
    message: str,
) -> None:
    run, write = shop.home.served_run(), publishing.write_version

    def write_otherwise(build: Build, key: bytes) -> dict:
        written = write(build, key)
        path = Path(written["file"])
        path.chmod(0o600)
        with duckdb.connect(str(path)) as connection:
            connection.execute(statement)
        return {**written, "sha256": file_sha256(path)} if is_noted else written

    monkeypatch.setattr(publishing, "write_version", write_otherwise)
    result = shop.call("run")

    assert result.exit_code == 1
    assert message in result.stderr
    assert still_serves(shop, run)


def test_a_test_of_severity_warn_may_warn(shop: MiniShop, played: Path) -> None:
    name = "test.mini_shop.no_order_is_negative"
    alter(
        played / "manifest.json",
        lambda content: content["nodes"][name]["config"].update(severity="WARN"),
    )
    alter(played / "run_results.json", lambda content: [
        result.update(status="warn") for result in content["results"] if result["unique_id"] == name
    ])  # fmt: skip
    shop.run()


STEPS = (
    "lock", "disk", "landing", "copy", "build", "gate", "export", "audit", "sync", "rename",
    "swap", "journal", "retention",
)  # fmt: skip
KILL_AT = """
import os, signal
from clientele.production import building
from clientele.progress import Steps
building.CHILD = building.Path({child!r})
def step(self, name):
    if name == {name!r}:
        os.kill(os.getpid(), signal.SIGKILL)
Steps.step = step
"""


@pytest.mark.parametrize("step", STEPS)
def test_a_run_killed_at_any_step_leaves_what_is_served_and_one_rerun_heals(
    shop: MiniShop, played: Path, step: str
) -> None:
    first = shop.home.served_run()
    assert first
    process = shop.started(KILL_AT.format(child=str(running.building.CHILD), name=step))
    process.communicate(timeout=60)

    assert process.returncode == -signal.SIGKILL
    served = shop.home.served_run()
    is_swapped = STEPS.index(step) > STEPS.index("swap")
    assert (served != first) == is_swapped
    assert shop.served("select sum(order_count) from marts.customers") == [(400,)]
    record = shop.run("--keep", "2")
    kept = [served, record["run"]]
    assert shop.names() == shop.whole_names(*kept)
    promoted = [event["run"] for event in shop.events() if event["event"] == "promoted"]
    assert promoted == ([first] if is_swapped else []) + kept
    assert shop.call("status").exit_code == 0


@pytest.mark.parametrize("step", ["build", "rename", "swap", "journal"])
def test_a_first_run_that_is_killed_leaves_nothing_to_the_next(
    shop: MiniShop, played: Path, step: str
) -> None:
    for path in shop.home.root.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    process = shop.started(KILL_AT.format(child=str(running.building.CHILD), name=step))
    process.communicate(timeout=60)
    served = shop.home.served_run()
    record = shop.run()

    assert (served is not None) == (step == "journal")
    assert shop.names() == shop.whole_names(record["run"], *([served] if served else []))
    assert len(shop.events()) == (2 if served else 1)


def test_every_step_is_announced_once_and_in_order(
    shop: MiniShop, played: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setattr("clientele.progress.Steps.step", lambda self, name: seen.append(name))
    shop.run()

    assert tuple(name for name in seen if name in STEPS) == STEPS


def test_dbt_dies_with_a_run_that_is_killed_and_the_lock_is_free(shop: MiniShop) -> None:
    process = shop.started()
    work = str(shop.home.work)
    deadline = time.monotonic() + 60
    while not (children := processes(work)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.kill()
    process.communicate()

    while processes(work):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert len(children) == 1
    assert json.loads(shop.call("status", "--json").stdout)["unfinished_work"]
    assert "a run was killed" in shop.call("status").stdout
    with holding(shop.home.lock, "a test"):
        pass


def processes(word: str) -> list[int]:
    """Processes whose command has a word in it."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and word in (entry / "cmdline").read_text():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_status_tells_what_is_served_and_what_is_not_yet(shop: MiniShop) -> None:
    load = shop.landing / "shop" / "load=20260701T000000Z-0123abcd"
    load.mkdir()
    result = shop.call("status", "--json")
    found = json.loads(result.stdout)

    assert result.exit_code == 0
    assert found["served"] == shop.home.served_run()
    assert found["as_of"] == {"shop": "2026-02-09"}
    assert found["loads_waiting"] == ["shop/load=20260701T000000Z-0123abcd"]
    assert found["problems"] == []
    assert [version["is_served"] for version in found["versions"]] == [True]
    too_old = shop.call("status", "--max-age", "0")
    assert too_old.exit_code == 1
    assert "and may be 0" in too_old.stderr


def test_a_home_where_nothing_was_is_told_so(tmp_path: Path) -> None:
    shop = MiniShop(tmp_path)

    for command, code in (("status", 1), ("rollback", 1), ("history", 0)):
        result = shop.call(command)
        assert result.exit_code == code
        assert len(result.stderr.splitlines()) == 1
    assert not shop.home.root.exists()
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "dbt_project.yml").touch()
    result = shop.call("run")
    assert result.exit_code == 1
    assert "no landing zone" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [("--vars", "{"), ("--vars", "7"), ("--vars", "{landing: x}"), ("--accept", "../x"),
     ("--keep", "0")],
)  # fmt: skip
def test_a_wrong_option_ends_with_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    result = MiniShop(tmp_path).call("run", "--project-dir", str(ROOT), *arguments)

    assert result.exit_code == 2
    assert not (tmp_path / "home").exists()


def test_a_home_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".clientele.lock").mkdir()
    result = MiniShop(tmp_path).call("run")

    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1


def test_retention_never_removes_what_is_served(shop: MiniShop, played: Path) -> None:
    first = shop.home.served_run()
    assert first
    second, third = shop.run()["run"], shop.run()["run"]
    assert shop.call("rollback", first).exit_code == 0
    fourth = shop.run("--keep", "2")

    assert fourth["removed"] == [first, second]
    assert still_kept(shop) == {third, fourth["run"]}
    assert shop.call("rollback").exit_code == 1  # the one before is gone
    # Served again, the older of two stays though one alone is to be kept.
    assert shop.call("rollback", third).exit_code == 0
    assert [event["event"] for event in shop.events()].count("removed") == 2


def still_kept(shop: MiniShop) -> set[str]:
    return {path.stem for path in shop.home.versions.iterdir()}


def test_without_a_journal_no_version_is_removed(shop: MiniShop, played: Path) -> None:
    first = shop.home.served_run()
    second = shop.run()["run"]
    shop.home.journal.unlink()
    third = shop.run()

    assert still_kept(shop) == {first, second, third["run"]}
    assert [event["run"] for event in shop.events()] == [first, second, third["run"]]
    assert [event.get("healed") for event in shop.events()] == [True, True, None]


def test_a_lost_link_is_made_again_and_no_run_begins_from_nothing(
    shop: MiniShop, played: Path
) -> None:
    first, second = shop.home.served_run(), shop.run()["run"]
    shop.home.served.unlink()
    assert shop.run()["began_from"] == second

    shop.home.served.unlink()
    assert shop.call("rollback", str(first)).exit_code == 0
    assert shop.home.served_run() == first

    shop.home.served.unlink()
    shop.home.served.write_bytes(b"a copy that somebody put here")
    for command in ("run", "rollback"):
        result = shop.call(command)
        assert result.exit_code == 1
        assert "move it elsewhere" in result.stderr
        assert result.stderr.count("\n") == 1
    assert shop.home.served.read_bytes() == b"a copy that somebody put here"


def test_the_logs_of_failed_runs_are_few(shop: MiniShop, played: Path) -> None:
    (played / "run_results.json").write_text("")
    for _ in range(7):
        assert shop.call("run").exit_code == 1
    assert len(list(shop.home.logs.iterdir())) == 5


LIMIT = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, ({bytes}, {bytes}))
"""


@pytest.mark.parametrize("limit", [1_000_000, 1_700_000], ids=["in the copy", "in dbt"])
def test_a_disk_that_is_full_in_the_middle_is_one_line_and_what_is_served_stays(
    shop: MiniShop, limit: int
) -> None:
    run = shop.home.served_run()
    process = shop.started(LIMIT.format(bytes=limit))
    _, told = process.communicate(timeout=120)

    assert process.returncode == 1
    assert told.startswith(f"Error: the disk of {shop.home.root} is full")
    assert "Traceback" not in told
    assert len([line for line in told.splitlines() if "The log is in" not in line]) == 1
    assert still_serves(shop, run)


def test_a_memory_limit_that_is_too_small_is_named(
    shop: MiniShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = shop.home.served_run()
    monkeypatch.setenv("CLIENTELE_MEMORY_LIMIT", "1MB")
    result = shop.call("run")

    assert result.exit_code == 1
    assert "more memory than 1MB; CLIENTELE_MEMORY_LIMIT sets a higher one" in result.stderr
    assert still_serves(shop, run)
