"""What can go wrong around a command, each with what must become of it.

A misfortune gets a copy of a shop that has served two versions, with a day more in its landing
zone; it does the harm, runs commands, asserts, and returns what it saw.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from clientele.production.locks import holding
from commands import Ended, command, contents, one_line
from delivery import flipped, write_delivery
from shops import Shop
from test_export import write_warehouse
from warehouse import ROOT

NOBODY = 65534
ANOTHER_RUN = "20260101T000000Z-0000"


@dataclass(frozen=True)
class Misfortune:
    """A row of the table.

    is_quick: no dbt is started, so it belongs to the short form, too.
    """

    name: str
    expected: str
    happens: Callable[[Shop], str]
    is_quick: bool = True


def served_untouched(shop: Shop, before: dict[str, str]) -> None:
    """Require that readers find what they found, and that no work is left."""
    published = contents(shop.home.served.parent)
    assert published == before
    assert not shop.home.work.exists()


@contextmanager
def unchanged(shop: Shop) -> Iterator[None]:
    before = contents(shop.home.served.parent)
    yield
    served_untouched(shop, before)


def load_market(shop: Shop, customers: int = 15, **options) -> Ended:
    delivery = shop.folder / "delivery"
    if not delivery.exists():
        write_delivery(delivery, customers=customers)
    return command(
        [
            "load", str(delivery), "--source", "market", "--landing", str(shop.landing),
            "--home", str(shop.home.root),
        ],
        **options,
    )  # fmt: skip


# Locks.


def two_at_once(shop: Shop) -> str:
    with unchanged(shop), holding(shop.home.lock, "clientele run"):
        ended = shop.command("run")
        line = one_line(ended, "clientele run", str(os.getpid()), "since")
        assert ended.exit_code == 75
        assert shop.command("rollback").exit_code == 75
    return line


def run_during_a_load(shop: Shop) -> str:
    with unchanged(shop), holding(shop.landing / ".clientele.lock", "clientele load"):
        ended = shop.command("run")
        assert ended.exit_code == 75
        return one_line(ended, "clientele load", "since")


def load_during_a_run(shop: Shop) -> str:
    before = contents(shop.landing)
    with holding(shop.landing / ".clientele.lock", "clientele run", shared=True):
        ended = load_market(shop)
        assert ended.exit_code == 75
    after = contents(shop.landing)
    assert {name for name in after if "parquet" in name} == {
        name for name in before if "parquet" in name
    }
    return one_line(ended, "clientele run", "since")


def lock_left_behind(shop: Shop) -> str:
    shop.home.lock.write_text('{"work": "clientele run", "process": 1, "since": "long ago"}')
    assert shop.command("rollback").exit_code == 0
    return "nobody is at work, says the kernel"


# Readers.


def reader_during_rollback(shop: Shop) -> str:
    before = shop.served_orders()
    with duckdb.connect(str(shop.home.served), read_only=True) as open_before:
        count = "select sum(order_count) from marts.customers"
        assert open_before.execute(count).fetchall() == [(before,)]
        assert shop.command("rollback").exit_code == 0
        assert open_before.execute(count).fetchall() == [(before,)]
    assert shop.served_orders() == before - 50
    return "the old version until it connects anew"


def reader_during_run(shop: Shop) -> str:
    before = shop.served_orders()
    with duckdb.connect(str(shop.home.served), read_only=True) as open_before:
        ended = shop.command("run")
        assert ended.exit_code == 0, ended.err
        [found] = open_before.execute("select sum(order_count) from marts.customers").fetchall()
        assert found == (before,)
    assert shop.served_orders() == before + 50
    return "the old version until it connects anew"


# Space, memory, permissions.


def file_size_limit(shop: Shop) -> str:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))

    with unchanged(shop):
        ended = shop.command("run", before=limit)
        assert ended.exit_code == 1, ended.out + ended.err
        assert "Error: " in ended.err
        assert any(word in ended.err.lower() for word in ("full", "space", "large")), ended.err
    healed = shop.command("run")
    assert healed.exit_code == 0, healed.err
    return ended.err.splitlines()[0]


def limited_load(shop: Shop) -> str:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, 3_000))

    before = contents(shop.landing)
    ended = load_market(shop, before=limit)
    line = one_line(ended, "full|large|space|written")
    assert set(contents(shop.landing)) - set(before) <= {".clientele.lock"}
    assert load_market(shop).exit_code == 0
    return line


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """Put an empty file system of some bytes in the place of a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "faults", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def full_disk_of_landing(shop: Shop) -> str:
    other = Shop(shop.folder / "small")
    with small_disk(other.landing, "24k"):
        ended = load_market(other, customers=60)
        left = {name for name in contents(other.landing) if "parquet" in name}
        assert not left
        return one_line(ended, "full|space|written")


