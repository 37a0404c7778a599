"""Reads what production serves, again and again, as a process of its own.

It gets one JSON object a line on standard input: what to poll, `{"served": file, "erasing": file,
"landing": folder of a source, "exports": folder}`, each of them or none; an empty object ends a
round and is answered with what the round has seen: `{"polls": ..., "torn": [...], "errors":
[...]}`. It knows nothing of `clientele`: each poll opens anew, as a tool would, and what it reads
must agree with itself. What was there once must be there at every later poll of a round.
"""

from __future__ import annotations

import hashlib
import json
import os
import select
import sys
from pathlib import Path

import duckdb

PAUSE_SECONDS = 0.03
CLIENTS = 40  # of the little shop


class TornError(Exception):
    """Two things that were written together are not of one time."""


def read_served(file: Path) -> bool:
    """Open the published file and read two tables that say the same in two ways."""
    try:
        target = os.readlink(file)
    except FileNotFoundError:
        return False
    with duckdb.connect(str(file), read_only=True) as connection:
        orders, money = connection.execute(
            "select sum(order_count), sum(net_revenue) from marts.customers"
        ).fetchone()
        orders_of_days, money_of_days = connection.execute(
            "select sum(order_count), sum(net_revenue) from marts.order_days"
        ).fetchone()
        [accepted] = connection.execute(
            "select sum(landed_count - rejected_count) from marts.row_reconciliation"
        ).fetchone()
    if not orders == orders_of_days == accepted or money != money_of_days:
        raise TornError(f"{target}: {orders}, {orders_of_days}, {accepted}")
    return True


def read_erasing(file: Path) -> bool:
    """Open the published file: one client is in all of it or in none; sums of days stay."""
    try:
        target = os.readlink(file)
    except FileNotFoundError:
        return False
    with duckdb.connect(str(file), read_only=True) as connection:
        clients, orders = connection.execute(
            "select count(*), sum(order_count) from marts.customers"
        ).fetchone()
        [all_orders] = connection.execute(
            "select sum(order_count) from marts.order_days"
        ).fetchone()
    if clients not in (CLIENTS, CLIENTS - 1) or (clients == CLIENTS) != (orders == all_orders):
        raise TornError(f"{target}: {clients} clients, {orders} of {all_orders} orders")
    return True


def read_landing(folder: Path) -> bool:
    """Read all loads as a model does; each has the rows that its manifest counts."""
    loads = sorted(folder.glob("load=*"))
    for load in loads:
        told = json.loads((load / "load.json").read_text())
        for file in told["files"]:
            [rows] = duckdb.execute(
                f"select count(*) from read_parquet('{load}/{file['table']}/*.parquet') "
                "where _file = ?",
                [f"{told['load']}/{file['path']}"],
            ).fetchone()
            if rows != file["accepted"] + file["rejected"]:
                raise TornError(f"{load.name}/{file['path']}: {rows} of {file['records']}")
    return bool(loads)


def read_exports(root: Path) -> bool:
    """Read the current lists; each file is as the manifest beside it says."""
    try:
        current = root / os.readlink(root / "current")
    except FileNotFoundError:
        return False
    manifest = json.loads((current / "manifest.json").read_text())
    for file in manifest["files"]:
        found = hashlib.sha256((current / file["path"]).read_bytes()).hexdigest()
        if found != file["sha256"]:
            raise TornError(f"{current.name}/{file['path']}")
    return True


READS = {
    "served": read_served,
    "erasing": read_erasing,
    "landing": read_landing,
    "exports": read_exports,
}


def main() -> None:
    """Poll until standard input ends."""
    wanted: dict[str, str] = {}
    seen: dict[str, object] = {}
    was_there: set[str] = set()
    polls, torn, errors = 0, [], []
    while True:
        ready, _, _ = select.select([sys.stdin], [], [], PAUSE_SECONDS if wanted else None)
        if ready:
            line = sys.stdin.readline()
            if not line:
                return
            wanted = json.loads(line)
            if not wanted:
                seen = {"polls": polls, "torn": torn, "errors": errors}
                print(json.dumps(seen), flush=True)
                polls, torn, errors = 0, [], []
            was_there = set()
            continue
        for kind, path in wanted.items():
            try:
                is_there = READS[kind](Path(path))
                polls += is_there
                if is_there:
                    was_there.add(kind)
                elif kind in was_there:
                    errors.append(f"{kind}: {path} is gone")
            except TornError as error:
                torn.append(f"{kind}: {error}")
            except Exception as error:  # whatever a reader meets is what is looked for
                errors.append(f"{kind}: {type(error).__name__}: {error}"[:300])


if __name__ == "__main__":
    main()
