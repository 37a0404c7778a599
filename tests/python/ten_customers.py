"""A shop of ten customers, small enough to be checked by hand, and its marts in plain Python.

`ORDERS` is what the shop sent. `marts()` computes from it what the marts for analysis must hold on
`AS_OF`, from what definitions and column words say: with loops and decimals, without SQL and
without anything of the project. `python tests/python/ten_customers.py` writes the result to
tests/golden, where it is read by people; a test compares those files with the warehouse.

Order x99 and every delivery and rating after `AS_OF` lie in the future and must not show.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from pathlib import Path
from statistics import median

import duckdb

from warehouse import MARKET_COLUMNS, ROOT, write_market

GOLDEN = ROOT / "tests" / "golden"
AS_OF = date(2026, 3, 15)
SMALLEST_GROUP = 3
VARIABLES = {"as_of": str(AS_OF), "smallest_group": SMALLEST_GROUP}
FEE = Decimal("2.50")
PRICES = {"apple": Decimal(5), "leek": Decimal(8), "milk": Decimal(10), "bag": Decimal(3)}
CATEGORIES = {"apple": "produce", "leek": "produce", "milk": "dairy", "bag": "sundries"}
MARGINS = {"produce": Decimal("0.28"), "dairy": Decimal("0.18")}  # seeds/margin_rates.csv
STAGES = {  # seeds/rule_segment_playbook.csv
    "new": (104, "New customers"),
    "active": (111, "Active customers"),
    "overdue": (112, "Overdue customers"),
}
DISTANCES = [("1", "under 1 km"), ("2", "1 to 2 km"), ("5", "2 to 5 km"), ("10", "5 to 10 km")]
DISTANCES += [("20", "10 to 20 km"), ("50", "20 to 50 km")]
DELAYS = [("1", "under 1 hour"), ("2", "1 to 2 hours"), ("6", "2 to 6 hours")]
DELAYS += [("24", "6 to 24 hours"), ("72", "1 to 3 days"), ("168", "3 to 7 days")]

Row = dict[str, object]


def minute(text: str) -> datetime:
    """Return the time that a text like `2026-03-15 10:00` stands for."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M")


@dataclass(frozen=True)
class Order:
    """An order as the shop sent it, with the definitions of money.

    `cuts` is the discount and what of it suppliers and third parties pay; `rating` is stars or
    `skipped`; `free` means that nothing was charged, which looks like a cancellation.
    """

    order_id: str
    customer: str
    ordered: str
    delivered: str | None
    km: str | None
    warehouse: str | None
    lines: tuple[tuple[str, int], ...]
    cuts: tuple[int, int, int] = (0, 0, 0)
    promotions: tuple[tuple[str, str | None], ...] = ()
    rating: str | None = None
    reason: str | None = None
    rated: str | None = None
    free: bool = False

    @property
    def day(self) -> date:
        """The day on which it was placed."""
        return minute(self.ordered).date()

    @property
    def month(self) -> date:
        """The first day of its month."""
        return self.day.replace(day=1)

    @property
    def succeeded(self) -> bool:
        """Whether it had arrived by the as-of date."""
        return self.delivered is not None and minute(self.delivered).date() <= AS_OF

    @property
    def cancelled(self) -> bool:
        """Whether it looked cancelled on the as-of date."""
        return self.free and not self.succeeded

    @property
    def basket(self) -> Decimal:
        """The value of its lines."""
        return sum((PRICES[product] * pieces for product, pieces in self.lines), Decimal(0))

    @property
    def own_discount(self) -> Decimal:
        """What of the discount nobody else pays."""
        return Decimal(max(0, self.cuts[0] - self.cuts[1] - self.cuts[2]))

    @property
    def net_revenue(self) -> Decimal:
        """Basket, less own discount, and the fee."""
        return self.basket - self.own_discount + FEE

    @property
    def cm2(self) -> Decimal:
        """Net revenue less the cost of goods; delivery and payment cost nothing here."""
        weighted = sum(
            PRICES[product] * pieces * MARGINS.get(CATEGORIES[product], Decimal(1))
            for product, pieces in self.lines
        )
        rate = (weighted / self.basket).quantize(Decimal("0.000001"), ROUND_HALF_UP)
        return self.net_revenue - money(self.basket * (1 - rate))

    @property
    def hours(self) -> Decimal:
        """Hours from the order to the delivery."""
        assert self.delivered is not None
        seconds = (minute(self.delivered) - minute(self.ordered)).total_seconds()
        return Decimal(int(seconds)) / 3600

    @property
    def is_rated(self) -> bool:
        """Whether a rating, or a skipped one, was known on the as-of date."""
        return self.rated is not None and date.fromisoformat(self.rated) <= AS_OF


