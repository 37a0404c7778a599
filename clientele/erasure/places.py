"""Every file in which a person could be: where it lies, what kind it is, which record names it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from clientele.erasure.parquet_files import LandedFile, landed_files
from clientele.erasure.people import ErasureError, PersonTable, known_sources
from clientele.erasure.replacing import PRIVATE
from clientele.production.home import WAREHOUSE, Home

DUCKDB, PARQUET, CSV, TEXT = "duckdb", "parquet", "csv", "text"
RECORDS = ("manifest.json", "marts.json")  # what exports and marts say of their files
LOAD, RUN = "load.json", "run.json"
MARTS = Path("warehouse/clientele_marts.duckdb")
SPILL = Path("warehouse/spill")
UNFINISHED_LOADS = ".clientele-load"
# What holds pseudonyms and no more: it must stay as it is.
KEPT = {"erased.jsonl", "erasing.jsonl", "erasing.json"}
KEPT_FOLDERS = {"keys", "erasures"}
# What no command here writes, and nobody looks into.
PACKED = {".gz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".tar", ".tgz", ".xlsx", ".ods"}
KINDS = {".duckdb": DUCKDB, ".db": DUCKDB, ".parquet": PARQUET, ".csv": CSV}


@dataclass(frozen=True)
class Item:
    """A file in which people are looked for.

    records: JSON files that may name its sha256.
    landed: of which table of the landing zone it is, where it is of one.
    """

    place: str
    path: Path
    kind: str
    records: tuple[Path, ...] = ()
    landed: LandedFile | None = None


@dataclass(frozen=True)
class Scope:
    """Where an erasure looks.

    project: the folder of the dbt project, with logs, target and seeds.
    warehouse: what `dbt build` writes. exports: roots of `clientele export`.
    also: other folders and files, such as marts as Parquet.
    """

    home: Home
    landing: Path
    project: Path = Path()
    warehouse: Path = Path("warehouse/clientele.duckdb")
    exports: tuple[Path, ...] = (Path("exports"),)
    also: tuple[Path, ...] = ()
    tables: tuple[PersonTable, ...] = field(default=())

    @property
    def folders(self) -> list[Path]:
        """The folders in which an erasure works, and so in which one that was killed left files."""
        given = [self.home.root, self.landing, self.warehouse.parent, *self.exports, *self.also]
        given += [self.project / "logs", self.project / "target", (self.project / MARTS).parent]
        return [path if path.is_dir() else path.parent for path in given]

    @property
    def spill(self) -> list[Path]:
        """The folders of what was never finished, which go as a whole."""
        return [self.project / SPILL, self.home.work, self.landing / UNFINISHED_LOADS]

    @property
    def seeds(self) -> list[Path]:
        """Tables that people keep by hand, which only people change."""
        return sorted((self.project / "seeds").glob("*.csv"))

    def warehouses(self) -> list[Path]:
        """Warehouses with all that is known of customers, and not only what is published."""
        paths = [self.warehouse, *sorted(self.home.warehouses.glob(f"*/{WAREHOUSE}"))]
        return [path for path in paths if path.is_file()]

    def landed(self) -> list[LandedFile]:
        """Parquet files of the landing zone, in the order in which they may be rewritten."""
        return landed_files(self.landing, self.tables)

    def require(self, source: str) -> None:
        """Raise ErasureError where something that was asked for is not there."""
        names = known_sources(self.tables)
        if source not in names:
            raise ErasureError(f"there is no source {source!r}; there are {', '.join(names)}")
        is_produced = any(self.home.warehouses.glob(f"*/{WAREHOUSE}"))
        is_anything = self.home.root.is_dir() or self.warehouse.is_file()
        if not self.landing.is_dir() and (is_produced or not is_anything):
            # Nobody must be told that a person is gone where nothing was looked at.
            raise ErasureError(
                f"there is no landing zone at {self.landing}, from which the next run would bring "
                "people back; --landing names it, and --home the folder of production"
            )
        for path in self.also:
            if not path.exists():
                raise ErasureError(f"{path} is not there, so nobody can be erased from it")


def items(scope: Scope, source: str) -> list[Item]:
    """Return all files, in the order in which they are rewritten.

    The landing zone is last: it tells which orders are a person's, and a rerun has to know.
    """
    listed: dict[Path, Item] = {}
    for item in _all_items(scope, source):
        if item.path.is_file() and not item.path.is_symlink():
            listed.setdefault(item.path.resolve(), item)
    return list(listed.values())


def packed(scope: Scope, source: str) -> list[Path]:
    """Return the files whose text is packed, so that nobody can be found in them."""
    return [item.path for item in items(scope, source) if item.path.suffix.lower() in PACKED]


def _all_items(scope: Scope, source: str) -> Iterator[Item]:
    home = scope.home
    for path in scope.warehouses():
        records = (path.parent / RUN,) if path.is_relative_to(home.warehouses) else ()
        yield Item("warehouses", path, DUCKDB, records)
    for path in sorted(home.versions.glob("*.duckdb")):
        yield Item("published", path, DUCKDB, (home.warehouse_folder(path.stem) / RUN,))
    yield Item("published", scope.project / MARTS, DUCKDB)
    for root in scope.exports:
        yield from _folder("exports", root)
    for path in scope.also:
        yield from _folder("others", path)
    landed = [
        Item("landing", file.path, PARQUET, _load(file.path, scope.landing), file)
        for file in scope.landed()
        if _may_tell(file, scope.tables, source)
    ]
    for folder in (scope.project / "logs", scope.project / "target"):
        yield from _folder("logs", folder)
    landing = scope.landing.resolve()
    for item in _folder("logs", home.root):
        parts = item.path.relative_to(home.root).parts
        is_kept = item.path.name in KEPT or parts[0] in KEPT_FOLDERS
        if not is_kept and landing not in item.path.resolve().parents:
            yield item
    yield from landed


def _folder(place: str, root: Path) -> Iterator[Item]:
    """Give the files of a folder by what their names say they are, with the records beside them."""
    paths = [root] if root.is_file() else sorted(root.rglob("*")) if root.is_dir() else []
    for path in paths:
        if not path.is_file() or _is_passing(path, root):
            continue
        kind = KINDS.get(path.suffix, TEXT)
        records: Iterable[Path] = ()
        if kind in (CSV, PARQUET):
            above = [folder for folder in path.parents if folder == root or root in folder.parents]
            records = (folder / name for folder in above for name in RECORDS)
        yield Item(place, path, kind, tuple(record for record in records if record.is_file()))


def _is_passing(path: Path, root: Path) -> bool:
    """Tell whether a file is of something at work: a lock, or a private folder."""
    parts = path.relative_to(root).parts
    return path.name.endswith(".lock") or any(part.startswith(PRIVATE) for part in parts)


def _load(path: Path, landing: Path) -> tuple[Path, ...]:
    above = [folder / LOAD for folder in path.parents if landing in folder.parents]
    return tuple(record for record in above if record.is_file())


def _may_tell(file: LandedFile, tables: Iterable[PersonTable], source: str) -> bool:
    """Tell whether a landed file may have a shop's clients: other shops may use the same ids."""
    if file.table is not None:
        return file.folder == source or file.table.source_column is not None
    others = [name for name in known_sources(tables) if name != source]
    if any(file.folder == name or file.folder.startswith(f"{name}_") for name in others):
        return file.folder.startswith(f"{source}_")
    return True
