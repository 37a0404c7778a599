"""Simulate a shop from its plan to its landing zone."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np

from clientele.progress import SILENT, Steps
from clientele.simulator.app_opens import draw_app_opens
from clientele.simulator.assortment import draw_assortment
from clientele.simulator.customers import draw_customers
from clientele.simulator.defaults import (
    DEFAULT_CONTRAST,
    DEFAULT_CUSTOMERS,
    DEFAULT_END,
    DEFAULT_GAP,
    DEFAULT_MESS,
    DEFAULT_PIECE,
    DEFAULT_SEED,
    DEFAULT_START,
    DEFAULT_TASTE,
    MARKET,
    SALES_JSON,
)
from clientele.simulator.landing import LandingWriter, staged_folders
from clientele.simulator.mess import draw_mess
from clientele.simulator.orders import draw_orders
from clientele.simulator.plan import ShopPlan, Streams
from clientele.simulator.promotions import draw_catalogue
from clientele.simulator.purchases import draw_purchases
from clientele.simulator.sales import draw_sales, sales_transactions
from clientele.simulator.season import Season
from clientele.simulator.tables import (
    NativeTable,
    app_open,
    market_order,
    product_detail,
    promo_detail,
)
from clientele.simulator.truth import (
    gap_counts,
    write_truth_customers,
    write_truth_gap,
    write_truth_mess,
    write_truth_shop,
)

Progress = Callable[[str, int, float], None]


@dataclass(frozen=True)
class ShopSummary:
    """What a simulation wrote."""

    rows: dict[str, int]  # table: rows, mess included
    seconds: float
    peak_megabytes: float | None  # most memory the process ever held; None where nobody counts it


def simulate(
    landing: str | Path,
    *,
    customers: int = DEFAULT_CUSTOMERS,
    start: date = DEFAULT_START,
    end: date = DEFAULT_END,
    seed: int = DEFAULT_SEED,
    mess: float = DEFAULT_MESS,
    no_signal: bool = False,
    drift: bool = False,
    drift_date: date | None = None,
    shape: str = MARKET,
    gap: tuple[date, date] | None = DEFAULT_GAP,
    contrast: float = DEFAULT_CONTRAST,
    taste: float = DEFAULT_TASTE,
    piece: int = DEFAULT_PIECE,
    overwrite: bool = False,
    progress: Progress | None = None,
    steps: Steps = SILENT,
) -> ShopSummary:
    """Simulate a shop and write its native tables and its truth as Parquet.

    `<landing>/<shape>/<table>/` gets the tables of the shape, all columns text: of market
    market_order, app_open, promo_detail and product_detail, of sales_json sales_transactions.
    `<landing>/<shape>_truth/` gets truth_customers, truth_shop and truth_mess (of sales_json
    truth_gap, too), typed, which only tests read. Both folders appear complete or not at all. The
    same arguments give the same bytes with the same versions of numpy and DuckDB. Customers and
    orders are the same in both shapes; a sale is an order that was delivered.

    Customers buy as in BG/NBD, with the difference that the first purchase can be the last one:
    exponential times with the customer's own rate (gamma within its type), and after each purchase
    a drop-out with its own probability (beta within its type). Order values follow Gamma-Gamma:
    gamma around the customer's mean, which is inverse gamma within its type.
    Source: Fader, Hardie & Lee (2005), "'Counting your customers' the easy way: an alternative to
    the Pareto/NBD model", Marketing Science 24(2), and "The Gamma-Gamma model of monetary value".

    Args:
        landing: folder of the landing zone; made if missing.
        customers: number of customers, each with at least one placed order.
        start: first day (UTC).
        end: last day, included; what would happen later is not there yet.
        seed: seed of all random streams, not negative.
        mess: amount of mess from 0 (clean) to 1 (each kind of defect hits 1-2 % of the rows); the
            clean rows underneath do not depend on it.
        no_signal: one type only, and a future that nothing in the first week tells about.
        drift: from `drift_date` on some customers behave as another type, promotions are more
            and deeper, prices higher. Orders created half a day or more before it are the same
            as without drift.
        drift_date: first day of the drift; default the midpoint.
        shape: the source whose tables are written, market or sales_json.
        gap: first and last day of a period of which most sales are missing; None for none. Only
            sales_json has one.
        contrast: how unlike the types of customers are: at 0 they differ only in tastes and in how
            soon they leave, at 1 they overlap as in most shops, from 2 on they are well separated.
        taste: how unlike customers are in the categories that they buy from: at 0 everybody draws
            products alike, at 1 each leans to some, from 2 on hardly anybody buys from all.
        piece: customers who are drawn and written at a time, which bounds the memory. A shop of
            more is as many independent shops side by side, with the same truth, products,
            promotions and calendar; the files of each are in order of time.
        overwrite: replace the source if it exists.
        progress: called when a table is complete, with its name, its rows and the seconds since
            the start.
        steps: is told what is drawn and written, and how far it is.

    Returns:
        Rows of each table, the seconds that it took, and the memory.

    Raises:
        ValueError: if the arguments describe no shop.
        FileExistsError: if `<landing>/<shape>` exists and `overwrite` is false.
        NotADirectoryError: if `landing` is a file.
    """
    plan = ShopPlan(
        customers, start, end, seed, mess, no_signal, drift, drift_date, shape, gap, contrast,
        taste,
    )  # fmt: skip
    begin = time.perf_counter()
    pieces = plan.pieces(piece)
    written = _Written()
    with staged_folders(Path(landing), plan.shape, overwrite=overwrite) as folder:
        writer = LandingWriter(folder, plan.shape, plan.start_epoch)
        try:
            steps.expect((8 if plan.shape == MARKET else 5) * len(pieces))
            write_truth_shop(writer, plan)
            for part in pieces:
                for name in _write_piece(part, writer, steps, written):
                    if progress and part is pieces[-1]:
                        progress(name, written.rows[name], time.perf_counter() - begin)
            if plan.shape == SALES_JSON:
                write_truth_gap(writer, plan, written.gap)
            write_truth_mess(writer, written.mess)
        finally:
            writer.close()
    return ShopSummary(written.rows, time.perf_counter() - begin, _peak_megabytes())


@dataclass
class _Written:
    """What the pieces so far hold."""

    rows: dict[str, int] = field(default_factory=dict)  # table: rows
    mess: dict[str, np.ndarray] = field(default_factory=dict)  # table: rows with each defect
    gap: np.ndarray = field(default_factory=lambda: np.zeros(2, dtype=np.int64))


def _write_piece(
    plan: ShopPlan, writer: LandingWriter, steps: Steps, written: _Written
) -> Iterator[str]:
    """Draw and write one table after the other, add up what they hold, and yield their names."""
    streams = Streams(plan.seed, plan.piece)
    season = Season(plan)
    place = f" of piece {plan.piece.number + 1}" if plan.piece.count > 1 else ""
    steps.step(f"drawing customers{place}")
    people = draw_customers(plan, season, streams)
    steps.step(f"drawing purchases{place}")
    purchases = draw_purchases(plan, people, season, streams)
    steps.step(f"drawing orders{place}")
    assortment = draw_assortment(streams, drift=plan.drift)
    catalogue = draw_catalogue(streams)
    orders = draw_orders(plan, people, purchases, assortment, catalogue, streams)
    steps.step(f"writing the truth{place}")
    write_truth_customers(writer, plan, people, purchases, orders, season)

    tables: dict[str, Callable[[], NativeTable]] = {
        "market_order": lambda: market_order(people, orders),
        "promo_detail": lambda: promo_detail(orders, catalogue),
        "product_detail": lambda: product_detail(orders, assortment),
        "app_open": lambda: app_open(
            people, draw_app_opens(plan, people, purchases, orders, streams)
        ),
    }
    if plan.shape == SALES_JSON:
        sales = draw_sales(plan, orders, streams)
        written.gap += gap_counts(sales)
        tables = {
            "sales_transactions": lambda: sales_transactions(people, orders, assortment, sales)
        }

    for name, make in tables.items():
        steps.step(f"writing {name}{place}")
        table = make()
        mess = draw_mess(table, plan.mess, streams)
        rows = writer.write_table(table, mess, steps)
        written.rows[name] = written.rows.get(name, 0) + rows
        written.mess[name] = written.mess.get(name, 0) + mess.counts()
        yield name


def _peak_megabytes() -> float | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