GROWTH, CRM = ("acquisition", "growth"), ("retention", "crm")
ORDERS = [
    Order("a1", "anna", "2025-11-03 10:00", "2025-11-03 11:30", "1.5", "north",
          (("apple", 2),), rating="5", rated="2025-11-03"),
    Order("a2", "anna", "2025-11-30 23:30", "2025-12-01 00:30", "1.5", "north",
          (("apple", 4), ("milk", 1)), (4, 1, 1), (CRM,), "4", None, "2025-12-01"),
    Order("a3", "anna", "2026-01-10 09:00", "2026-01-10 09:30", "1.5", "north", (("milk", 2),)),
    Order("a4", "anna", "2026-03-02 09:00", "2026-03-02 09:59", "1.5", "north", (("leek", 1),),
          rating="1", reason="late", rated="2026-03-16"),
    Order("b1", "bert", "2025-11-20 12:00", "2025-11-20 13:00", "4", "north",
          (("apple", 3),), (5, 0, 0), (GROWTH,), "2", "late", "2025-11-21"),
    Order("b2", "bert", "2025-12-05 12:00", "2025-12-05 14:00", "4", "north", (("leek", 2),),
          rating="3", reason="late", rated="2025-12-06"),
    Order("c0", "cora", "2025-11-29 08:00", None, "7", "south", (("leek", 1),), free=True),
    Order("c1", "cora", "2025-12-01 00:00", "2025-12-01 07:00", "7", "south",
          (("leek", 3),), (6, 2, 5), (GROWTH, ("acquisition", "crm")), "5", None, "2025-12-02"),
    Order("c2", "cora", "2026-02-28 23:59", "2026-03-01 02:00", "7", "south",
          (("leek", 1), ("apple", 1)), rating="skipped", rated="2026-03-01"),
    Order("d1", "dora", "2025-12-15 10:00", "2025-12-15 10:30", None, None, (("apple", 2),),
          rating="4", rated="2025-12-16"),
    Order("e1", "emil", "2026-01-31 20:00", "2026-02-01 20:00", "12", "south",
          (("apple", 1), ("apple", 1)), (2, 0, 0), (GROWTH,), "1", "damaged", "2026-02-02"),
    Order("e2", "emil", "2026-02-03 20:00", "2026-02-03 21:00", "12", "south", (("apple", 2),)),
    Order("e3", "emil", "2026-03-14 20:00", "2026-03-16 08:00", "12", "south", (("milk", 9),)),
    Order("f1", "fred", "2026-02-10 10:00", "2026-02-13 10:00", "0.5", "south", (("bag", 1),),
          rating="2", reason="damaged", rated="2026-02-14"),
    Order("g1", "gina", "2026-02-11 10:00", "2026-02-11 12:30", "0.9", "north",
          (("milk", 1), ("leek", 1)), (9, 0, 0), (GROWTH, GROWTH, CRM), "skipped", None,
          "2026-02-12"),
    Order("h1", "hans", "2026-03-01 00:00", "2026-03-01 01:00", "25", "north", (("apple", 2),),
          rating="5", rated="2026-03-01"),
    Order("h2", "hans", "2026-03-09 10:00", "2026-03-20 10:00", "25", "north", (("apple", 1),),
          free=True),
    Order("i1", "inge", "2026-03-15 23:00", "2026-03-15 23:59", "2", "south", (("apple", 2),),
          promotions=(("basket_size", None),)),
    Order("j1", "jens", "2026-02-27 10:00", "2026-03-17 10:00", "3", "south", (("leek", 5),)),
    Order("j2", "jens", "2026-03-10 10:00", None, "3", "south", (("leek", 1),)),
    Order("x99", "anna", "2026-03-16 10:00", "2026-03-16 11:00", "1.5", "north",
          (("milk", 7),), (9, 0, 0), (CRM,), "1", "late", "2026-03-16"),
]  # fmt: skip
PLACED = [order for order in ORDERS if order.day <= AS_OF]
BOUGHT = sorted(
    (order for order in PLACED if order.succeeded),
    key=lambda order: (order.ordered, order.order_id),
)


