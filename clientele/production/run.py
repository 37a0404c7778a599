"""A run: build privately, judge, publish. What is served changes at the end, in one step, or not.

Steps, as they are announced: lock, disk, landing, copy, build, gate, export, audit, sync, rename,
swap, journal, retention.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from clientele.intake.landing_folder import LOCK, verify_landing
from clientele.marts.public import MartsError
from clientele.production import building, gate, journal, keeping, publishing
from clientele.production.home import WAREHOUSE, Home
from clientele.production.keeping import VersionError
from clientele.production.keys import KeyFileError, key_mark
from clientele.production.locks import holding
from clientele.progress import SILENT, Steps
from clientele.warehouse_file import WarehouseError

WORK = "clientele run"
# A copy of the warehouse that grows while tables are written anew, the file for readers, and spill.
SPACE_FOR_WAREHOUSE = 2.5
# Landed text, compressed, becomes tables of its staging, core and customers.
SPACE_FOR_LANDING = 6
LEAST_SPACE = 50_000_000
PIECE = 1 << 22
MOST_LINES = 20  # of a refusal
NO_SPACE = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


class RunError(Exception):
    """Nothing was published; the message is one screen at most."""


class GateRefusal(Exception):
    """The data are refused, and nothing was published; the message is one screen at most."""


@dataclass(frozen=True)
class Run:
    """What is asked of a run.

    project: the folder of the dbt project.
    variables: dbt's vars beside `landing`.
    accepted: checks of the gate that may fail this once.
    keep: promoted versions that stay.
    """

    home: Home
    landing: Path
    project: Path = Path()
    variables: Mapping[str, Any] = field(default_factory=dict)
    accepted: Collection[str] = ()
    keep: int = 5
    threads: int | None = None


def run(asked: Run, steps: Steps = SILENT) -> dict[str, Any]:
    """Build, judge and publish; return the record of the run, `run.json`, and what was removed.

    Raises BusyError, GateRefusal and RunError; what is served is then what it was, unless the
    message says otherwise.
    """
    home = Home(asked.home.root.resolve())
    name = _new_name()
    steps.expect(13)
    steps.step("lock")
    try:
        home.root.mkdir(parents=True, exist_ok=True)
        with holding(home.lock, WORK) as lock:
            keeping.prepare(home)
            keeping.heal(home)
            return _Worker(asked, home, name, steps).work(lock)
    except (VersionError, OSError) as error:
        raise RunError(_told(error, home)) from error


class _Worker:
    """One run, while the lock of the home is held."""

    def __init__(self, asked: Run, home: Home, name: str, steps: Steps) -> None:
        self.asked, self.home, self.name, self.steps = asked, home, name, steps
        self.project = asked.project.resolve()
        self.landing = asked.landing.resolve()
        self.began_from = home.served_run()
        self.began_at = _now()
        self.is_served = False

    def work(self, lock: int) -> dict[str, Any]:
        """Do it all, and leave no trace of the private folder."""
        try:
            return self._publish(lock)
        except GateRefusal:
            raise
        except (
            building.BuildError, publishing.AuditError, VersionError, KeyFileError, MartsError,
            WarehouseError, OSError,
        ) as error:  # fmt: skip
            raise RunError(self._failed(_told(error, self.home))) from error
        except KeyboardInterrupt:
            self._failed("interrupted")
            raise
        finally:
            shutil.rmtree(self.home.work, ignore_errors=True)

    def _publish(self, lock: int) -> dict[str, Any]:
        steps, home = self.steps, self.home
        steps.step("disk")
        if not (self.project / "dbt_project.yml").is_file():
            raise building.BuildError(f"no dbt project in {self.project}; --project-dir names one")
        key = publishing.publication_key(home)
        self._require_space()
        steps.step("landing")
        with _landing(self.landing) as landing_lock:
            loads = landed_loads(self.landing)
            self._require_landed()
            steps.step("copy")
            home.work.mkdir(mode=0o700)
            served = self._copy_served()
            steps.step("build")
            variables = {**self.asked.variables, "landing": str(self.landing)}
            self._bring_parsed()
            build = building.build(
                home.work, self.name, self.project, variables,
                [descriptor for descriptor in (lock, landing_lock) if descriptor is not None],
                steps, self.asked.threads,
            )  # fmt: skip
        steps.step("gate")
        nodes = building.require_whole(build)
        self._keep_parsed()
        warehouse = home.work / WAREHOUSE
        publishing.close_warehouse(warehouse)
        accepted = self._judge(warehouse, served)
        steps.step("export")
        written = publishing.write_version(build, key)
        steps.step("audit")
        publishing.audit(build, written)
        record = {
            "run": self.name,
            "began_from": self.began_from,
            "began_at": self.began_at,
            "finished_at": _now(),
            "as_of": publishing.as_of_dates(warehouse),
            "variables": variables,
            "nodes": nodes,
            "loads": loads,
            "accepted": gate.as_json(accepted),
            "key": key_mark(key),
        }
        steps.step("sync")
        record = publishing.finish(build, written, record)
        steps.step("rename")
        publishing.give_names(home, build, written)
        steps.step("swap")
        keeping.point_to(home, self.name)
        self.is_served = True
        steps.step("journal")
        journal.append(
            home.journal, journal.PROMOTED, run=self.name, began_from=self.began_from,
            as_of=record["as_of"],
            accepted=sorted({failure["check"] for failure in record["accepted"]}),
        )  # fmt: skip
        steps.step("retention")
        return {**record, "removed": keeping.retain(home, self.asked.keep)}

    def _judge(self, warehouse: Path, served: list[gate.Measure]) -> list[gate.Failure]:
        """Return the failures that were accepted. Raises GateRefusal, and journals it."""
        failures = gate.compare(gate.read_measures(warehouse), served)
        standing, passed = gate.split_accepted(failures, self.asked.accepted)
        if standing:
            message = gate.refusal(standing, warehouse)
            keeping.keep_logs(self.home, self.name)
            journal.append(
                self.home.journal, journal.REFUSED, run=self.name, began_from=self.began_from,
                checks=sorted({failure.check for failure in standing}),
                failures=gate.as_json(standing),
            )  # fmt: skip
            raise GateRefusal(message)
        return passed

    def _failed(self, message: str) -> str:
        """Journal a failure as far as that can be done, give space back, and return what to say."""
        if self.is_served:
            return f"{self.name} is served, but what follows was not done: {message}"
        logs = keeping.keep_logs(self.home, self.name)
        shutil.rmtree(self.home.work, ignore_errors=True)
        with contextlib.suppress(OSError):  # a full disk takes no line either
            journal.append(
                self.home.journal, journal.FAILED, run=self.name, began_from=self.began_from,
                why=" ".join(line.strip() for line in message.splitlines()[:2]),
            )  # fmt: skip
        return f"{message}\nThe log is in {logs}" if logs else message

    def _require_space(self) -> None:
        needed = LEAST_SPACE + SPACE_FOR_LANDING * _size(self.landing)
        if self.began_from:
            # It holds what landed before; what is new is at most all that landed.
            served = self.home.warehouse(self.began_from)
            grown = SPACE_FOR_WAREHOUSE * (served.stat().st_size if served.exists() else 0)
            needed = LEAST_SPACE + max(grown, 0.5 * SPACE_FOR_LANDING * _size(self.landing))
        free = shutil.disk_usage(self.home.root).free
        if free < needed:
            raise building.BuildError(
                f"{self.home.root} has {free / 1e9:,.1f} GB free, and a run needs about "
                f"{needed / 1e9:,.1f} GB; free space and run again"
            )

    def _require_landed(self) -> None:
        """Require that each landed file is as it was left. Raises GateRefusal, and journals it."""
        sources = sorted(
            folder.name
            for folder in self.landing.iterdir()
            if folder.is_dir() and not folder.name.startswith(".")
        )
        findings = verify_landing(self.landing, sources)
        if not findings:
            return
        lines = [str(finding) for finding in findings[:MOST_LINES]]
        if len(findings) > MOST_LINES:
            lines.append(f"and {len(findings) - MOST_LINES:,} more")
        journal.append(
            self.home.journal, journal.REFUSED, run=self.name, began_from=self.began_from,
            checks=["landing"], failures=lines,
        )  # fmt: skip
        raise GateRefusal(
            "\n".join(
                [
                    "the landing zone is not as it was left; restore these files, or remove their "
                    "load and load it again:",
                    *lines,
                ]
            )
        )

    def _copy_served(self) -> list[gate.Measure]:
        """Copy the served run's warehouse, checked as it is read; return the served measures."""
        if self.began_from is None:
            return []
        record = keeping.required_record(self.home, self.began_from)
        source, target = self.home.warehouse(self.began_from), self.home.work / WAREHOUSE
        keeping.require_no_log(source)
        digest = hashlib.sha256()
        try:
            with source.open("rb") as served, target.open("xb") as copy:
                while piece := served.read(PIECE):
                    digest.update(piece)
                    copy.write(piece)
        except FileNotFoundError as error:
            advice = keeping.advice(self.home, self.began_from)
            raise VersionError(f"{source} is missing; {advice}") from error
        if digest.hexdigest() != record["warehouse_sha256"]:
            advice = keeping.advice(self.home, self.began_from)
            raise VersionError(f"{source} is not as it was written; {advice}")
        return gate.read_measures(target)

    def _bring_parsed(self) -> None:
        """Hand dbt what it has parsed before; without it, it parses anew."""
        target = self.home.work / "target"
        target.mkdir()
        if self.home.parsed.is_file():
            shutil.copyfile(self.home.parsed, target / self.home.parsed.name)

    def _keep_parsed(self) -> None:
        parsed = self.home.work / "target" / self.home.parsed.name
        if parsed.exists():
            parsed.replace(self.home.parsed)


