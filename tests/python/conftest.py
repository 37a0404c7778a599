"""Warehouses that several tests read: each is built once a session."""

from __future__ import annotations

import fcntl
import os
import pickle
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TypeVar

import pytest

from clientele.simulator import simulate
from warehouse import ROOT, Builder, Warehouse, read_market, write_market

CLEAN_CUSTOMERS = 2_500
MESSY_CUSTOMERS = 1_500
MESS = 0.5
AS_OF = "2026-05-15"  # of the messy shop, six weeks before its end
TIME = "'[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}'"
MONEY = "'[0-9]{1,4}[.][0-9]{2}'"


Made = TypeVar("Made")


class Once:
    """Makes what all workers of a session read, once: pytest-xdist gives each its own fixtures."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, name: str, make: Callable[[], Made]) -> Made:
        """Return what the first worker that asked has made; the others wait for it meanwhile."""
        made = self.folder / f"{name}.pickle"
        with (self.folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                made.write_bytes(pickle.dumps(make()))
        return pickle.loads(made.read_bytes())


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """What makes the warehouses that several files read."""
    folder = tmp_path_factory.getbasetemp()
    return Once(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder)


@pytest.fixture(scope="session")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """The builder of all warehouses of the session."""
    return Builder(tmp_path_factory.mktemp("warehouses"))


@pytest.fixture(scope="session")
def demo_warehouse(builder: Builder, once: Once) -> Warehouse:
    """The shop that ships in demo/, built with all its data tests and unit tests."""
    return once("demo", lambda: builder.build(ROOT / "demo", with_tests=True, is_thorough=True))


@pytest.fixture(scope="session")
def clean_landing(tmp_path_factory: pytest.TempPathFactory, once: Once) -> Path:
    """A simulated shop without any mess, and its truth beside it."""

    def landing() -> Path:
        folder = tmp_path_factory.mktemp("clean")
        simulate(
            folder,
            customers=CLEAN_CUSTOMERS,
            start=date(2024, 7, 1),
            end=date(2026, 6, 30),
            seed=5,
            mess=0.0,
        )
        return folder

    return once("clean_landing", landing)


@pytest.fixture(scope="session")
def clean_warehouse(builder: Builder, clean_landing: Path, once: Once) -> Warehouse:
    """The clean shop, built."""
    return once("clean", lambda: builder.build(clean_landing))


@pytest.fixture(scope="session")
def messy_landing(tmp_path_factory: pytest.TempPathFactory, once: Once) -> Path:
    """A simulated shop with much mess, and with twins: two orders of one customer in one second.

    A twin differs from the order that it stands beside in its place, its device and its value, so
    that whatever picks one of the two shows by what it picks. Half of the twins are on their way.
    Twins are clean rows: what the simulator tells about its mess stays true.
    """
    return once("messy_landing", lambda: write_messy(tmp_path_factory.mktemp("messy")))


def write_messy(folder: Path) -> Path:
    """Write the messy shop into a folder and return its landing zone."""
    simulate(
        folder,
        customers=MESSY_CUSTOMERS,
        start=date(2025, 1, 1),
        end=date(2026, 6, 30),
        seed=11,
        mess=MESS,
    )
    times = " and ".join(
        f"coalesce(regexp_full_match({column}, {TIME}) and {column} between '2025' and '2027', "
        f"{column} is null)"
        for column in ("createdate", "checkoutdate", "deliverdate", "ratedate")
    )
    amounts = " and ".join(
        f"coalesce(regexp_full_match({column}, {MONEY}), {column} is null)"
        for column in (
            "aandm", "chargedamount", "deliveryfee", "discountamount", "suppliersupport",
            "thirdpartysupport",
        )
    )  # fmt: skip
    with read_market(folder) as raw:
        raw.execute(
            f"""
            insert into market_order
            select * replace (
                'twin' || trim(order_id) as order_id,
                'twin town' as city_id,
                case when devicename ilike '%iphone%' then 'Web browser' else 'iPhone 15' end
                    as devicename,
                '50.00' as basketvalue,
                case when hash(order_id) % 2 = 0 then deliverdate end as deliverdate,
                case when hash(order_id) % 2 = 0 then ratedate end as ratedate,
                case when hash(order_id) % 2 = 0 then rating end as rating
            )
            from market_order
            where
                trim(order_id) <> ''
                and trim(client_id) <> ''
                and {times}
                and {amounts}
                and coalesce(rating, '5') between '1' and '5'
                and deliverdate <= '{AS_OF}'
                and checkoutdate is not null
            qualify row_number() over (
                partition by trim(client_id) order by checkoutdate desc, order_id
            ) = 1
            order by md5(order_id)
            limit 200
            """
        )
        write_market(folder / "landing", raw)
    (folder / "landing" / "market_truth").symlink_to(folder / "market_truth")
    return folder / "landing"


@pytest.fixture(scope="session")
def messy_warehouse(builder: Builder, messy_landing: Path, once: Once) -> Warehouse:
    """The messy shop as of one day in the middle of its data, built on one thread."""
    return once(
        "messy", lambda: builder.build(messy_landing, variables={"as_of": AS_OF}, threads=1)
    )