def write_shop(folder: Path, orders: Iterable[Order] = ORDERS) -> Path:
    """Write the orders as the raw tables of the source `market` and return the landing zone."""
    tables: dict[str, list[dict[str, str | None]]] = {table: [] for table in MARKET_COLUMNS}
    for order in orders:
        charged = Decimal(0) if order.free else order.basket + FEE - order.cuts[0]
        tables["market_order"].append(
            {
                "client_id": order.customer,
                "order_id": order.order_id,
                "createdate": f"{order.ordered}:00",
                "checkoutdate": f"{order.ordered}:00",
                "deliverdate": order.delivered and f"{order.delivered}:00",
                "distance": order.km,
                "warehouse_id": order.warehouse,
                "basketvalue": str(order.basket),
                "chargedamount": str(charged),
                "deliveryfee": str(FEE),
                "discountamount": str(order.cuts[0]),
                "suppliersupport": str(order.cuts[1]),
                "thirdpartysupport": str(order.cuts[2]),
                "ratedate": order.rated and f"{order.rated} 23:00:00",
                "rateisskipped": order.rated and str(order.rating == "skipped").lower(),
                "rating": None if order.rating == "skipped" else order.rating,
                "ratereason": order.reason,
            }
        )
        for number, (product, pieces) in enumerate(order.lines, 1):
            tables["product_detail"].append(
                {
                    "order_id": order.order_id,
                    "_pos": str(number),
                    "count": str(pieces),
                    "product_id": product,
                    "price": str(PRICES[product]),
                    "brand_id": f"{product} brand",
                    "mastercategory_id": CATEGORIES[product],
                }
            )
        for number, (objective, department) in enumerate(order.promotions):
            tables["promo_detail"].append(
                {
                    "order_id": order.order_id,
                    "promo_id": f"p{number}",
                    "responsibledepartment_id": department,
                    "promoobjective": objective,
                }
            )
    with duckdb.connect() as connection:
        for table, columns in MARKET_COLUMNS.items():
            listed = ", ".join(f'"{column}" varchar' for column in columns)
            connection.execute(f"create table {table} ({listed})")
            for row in tables[table]:
                values = [row.get(column) for column in columns]
                marks = ", ".join("?" for _ in columns)
                connection.execute(f"insert into {table} values ({marks})", values)
        return write_market(folder, connection)


def money(value: Decimal | int) -> Decimal:
    """Round to the four digits of money."""
    return Decimal(value).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def share(part: Decimal | int, whole: Decimal | int) -> Decimal:
    """Divide and round to the six digits of shares."""
    return (Decimal(part) / Decimal(whole)).quantize(Decimal("0.000001"), ROUND_HALF_UP)


def total(orders: Iterable[Order], amount: Callable[[Order], Decimal | int]) -> Decimal:
    """Add up an amount of some orders."""
    return sum((Decimal(amount(order)) for order in orders), Decimal(0))


