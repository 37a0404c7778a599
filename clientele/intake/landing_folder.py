"""The landing zone of loads: what was loaded, the private folder of a load, and its publication.

`<landing>/<source>/load=<load>/` holds a load, `<table>/<file>-<part>.parquet` and `load.json`. It
is made in `<landing>/.clientele-load/` and comes into being by one rename, so readers see all of a
load or nothing. What a killed load had finished stays there for the same load begun anew.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from clientele.durable import sync_folder, sync_tree
from clientele.intake.errors import IntakeError
from clientele.versions import file_sha256

PRIVATE, MANIFEST, LOCK = ".clientele-load", "load.json", ".clientele.lock"
LOAD_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")
BEGUN = "begun.json"


@dataclass(frozen=True)
class Finding:
    """Something in the landing zone that is not as it was left."""

    path: Path
    problem: str

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


def manifests(landing: Path, source: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the loads of a source with their manifests, oldest first. Raises IntakeError."""
    for folder in sorted((landing / source).glob("load=*")):
        path = folder / MANIFEST
        try:
            manifest = json.loads(path.read_text("utf-8"))
            if not isinstance(manifest["files"], list):
                raise TypeError(manifest["files"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise IntakeError(f"{path} cannot be read; restore the load or remove it") from error
        yield folder, manifest


def landed_tables(landing: Path, source: str) -> set[str]:
    """Return the tables of a source of which there is a Parquet file."""
    return {path.parent.name for path in (landing / source).glob("**/*.parquet")}


class PrivateFolder:
    """Where a load is made."""

    def __init__(self, landing: Path) -> None:
        self.root = landing / PRIVATE

    def begun(self) -> dict[str, Any]:
        """Say which load was begun here; nothing where none was."""
        try:
            told = json.loads((self.root / BEGUN).read_bytes())
        except (OSError, ValueError):
            return {}
        return told if isinstance(told, dict) else {}

    def begin(self, load: dict[str, Any]) -> None:
        """Make room for a load. What belongs to another one is removed. Raises OSError."""
        if self.begun() != load:
            self.remove()
        for folder in (self.root, self.root / "files", self.load_folder(load["load"])):
            folder.mkdir(exist_ok=True)
        shutil.rmtree(self.spill, ignore_errors=True)
        _write_json(self.root / BEGUN, load)

    def load_folder(self, load: str) -> Path:
        """The folder that becomes the load's."""
        return self.root / f"load={load}"

    @property
    def spill(self) -> Path:
        """Where the database puts what does not fit in memory."""
        return self.root / "spill"

    def finished(self, load: str, number: int) -> dict[str, Any] | None:
        """Return what was noted of a finished file, where its Parquet files are still whole."""
        try:
            entry = json.loads((self.root / "files" / f"{number}.json").read_bytes())
            parts = entry["file"]["parquet"]
            folder = self.load_folder(load)
            whole = all(file_sha256(folder / part["path"]) == part["sha256"] for part in parts)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return entry if whole else None

    def finish(self, number: int, entry: dict[str, Any]) -> None:
        """Note that a file is finished. Raises OSError."""
        _write_json(self.root / "files" / f"{number}.json", entry)

    def drop_unlisted(self, load: str, listed: Iterable[str]) -> None:
        """Remove Parquet files that no finished file accounts for. Raises OSError."""
        folder, known = self.load_folder(load), set(listed)
        for path in folder.glob("*/*"):
            if path.relative_to(folder).as_posix() not in known:
                path.unlink()

    def remove(self) -> None:
        """Give the space back. Raises OSError."""
        if self.root.is_symlink():
            raise IntakeError(f"{self.root} is a link; remove it")
        if self.root.exists():
            shutil.rmtree(self.root)


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write a load's manifest and bring all of the load to disk. Raises OSError."""
    _write_json(folder / MANIFEST, manifest)
    sync_tree(folder)


def publish(folder: Path, landing: Path, source: str) -> Path:
    """Move a finished load to where models read it, and return where. Raises OSError."""
    target = landing / source / folder.name
    target.parent.mkdir(exist_ok=True)
    if target.exists():
        raise IntakeError(f"{target} is there already")
    folder.rename(target)
    sync_folder(target.parent)
    sync_folder(landing)
    return target


def verify_landing(landing: Path, sources: Iterable[str]) -> list[Finding]:
    """Read the Parquet files of sources and return what is not as it was left.

    A file of a load must have the checksum of its manifest, and a load has no other files; a file
    that was put there by hand must be one that can be read. Files are read in pieces.
    """
    findings: list[Finding] = []
    connection = duckdb.connect(config={"threads": 1, "memory_limit": "200MB"})
    try:
        for source in sources:
            folder = landing / source
            found = {path for path in folder.glob("**/*.parquet") if path.is_file()}
            for load in sorted(folder.glob("load=*")):
                inside = {path for path in found if path.is_relative_to(load)}
                found -= inside
                findings += _verify_load(load, source, inside)
            for path in sorted(found):
                try:
                    connection.execute(
                        "select count(*) from parquet_metadata($1)", [_no_glob(path)]
                    ).fetchone()
                except duckdb.Error as error:
                    findings.append(
                        Finding(path, f"it cannot be read: {str(error).splitlines()[0][:120]}")
                    )
    finally:
        connection.close()
    return findings


def _verify_load(load: Path, source: str, found: set[Path]) -> list[Finding]:
    if load.is_symlink():
        return [Finding(load, "it is a link; what it leads to can change unseen")]
    manifest_path = load / MANIFEST
    try:
        manifest = json.loads(manifest_path.read_text("utf-8"))
        listed = {
            load / part["path"]: part["sha256"]
            for file in manifest["files"]
            for part in file["parquet"]
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [Finding(manifest_path, f"it cannot be read: {error}")]
    findings = []
    if manifest.get("source") != source or f"load={manifest.get('load')}" != load.name:
        findings.append(Finding(manifest_path, "it is the manifest of another load"))
    for path in sorted(found - set(listed)):
        findings.append(Finding(path, f"{MANIFEST} does not list it"))
    for path, checksum in sorted(listed.items()):
        try:
            if file_sha256(path) != checksum:
                findings.append(Finding(path, f"its sha256 is not that of {MANIFEST}"))
        except OSError as error:
            findings.append(Finding(path, f"it cannot be read: {error.strerror or error}"))
    return findings


def _no_glob(path: Path) -> str:
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def _write_json(path: Path, content: dict[str, Any]) -> None:
    new = path.with_suffix(".new")
    with new.open("w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
