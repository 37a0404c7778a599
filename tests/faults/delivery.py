"""A small correct delivery of a shop, in each of the forms that senders use, and ways to damage it.

`market_order.csv` and `promo_detail.csv` are CSV, `app_open.jsonl` holds JSON lines and
`product_detail.parquet` is Parquet. A damage is a function of the delivery's folder.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb

from clientele.simulator import simulate
from warehouse import MARKET_COLUMNS, read_market

Damage = Callable[[Path], object]

ORDERS = "market_order.csv"
PROMOTIONS = "promo_detail.csv"
OPENS = "app_open.jsonl"
LINES = "product_detail.parquet"
FILES = (ORDERS, PROMOTIONS, OPENS, LINES)
ORDER_HEADER = ",".join(MARKET_COLUMNS["market_order"])
LINE_HEADER = ",".join(MARKET_COLUMNS["product_detail"])


def table_of(file: str) -> str:
    """Return the table that a file of the delivery is of."""
    return file.split(".")[0]


def write_delivery(folder: Path, *, customers: int = 60, seed: int = 7) -> Path:
    """Simulate a clean shop and write its tables as a sender would; return the folder."""
    raw = folder.with_name(f"{folder.name}-simulated")
    simulate(
        raw,
        customers=customers,
        start=date(2025, 10, 1),
        end=date(2026, 3, 31),
        seed=seed,
        mess=0.0,
    )
    folder.mkdir()
    with read_market(raw) as tables:
        for file in (ORDERS, PROMOTIONS):
            columns, rows = _rows(tables, table_of(file))
            text = io.StringIO(newline="")
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(rows)
            (folder / file).write_text(text.getvalue(), "utf-8", newline="")
        columns, rows = _rows(tables, table_of(OPENS))
        (folder / OPENS).write_text(
            "".join(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in rows)
        )
        tables.execute(
            f"copy (from product_detail order by all) to '{folder / LINES}' (format parquet)"
        )
    shutil.rmtree(raw)
    return folder


def _rows(tables: duckdb.DuckDBPyConnection, table: str) -> tuple[tuple[str, ...], list[tuple]]:
    columns = MARKET_COLUMNS[table]
    listed = ", ".join(f'"{column}"' for column in columns)
    return columns, tables.execute(f"select {listed} from {table} order by all").fetchall()


def records(folder: Path) -> dict[str, int]:
    """Count the physical records of each file of a correct delivery."""
    counts = {
        file: len((folder / file).read_bytes().splitlines()) - (file != OPENS)
        for file in (ORDERS, PROMOTIONS, OPENS)
    }
    counts[LINES] = len(duckdb.read_parquet(str(folder / LINES)).fetchall())
    return counts


# Damages. Records are counted from 1, as intake does, so the header of a CSV file is record 0.


def content(file: str, change: Callable[[bytes], bytes]) -> Damage:
    """Change all the bytes of a file."""

    def damage(folder: Path) -> None:
        path = folder / file
        path.write_bytes(change(path.read_bytes()))

    return damage


def lines(file: str, change: Callable[[list[bytes]], list[bytes]]) -> Damage:
    """Change the lines of a file, each with its end."""
    return content(file, lambda data: b"".join(change(data.splitlines(keepends=True))))


def line(file: str, number: int, change: Callable[[bytes], bytes]) -> Damage:
    """Change one line of a file; of a CSV file 0 is the header."""

    def changed(all_lines: list[bytes]) -> list[bytes]:
        all_lines[number] = change(all_lines[number])
        return all_lines

    return lines(file, changed)


def cell(file: str, record: int, column: str, text: bytes | str) -> Damage:
    """Put a text into a cell of a CSV file as it stands, so that it may break the file."""
    raw = text.encode() if isinstance(text, str) else text
    place = MARKET_COLUMNS[table_of(file)].index(column)

    def changed(old: bytes) -> bytes:
        cells = old.rstrip(b"\n").split(b",")
        cells[place] = raw
        return b",".join(cells) + b"\n"

    return line(file, record, changed)


def insert(file: str, place: int, *added: bytes) -> Damage:
    """Put lines before the line `place`; -1 puts them at the end."""
    return lines(
        file,
        lambda old: [*old, *added] if place < 0 else [*old[:place], *added, *old[place:]],
    )


def columns(file: str, change: Callable[[list[bytes]], list[bytes]]) -> Damage:
    """Change the cells of each line of a CSV file, the header's too."""
    return lines(
        file,
        lambda old: [b",".join(change(row.rstrip(b"\n").split(b","))) + b"\n" for row in old],
    )


def parquet(select: str) -> Damage:
    """Write the lines of the delivery anew as a query of the table `product_detail` gives them."""

    def damage(folder: Path) -> None:
        path = folder / LINES
        with duckdb.connect() as connection:
            connection.execute(
                f"create table product_detail as from read_parquet('{path}');"
                f"copy ({select}) to '{path}' (format parquet)"
            )

    return damage


def beside(name: str, text: Callable[[Path], str] | str) -> Damage:
    """Put another file into the folder."""

    def damage(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text if isinstance(text, str) else text(folder))

    return damage


def checksum(file: str) -> Callable[[Path], str]:
    """Give the line that sha256sum writes of a file, before it is damaged any further."""
    return lambda folder: f"{hashlib.sha256((folder / file).read_bytes()).hexdigest()}  {file}\n"


def flipped(data: bytes, place: int) -> bytes:
    """Return the bytes with one bit of one of them turned over."""
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def compressed(file: str, change: Callable[[bytes], bytes] = bytes) -> Damage:
    """Send a file as .gz, and change the bytes of that."""

    def damage(folder: Path) -> None:
        path = folder / file
        path.with_name(f"{file}.gz").write_bytes(change(gzip.compress(path.read_bytes(), mtime=0)))
        path.unlink()

    return damage


def away(file: str) -> Damage:
    """Leave a file out."""
    return lambda folder: (folder / file).unlink()


def renamed(file: str, name: str) -> Damage:
    """Give a file another name."""
    return lambda folder: (folder / file).rename(folder / name)


def linked_outside(file: str) -> Damage:
    """Put a link in a file's place that leads out of the folder."""

    def damage(folder: Path) -> None:
        outside = folder.with_name(f"{folder.name}-outside-{file}")
        (folder / file).rename(outside)
        (folder / file).symlink_to(outside)

    return damage


def both(*damages: Damage) -> Damage:
    """Do several damages, one after the other."""

    def damage(folder: Path) -> None:
        for each in damages:
            each(folder)

    return damage