def months_up_to_now(first: date) -> list[date]:
    """List the months from one to that of the as-of date, by their first days."""
    months = [first]
    while months[-1] < AS_OF.replace(day=1):
        months.append((months[-1] + timedelta(days=31)).replace(day=1))
    return months


def has_ended(month: date) -> bool:
    """Tell whether the whole month lies before the as-of date."""
    return (month + timedelta(days=31)).replace(day=1) - timedelta(days=1) < AS_OF


def of_customers(orders: Iterable[Order] = BOUGHT) -> dict[str, list[Order]]:
    """Group orders by customer, in their order of time."""
    grouped: dict[str, list[Order]] = defaultdict(list)
    for order in orders:
        grouped[order.customer].append(order)
    return grouped


AMOUNTS: dict[str, Callable[[Order], Decimal | int]] = {
    "basket_value": lambda order: order.basket,
    "discount_amount": lambda order: order.cuts[0],
    "own_discount": lambda order: order.own_discount,
    "net_revenue": lambda order: order.net_revenue,
    "cm1": lambda order: order.cm2,
    "cm2": lambda order: order.cm2,
}


def cohort_marts() -> dict[str, list[Row]]:
    """Compute the two triangles and their averages."""
    cohorts: dict[date, dict[str, list[Order]]] = defaultdict(dict)
    for customer, orders in of_customers().items():
        cohorts[orders[0].month][customer] = orders
    retention, value, ripe = [], [], defaultdict(list)
    for cohort, customers in cohorts.items():
        size = len(customers)
        everything = [order for orders in customers.values() for order in orders]
        for since, month in enumerate(months_up_to_now(cohort)):
            placed = [order for order in everything if order.month == month]
            so_far = [order for order in everything if order.month <= month]
            active = len({order.customer for order in placed})
            known = has_ended(month)
            where = {"months_since": since, "cohort_size": size}
            when = {"is_ripe": known, "cohort_month": cohort, "calendar_month": month}
            rate = share(active, size) if known else None
            retention.append(
                where | {"active_count": active if known else None, "retention_rate": rate} | when
            )
            per_customer = {}
            for suffix, orders in (("", placed), ("_to_date", so_far)):
                sums = {"orders": Decimal(len(orders))}
                sums |= {name: total(orders, AMOUNTS[name]) for name in ("net_revenue", "cm2")}
                for name, amount in sums.items():
                    per_customer[f"{name}_per_customer{suffix}"] = (
                        money(amount / size) if known else None
                    )
            value.append(where | per_customer | when)
            if known:
                ripe[since].append((size, active, placed, so_far))
    averages = []
    for since, cells in ripe.items():
        size = sum(cell[0] for cell in cells)
        placed = [order for cell in cells for order in cell[2]]
        so_far = [order for cell in cells for order in cell[3]]
        averages.append(
            {
                "months_since": since,
                "cohort_count": len(cells),
                "customer_count": size,
                "active_count": sum(cell[1] for cell in cells),
                "retention_rate": share(sum(cell[1] for cell in cells), size),
                "orders_per_customer": money(Decimal(len(placed)) / size),
                "net_revenue_per_customer": money(total(placed, AMOUNTS["net_revenue"]) / size),
                "cm2_per_customer": money(total(placed, AMOUNTS["cm2"]) / size),
                "cm2_per_customer_to_date": money(total(so_far, AMOUNTS["cm2"]) / size),
            }
        )
    return {"cohort_retention": retention, "cohort_value": value, "cohort_averages": averages}


