"""`clientele show quality`: what is wrong with the data, and what became of every landed row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from clientele.show.printing import WIDE, cell, count, money, percent, plain, say, table, title
from clientele.warehouse_file import reading, rows

NEEDED = ("marts.data_quality", "marts.row_reconciliation")

# What breaks its promise first, then what reaches people, then what costs most.
CHECKS = """
    select
        source,
        check_name,
        check_subject,
        check_grain,
        severity,
        meaning,
        evidence,
        failing_rows,
        checked_rows,
        people_touched,
        lists_touched,
        money_at_risk,
        failing_share,
        tolerated_share,
        is_ok,
        as_of_date
    from marts.data_quality
    order by
        source asc,
        is_ok asc,
        case severity when 'error' then 1 when 'warn' then 2 else 3 end asc,
        lists_touched desc nulls last,
        money_at_risk desc nulls last,
        failing_rows desc,
        check_name asc,
        check_subject asc
"""

TABLES = """
    select
        source,
        source_table,
        landed_count,
        accepted_count,
        rejected_count,
        duplicate_count,
        unexplained_count
    from marts.row_reconciliation
    order by source asc, landed_count desc, source_table asc
"""


def read_quality(warehouse: Path) -> dict[str, Any]:
    """Read the data-quality ledger of every shop.

    warehouse: the DuckDB file that `dbt build` wrote; it is opened read-only.

    Returns plain values that JSON can carry: `warehouse` and `shops`, each with `source`,
    `as_of_date`, `checks` (the columns of `marts.data_quality`, most pressing first) and `tables`
    (those of `marts.row_reconciliation`). Money and people that nobody knows are null. Raises
    WarehouseError.
    """
    with reading(warehouse, NEEDED) as connection:
        checks = [plain(check) for check in rows(connection, CHECKS)]
        tables = [plain(entry) for entry in rows(connection, TABLES)]
    shops: dict[str, dict[str, Any]] = {}
    for kind, entries in (("checks", checks), ("tables", tables)):
        for entry in entries:
            source, day = entry.pop("source"), entry.pop("as_of_date", None)
            shop = shops.setdefault(
                source, {"source": source, "as_of_date": day, "checks": [], "tables": []}
            )
            shop[kind].append(entry)
    return {"warehouse": str(warehouse), "shops": [shops[source] for source in sorted(shops)]}


def print_quality(overview: dict[str, Any], console: Console, *, all_checks: bool = False) -> None:
    """Print what `read_quality` returned; without `all_checks` only what needs to be looked at."""
    if not overview["shops"]:
        say(console, "No source has data, so there is nothing to check.")
    for number, shop in enumerate(overview["shops"]):
        if number:
            console.print()
        _print_checks(shop, console, all_checks)
        if shop["tables"]:
            console.print()
            _print_tables(shop, console)


def _print_checks(shop: dict[str, Any], console: Console, all_checks: bool) -> None:
    checks = shop["checks"]
    failed = [check for check in checks if not check["is_ok"]]
    day = f" as of {shop['as_of_date']}" if shop["as_of_date"] else ""
    about = f"{shop['source']}, {len(failed)} of {len(checks)} checks failed{day}"
    shown = [check for check in checks if all_checks or _is_pressing(check)]
    if not shown:
        title(console, f"{about}.")
        return
    title(console, about)
    is_wide = console.width >= WIDE
    made = table(
        ("Check", "left"),
        ("Of", "left"),
        ("Verdict", "left"),
        ("Failing", "right"),
        *([("Share", "right")] if is_wide else []),
        ("At risk", "right"),
        ("Lists", "right"),
        *([("What it means", "left")] if is_wide else []),
    )
    for check in shown:
        verdict = ("tolerated" if check["failing_rows"] else "ok") if check["is_ok"] else "failed"
        made.add_row(
            cell(check["check_name"]),
            cell(check["check_subject"]),
            cell(verdict, "bold red" if verdict == "failed" else ""),
            count(check["failing_rows"]),
            *([percent(check["failing_share"], 2)] if is_wide else []),
            money(check["money_at_risk"]),
            count(check["lists_touched"]),
            *([cell(check["meaning"])] if is_wide else []),
        )
    console.print(made)
    for check in failed:
        say(console, f"{check['check_name']}: {check['meaning']} ({check['evidence']}).")
    if len(shown) < len(checks):
        left = len(checks) - len(shown)
        say(console, f"{left} checks are fine or for information; --all shows them.")


def _is_pressing(check: dict[str, Any]) -> bool:
    return not check["is_ok"] or (check["severity"] != "info" and check["failing_rows"] > 0)


def _print_tables(shop: dict[str, Any], console: Console) -> None:
    unexplained = sum(entry["unexplained_count"] for entry in shop["tables"])
    title(
        console,
        f"{shop['source']}, {unexplained:,} landed rows are unaccounted for"
        if unexplained
        else f"{shop['source']}, every landed row is accounted for",
    )
    kinds = ("landed", "accepted", "rejected", "duplicate", "unexplained")
    made = table(("Table", "left"), *((kind.capitalize(), "right") for kind in kinds))
    for entry in shop["tables"]:
        made.add_row(
            cell(entry["source_table"]), *(count(entry[f"{kind}_count"]) for kind in kinds)
        )
    console.print(made)
