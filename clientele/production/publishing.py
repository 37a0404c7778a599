"""Publication: the warehouse of a run and the file for readers, on disk before anybody sees them.

The order is what makes a kill harmless: both are whole, audited and on disk under private names;
then the warehouse gets its name, then the version, and last the link is swapped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from clientele.durable import sync_file, sync_folder, sync_tree
from clientele.marts.marts_file import write_marts_file
from clientele.production import gate, journal
from clientele.production.building import Build
from clientele.production.home import WAREHOUSE, Home
from clientele.production.keeping import promoted
from clientele.production.keys import PUBLICATION, read_key
from clientele.versions import file_sha256
from clientele.warehouse_file import WarehouseError, reading, rows

AS_OF = "select source, cast(as_of_date as varchar) as as_of_date from marts.shop_overview"
RECONCILIATION = "marts.row_reconciliation"


class AuditError(Exception):
    """What was written is not what was built; nothing is published."""


def publication_key(home: Home) -> bytes:
    """Return the key of pseudonyms; the first run makes it. Raises KeyFileError."""
    is_first = not promoted(journal.read(home.journal))
    return read_key(home.keys, PUBLICATION, make=is_first)


def close_warehouse(warehouse: Path) -> None:
    """Write what is left in the log of a warehouse into it, and require that none is left.

    Raises AuditError.
    """
    log = warehouse.with_name(warehouse.name + ".wal")
    try:
        if log.exists():
            with duckdb.connect(str(warehouse)) as connection:
                connection.execute("force checkpoint")
    except duckdb.Error as error:
        raise AuditError(f"the new warehouse cannot be closed: {_first_line(error)}") from error
    if log.exists():
        raise AuditError("the new warehouse cannot be closed: its log stays")


def write_version(build: Build, key: bytes) -> dict[str, Any]:
    """Write the file for readers into the private folder and return what is in it.

    Raises MartsError and WarehouseError.
    """
    output = build.work / "published" / WAREHOUSE
    return write_marts_file(build.work / WAREHOUSE, build.manifest, output, key=key)


def audit(build: Build, written: Mapping[str, Any]) -> None:
    """Read the new version as a reader will, and require what the warehouse says.

    Compared are the sha256, the rows of each table, the measures of the gate, and the landed rows
    as the published tables tell them. Raises AuditError and WarehouseError.
    """
    version, warehouse = Path(written["file"]), build.work / WAREHOUSE
    if file_sha256(version) != written["sha256"]:
        raise AuditError(f"{version.name} reads back other bytes than were written")
    names = [table["name"] for table in written["tables"]]
    counts = {}
    for path in (warehouse, version):
        with reading(path, names) as connection:
            counts[path] = [
                connection.execute(f"select count(*) from {name}").fetchone() for name in names
            ]
    if counts[warehouse] != counts[version]:
        raise AuditError("the new version has other rows than the warehouse")
    measures = gate.read_measures(version)
    if repr(measures) != repr(gate.read_measures(warehouse)):
        raise AuditError(f"{gate.MEASURES} of the new version is not that of the warehouse")
    if RECONCILIATION in names:
        _require_landed(version, measures)


def as_of_dates(warehouse: Path) -> dict[str, str | None]:
    """The date of each source as of which the warehouse tells; none where it has no such table."""
    try:
        with reading(warehouse, ["marts.shop_overview"]) as connection:
            return {row["source"]: row["as_of_date"] for row in rows(connection, AS_OF)}
    except WarehouseError:
        measures = gate.read_measures(warehouse)
        return {
            measure.source: gate.day(measure.value)
            for measure in measures
            if measure.limit_kind == "days_back"
        }


def finish(build: Build, written: Mapping[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    """Gather the warehouse and its papers in one private folder and bring all to disk.

    Returns the record as it is written to `run.json`. Raises OSError.
    """
    folder = build.work / "warehouse"
    folder.mkdir(mode=0o700)
    (build.work / WAREHOUSE).rename(folder / WAREHOUSE)
    build.manifest.rename(folder / build.manifest.name)
    build.results.rename(folder / build.results.name)
    version = Path(written["file"])
    version.chmod(0o444)
    record = {
        **record,
        "sha256": written["sha256"],
        "bytes": version.stat().st_size,
        "warehouse_sha256": file_sha256(folder / WAREHOUSE),
        "warehouse_bytes": (folder / WAREHOUSE).stat().st_size,
        "tables": {table["name"]: table["rows"] for table in written["tables"]},
    }
    text = json.dumps(record, ensure_ascii=False, indent=2) + "\n"
    (folder / "run.json").write_text(text, "utf-8")
    sync_tree(folder)
    sync_file(version)
    sync_folder(version.parent)
    return record


def give_names(home: Home, build: Build, written: Mapping[str, Any]) -> None:
    """Give the warehouse and then the version the names of their run. Raises OSError."""
    (build.work / "warehouse").rename(home.warehouse_folder(build.run))
    sync_folder(home.warehouses)
    Path(written["file"]).rename(home.version(build.run))
    sync_folder(home.versions)


def _require_landed(version: Path, measures: list[gate.Measure]) -> None:
    with reading(version, [RECONCILIATION]) as connection:
        landed = {
            (row["source"], "landed_rows", row["source_table"]): row["landed_count"]
            for row in rows(
                connection, f"select source, source_table, landed_count from {RECONCILIATION}"
            )
        }
    for measure in measures:
        if measure.measure == "landed_rows" and landed.get(measure.thing) != measure.value:
            raise AuditError(f"{measure.source}, {measure.item}: the published rows are others")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