def of_period(contains: Callable[[date], bool]) -> Row:
    """Compute orders, customers and money of the orders placed in a period."""
    placed = [order for order in PLACED if contains(order.day)]
    bought = [order for order in placed if order.succeeded]
    firsts = [orders[0] for orders in of_customers().values() if contains(orders[0].day)]
    amounts = {name: money(total(bought, amount)) for name, amount in AMOUNTS.items()}
    average = money(amounts["net_revenue"] / len(bought)) if bought else None
    return {
        "order_count": len(placed),
        "successful_order_count": len(bought),
        "cancelled_order_count": sum(order.cancelled for order in placed),
        "item_count": sum(pieces for order in bought for _, pieces in order.lines),
        "customer_count": len({order.customer for order in bought}),
        "new_customer_count": len(firsts),
        **amounts,
        "average_order_value": average,
    }


def revenue_marts() -> dict[str, list[Row]]:
    """Compute revenue by month and orders by year."""
    by_month = [
        of_period(lambda day, month=month: day.replace(day=1) == month)
        | {"is_complete": has_ended(month), "calendar_month": month}
        for month in months_up_to_now(min(order.month for order in PLACED))
    ]
    by_year = [
        {"calendar_year": year}
        | of_period(lambda day, year=year: day.year == year)
        | {"is_complete": has_ended(date(year, 12, 1))}
        for year in (2025, 2026)
    ]
    return {"revenue_by_month": by_month, "orders_by_year": by_year}


def ranks(values: list[Decimal | int]) -> list[int]:
    """Rank values from the greatest, equals alike."""
    return [1 + sum(other > value for other in values) for value in values]


def of_products(orders: Iterable[Order]) -> list[Row]:
    """Compute what was sold of each product in some orders, with its ranks."""
    rows = []
    orders = list(orders)
    for product in sorted({product for order in orders for product, _ in order.lines}):
        sold = [order for order in orders if product in dict(order.lines)]
        pieces = sum(count for order in sold for name, count in order.lines if name == product)
        rows.append(
            {
                "product_id": product,
                "category": CATEGORIES[product],
                "brand": f"{product} brand",
                "piece_count": pieces,
                "order_count": len(sold),
                "customer_count": len({order.customer for order in sold}),
                "line_value": money(pieces * PRICES[product]),
                "first_month": min(order.month for order in sold),
                "last_month": max(order.month for order in sold),
            }
        )
    for name, column in (("piece_rank", "piece_count"), ("value_rank", "line_value")):
        for row, rank in zip(rows, ranks([row[column] for row in rows]), strict=True):
            row[name] = rank
    whole = sum(row["line_value"] for row in rows)
    for row in rows:
        row["line_value_share"] = share(row["line_value"], whole)
    return rows


def product_marts() -> dict[str, list[Row]]:
    """Compute products by month and best sellers; columns are picked when they are written."""
    by_month = [
        row | {"is_merchandise": True, "is_complete": has_ended(month), "calendar_month": month}
        for month in sorted({order.month for order in BOUGHT})
        for row in of_products(order for order in BOUGHT if order.month == month)
    ]
    for row in by_month:
        before = (row["calendar_month"] - timedelta(days=1)).replace(day=1)
        earlier = [
            other["value_rank"]
            for other in by_month
            if (other["product_id"], other["calendar_month"]) == (row["product_id"], before)
        ]
        row["value_rank_change"] = earlier[0] - row["value_rank"] if earlier else None
    return {"product_performance": by_month, "best_sellers": of_products(BOUGHT)}


def days(start: date, end: date) -> int:
    """Count the days from one date to another."""
    return (end - start).days