def landed_loads(landing: Path) -> list[str]:
    """Names of the loads of a landing zone, `<source>/load=<load>`, sorted."""
    return sorted(
        folder.relative_to(landing).as_posix()
        for folder in landing.glob("*/load=*")
        if not folder.parent.name.startswith(".")
    )


@contextlib.contextmanager
def _landing(landing: Path) -> Iterator[int | None]:
    """Keep loads out while the landing zone is read; give the lock, where one can be had.

    Where nobody can write, nobody can load. Raises BuildError, BusyError and OSError.
    """
    if not landing.is_dir():
        raise building.BuildError(
            f"no landing zone at {landing}; `clientele load` makes one, or --landing names another"
        )
    path = landing / LOCK
    if not os.access(landing if not path.exists() else path, os.W_OK):
        yield None
        return
    with holding(path, WORK, shared=True) as lock:
        yield lock


def _size(folder: Path) -> int:
    return sum(
        os.stat(Path(parent, name)).st_size
        for parent, _, names in os.walk(folder)
        for name in names
        if name.endswith(".parquet")
    )


def _told(error: Exception, home: Home) -> str:
    if isinstance(error, building.BuildError):
        return str(error)
    if getattr(error, "errno", None) in NO_SPACE or building.NO_SPACE.search(str(error)):
        return building.no_space(home.root)
    if building.NO_MEMORY.search(str(error)):
        return f"{str(error).splitlines()[0]}; CLIENTELE_MEMORY_LIMIT sets a higher limit"
    if not isinstance(error, OSError):
        return str(error)
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}"


def _new_name() -> str:
    return f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
