"""Versions that are kept: which were promoted, what is whole, what is removed.

The link decides what is served, and the journal which versions ever were. A kill can come between
the two, or between the renames before; `heal` sets that right at the beginning of whatever changes
what is served, so that a rerun is all that is ever needed.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clientele.durable import sync_folder
from clientele.production import journal
from clientele.production.home import RUN_NAME, Home
from clientele.versions import file_sha256

# Beside the link, and renamed over it.
NEW_LINK = ".clientele-new-link"
LOGS_KEPT = 5


class VersionError(Exception):
    """A version cannot be served or built upon; the message is one line that says what to do."""


def prepare(home: Home) -> None:
    """Make the folders of production, with the permissions that each has. Raises OSError."""
    home.root.mkdir(parents=True, exist_ok=True)
    home.versions.mkdir(parents=True, exist_ok=True)
    for folder in (home.versions, home.versions.parent):
        if folder.stat().st_mode & 0o777 != 0o755:
            folder.chmod(0o755)  # readers come in here, whatever the umask
    for folder in (home.warehouses, home.keys, home.logs, home.parsed.parent):
        folder.mkdir(exist_ok=True)
        if folder.stat().st_mode & 0o077:
            folder.chmod(0o700)
    if not present(home):
        # A journal that is there and empty says that nothing was served; one that is lost does not.
        home.journal.touch(mode=0o600)
        sync_folder(home.root)


def heal(home: Home) -> None:
    """Set right what a killed process left behind; the lock of the home must be held.

    What is served but not in the journal is entered there; a link that is lost is made again;
    versions that never were served, halves of removed ones and private folders go. Raises
    VersionError where something else lies in the link's place, and OSError.
    """
    if not home.journal.exists():
        _adopt(home, home.served_run())
    events = journal.read(home.journal)
    _require_link(home, served_by(events))
    served = home.served_run()
    if served and served != served_by(events):
        kind = journal.ROLLED_BACK if served in promoted(events) else journal.PROMOTED
        details = read_record(home, served) or {}
        journal.append(
            home.journal, kind, run=served, began_from=details.get("began_from"), healed=True
        )
        events = journal.read(home.journal)
    empty_work(home)
    (home.served.parent / NEW_LINK).unlink(missing_ok=True)
    kept = {*promoted(events), *([served] if served else [])}
    for run in sorted(present(home) - kept):
        _remove(home, run)
    empty_work(home)


def empty_work(home: Home) -> None:
    """Remove the private folder, whatever is in it. Raises OSError."""
    if home.work.is_symlink():
        home.work.unlink()
    elif home.work.exists():
        shutil.rmtree(home.work)


def present(home: Home) -> set[str]:
    """Runs of which a version or a warehouse is there."""
    names = set()
    for folder in (home.versions, home.warehouses):
        if folder.is_dir():
            names |= {Path(name).name.removesuffix(".duckdb") for name in os.listdir(folder)}
    return {name for name in names if RUN_NAME.fullmatch(name)}


def promoted(events: list[dict[str, Any]]) -> list[str]:
    """Runs that were promoted and not removed since, oldest first."""
    runs: dict[str, None] = {}
    for event in events:
        run = event.get("run")
        if event["event"] == journal.PROMOTED and run:
            runs[run] = None
        elif event["event"] == journal.REMOVED:
            runs.pop(run, None)
    return list(runs)


def served_by(events: list[dict[str, Any]]) -> str | None:
    """The run that the journal says is served."""
    for event in reversed(events):
        if event["event"] in (journal.PROMOTED, journal.ROLLED_BACK):
            return event.get("run")
    return None


def former(home: Home, run: str, *, whole: bool = False) -> str | None:
    """The version that was served before a run's, as far as it is kept.

    whole: pass over those of which a file is gone or has another size.

    That is the one the run began from, so that a version that was rolled back from is not it.
    """
    events = journal.read(home.journal)
    kept = {kept for kept in promoted(events) if not whole or seems_whole(home, kept)}
    began_from = {
        event.get("run"): event.get("began_from")
        for event in events
        if event["event"] == journal.PROMOTED
    }
    seen: set[str | None] = {None}
    before = began_from.get(run)
    while before not in seen:
        if before in kept:
            return before
        seen.add(before)
        before = began_from.get(before)
    return None


def point_to(home: Home, run: str) -> None:
    """Make the version of a run the served one, in one step for readers. Raises OSError."""
    link = home.served.parent / NEW_LINK
    link.unlink(missing_ok=True)
    link.symlink_to(Path("versions") / home.version(run).name)
    link.replace(home.served)
    sync_folder(home.served.parent)


def retain(home: Home, keep: int) -> list[str]:
    """Remove promoted versions but the newest, and never the served one; return what was removed.

    keep: versions that stay. Raises OSError.
    """
    runs = promoted(journal.read(home.journal))
    served = home.served_run()
    surplus = max(len(runs) - keep, 0)
    removed = [run for run in runs if run != served][:surplus]
    for run in removed:
        # The journal first: what a kill leaves of it is then nobody's version.
        journal.append(home.journal, journal.REMOVED, run=run)
        _remove(home, run)
    return removed


def keep_logs(home: Home, run: str) -> Path | None:
    """Move what dbt said out of the private folder, where the latest such folders are kept.

    Returns the folder; None where there is nothing or no space for it.
    """
    target = home.logs / run
    try:
        if not (home.work / "logs").is_dir():
            return None
        home.logs.mkdir(mode=0o700, exist_ok=True)
        (home.work / "logs").rename(target)
        results = home.work / "target" / "run_results.json"
        if results.exists():
            results.rename(target / results.name)
        names = sorted(name for name in os.listdir(home.logs) if RUN_NAME.fullmatch(name))
        for name in names[:-LOGS_KEPT]:
            shutil.rmtree(home.logs / name)
    except OSError:
        return target if target.is_dir() else None
    return target


def read_record(home: Home, run: str) -> dict[str, Any] | None:
    """The record of a run, `run.json`; None where it cannot be read."""
    try:
        record = json.loads(home.record(run).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, Mapping) and record.get("run") == run else None


def require_whole(home: Home, run: str) -> None:
    """Read a version and its warehouse and require that they are what was written.

    Raises VersionError and OSError.
    """
    record = required_record(home, run)
    require_no_log(home.version(run))
    require_no_log(home.warehouse(run))
    for path, expected in (
        (home.version(run), record["sha256"]),
        (home.warehouse(run), record["warehouse_sha256"]),
    ):
        if not path.is_file():
            raise VersionError(f"{path} is missing; {advice(home, run)}")
        if file_sha256(path) != expected:
            raise VersionError(f"{path} is not as it was written; {advice(home, run)}")


def seems_whole(home: Home, run: str) -> bool:
    """Say whether a version and its warehouse are there in their sizes; no file is read whole."""
    record = read_record(home, run) or {}
    sizes = ((home.version(run), "bytes"), (home.warehouse(run), "warehouse_bytes"))
    return all(path.is_file() and path.stat().st_size == record.get(name) for path, name in sizes)


def required_record(home: Home, run: str) -> dict[str, Any]:
    """The record of a run. Raises VersionError where it cannot be read."""
    record = read_record(home, run)
    if record is None or not {"sha256", "warehouse_sha256"} <= set(record):
        raise VersionError(f"{home.record(run)} is missing or damaged; {advice(home, run)}")
    return record


def require_no_log(database: Path) -> None:
    """Require that nobody wrote to a database after it was closed. Raises VersionError."""
    log = database.with_name(database.name + ".wal")
    if log.exists():
        raise VersionError(
            f"somebody wrote to {database} and left {log.name} beside it; move that file elsewhere"
        )


def advice(home: Home, run: str) -> str:
    """What to do when a version is damaged."""
    before = former(home, run, whole=True)
    if run == home.served_run():
        if before:
            return f"`clientele rollback {before}` serves the version before, or restore the file"
        return "restore the file from a backup"
    if before and before != home.served_run():
        return f"`clientele rollback {before}` serves the version before that"
    return "another version can be named: `clientele status` lists them"


def _require_link(home: Home, told: str | None) -> None:
    """Require the link that says what is served, where the journal says that something is.

    Without it a run would begin from nothing: unmeasured, and without what the warehouse remembers.
    """
    if told is None or home.served_run():
        return
    if os.path.lexists(home.served):
        raise VersionError(
            f"{home.served} is not the link to a version that the command made; move it elsewhere"
        )
    home.versions.mkdir(parents=True, exist_ok=True)
    point_to(home, told)  # even where that version is damaged, which whoever reads it says


def _adopt(home: Home, served: str | None) -> None:
    """Begin a new journal where it is lost: all that is whole counts as promoted, by its name."""
    runs = [run for run in sorted(present(home)) if read_record(home, run)]
    runs = [run for run in runs if run != served] + ([served] if served else [])
    for run in runs:
        details = read_record(home, run) or {}
        journal.append(
            home.journal, journal.PROMOTED, run=run, began_from=details.get("began_from"),
            healed=True,
        )  # fmt: skip


def _remove(home: Home, run: str) -> None:
    """Remove a version and its warehouse; a removal that is cut short leaves no half of them."""
    home.work.mkdir(mode=0o700, exist_ok=True)
    # Never a name that is there: a kill may have left one.
    old = home.work / f"old-{run}-{secrets.token_hex(4)}"
    old.mkdir()
    for path in (
        home.version(run), home.version(run).with_name(home.version(run).name + ".wal"),
        home.warehouse_folder(run),
    ):  # fmt: skip
        if os.path.lexists(path):
            path.rename(old / f"{path.parent.name}-{path.name}")
            sync_folder(path.parent)
    shutil.rmtree(old)