def customer_rows() -> list[Row]:
    """Compute the activity of customers."""
    gaps = {
        customer: [days(before.day, after.day) for before, after in pairwise(orders)]
        for customer, orders in of_customers().items()
    }
    usual = Decimal(str(median(gap for own in gaps.values() for gap in own)))
    rows = []
    for customer, orders in of_customers().items():
        own = gaps[customer]
        recency, tenure = days(orders[-1].day, AS_OF), days(orders[0].day, AS_OF)
        expected = ((sum(own) + 2 * usual) / (len(own) + 2)).quantize(
            Decimal("0.01"), ROUND_HALF_UP
        )
        overdue = (recency / expected).quantize(Decimal("0.01"), ROUND_HALF_UP)
        stage = (
            "overdue" if overdue >= 2 else "new" if len(orders) == 1 and tenure <= 30 else "active"
        )
        rows.append(
            {
                "customer_id": customer,
                "lifecycle_stage": stage,
                "cadence_state": "lapsed" if overdue >= 2 else "due" if overdue >= 1 else "on_time",
                **{
                    f"successful_orders_{window}d": sum(
                        days(order.day, AS_OF) < window for order in orders
                    )
                    for window in (30, 90, 365)
                },
                "successful_order_count": len(orders),
                "recency_days": recency,
                "median_gap_days": Decimal(str(median(own))).quantize(Decimal("0.1"))
                if own
                else None,
                "expected_gap_days": expected,
                "overdue_ratio": overdue,
                "late_days": max(Decimal("0.00"), recency - expected),
                "cm2_365d": money(total(orders, AMOUNTS["cm2"])),
                "cm2": money(total(orders, AMOUNTS["cm2"])),
                "lapsed_rank": None,
                "first_order_date": orders[0].day,
                "last_order_date": orders[-1].day,
            }
        )
    busy = [tuple(row[f"successful_orders_{window}d"] for window in (365, 90, 30)) for row in rows]
    for row, rank in zip(rows, ranks(busy), strict=True):
        row["activity_rank"] = rank
    lapsed = [row for row in rows if row["cadence_state"] == "lapsed"]
    for row, rank in zip(lapsed, ranks([row["cm2"] for row in lapsed]), strict=True):
        row["lapsed_rank"] = rank
    return rows


def contribution_rows() -> list[Row]:
    """Compute the shares of deciles and of segments; all orders lie within a year."""
    customers = of_customers()
    revenue = {who: total(orders, AMOUNTS["net_revenue"]) for who, orders in customers.items()}
    stages = {row["customer_id"]: STAGES[row["lifecycle_stage"]] for row in customer_rows()}
    deciles: dict[tuple[int, str], list[str]] = defaultdict(list)
    segments: dict[tuple[int, str], list[str]] = defaultdict(list)
    for who, amount in revenue.items():
        above = sum(other > amount for other in revenue.values())
        alike = sum(other == amount for other in revenue.values())
        number = int(1 + 10 * (above + Decimal(alike) / 2) / len(revenue))
        deciles[(number, f"Decile {number}")].append(who)
        segments[stages[who]].append(who)

    def brought(members: list[str]) -> Decimal:
        return sum((revenue[who] for who in members), Decimal(0))

    rows = []
    in_order = {
        "decile": sorted(deciles.items()),
        "segment": sorted(segments.items(), key=lambda item: -brought(item[1])),
    }
    everything = sum(revenue.values())
    margin = total(BOUGHT, AMOUNTS["cm2"])
    for kind, groups in in_order.items():
        people, money_so_far = 0, Decimal(0)
        for rank, ((number, name), members) in enumerate(groups, 1):
            people += len(members)
            money_so_far += brought(members)
            cm2 = sum(total(customers[who], AMOUNTS["cm2"]) for who in members)
            is_told = len(members) >= SMALLEST_GROUP
            told = {
                "net_revenue": money(brought(members)),
                "net_revenue_share": share(brought(members), everything),
                "cumulative_net_revenue_share": share(money_so_far, everything),
                "cm2": money(cm2),
                "cm2_share": share(cm2, margin),
            }
            rows.append(
                {
                    "contribution_by": kind,
                    "group_id": number,
                    "group_name": name,
                    "group_rank": rank,
                    "customer_count": len(members),
                    "customer_share": share(len(members), len(revenue)),
                    "cumulative_customer_share": share(people, len(revenue)),
                }
                | {column: value if is_told else None for column, value in told.items()}
            )
    return rows


