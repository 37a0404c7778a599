"""What `clientele export` writes: today's lists, the tables of activation tools, the kept arms."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table
from rich.text import Text

from clientele.list_checks import FINDINGS
from clientele.production.pseudonyms import KEYS, map_keys
from clientele.progress import SILENT, Steps
from clientele.safe_text import NOT_TEXT, formula_safe, list_file_name, printable
from clientele.versions import (
    MANIFEST,
    WRITER,
    VersionsError,
    file_sha256,
    private_folder,
    publish,
    writing,
)
from clientele.warehouse_file import (
    WarehouseError,
    memory_limit,
    open_warehouse,
    rows,
    text_literal,
)

DEFAULT_ROOT = Path("exports")
DEFAULT_KEEP = 5
BOM = b"\xef\xbb\xbf"
NEEDED = (
    "intermediate.int_as_of",
    "campaigns.customer_suppressions",
    "campaigns.campaign_assignments",
    "marts.campaign_ledger",
    "marts.campaign_lists",
    "marts.campaign_status",
    "marts.audiences",
    "marts.people",
    "marts.audience_memberships",
)
LIST_COLUMNS = (
    "customer_id",
    "campaign_id",
    "campaign_version",
    "campaign_name",
    "channel",
    "offer",
    "reason",
    "who_they_are",
    "segment_name",
    "rfm_segment",
    "lifecycle_stage",
    "favourite_category",
    "recency_days",
    "average_order_value",
    "cm2_365d",
    "expected_value",
    "as_of_date",
)
KEY = ("source", "campaign_id", "campaign_version")

STATUS = """
    select
        source,
        campaign_id,
        campaign_version,
        campaign_name,
        channel,
        as_of_date,
        audience_count,
        sent_count,
        sent_today_count,
        holdout_global_count,
        holdout_campaign_count,
        suppressed_count,
        capped_count,
        outranked_count
    from marts.campaign_status
    where campaign_state = 'running'
    order by source, campaign_id, campaign_version
"""

RUNS = """
    select distinct
        lists.source,
        lists.campaign_id,
        lists.campaign_version,
        assignments.run_id
    from marts.campaign_lists as lists
    inner join campaigns.campaign_assignments as assignments
        on
            lists.source = assignments.source
            and lists.campaign_id = assignments.campaign_id
            and lists.campaign_version = assignments.campaign_version
            and lists.customer_key = assignments.customer_key
            and lists.as_of_date = assignments.assigned_date
    where assignments.run_id is not null
    order by all
"""

ACTIVATION = {
    "audiences": """
        select audiences.id, audiences.name, audiences.description
        from marts.audiences as audiences
        where audiences.id in (select id from exported_audiences)
        order by audiences.id
    """,
    "people": """
        select people.id, people.source, people.customer_id
        from marts.people as people
        where people.id in (
            select memberships.person_id
            from marts.audience_memberships as memberships
            where memberships.audience_id in (select id from exported_audiences)
        )
        order by people.id
    """,
    "audience_memberships": """
        select memberships.person_id, memberships.audience_id
        from marts.audience_memberships as memberships
        where memberships.audience_id in (select id from exported_audiences)
        order by memberships.audience_id, memberships.person_id
    """,
}

# The columns with a customer's key, as text, and the order of rows under published keys.
PERSON_KEYS = {
    "people": ("id", "id"),
    "audience_memberships": ("person_id", "audience_id, person_id"),
}
LISTED_KEYS = "select cast(person_id as bigint) from marts.audience_memberships"

KEPT_ASSIGNMENTS = """
    select * from campaigns.campaign_assignments
    order by source, campaign_id, campaign_version, customer_key
