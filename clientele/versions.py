"""A folder of versions, of which `current` is one: written whole or not at all.

`<root>/versions/<name>/` holds a version and its `manifest.json`; `<root>/current` is a symbolic
link to the newest; `<root>/journal.json` says in which order versions became current. A writer
works in a private folder in the root and renames what is finished: a reader of `current` sees the
former version or the new one, and a writer that is killed leaves a private folder that the next one
removes.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clientele.durable import sync_file, sync_folder, sync_tree

WRITER = "clientele export"
MANIFEST = "manifest.json"
VERSIONS = "versions"
CURRENT = "current"
JOURNAL = "journal.json"
LOCK = ".clientele-export.lock"
PRIVATE = ".clientele-export-"
PRIVATE_NAME = re.compile(re.escape(PRIVATE) + r"[0-9a-f]{16}")
VERSION_NAME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}|no-date)-[0-9a-f]{16}")


class VersionsError(Exception):
    """A version cannot be written; the message is one line that says what to do."""


def private_folder(root: Path) -> Path:
    """Return the path of a new private folder of the root; `writing` makes it."""
    return root / (PRIVATE + secrets.token_hex(8))


@contextmanager
def writing(root: Path, private: Path) -> Iterator[None]:
    """Hold the root alone, with a private folder in it, and leave no trace of that folder.

    root: an absolute path without symbolic links; it is made where it is missing.
    private: what `private_folder` returned.

    Removes first what earlier writers left when they were killed. Raises VersionsError where
    another writer is at work or something of the root is a link that leads elsewhere, and OSError.
    """
    root.mkdir(parents=True, exist_ok=True)
    lock = _lock(root)
    try:
        _refuse_strange_entries(root)
        private.mkdir(mode=0o700)
        try:
            _remove_debris(root, private)
            yield
        finally:
            shutil.rmtree(private, ignore_errors=True)
    finally:
        os.close(lock)


@contextmanager
def undisturbed(root: Path) -> Iterator[None]:
    """Keep writers out of a root that is there, while the block runs.

    Raises VersionsError where one is at work, and OSError.
    """
    lock = _lock(root)
    try:
        yield
    finally:
        os.close(lock)


def publish(root: Path, private: Path, finished: Path, keep: int) -> Path:
    """Make a finished version the current one and return its place.

    finished: a folder within the private folder; its manifest has `version`, the name that the
        version gets, `written_by` and `files`, each with `path` and `sha256`.
    keep: versions that stay, this one included; older ones are removed, oldest first, unless
        something was put into them.

    A version that is there already and unchanged becomes current again. Raises VersionsError where
    it was changed, and OSError.
    """
    manifest = json.loads((finished / MANIFEST).read_text("utf-8"))
    name = manifest["version"]
    place = root / VERSIONS / name
    if os.path.lexists(place):
        changed = _changed_file(place, manifest)
        if changed:
            raise VersionsError(
                f"{place / changed} is not as it was written; move {place} elsewhere and try again"
            )
    else:
        place.parent.mkdir(exist_ok=True)
        sync_tree(finished)
        finished.rename(place)
        sync_folder(place.parent)
    link = private / CURRENT
    link.symlink_to(Path(VERSIONS) / name)
    link.replace(root / CURRENT)
    sync_folder(root)
    names = [entry for entry in _read_journal(root) if entry != name] + [name]
    _write_journal(root, private, names[-keep:])
    for old in names[:-keep]:
        _remove_version(root, private, old)
    return place


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file as hexadecimal digits, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _lock(root: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    lock = os.open(root / LOCK, flags, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(lock, 20, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(lock)
        raise VersionsError(
            f"another export is writing to {root} (process {holder}); try again after it"
        ) from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def _refuse_strange_entries(root: Path) -> None:
    versions, current, journal = root / VERSIONS, root / CURRENT, root / JOURNAL
    if versions.is_symlink() or (versions.exists() and not versions.is_dir()):
        raise VersionsError(f"{versions} is not a folder of this root; move it elsewhere")
    if journal.is_symlink():
        raise VersionsError(f"{journal} is a link; move it elsewhere")
    if os.path.lexists(current) and _current_name(root) is None:
        raise VersionsError(f"{current} was not made by an export; move it elsewhere")


def _current_name(root: Path) -> str | None:
    """Name of the version that `current` leads to; None where it is no link to a version."""
    try:
        target = os.readlink(root / CURRENT)
    except OSError:
        return None
    folder, _, name = target.rpartition("/")
    return name if folder == VERSIONS and VERSION_NAME.fullmatch(name) else None


def _remove_debris(root: Path, private: Path) -> None:
    """Remove private folders, and versions that were renamed but never became current.

    Without a journal none is removed: nothing says which of them were current.
    """
    for entry in os.scandir(root):
        is_private = PRIVATE_NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
        if is_private and entry.name != private.name:
            shutil.rmtree(entry.path)
    if not (root / VERSIONS).is_dir():
        return
    served = _read_journal(root)
    # Before another version becomes current: a kill may have come between a swap and its entry.
    _write_journal(root, private, served)
    for entry in list(os.scandir(root / VERSIONS)):
        if entry.name not in served:
            _remove_version(root, private, entry.name)


def _read_journal(root: Path) -> list[str]:
    """Names of versions in the order in which they became current, the newest last.

    Without a journal that can be read, all versions count as served, in the order of their names.
    """
    try:
        names = json.loads((root / JOURNAL).read_text("utf-8"))["versions"]
        names = [name for name in names if VERSION_NAME.fullmatch(name)]
    except (OSError, ValueError, TypeError, KeyError):
        folder = root / VERSIONS
        present = sorted(os.listdir(folder)) if folder.is_dir() else []
        names = [name for name in present if _is_own(folder / name)]
    current = _current_name(root)
    if current:
        # Killed between the swap and the journal: it is current all the same.
        names = [name for name in names if name != current] + [current]
    return names


def _write_journal(root: Path, private: Path, names: list[str]) -> None:
    draft = private / JOURNAL
    draft.write_text(json.dumps({"versions": names}, indent=2) + "\n", "utf-8")
    sync_file(draft)
    draft.replace(root / JOURNAL)
    sync_folder(root)


def _remove_version(root: Path, private: Path, name: str) -> None:
    """Remove a version that an export wrote and that nobody put anything into."""
    place = root / VERSIONS / name
    if _is_own(place):
        # A removal that is cut short must not leave half a version.
        place.rename(private / f"old-{name}")
        shutil.rmtree(private / f"old-{name}")


def _is_own(place: Path) -> bool:
    if not VERSION_NAME.fullmatch(place.name) or place.is_symlink():
        return False
    manifest = _read_manifest(place)
    if manifest is None or manifest.get("version") != place.name:
        return False
    try:
        expected = {MANIFEST, *(file["path"] for file in manifest["files"])}
    except (KeyError, TypeError):
        return False
    return _files(place) == expected


def _read_manifest(place: Path) -> dict[str, Any] | None:
    try:
        manifest = json.loads((place / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    is_own = isinstance(manifest, dict) and manifest.get("written_by") == WRITER
    return manifest if is_own else None


def _files(place: Path) -> set[str]:
    return {
        path.relative_to(place).as_posix()
        for path in place.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }


def _changed_file(place: Path, manifest: dict[str, Any]) -> str | None:
    """First file of a version that is not what the manifest says; None where all are."""
    if place.is_symlink() or _read_manifest(place) != manifest:
        return MANIFEST
    for file in manifest["files"]:
        path = place / file["path"]
        if path.is_symlink() or not path.is_file() or file_sha256(path) != file["sha256"]:
            return file["path"]
    return None