def outcome(orders: list[Order]) -> tuple[bool, bool] | None:
    """Tell whether a customer repeated and was good within 90 days; None while it is open."""
    first = orders[0]
    settled = first.day + timedelta(days=90 + 21)
    if settled > AS_OF:
        return None
    start = minute(first.ordered)
    counted = [
        order
        for order in orders
        if minute(order.ordered) <= start + timedelta(days=90)
        and minute(order.delivered).date() <= settled
    ]
    repeated = any(minute(order.ordered) > start + timedelta(hours=24) for order in counted)
    return repeated, repeated and total(counted, AMOUNTS["cm2"]) > 0


def averages_of(sums: dict[str, Decimal], count: int) -> Row:
    """Compute what the orders of a promotion cost and bring on average."""
    is_told = count >= SMALLEST_GROUP
    return {
        "own_discount_share": share(money(sums["own_discount"]), sums["basket_value"])
        if is_told
        else None,
        "own_discount_per_order": money(sums["own_discount"] / count) if is_told else None,
        "cm2_per_order": money(sums["cm2"] / count) if is_told else None,
    }


def promotion_rows() -> list[Row]:
    """Compute promotions; the money of an order is split evenly over those it has."""
    customers = of_customers()
    amounts = {name: amount for name, amount in AMOUNTS.items() if name not in ("cm1", "cm2")}
    amounts["supplier_support"] = lambda order: order.cuts[1]
    amounts["third_party_support"] = lambda order: order.cuts[2]
    amounts["cm2"] = AMOUNTS["cm2"]
    groups: dict[tuple[str, str, bool], dict[str, Decimal]] = {}
    orders_of: dict[tuple[str, str, bool], set[str]] = defaultdict(set)
    for order in BOUGHT:
        used = [(what, who or "unknown", True) for what, who in order.promotions]
        for group in used or [("none", "none", False)]:
            sums = groups.setdefault(group, dict.fromkeys(amounts, Decimal(0)))
            for name, amount in amounts.items():
                sums[name] += Decimal(amount(order)) / max(1, len(used))
            orders_of[group].add(order.order_id)
    rows = []
    for group, sums in groups.items():
        won = [orders for orders in customers.values() if orders[0].order_id in orders_of[group]]
        known = [found for found in map(outcome, won) if found is not None]
        is_told = len(known) >= SMALLEST_GROUP
        rows.append(
            {
                "promo_objective": group[0],
                "department_id": group[1],
                "order_count": len(orders_of[group]),
                **{name: money(amount) for name, amount in sums.items()},
                **averages_of(sums, len(orders_of[group])),
                "new_customer_count": len(won),
                "mature_customer_count": len(known),
                "predicted_quality": None,  # nine customers teach no model
                "repeat_share": share(sum(a for a, _ in known), len(known)) if is_told else None,
                "good_share": share(sum(b for _, b in known), len(known)) if is_told else None,
                "has_promo": group[2],
            }
        )
    return rows


def band(value: Decimal | None, limits: list[tuple[str, str]]) -> tuple[int, str]:
    """Return the band of a value with its number, the last number for unknown."""
    if value is None:
        return 99, "unknown"
    return next(
        (number, name) for number, (limit, name) in enumerate(limits) if value < Decimal(limit)
    )