"""


class ExportError(Exception):
    """Nothing was exported; the message is one line that says why."""


def export_lists(
    warehouse: Path,
    root: Path = DEFAULT_ROOT,
    campaigns: Sequence[str] = (),
    keep: int = DEFAULT_KEEP,
    steps: Steps = SILENT,
    *,
    served_version: str | None = None,
    key: bytes | None = None,
) -> dict[str, Any]:
    """Write the lists of a warehouse under a root, as a new version that becomes the current one.

    warehouse: the DuckDB file that `dbt build` wrote; it is opened read-only.
    root: the one folder that is written to (see `clientele.versions` for its layout).
    campaigns: ids of the campaigns whose lists are wanted; none: all that run.
    keep: versions that stay in the root, this one included; at least 1.
    steps: is told which list is written.
    served_version: the version that is served, where the warehouse is the one behind it.
    key: of that version's pseudonyms: people and audience_memberships then have its keys, so that
        they join with what is served. The kept arms have those of the warehouse, which reads them.

    Returns `folder` (the version's place) and `manifest` (what stands in its manifest.json, which
    is the same for the same warehouse). A list that breaks a rule of `clientele.list_checks` has
    the status `refused` there, with `reasons`, and is in no file. Raises ExportError and
    WarehouseError; the root's current version is then what it was.
    """
    root = root.resolve()
    private = private_folder(root)
    try:
        with open_warehouse(warehouse, NEEDED, writable_folder=private) as connection:
            memory = text_literal(memory_limit())
            connection.execute(f"set memory_limit = {memory}")
            connection.execute("set threads = 1")  # the order of rows, so the bytes, hang on it
            connection.execute("set lock_configuration = true")
            _require_campaigns(connection, campaigns)
            with writing(root, private):
                finished = private / "version"
                finished.mkdir()
                manifest = _write_version(
                    connection, finished, campaigns, steps, served_version, key
                )
                folder = publish(root, private, finished, keep)
    except VersionsError as error:
        raise ExportError(str(error)) from error
    except OSError as error:
        raise ExportError(f"{root} cannot be written: {error.strerror or error}") from error
    except duckdb.OutOfMemoryException as error:
        raise ExportError(
            f"the export needs more memory: {_first_line(error)}; CLIENTELE_MEMORY_LIMIT sets it"
        ) from error
    except duckdb.Error as error:
        raise ExportError(f"{warehouse} cannot be exported: {_first_line(error)}") from error
    return {"folder": str(folder), "manifest": manifest}


def refusals(manifest: dict[str, Any]) -> list[str]:
    """Return one line for each list that was refused."""
    return [
        printable(f"{entry['audience_id']} is not written: {'; '.join(entry['reasons'])}")
        for entry in manifest["lists"]
        if entry["status"] == "refused"
    ]


def print_export(exported: dict[str, Any], console: Console) -> None:
    """Print what was written as a table, and below it where it lies."""
    manifest = exported["manifest"]
    by_audience = {file["audience_id"]: file for file in manifest["files"]}
    table = Table("List", "Channel")
    table.add_column("Rows", justify="right")
    table.add_column("File", overflow="fold")
    for entry in manifest["lists"]:
        file = by_audience.get(entry["audience_id"])
        table.add_row(
            Text(printable(entry["audience_id"])),
            Text(printable(entry["channel"] or "")),
            f"{file['rows']:,}" if file else "",
            Text(file["path"]) if file else Text("refused", style="bold red"),
        )
    for file in manifest["files"]:
        if file["audience_id"] is None:
            name = Path(file["path"]).stem
            table.add_row(name, "", f"{file['rows']:,}", file["path"])
    console.print(table)
    console.print(Text(exported["folder"]), soft_wrap=True)


def _write_version(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    campaigns: Sequence[str],
    steps: Steps,
    served_version: str | None,
    key: bytes | None,
) -> dict[str, Any]:
    """Write all files of a version into an empty folder; return its manifest."""
    as_of_dates = dict(
        connection.execute(
            "select source, cast(as_of_date as varchar) from intermediate.int_as_of order by source"
        ).fetchall()
    )
    steps.step("checking the lists")
    lists = _judged_lists(connection, campaigns)
    written = [entry["audience_id"] for entry in lists if entry["status"] == "written"]
    steps.expect(1 + len(written) + len(ACTIVATION) + 1)
    connection.execute(
        "create temporary table exported_audiences "
        "(id varchar, source varchar, campaign_id varchar, campaign_version integer)"
    )
    (folder / "lists").mkdir()
    (folder / "activation").mkdir()
    files = []
    for entry in lists:
        if entry["status"] == "refused":
            continue
        steps.step(printable(entry["audience_id"]))
        audience = [
            entry[name] for name in ("audience_id", "source", "campaign_id", "campaign_version")
        ]
        connection.execute("insert into exported_audiences values (?, ?, ?, ?)", audience)
        files.append(_write_list(connection, folder, entry["audience_id"]))
    if key is not None:
        map_keys(connection, key, [LISTED_KEYS])
    for table, query in ACTIVATION.items():
        steps.step(table)
        if key is not None and table in PERSON_KEYS:
            query = _with_published_keys(query, *PERSON_KEYS[table])
        files.append(_write_parquet(connection, folder, f"activation/{table}.parquet", query))
    steps.step("campaign_assignments")
    files.append(
        _write_parquet(connection, folder, "campaign_assignments.parquet", KEPT_ASSIGNMENTS)
    )
    manifest = {
        "written_by": WRITER,
        "as_of_dates": as_of_dates,
        "served_version": served_version,
        "campaigns": sorted(set(campaigns)) or None,
        "lists": lists,
        "files": files,
    }
    content = json.dumps(manifest, sort_keys=True).encode()
    latest = max((day for day in as_of_dates.values() if day), default="no-date")
    manifest["version"] = f"{latest}-{hashlib.sha256(content).hexdigest()[:16]}"
    text = json.dumps(manifest, indent=2, sort_keys=True)
    (folder / MANIFEST).write_text(text + "\n", "utf-8")
    return manifest


def _require_campaigns(connection: duckdb.DuckDBPyConnection, campaigns: Sequence[str]) -> None:
    query = "select distinct campaign_id from marts.campaign_status order by all"
    known = [campaign for (campaign,) in connection.execute(query).fetchall()]
    unknown = [campaign for campaign in campaigns if campaign not in known]
    if unknown:
        raise ExportError(
            f"there is no campaign {printable(unknown[0])}; "
            f"there {'are' if known else 'is none'} {printable(', '.join(known))}".rstrip()
        )
    built = {
        column for (column,) in connection.execute(
            "select column_name from information_schema.columns "
            "where table_schema = 'marts' and table_name = 'campaign_lists'"
        ).fetchall()
    }  # fmt: skip
    for column in LIST_COLUMNS:
        if column not in built:
            raise WarehouseError(
                f"marts.campaign_lists has no column {column}; `dbt build` builds it anew"
            )


def _judged_lists(
    connection: duckdb.DuckDBPyConnection, campaigns: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the lists of the running campaigns, and others with rows, each written or refused."""
    reasons: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for source, campaign, version, reason in connection.execute(FINDINGS).fetchall():
        reasons[source, campaign, version].append(reason)
    runs: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for source, campaign, version, run in connection.execute(RUNS).fetchall():
        runs[source, campaign, version].append(run)
    entries = {_key(status): status for status in rows(connection, STATUS)}
    for key in reasons:
        entries.setdefault(key, dict(zip(KEY, key, strict=True)) | {"channel": None})
    lists = []
    for key in sorted(entries, key=repr):
        if campaigns and key[1] not in campaigns:
            continue
        entry = entries[key]
        counts = {name: entry.pop(name) for name in list(entry) if name.endswith("_count")}
        day = entry.get("as_of_date")
        entry |= {
            "audience_id": f"{key[0]}.{key[1]}.v{key[2]}",
            "as_of_date": day and day.isoformat(),
            "run_ids": runs[key],
            "counts": counts,
            "reasons": reasons[key],
        }
        lists.append(entry)
    names = Counter(list_file_name(entry["audience_id"]) for entry in lists)
    for entry in lists:
        if names[list_file_name(entry["audience_id"])] > 1:
            entry["reasons"].append("another list would have a file of the same name")
        entry["status"] = "refused" if entry["reasons"] else "written"
    return lists


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in KEY)


