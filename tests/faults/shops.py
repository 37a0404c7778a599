"""The little shop of tests/fixtures/mini_shop: a project, a landing zone, and a production."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from clientele.production import journal
from clientele.production.home import Home
from commands import Ended, command
from warehouse import ROOT

# The source of the little shop, where commands look for contracts, with whose rows its rows are.
CONTRACT = """
version: 2
sources:
  - name: shop
    config:
      meta:
        external_location: >-
          read_parquet('{{ var('landing') }}/shop/**/{name}/*.parquet', union_by_name = true,
          filename = true)
    tables:
      - name: orders
        config: {meta: {person: {column: client_id}}}
        columns:
          - {name: client_id, config: {meta: {personal: identifier}}}
          - {name: order_id}
          - {name: amount}
          - {name: order_date}
"""
MINI_SHOP = ROOT / "tests" / "fixtures" / "mini_shop"
CUSTOMERS = 40


@dataclass(frozen=True)
class Shop:
    """Folders of a little shop; `folder` holds all of them."""

    folder: Path

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def landing(self) -> Path:
        return self.folder / "landing"

    @property
    def home(self) -> Home:
        return Home(self.folder / "production")

    def arguments(self, name: str, *more: str) -> list[str]:
        """Return the arguments of a command of production."""
        listed = [name, "--home", str(self.home.root)]
        if name in ("run", "erase", "load", "verify-erasure"):
            listed += ["--landing", str(self.landing)]
        return [*listed, *more]

    def command(self, name: str, *more: str, **options) -> Ended:
        return command(self.arguments(name, *more), self.project, **options)

    def land(self, day: int, orders: int = 50) -> None:
        """Put the orders of a day into the landing zone, by hand; the same each time."""
        folder = self.landing / "shop" / "orders"
        folder.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            connection.execute(
                f"""copy (
                    select
                        'client-' || ((number * 7 + {day}) % {CUSTOMERS}) as client_id,
                        'order-{day}-' || number as order_id,
                        cast(10 + number % 13 as varchar) || '.50' as amount,
                        '2026-01-{day:02}' as order_date
                    from range({orders}) as numbers(number)
                ) to '{folder / f"day-{day:02}.parquet"}' (format parquet)"""
            )

    def copy(self, folder: Path) -> Shop:
        """Return the same shop in another folder."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Shop(folder)

    def served_orders(self) -> int:
        """Count the orders that readers see."""
        with duckdb.connect(str(self.home.served), read_only=True) as connection:
            [count] = connection.execute("select sum(order_count) from marts.customers").fetchone()  # type: ignore[misc]
        return int(count)

    def kept_builds(self) -> int:
        """Return how many builds the warehouse behind what is served remembers."""
        run = self.home.served_run()
        assert run
        with duckdb.connect(str(self.home.warehouse(run)), read_only=True) as connection:
            [count] = connection.execute("select max(build) from marts.kept_runs").fetchone()  # type: ignore[misc]
        return int(count)

    def events(self) -> list[str]:
        """Return what the journal says, oldest first."""
        return [event["event"] for event in journal.read(self.home.journal)]

    def status(self) -> dict:
        """Return what `clientele status --json` says."""
        return json.loads(self.command("status", "--json").out)


def make_shop(folder: Path, *, days: int = 2) -> Shop:
    """Make a shop with some days of orders, and nothing served yet."""
    shutil.copytree(MINI_SHOP, folder / "project", ignore=shutil.ignore_patterns("target", "logs"))
    contract = folder / "project" / "models" / "staging" / "shop" / "_shop__sources.yml"
    contract.parent.mkdir(parents=True)
    contract.write_text(CONTRACT)
    for other in (folder / "project" / "models").glob("_*__sources.yml"):
        other.unlink()
    shop = Shop(folder)
    for day in range(1, days + 1):
        shop.land(day)
    return shop