def small_disk_of_home(shop: Shop) -> str:
    with small_disk(shop.folder / "small", "8m"):
        ended = command(
            ["run", "--home", str(shop.folder / "small"), "--landing", str(shop.landing)],
            shop.project,
        )
        return one_line_of_run(ended, "free")


def one_line_of_run(ended: Ended, word: str) -> str:
    """Require exit code 1 and that the first of the few lines says a word."""
    lines = ended.err.splitlines()
    assert ended.exit_code == 1, ended.out + ended.err
    assert lines
    assert lines[0].startswith("Error: ")
    assert word in lines[0], ended.err
    assert len(lines) <= 30
    return lines[0]


def no_memory_for_a_run(shop: Shop) -> str:
    with unchanged(shop):
        ended = shop.command("run", CLIENTELE_MEMORY_LIMIT="1MB")
        assert "CLIENTELE_MEMORY_LIMIT" in ended.err, ended.err
        return one_line_of_run(ended, "")


def no_memory_for_an_export(shop: Shop) -> str:
    write_warehouse(shop.folder / "lists.duckdb")
    ended = command(
        [
            "export", "--warehouse", str(shop.folder / "lists.duckdb"),
            "--root", str(shop.folder / "exports"),
        ],
        CLIENTELE_MEMORY_LIMIT="20KB",
    )  # fmt: skip
    return one_line(ended, "CLIENTELE_MEMORY_LIMIT")


def file_in_place_of_home(shop: Shop) -> str:
    (shop.folder / "file").write_text("")
    lines = [
        one_line(command([name, "--home", str(shop.folder / "file/in"), *more], shop.project))
        for name, more in {
            "run": ["--landing", str(shop.landing)],
            "rollback": [],
        }.items()
    ]
    return lines[0]


def file_in_place_of_landing(shop: Shop) -> str:
    shutil.rmtree(shop.landing)
    shop.landing.write_text("")
    ended = load_market(shop)
    assert ended.exit_code in (1, 2), ended.err
    assert shop.landing.read_text() == ""
    return ended.err.splitlines()[-1]


def another_user(shop: Shop) -> str:
    """Root may write anywhere, so the command runs as a user who may not."""
    if os.getuid() != 0:
        shop.home.root.chmod(0o555)
        with unchanged(shop):
            return one_line(shop.command("run"), "permission|denied")
    with tempfile.TemporaryDirectory() as folder:
        copy = shop.copy(Path(folder) / "shop")
        Path(folder).chmod(0o755)
        before = contents(copy.home.served.parent)
        try:
            can_start = copy.command("status", user=NOBODY)
        except PermissionError:
            pytest.skip("another user cannot reach this Python")
        if can_start.exit_code not in (0, 1) or "No module" in can_start.err:
            pytest.skip("another user cannot run the command here")
        line = one_line(copy.command("run", user=NOBODY), "permission|denied|read")
        assert contents(copy.home.served.parent) == before
        return line


# Files that are not as they were written.