def delivery_rows() -> list[Row]:
    """Compute ratings by band, warehouse and reason."""
    groups: dict[tuple[str, int, str], list[Order]] = defaultdict(list)
    for order in BOUGHT:
        km = None if order.km is None else Decimal(order.km)
        groups[("distance", *band(km, DISTANCES))].append(order)
        groups[("delay", *band(order.hours, DELAYS))].append(order)
        groups[("warehouse", 0, order.warehouse or "unknown")].append(order)
        groups[("all", 0, "all orders")].append(order)
        if order.is_rated:
            groups[("rating_reason", 0, order.reason or "unknown")].append(order)
    rows = []
    for dimension in ("all", "distance", "delay", "warehouse", "rating_reason"):
        listed = [(key, orders) for key, orders in groups.items() if key[0] == dimension]
        listed.sort(key=lambda item: (item[0][1], -len(item[1]), item[0][2]))
        for rank, ((_, _, name), orders) in enumerate(listed, 1):
            asked = [order for order in orders if order.is_rated]
            stars = [int(order.rating) for order in asked if order.rating != "skipped"]
            skipped = len(asked) - len(stars)
            is_told, is_asked = len(stars) >= SMALLEST_GROUP, len(asked) >= SMALLEST_GROUP
            low = sum(star <= 2 for star in stars)
            cm2 = total(orders, AMOUNTS["cm2"]) / len(orders)
            rows.append(
                {
                    "dimension": dimension,
                    "dimension_value": name,
                    "value_rank": rank,
                    "order_count": len(orders),
                    "rated_count": len(stars),
                    "skipped_count": skipped,
                    "mean_rating": share(sum(stars), len(stars)) if is_told else None,
                    "low_rating_share": share(low, len(stars)) if is_told else None,
                    "skipped_share": share(skipped, len(asked)) if is_asked else None,
                    "cm2_per_order": money(cm2) if len(orders) >= SMALLEST_GROUP else None,
                }
            )
    return rows


def cadence_rows() -> list[Row]:
    """Compute the customers of each state of their own cadence; all ordered within a year."""
    rows = customer_rows()
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["cadence_state"]].append(row)
    counted = []
    for state, members in groups.items():
        earned = money(sum(row["cm2"] for row in members))
        is_told = len(members) >= SMALLEST_GROUP
        counted.append(
            {
                "cadence_state": state,
                "customer_count": len(members),
                "active_customer_count": len(members),
                "customer_share": share(len(members), len(rows)),
                "cm2": earned if is_told else None,
                "cm2_365d": earned if is_told else None,
            }
        )
    return counted


def rating_rows() -> list[Row]:
    """Compute how many ratings give each number of stars."""
    given = [int(order.rating) for order in BOUGHT if order.is_rated and order.rating != "skipped"]
    return [
        {
            "rating": stars,
            "rating_count": given.count(stars),
            "rating_share": share(given.count(stars), len(given)),
        }
        for stars in range(1, 6)
    ]


def marts() -> dict[str, list[Row]]:
    """Compute all marts for analysis, by name."""
    return {
        **cohort_marts(),
        **revenue_marts(),
        **product_marts(),
        "customer_activity": customer_rows(),
        "customers_by_cadence": cadence_rows(),
        "rating_distribution": rating_rows(),
        "revenue_contribution": contribution_rows(),
        "promo_performance": promotion_rows(),
        "delivery_and_ratings": delivery_rows(),
    }


COLUMNS = {
    "product_performance": "product_id category brand piece_count order_count customer_count "
    "line_value piece_rank value_rank value_rank_change is_merchandise is_complete calendar_month",
    "best_sellers": "product_id category brand piece_count order_count line_value piece_rank "
    "value_rank line_value_share first_month last_month",
}


def text_of(value: object) -> str:
    """Write a value as the warehouse prints it, nothing for null."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def as_text(rows: list[Row], columns: Iterable[str]) -> list[list[str]]:
    """Return rows of text under a header, sorted, with source and as-of date."""
    constant = {"source": "market", "as_of_date": AS_OF}
    header = ["source", *columns, "as_of_date"]
    return [header, *sorted([text_of((constant | row)[name]) for name in header] for row in rows)]


def expected(mart: str) -> list[list[str]]:
    """Return what a mart must hold, as text."""
    rows = marts()[mart]
    columns = COLUMNS[mart].split() if mart in COLUMNS else list(rows[0])
    return as_text(rows, columns)


if __name__ == "__main__":
    for mart_name in marts():
        with (GOLDEN / f"{mart_name}.csv").open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(expected(mart_name))
