"""Splits a simulated shop into what it would have sent each night, with the mishaps of ten days.

A night's delivery holds what became known since the last one, as a shop's export writes it: an
order comes when its basket is made, and again, whole, when it is checked out, delivered or rated.
Its lines and promotions come with its first row. What is not known yet is blank.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb

Row = dict[str, str | None]
TABLES = ("market_order", "app_open", "promo_detail", "product_detail")
DAYS = 10
NIGHTLY_AT = time(3, 0)
RESTATED_ORDERS = 20
DAMAGED_RECORDS = 2
WRONG_PRICE_DAYS = 3
WRONG_PRICE = Decimal("1.15")
ERASED_PEOPLE = 2


@dataclass
class File:
    """A file that is delivered: a table's rows of a day, and what befalls its bytes."""

    table: str
    day: date
    rows: list[Row]
    damage: Callable[[list[str]], list[str]] | None = None

    @property
    def name(self) -> str:
        """The name that the shop's export gives it."""
        return f"{self.table}-{self.day.isoformat()}.csv"


@dataclass
class Delivery:
    """What one night brings."""

    number: int
    day: date
    files: list[File] = field(default_factory=list)

    @property
    def loaded_at(self) -> datetime:
        """When it is loaded, UTC: in the night after its day."""
        return datetime.combine(self.day + timedelta(days=1), NIGHTLY_AT)

    def file(self, table: str) -> File:
        """Return the file of a table of this very day."""
        return next(file for file in self.files if file.table == table and file.day == self.day)

    def write(self, folder: Path) -> None:
        """Write the files into a new folder, each with its number of records beside it.

        Raises OSError.
        """
        folder.mkdir(parents=True)
        for file in self.files:
            write_csv(folder / file.name, file)
            (folder / f"{file.name}.rows").write_text(f"{len(file.rows)}\n")


@dataclass(frozen=True)
class Shop:
    """All rows that a shop will ever have sent, by table; ids are unmistakable in any file."""

    columns: dict[str, list[str]]
    rows: dict[str, list[Row]]

    @classmethod
    def read(cls, landing: Path) -> Shop:
        """Read what `clientele simulate` wrote."""
        columns, rows = {}, {}
        for table in TABLES:
            with duckdb.connect() as connection:
                cursor = connection.execute(
                    "select * from read_parquet(?)", [f"{landing}/market/{table}/*.parquet"]
                )
                columns[table] = [column[0] for column in cursor.description]
                rows[table] = [
                    _with_long_ids(dict(zip(columns[table], row, strict=True)))
                    for row in cursor.fetchall()
                ]
        return cls(columns, rows)

    def known_between(self, begin: datetime, end: datetime) -> dict[str, list[Row]]:
        """Return each table's rows that came or changed from begin on and before end."""
        orders = [row for row in self.rows["market_order"] if _changed(row, begin, end)]
        new = {row["order_id"] for row in orders if _within(row["createdate"], begin, end)}
        return {
            "market_order": [_as_known(row, end) for row in orders],
            "app_open": [
                row for row in self.rows["app_open"] if _within(row["appopendate"], begin, end)
            ],
            **{
                table: [row for row in self.rows[table] if row["order_id"] in new]
                for table in ("promo_detail", "product_detail")
            },
        }


def ten_days(shop: Shop, last_day: date) -> list[Delivery]:
    """Return the history and the ten nights after it, mishaps included.

    last_day: the last of the ten. The nights, as the page tells them: 2, two damaged records, which
    night 3 brings again; 3, no app opens, which night 4 brings; 5, twenty orders of day 3 with
    other amounts; 6, half of the orders file, all files again on night 7; 8, orders of three days
    with wrong prices, right on night 9.
    """
    days = [last_day - timedelta(days=DAYS - number) for number in range(DAYS + 1)]
    nights = []
    for number, day in enumerate(days):
        begin = datetime.combine(day, time()) if number else datetime.min
        known = shop.known_between(begin, datetime.combine(day, time()) + timedelta(days=1))
        nights.append(Delivery(number, day, [File(table, day, known[table]) for table in TABLES]))
    _correct_amounts(nights)
    _damage_records(nights)
    _delay_app_opens(nights)
    _cut_orders(nights)
    _wrong_prices(shop, nights)
    return nights


def people_to_erase(shop: Shop, nights: list[Delivery]) -> list[str]:
    """Return the clients who ask to be erased on day 9: they have a history, and order again."""
    before = {row["client_id"] for row in nights[0].file("market_order").rows}
    coming = {row["client_id"] for row in nights[DAYS].file("market_order").rows}
    return sorted(client for client in before & coming if client)[:ERASED_PEOPLE]


def write_csv(path: Path, file: File) -> None:
    """Write a file as the shop's export does: UTF-8, commas, LF, blank for what is not known."""
    columns = list(file.rows[0]) if file.rows else []
    with path.open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(file.rows)
    if file.damage:
        lines = path.read_text("utf-8").splitlines(keepends=True)
        path.write_text("".join(file.damage(lines)), "utf-8")