def _write_list(
    connection: duckdb.DuckDBPyConnection, folder: Path, audience_id: str
) -> dict[str, Any]:
    """Write the list of an audience as CSV: UTF-8 with its mark, CR LF, texts in quotes."""
    path = f"lists/{list_file_name(audience_id)}"
    target = _inside(folder, path)
    columns = _columns(connection, f"select {', '.join(LIST_COLUMNS)} from marts.campaign_lists")
    texts = [name for name, kind in columns.items() if not NOT_TEXT.fullmatch(kind)]
    cells = [
        f"{formula_safe(f'lists.{name}')} as {name}" if name in texts else f"lists.{name}"
        for name in columns
    ]
    changed = " or ".join(f"{formula_safe(f'lists.{name}')} <> lists.{name}" for name in texts)
    source = """
        from marts.campaign_lists as lists
        inner join exported_audiences as audiences
            on
                lists.source = audiences.source
                and lists.campaign_id = audiences.campaign_id
                and lists.campaign_version = audiences.campaign_version
        where audiences.id = getvariable('audience')
    """
    connection.execute("set variable audience = ?", [audience_id])
    [guarded] = connection.execute(f"select count(*) filter (where {changed}) {source}").fetchone()
    body = folder.parent / "body.csv"
    query = f"select {', '.join(cells)} {source} order by lists.expected_value desc nulls last, 1"
    options = f"format csv, header false, new_line '\\r\\n', force_quote ({', '.join(texts)})"
    [count] = connection.execute(
        f"copy ({query}) to {text_literal(str(body))} ({options})"
    ).fetchone()
    with body.open("rb") as lines, target.open("wb") as file:
        # Without the mark Excel reads UTF-8 as the letters of the local code page.
        file.write(BOM + ",".join(columns).encode() + b"\r\n")
        while piece := lines.read(1 << 20):
            file.write(piece)
    body.unlink()
    return _file_entry(target, path, count, columns, audience_id) | {"guarded_rows": guarded}