def warehouse_bit(shop: Shop) -> str:
    run = shop.home.served_run()
    assert run
    path = shop.home.warehouse(run)
    path.write_bytes(flipped(path.read_bytes(), path.stat().st_size // 2))
    with unchanged(shop):
        return one_line_of_run(shop.command("run"), str(path.name))


def version_bit(shop: Shop) -> str:
    served = shop.home.served_run()
    [other] = {path for path in shop.home.versions.iterdir() if path.stem != served}
    other.chmod(0o644)
    other.write_bytes(flipped(other.read_bytes(), other.stat().st_size // 2))
    with unchanged(shop):
        return one_line(shop.command("rollback"), other.stem)


def cut_off_by_hand(shop: Shop) -> str:
    [path] = shop.landing.glob("shop/orders/day-04.parquet")
    path.write_bytes(path.read_bytes()[:-50])
    with unchanged(shop):
        ended = shop.command("run")
        assert ended.exit_code in (1, 65), ended.err
        assert path.name in ended.err, ended.err
    return f"exit {ended.exit_code}, names {path.name}"


def bit_in_a_load(shop: Shop) -> str:
    assert load_market(shop).exit_code == 0
    [path] = shop.landing.glob("market/load=*/market_order/*.parquet")
    path.write_bytes(flipped(path.read_bytes(), path.stat().st_size // 2))
    with unchanged(shop):
        ended = shop.command("run")
        assert ended.exit_code in (1, 65), ended.err
        assert path.name in ended.err, ended.err
        assert path.parent.name in ended.err, ended.err
    return f"exit {ended.exit_code}, names {path.parent.name}/{path.name}"


def load_is_a_link(shop: Shop) -> str:
    assert load_market(shop).exit_code == 0
    [load] = shop.landing.glob("market/load=*")
    outside = shop.folder / "outside"
    load.rename(outside)
    load.symlink_to(outside)
    before = contents(outside)
    with unchanged(shop):
        ended = shop.command("run")
        assert ended.exit_code in (1, 65), ended.out + ended.err
        assert load.name in ended.err, ended.err
    assert contents(outside) == before
    return f"exit {ended.exit_code}, names it"


def stale_log(shop: Shop) -> str:
    run = shop.home.served_run()
    assert run
    path = shop.home.warehouse(run)
    path.with_name(f"{path.name}.wal").write_bytes(b"of another time")
    with unchanged(shop):
        return one_line_of_run(shop.command("run"), ".wal")


def stale_log_of_work(shop: Shop) -> str:
    shop.home.work.mkdir()
    (shop.home.work / "clientele.duckdb").write_bytes(b"half a warehouse")
    (shop.home.work / "clientele.duckdb.wal").write_bytes(b"of another time")
    before = shop.served_orders()
    ended = shop.command("run")
    assert ended.exit_code == 0, ended.err
    assert shop.served_orders() == before + 50
    return "removed; the run is as always"


def never_promoted(shop: Shop) -> str:
    served = shop.home.served_run()
    assert served
    shutil.copyfile(shop.home.version(served), shop.home.version(ANOTHER_RUN))
    shutil.copytree(shop.home.warehouse_folder(served), shop.home.warehouse_folder(ANOTHER_RUN))
    assert shop.command("rollback", ANOTHER_RUN).exit_code == 1
    assert shop.home.served_run() == served
    assert shop.command("rollback").exit_code == 0
    assert not shop.home.version(ANOTHER_RUN).exists()
    assert not shop.home.warehouse_folder(ANOTHER_RUN).exists()
    return "is no version, and removed"


def cut_journal(shop: Shop) -> str:
    with shop.home.journal.open("a") as file:
        file.write('{"at": "2026-01-01T00:00:00Z", "eve')
    assert shop.command("history").exit_code == 0
    assert shop.command("rollback").exit_code == 0
    assert shop.events()[-1] == "rolled_back"
    return "the half line is none"


def file_in_place_of_the_link(shop: Shop) -> str:
    target = shop.home.served.resolve()
    shop.home.served.unlink()
    shutil.copyfile(target, shop.home.served)
    told = shop.command("status")
    assert told.exit_code in (0, 1), told.err
    ended = shop.command("rollback")
    assert ended.exit_code in (0, 1), ended.err
    with duckdb.connect(str(shop.home.served), read_only=True) as connection:
        connection.execute("select count(*) from marts.customers")
    return f"status {told.exit_code}, rollback {ended.exit_code}, can be read throughout"


def link_that_leads_outside(shop: Shop) -> str:
    outside = shop.folder / "outside.duckdb"
    shutil.copyfile(shop.home.served.resolve(), outside)
    shop.home.served.unlink()
    shop.home.served.symlink_to(outside)
    before = outside.read_bytes()
    shop.command("status")
    ended = shop.command("rollback")
    assert ended.exit_code in (0, 1)
    assert outside.read_bytes() == before
    return f"status and rollback {ended.exit_code} leave it alone"


def clock_goes_back(shop: Shop) -> str:
    served = shop.home.served_run()
    assert served
    arguments = shop.arguments("run", "--keep", "2")
    done = subprocess.run(
        ["python", str(Path(__file__).with_name("other_clock.py")), "-400", *arguments],
        cwd=shop.project,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    new = shop.home.served_run()
    assert new
    assert new < served, "the clock did not go back"
    assert {path.stem for path in shop.home.versions.iterdir()} == {served, new}
    assert shop.command("rollback").exit_code == 0
    assert shop.home.served_run() == served
    return "order is the journal's; retention keeps the right two"


# What is asked from outside.


def paths_for_versions(shop: Shop) -> str:
    with unchanged(shop):
        for name in ("../../etc/passwd", "x'; drop table y; --", "*", "", "{{ x }}"):
            ended = shop.command("rollback", name)
            assert ended.exit_code in (1, 2), name
    return "refused"


QUERIES = (
    "from read_csv('/etc/passwd')",
    "copy (select 1) to '{0}/stolen.csv'",
    "attach '{0}/other.duckdb'",
    "create table marts.x as select 1",
    "set enable_external_access = true",
    "install httpfs",
    "select getenv('HOME')",
    "export database '{0}/all'",
    "pragma database_list; copy marts.customers to '{0}/stolen.csv'",
)


def queries_that_reach_out(shop: Shop) -> str:
    before = contents(shop.folder)
    for query in QUERIES:
        ended = shop.command("sql", query.format(shop.folder))
        assert ended.exit_code in (1, 2), query + ended.out
    assert contents(shop.folder) == before
    return f"{len(QUERIES)} refused"


BAD_LUCK = (
    Misfortune("two runs at once", "exit 75, one line: who, since when", two_at_once),
    Misfortune("a run while a load is at work", "exit 75, one line", run_during_a_load),
    Misfortune("a load while a run builds", "exit 75, one line", load_during_a_run),
    Misfortune("lock file of a killed process", "no obstacle", lock_left_behind),
    Misfortune("BI tool open during a rollback", "no effect on either", reader_during_rollback),
    Misfortune("BI tool open during a run", "no effect on either", reader_during_run, False),
    Misfortune("file-size limit in a run", "one line, then healed", file_size_limit, False),
    Misfortune("file-size limit in a load", "one line, nothing landed", limited_load),
    Misfortune("full disk under the landing zone", "one line, nothing landed",
               full_disk_of_landing),
    Misfortune("small disk under the home", "refused before, one line", small_disk_of_home),
    Misfortune("tiny memory in a run", "one line that names the setting", no_memory_for_a_run,
               False),
    Misfortune("tiny memory in an export", "one line that names the setting",
               no_memory_for_an_export),
    Misfortune("a file in the place of the home", "one line", file_in_place_of_home),
    Misfortune("a file in the place of the landing zone", "one line", file_in_place_of_landing),
    Misfortune("home of another user", "one line", another_user),
    Misfortune("bit flipped in the warehouse behind what is served", "refused by name",
               warehouse_bit),
    Misfortune("bit flipped in a former version", "no rollback to it", version_bit),
    Misfortune("Parquet cut off in landing, put there by hand", "refused by name",
               cut_off_by_hand),
    Misfortune("bit flipped in a load", "refused by name", bit_in_a_load),
    Misfortune("load that is a link to elsewhere", "refused by name", load_is_a_link),
    Misfortune("stale log beside the warehouse", "refused by name", stale_log),
    Misfortune("stale log in work", "removed", stale_log_of_work, False),
    Misfortune("version renamed, but not promoted", "is none, and removed", never_promoted),
    Misfortune("journal cut off in a line", "that line is none", cut_journal),
    Misfortune("a file in the place of the link", "never a traceback", file_in_place_of_the_link),
    Misfortune("link that leads outside", "left alone", link_that_leads_outside),
    Misfortune("clock goes back between two runs", "the journal decides", clock_goes_back, False),
    Misfortune("paths and SQL as names of versions", "refused", paths_for_versions),
    Misfortune("queries that reach out of the file", "refused", queries_that_reach_out),
)  # fmt: skip
