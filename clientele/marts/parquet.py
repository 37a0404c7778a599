"""The file of marts as Parquet files, for tools that read no DuckDB."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb

from clientele.durable import sync_file, sync_folder
from clientele.marts.private_folder import private_folder
from clientele.marts.public import MartsError
from clientele.progress import SILENT, Steps
from clientele.versions import file_sha256
from clientele.warehouse_file import memory_limit, open_warehouse, quoted_name, text_literal

LISTING = "marts.json"


def write_parquet_files(marts: Path, folder: Path, steps: Steps = SILENT) -> dict[str, Any]:
    """Write each table of a file of marts as `<schema>.<table>.parquet`, and marts.json beside.

    marts: what `write_marts_file` wrote; rows keep its order.
    steps: is told the name of each file that is written.
    folder: it is made where it is missing. Each file in it is replaced whole; a table that an
        earlier run wrote there and that is no longer in the marts is removed.

    Returns `folder` and `files`, each with `path`, `rows`, `bytes` and `sha256`. Raises MartsError
    and WarehouseError; no file is replaced before all are written.
    """
    folder = folder.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        former = _listed(folder)
        with private_folder(folder) as private:
            files = []
            with open_warehouse(marts, (), writable_folder=private) as connection:
                connection.execute(f"set memory_limit = {text_literal(memory_limit())}")
                tables = connection.execute(
                    "select table_schema, table_name from information_schema.tables "
                    "order by table_schema, table_name"
                ).fetchall()
                steps.expect(len(tables))
                for schema, name in tables:
                    path = private / f"{schema}.{name}.parquet"
                    steps.step(path.name)
                    [count] = connection.execute(
                        f"copy (from {quoted_name(schema)}.{quoted_name(name)}) "
                        # snappy: tools that read Parquet at all read that
                        f"to {text_literal(str(path))} (format parquet, compression snappy)"
                    ).fetchone()
                    files.append(
                        {
                            "path": path.name,
                            "rows": count,
                            "bytes": path.stat().st_size,
                            "sha256": file_sha256(path),
                        }
                    )
            listing = private / LISTING
            listing.write_text(json.dumps({"files": files}, indent=2) + "\n", "utf-8")
            written = [file["path"] for file in files]
            for name in [*written, LISTING]:
                sync_file(private / name)
                (private / name).replace(folder / name)
            for name in former - set(written):
                (folder / name).unlink(missing_ok=True)
            sync_folder(folder)
    except OSError as error:
        raise MartsError(f"{folder} cannot be written: {error.strerror or error}") from error
    except duckdb.Error as error:
        raise MartsError(
            f"{marts} cannot be written as Parquet: {str(error).splitlines()[0]}"
        ) from error
    return {"folder": str(folder), "files": files}


def _listed(folder: Path) -> set[str]:
    """Names of the Parquet files that an earlier run wrote into a folder; none where it did not."""
    try:
        files = json.loads((folder / LISTING).read_text("utf-8"))["files"]
        names = {file["path"] for file in files}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    return {name for name in names if name.endswith(".parquet") and Path(name).name == name}
