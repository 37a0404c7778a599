"""A folder of raw files as one load of a source: all of it lands, or nothing does."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb

from clientele.intake.contracts import Contract, read_contracts
from clientele.intake.erased_people import ErasedPeople, read_erased_people
from clientele.intake.errors import FileRefused, IntakeError, LoadRefused
from clientele.intake.incoming import PARQUET, Incoming, find_files, table_of
from clientele.intake.landing_folder import (
    LOCK,
    PrivateFolder,
    landed_tables,
    manifests,
    publish,
    write_manifest,
)
from clientele.intake.parquet_parts import Counts, PartWriter, connect
from clientele.intake.raw_files import batches_of, checksum
from clientele.production.home import Home
from clientele.production.locks import holding
from clientele.progress import SILENT, Steps
from clientele.safe_text import printable

SHOWN = 12  # refused files of one screen
STEPS = ("look", "checksums", "headers", "convert", "sync", "publish", "clean up")
Watch = Callable[[int], None]


def load_files(
    folder: Path,
    source: str,
    landing: Path,
    home: Home,
    *,
    project: Path = Path(),
    ingested_at: datetime | None = None,
    allow_missing: bool = False,
    steps: Steps = SILENT,
) -> dict[str, Any]:
    """Load the raw files of a folder, and return what became of each.

    project: the folder of the dbt project, whose sources' YAML is the contract.
    ingested_at: when the load counts as ingested, in UTC; now, where it is not given.
    allow_missing: take a load that leaves a table of the source without any data.

    Returns the manifest of the load with `skipped`, the files that had landed before; `load` is
    None where there was nothing new. Raises LoadRefused, IntakeError, BusyError, OSError and
    duckdb.Error; then nothing was changed.
    """
    contracts = read_contracts(project, source)
    _check_folders(folder, landing)
    landing.mkdir(parents=True, exist_ok=True)
    with holding(landing / LOCK, f"clientele load of {source}"):
        private = PrivateFolder(landing)
        try:
            load = _Load(folder, landing, home, contracts, private, steps)
            return load.run(ingested_at, allow_missing)
        except (LoadRefused, IntakeError, OSError, duckdb.Error):
            _give_back(private)
            raise


def _give_back(private: PrivateFolder) -> None:
    with suppress(OSError, IntakeError):  # what went wrong before is what is told
        private.remove()


def _check_folders(folder: Path, landing: Path) -> None:
    if not folder.is_dir():
        raise IntakeError(f"{folder} is no folder")
    if folder.resolve().is_relative_to(landing.resolve()):
        raise IntakeError(f"{folder} lies in the landing zone {landing}; load from elsewhere")


class _Load:
    def __init__(
        self,
        folder: Path,
        landing: Path,
        home: Home,
        contracts: Mapping[str, Contract],
        private: PrivateFolder,
        steps: Steps,
    ) -> None:
        self._folder, self._landing, self._home = folder, landing, home
        self._contracts, self._private, self._steps = contracts, private, steps
        self._source = next(iter(contracts.values())).source
        self._times: set[str | None] = set()  # of the loads before

    def run(self, ingested_at: datetime | None, allow_missing: bool) -> dict[str, Any]:
        steps = self._steps
        steps.expect(len(STEPS))
        steps.step("look")
        incoming, refused = find_files(self._folder, self._contracts)
        if not incoming and not refused:
            # Nothing was sent; a night that ends well would hide that.
            names = ", ".join(f"{table}.csv" for table in sorted(self._contracts))
            raise LoadRefused(f"{self._folder} has no file; expected are files such as {names}")
        erased = read_erased_people(self._home, self._contracts)
        landed: set[tuple[str, str]] = set()
        for _, manifest in manifests(self._landing, self._source):
            self._times.add(manifest.get("ingested_at"))
            landed.update((file["table"], file["sha256"]) for file in manifest["files"])
            for table, pseudonyms in (manifest.get("erased_references") or {}).items():
                if erased:
                    erased.add_references(table, pseudonyms)

        steps.step("checksums")
        new, checksums, skipped = self._new_files(incoming, landed, refused)
        self._end_if(refused, len(incoming))
        steps.step("headers")
        for file in new:
            try:
                self._look_into(file)
            except FileRefused as error:
                refused[file.name] = str(error)
        self._end_if(refused, len(new))

        if not allow_missing:
            self._refuse_missing_tables(new)
        if not new:
            self._private.remove()
            return {
                "load": None, "source": self._source, "ingested_at": None, "files": [],
                "skipped": skipped,
            }  # fmt: skip

        begun = self._begin(new, checksums, ingested_at, erased)
        steps.step("convert")
        entries = self._convert(new, checksums, begun, erased, refused)
        self._end_if(refused, len(new))

        steps.step("sync")
        made = self._private.load_folder(begun["load"])
        self._private.drop_unlisted(
            begun["load"], (part["path"] for file in entries for part in file["parquet"])
        )
        manifest = {
            "load": begun["load"],
            "source": self._source,
            "ingested_at": begun["ingested_at"],
            "files": entries,
            "erased_references": self._told_references,
        }
        write_manifest(made, manifest)
        steps.step("publish")
        publish(made, self._landing, self._source)
        steps.step("clean up")
        self._private.remove()
        return {**manifest, "skipped": skipped}

    # What is new

    def _new_files(
        self,
        incoming: list[Incoming],
        landed: set[tuple[str, str]],
        refused: dict[str, str],
    ) -> tuple[list[Incoming], dict[str, str], list[dict[str, str]]]:
        watch = self._watch(sum(file.size for file in incoming))
        new, checksums, skipped, here = [], {}, [], {}
        for file in incoming:
            found = checksum(file.path, watch)
            if file.told_sha256 and file.told_sha256 != found:
                refused[file.name] = f"its sha256 is not the one that {file.name}.sha256 says"
                continue
            known = (file.table, found)
            if known in landed:
                note = "landed before"
            elif known in here:
                note = f"the same as {here[known]}"
            else:
                here[known] = file.name
                checksums[file.name] = found
                new.append(file)
                continue
            skipped.append({"path": file.name, "table": file.table, "note": note})
        return self._in_order(new), checksums, skipped

    def _in_order(self, files: list[Incoming]) -> list[Incoming]:
        """Return files in an order in which orders come before what belongs to them."""

        def depth(table: str, seen: int = 0) -> int:
            person = self._contracts[table].person
            if not person or not person.through or seen > len(self._contracts):
                return 0
            return 1 + depth(person.through, seen + 1)

        return sorted(files, key=lambda file: (depth(file.table), file.table, file.name))

    def _refuse_missing_tables(self, new: list[Incoming]) -> None:
        there = landed_tables(self._landing, self._source) | {file.table for file in new}
        missing = [
            contract
            for contract in self._contracts.values()
            if contract.table not in there and not contract.is_optional
        ]
        if missing:
            names = ", ".join(contract.table for contract in missing)
            raise LoadRefused(
                "\n".join(
                    [
                        f"no file of {names} has ever landed, and none is in {self._folder}; "
                        "--allow-missing loads without",
                        *(contract.expected for contract in missing[:SHOWN]),
                    ]
                )
            )

    def _look_into(self, file: Incoming) -> None:
        with batches_of(file, self._contracts[file.table], None, self._private.spill) as batches:
            next(batches, None)

    # From begin to end

    def _begin(
        self,
        files: list[Incoming],
        checksums: Mapping[str, str],
        ingested_at: datetime | None,
        erased: ErasedPeople,
    ) -> dict[str, Any]:
        told = [self._source, *sorted(checksums.values())]
        digest = hashlib.sha256("\n".join(told).encode()).hexdigest()
        # A conversion counts for a rerun where all that it depends on is the same.
        depends = hashlib.sha256(
            repr(
                [
                    digest,
                    [(file.name, checksums[file.name]) for file in files],
                    [repr(contract) for contract in self._contracts.values()],
                    erased.fingerprint(),
                ]
            ).encode()
        ).hexdigest()
        begun = self._private.begun()
        time = ingested_at.strftime("%Y-%m-%dT%H:%M:%SZ") if ingested_at else None
        if begun.get("depends") == depends and time in (None, begun.get("ingested_at")):
            time = begun["ingested_at"]
        else:
            time = time or self._now()
        stamp = time.replace("-", "").replace(":", "")
        begun = {"load": f"{stamp}-{digest[:8]}", "ingested_at": time, "depends": depends}
        self._private.begin(begun)
        return begun

    def _now(self) -> str:
        """Return the time, to the second; no other load's, since the latest of rows wins."""
        now = datetime.now(timezone.utc)
        while (time := now.strftime("%Y-%m-%dT%H:%M:%SZ")) in self._times:
            now += timedelta(seconds=1)
        return time

    def _convert(
        self,
        files: list[Incoming],
        checksums: Mapping[str, str],
        begun: dict[str, Any],
        erased: ErasedPeople,
        refused: dict[str, str],
    ) -> list[dict[str, Any]]:
        watch = self._watch(sum(file.size for file in files))
        entries = []
        self._told_references: dict[str, list[str]] = {}
        with connect(self._private.spill) as connection:
            for number, file in enumerate(files, start=1):
                finished = self._private.finished(begun["load"], number)
                if not finished:
                    try:
                        finished = self._converted(
                            number, file, checksums[file.name], begun, erased, connection, watch
                        )
                    except FileRefused as error:
                        refused[file.name] = str(error)
                        continue
                    self._private.finish(number, finished)
                else:
                    watch(file.size)
                entries.append(finished["file"])
                references = finished["erased_references"]
                if references:
                    erased.add_references(file.table, references)
                    kept = {*self._told_references.get(file.table, []), *references}
                    self._told_references[file.table] = sorted(kept)
        return entries

    def _converted(
        self,
        number: int,
        file: Incoming,
        told: str,
        begun: dict[str, Any],
        erased: ErasedPeople,
        connection: duckdb.DuckDBPyConnection,
        watch: Watch,
    ) -> dict[str, Any]:
        contract = self._contracts[file.table]
        folder = self._private.load_folder(begun["load"]) / file.table
        for left in folder.glob(f"{number}-*"):
            left.unlink()
        writer = PartWriter(
            connection, contract, folder, str(number), f"{begun['load']}/{file.name}",
            datetime.strptime(begun["ingested_at"], "%Y-%m-%dT%H:%M:%SZ"), erased,
            self._referenced_column(file.table),
        )  # fmt: skip
        digest = hashlib.sha256()

        def read_on(data: bytes) -> None:
            digest.update(data)
            watch(len(data))

        with batches_of(file, contract, read_on, self._private.spill) as batches:
            for batch in batches:
                writer.add(batch)
        writer.flush()
        read = digest.hexdigest()
        if file.format == PARQUET:
            read = checksum(file.path, watch)
        if read != told:
            raise IntakeError(f"{file.path} was changed while it was read; load it again")
        counts = writer.counts
        if counts.accepted + counts.rejected + counts.erased != counts.records:
            raise IntakeError(f"{file.name}: records are lost on the way; this is a defect")
        _judge(file, contract, counts)
        return {
            "file": {
                "path": file.name,
                "table": file.table,
                "format": file.format,
                "sha256": told,
                "bytes": file.size,
                "records": counts.records,
                "accepted": counts.accepted,
                "rejected": counts.rejected,
                "erased": counts.erased,
                "reasons": dict(sorted(counts.reasons.items())),
                "parquet": writer.parts,
            },
            "erased_references": sorted(writer.references),
        }

    def _referenced_column(self, table: str) -> str | None:
        """Return the column by which rows of other tables belong to rows of this one."""
        for contract in self._contracts.values():
            if contract.person and contract.person.through == table:
                return contract.person.column
        return None

    def _end_if(self, refused: Mapping[str, str], count: int) -> None:
        if not refused:
            return
        lines = [
            f"  {printable(name)}: {printable(reason)}" for name, reason in sorted(refused.items())
        ]
        if len(lines) > SHOWN:
            lines[SHOWN:] = [f"  and {len(lines) - SHOWN} more"]
        tables = {table_of(name, self._contracts) for name in refused}
        expected = [
            contract.expected for contract in self._contracts.values() if contract.table in tables
        ]
        many = f"{len(refused)} file is" if len(refused) == 1 else f"{len(refused)} files are"
        raise LoadRefused(
            "\n".join(
                [
                    f"{many} refused, and nothing is loaded:",
                    *lines,
                    *expected[:SHOWN],
                ]
            )
        )

    def _watch(self, total: int) -> Watch:
        done = 0

        def watch(size: int) -> None:
            nonlocal done
            done += size
            self._steps.within(done, total, "bytes")

        return watch


def _judge(file: Incoming, contract: Contract, counts: Counts) -> None:
    """Raise FileRefused where a file as a whole is not what was agreed."""
    if file.told_rows is not None and file.told_rows != counts.records:
        raise FileRefused(
            f"it holds {counts.records:,} records, and {file.name}.rows says {file.told_rows:,}"
        )
    if counts.records and counts.rejected > contract.most_rejected * counts.records:
        first = counts.first_reject
        assert first
        place = f"line {first.line:,}" if first.line else f"record {first.record:,}"
        where = f"{place}, column {first.column}" if first.column else place
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in counts.reasons.most_common())
        raise FileRefused(
            f"{counts.rejected:,} of {counts.records:,} records would be rejected ({reasons}), and "
            f"{contract.most_rejected:.1%} is agreed; the first is {where}: {first.reason}"
        )
    if counts.accepted + counts.erased < contract.minimum_rows:
        raise FileRefused(
            f"it holds {counts.accepted:,} records, and {contract.minimum_rows:,} is the least"
        )