def _write_parquet(
    connection: duckdb.DuckDBPyConnection, folder: Path, path: str, query: str
) -> dict[str, Any]:
    target = _inside(folder, path)
    columns = _columns(connection, query)
    [count] = connection.execute(
        f"copy ({query}) to {text_literal(str(target))} (format parquet, compression zstd)"
    ).fetchone()
    return _file_entry(target, path, count, columns, None)


def _with_published_keys(query: str, column: str, order: str) -> str:
    """Return a query with the published keys of customers in place of their inner ones."""
    return f"""
        select inside.* replace (cast(keys.published_key as varchar) as {column})
        from ({query}) as inside
        inner join {KEYS} as keys on cast(inside.{column} as bigint) = keys.inner_key
        order by {order}
    """


def _columns(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(f"describe {query}").fetchall()}


def _file_entry(
    target: Path, path: str, count: int, columns: dict[str, str], audience_id: str | None
) -> dict[str, Any]:
    return {
        "path": path,
        "audience_id": audience_id,
        "rows": count,
        "bytes": target.stat().st_size,
        "sha256": file_sha256(target),
        "columns": [{"name": name, "type": kind} for name, kind in columns.items()],
    }


def _inside(folder: Path, path: str) -> Path:
    """Return a path in the folder; whatever the names are, none may lead out of it."""
    target = (folder / path).resolve()
    if not target.is_relative_to(folder.resolve()):
        raise ExportError(f"{printable(path)} would lie outside the export")
    return target


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
