"""The folder of production: what lies where in it.

`<home>/published/clientele.duckdb` is what readers open: a link to the version that is served,
`published/versions/<run>.duckdb`. Nothing of a person leaves `<home>` but through it and an export.
`warehouses/<run>/` holds the warehouse that a version was made from, with what dbt said of it; the
next run begins from the one that is served. `journal.jsonl` says what happened, one line an event.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

DEFAULT_HOME = Path("production")
# Views name the catalog that they were built in, which is the file's name: it is never another.
WAREHOUSE = "clientele.duckdb"
# When a run began, in UTC, and four digits that keep two of one second apart.
RUN_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{4}")


@dataclass(frozen=True)
class Home:
    """Paths of a production folder; none of them needs to be there yet."""

    root: Path

    @property
    def lock(self) -> Path:
        """The lock of whoever changes what is served."""
        return self.root / ".clientele.lock"

    @property
    def journal(self) -> Path:
        """What happened, one JSON object a line, oldest first."""
        return self.root / "journal.jsonl"

    @property
    def work(self) -> Path:
        """The private folder of the run at work; each run begins with an empty one."""
        return self.root / "work"

    @property
    def logs(self) -> Path:
        """What dbt said in runs that published nothing, one folder a run; the latest are kept."""
        return self.root / "logs"

    @property
    def parsed(self) -> Path:
        """What dbt has parsed, for the next run: parsing anew costs seconds."""
        return self.root / "parse" / "partial_parse.msgpack"

    @property
    def warehouses(self) -> Path:
        """The warehouses behind the versions, for nobody but the command."""
        return self.root / "warehouses"

    @property
    def versions(self) -> Path:
        """The files that were served or are."""
        return self.root / "published" / "versions"

    @property
    def served(self) -> Path:
        """The link that readers open."""
        return self.root / "published" / WAREHOUSE

    @property
    def keys(self) -> Path:
        """The keys of pseudonyms, where they are given by no other way."""
        return self.root / "keys"

    @property
    def erased(self) -> Path:
        """The pseudonyms of erased people, one JSON object a line."""
        return self.root / "erased.jsonl"

    def version(self, run: str) -> Path:
        """The published file of a run."""
        return self.versions / f"{run}.duckdb"

    def warehouse_folder(self, run: str) -> Path:
        """The folder of a run's warehouse, its manifest.json and run_results.json."""
        return self.warehouses / run

    def warehouse(self, run: str) -> Path:
        """The warehouse that a version was made from."""
        return self.warehouse_folder(run) / WAREHOUSE

    def record(self, run: str) -> Path:
        """What was published by a run, from what, with the sha256 of both: a JSON object."""
        return self.warehouse_folder(run) / "run.json"

    def served_run(self) -> str | None:
        """Name of the run whose version is served; None where none is."""
        try:
            target = Path(os.readlink(self.served))
        except OSError:
            return None
        found = target.parent == Path("versions") and RUN_NAME.fullmatch(target.stem)
        return target.stem if found else None