def _correct_amounts(nights: list[Delivery]) -> None:
    """From night 5 on, twenty orders of day 3 have other fees."""
    wanted = [
        row
        for row in nights[3].file("market_order").rows
        if row["checkoutdate"]
        and row["createdate"][:10] == nights[3].day.isoformat()
        and Decimal(row["deliveryfee"] or 0)
    ][:RESTATED_ORDERS]
    corrected = {row["order_id"]: _with_fee(row, Decimal("1.50")) for row in wanted}
    for night in nights[5:]:
        file = night.file("market_order")
        file.rows = [
            {**row, **_amounts(corrected[row["order_id"]])} if row["order_id"] in corrected else row
            for row in file.rows
        ]
    told_on_day_5 = {row["order_id"] for row in nights[5].file("market_order").rows}
    # As they stand after day 4's deliveries: a correction does not forget what came between.
    states = {row["order_id"]: row for night in nights[3:5] for row in night.files[0].rows}
    nights[5].file("market_order").rows += [
        {**states[order_id], **_amounts(row)}
        for order_id, row in corrected.items()
        if order_id not in told_on_day_5
    ]


def _damage_records(nights: list[Delivery]) -> None:
    """On night 2 two records have a decimal comma, which makes them a field too long."""
    told_again = {row["order_id"] for row in nights[3].file("market_order").rows}
    rows = nights[2].file("market_order").rows
    victims = [row for row in rows if row["order_id"] not in told_again][:DAMAGED_RECORDS]
    amounts = {f",{row['order_id']},": row["basketvalue"] for row in victims}

    def with_commas(lines: list[str]) -> list[str]:
        for number, line in enumerate(lines):
            for order, amount in amounts.items():
                if order in line:
                    lines[number] = line.replace(f",{amount},", f",{amount.replace('.', ',')},", 1)
        return lines

    nights[2].file("market_order").damage = with_commas
    nights[3].file("market_order").rows += victims


def _delay_app_opens(nights: list[Delivery]) -> None:
    late = nights[3].file("app_open")
    nights[3].files.remove(late)
    nights[4].files.append(late)


def _cut_orders(nights: list[Delivery]) -> None:
    """On night 6 the orders file ends in the middle, at the end of a line."""
    file = nights[6].file("market_order")
    whole = [File(other.table, other.day, list(other.rows)) for other in nights[6].files]
    file.damage = lambda lines: lines[: 1 + (len(lines) - 1) // 2]
    nights[7].files += whole


def _wrong_prices(shop: Shop, nights: list[Delivery]) -> None:
    """Night 8 tells orders of three days with tomorrow's prices; night 9 tells them right again."""
    begin = nights[8 - WRONG_PRICE_DAYS + 1].day.isoformat()
    right: dict[str | None, Row] = {}
    for night in nights[: 8 + 1]:
        # Of two files of one night the later day's knows more.
        for file in sorted(night.files, key=lambda file: file.day):
            if file.table == "market_order":
                right |= {
                    row["order_id"]: row for row in file.rows if row["createdate"][:10] >= begin
                }
    told_anyway = {row["order_id"] for row in nights[8].file("market_order").rows}
    nights[8].file("market_order").rows = [
        row for row in nights[8].file("market_order").rows if row["order_id"] not in right
    ] + [_with_price(row, WRONG_PRICE) for row in right.values()]
    assert told_anyway & set(right), "day 8 has orders of its own"
    on_day_9 = {row["order_id"] for row in nights[9].file("market_order").rows}
    nights[9].file("market_order").rows += [
        row for order_id, row in right.items() if order_id not in on_day_9
    ]


def _amounts(row: Row) -> Row:
    return {name: row[name] for name in ("basketvalue", "chargedamount", "deliveryfee")}


def _with_fee(row: Row, more: Decimal) -> Row:
    return {
        **row,
        "deliveryfee": _plus(row["deliveryfee"], more),
        "chargedamount": _plus(row["chargedamount"], more),
    }


def _with_price(row: Row, factor: Decimal) -> Row:
    more = (Decimal(row["basketvalue"] or 0) * (factor - 1)).quantize(Decimal("0.01"))
    return {
        **row,
        "basketvalue": _plus(row["basketvalue"], more),
        "chargedamount": _plus(row["chargedamount"], more),
    }


def _plus(amount: str | None, more: Decimal) -> str | None:
    """Add to an amount; nothing stays nothing: a cancelled order is charged 0."""
    return amount if not amount or not Decimal(amount) else str(Decimal(amount) + more)


def _with_long_ids(row: Row) -> Row:
    """Make ids texts that no other number of any file contains by chance."""
    for column, prefix in (("client_id", "client-"), ("order_id", "order-")):
        if row.get(column):
            row[column] = f"{prefix}{row[column]}"
    return row


def _as_known(row: Row, end: datetime) -> Row:
    """Return an order as the shop knew it at a moment."""
    hidden: list[str] = []
    if not _before(row["checkoutdate"], end):
        hidden += ["checkoutdate"]
    if not _before(row["deliverdate"], end):
        hidden += ["deliverdate"]
    if not _before(row["ratedate"] or row["deliverdate"], end):
        hidden += ["ratedate", "rateisskipped", "rating", "ratereason"]
    return {**row, **dict.fromkeys(hidden)}


def _changed(row: Row, begin: datetime, end: datetime) -> bool:
    times: Iterable[str | None] = (
        row[name] for name in ("createdate", "checkoutdate", "deliverdate", "ratedate")
    )
    return any(_within(moment, begin, end) for moment in times)


def _within(moment: str | None, begin: datetime, end: datetime) -> bool:
    return bool(moment) and begin <= datetime.fromisoformat(moment) < end


def _before(moment: str | None, end: datetime) -> bool:
    return bool(moment) and datetime.fromisoformat(moment) < end
