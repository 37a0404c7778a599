"""Deliveries of a small shop over sixty days, as loads bring them, and builds of what they leave.

A delivery is an export: rows of orders as they stood that day, so that the same order comes again
when it is delivered, rated or cancelled. What may go wrong with a delivery is drawn: it comes late,
it holds lines whose order is not there yet, a month that was forgotten, rows that came before; and
products change their category on the way.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import sys
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import duckdb

from clientele.simulator import simulate
from dbt_forks import IMPORTED, PROJECT_PATHS
from warehouse import MARKET_COLUMNS, ROOT, Warehouse, read_market

START, END = date(2024, 11, 1), date(2026, 2, 10)  # orders leave the window of 365 days
FIRST_DELIVERY = END - timedelta(days=60)
FORGOTTEN = ("2025-10-01", "2025-11-01")  # a month that nobody sent
CUSTOMERS = 300
# The models that grow, what they are made of, and the views and tables that read them.
PARTS = (
    "dbt_project.yml", "profiles.yml", ".dbtignore", "macros", "seeds", "tests/generic",
    "models/columns.md", "models/raw_columns.md", "models/_groups.yml", "models/staging/market",
    "models/intermediate", "models/core", "models/customer/history",
    "models/customer/customer_single_view.sql", "models/customer/customer_single_view.yml",
    "models/customer/quality/customer_first_orders.sql",
    "models/customer/quality/customer_first_orders.yml",
    "models/customer/quality/first_order_app_opens.sql",
    "models/customer/quality/first_order_app_opens.yml",
)  # fmt: skip
NOT_COPIED = ("customer_feature_history.*", "*_unit_tests.yml", "__pycache__")
MODELS = (
    "+customer_single_view", "+fct_order_promotions", "+int_row_counts", "+product_months",
    "+first_order_app_opens",
)  # fmt: skip
# What a build says of itself: a full one has none of it.
OF_THE_BUILD = ("changed_", "int_changed_", "int_new_", "stg_market__new_files")


def write_shop(folder: Path) -> Path:
    """Simulate the shop with all that it will ever tell, and return its database."""
    simulate(folder / "landing", customers=CUSTOMERS, start=START, end=END, seed=8, mess=0.5)
    path = folder / "shop.duckdb"
    with read_market(folder / "landing") as raw:
        raw.execute(f"attach '{path}' as shop")
        for table in MARKET_COLUMNS:
            raw.execute(
                f"create table shop.{table} as select *, row_number() over () as row from {table}"
            )
    return path


@dataclass(frozen=True)
class Plan:
    """What happens in the sixty days of one replay.

    days: the days whose exports are delivered, of 1 to 60, in the order in which they arrive.
    seed: draws which rows are late, restated or cancelled.
    backfill_at, erasure_at: the number of the delivery before which a forgotten month comes, or
        all of a customer goes; none where it does not happen.
    """

    days: tuple[int, ...]
    seed: int
    backfill_at: int | None
    erasure_at: int | None


class Deliveries:
    """Writes the deliveries of a plan into a landing zone, one after the other."""

    def __init__(self, shop: Path, landing: Path, plan: Plan) -> None:
        self.landing, self.plan = landing, plan
        self.number = 0
        self.latest: date | None = None
        self.draw = random.Random(plan.seed)
        self.raw = duckdb.connect(str(shop), read_only=True)
        self.raw.execute(
            "create temp table sent (source_table varchar, row bigint, state varchar, "
            "number integer, day date, latest_before date)"
        )

    def first(self) -> None:
        """Deliver what happened up to the first day, but for the forgotten month."""
        self._deliver(FIRST_DELIVERY, is_first=True)

    def deliver(self, number: int) -> bool:
        """Deliver the day of that number, and say whether files of before have changed."""
        day = FIRST_DELIVERY + timedelta(days=self.plan.days[number - 1])
        has_changed = number == self.plan.erasure_at
        if has_changed:
            self._erase()
        if number == self.plan.backfill_at:
            self._deliver(day, is_backfill=True)
        self._deliver(day)
        return has_changed

    def happened(self) -> dict[str, int]:
        """Count the orders that came late, and those that were changed after they had come."""
        counted = self.raw.execute(
            """
            select
                count(*) filter (where is_late) as late,
                count(*) filter (where charges > 1 and cancelled_month > created_month)
                    as cancelled_in_a_later_month,
                count(*) filter (where amounts > 1) as of_another_amount,
                count(*) filter (where clients > 1) as of_another_client
            from (
                select
                    arg_min(created <= latest_before, number) as is_late,
                    count(distinct split_part(state, '|', 4)) as charges,
                    count(distinct split_part(state, '|', 5)) as amounts,
                    count(distinct split_part(state, '|', 6)) as clients,
                    max(date_trunc('month', day)) filter (where split_part(state, '|', 4) = '0.00')
                        as cancelled_month,
                    date_trunc('month', any_value(created)) as created_month
                from sent
                inner join (select row, try_cast(createdate as date) as created from market_order)
                    using (row)
                where source_table = 'market_order'
                group by row
            )
            """
        )
        (counts,) = counted.fetchall()
        return dict(zip([name for name, *_ in counted.description], counts, strict=True))

    def _deliver(self, day: date, is_first: bool = False, is_backfill: bool = False) -> None:
        self.number += 1
        latest_before = f"'{self.latest}'" if self.latest else "null"
        self.latest = max(self.latest or day, day)
        until = f"'{day + timedelta(days=1)}'"
        forgotten = f"createdate >= '{FORGOTTEN[0]}' and createdate < '{FORGOTTEN[1]}'"
        if not is_backfill:
            forgotten = f"not coalesce({forgotten}, false)"
        salt = self.draw.randrange(1 << 30)
        late = f"hash(row, {salt}) % 20 = 0" if not is_first else "false"
        gone = "coalesce(trim(lower(client_id)) in (select client from erased), false)"
        self.raw.execute("create temp table if not exists erased (client varchar)")
        # An export of the day: what happens later is not in it, and some were cancelled meanwhile.
        self.raw.execute(
            f"""
            create or replace temp table orders_now as
            select
                * replace (
                    case when checkoutdate < {until} or length(checkoutdate) <> 19
                        then checkoutdate end as checkoutdate,
                    case when deliverdate < {until} and not is_cancelled then deliverdate end
                        as deliverdate,
                    case when ratedate < {until} then ratedate end as ratedate,
                    case when ratedate < {until} then rating end as rating,
                    case when is_cancelled then '0.00' else chargedamount end as chargedamount,
                    case when age > 9 and number % 30 = 1
                        then coalesce(cast(try_cast(basketvalue as decimal(18, 2)) + 1 as varchar),
                            basketvalue)
                        else basketvalue end as basketvalue,
                    case when age > 13 and number % 30 = 2 then other_client else client_id end
                        as client_id
                )
            from (
                select
                    *,
                    hash(row, {self.plan.seed}) as number,
                    date '{day}' - try_cast(createdate as date) as age,
                    number % 25 = 0 and age > 20 + row % 40 as is_cancelled,
                    first(client_id) over (order by number rows between 1 following and 1 following)
                        as other_client
                from market_order
            )
            where coalesce(createdate < {until}, true) and {forgotten} and not {late} and not {gone}
            """
        )
        told = "checkoutdate, deliverdate, ratedate, chargedamount, basketvalue, client_id"
        state = "concat_ws('|', {})".format(
            ", ".join(f"coalesce({column}, '')" for column in told.split(", "))
        )
        again = f"hash(row, {salt + 1}) % 200 = 0"
        # Opens that come again are mostly of the last weeks, as where exports overlap.
        since = day - timedelta(days=35 if self.plan.seed % 3 else 300)
        self.raw.execute(
            f"""
            create or replace temp table order_rows as
            select *, {state} as state from orders_now as told
            where {again} or not exists (
                select 1 from sent
                where source_table = 'market_order' and sent.row = told.row
                    and sent.state = {state}
            )
            """
        )
        rows = {"market_order": "order_rows"}
        # From some day on products are sold under other labels, and later under one never seen.
        # The count of what was bought is corrected, too.
        labels = """ replace (
            case
                when hash(row) % 30 = 0 and {days} >= 10 then "count" || '0' else "count"
            end as "count",
            case
                when hash(product_id) % 40 = 0 and {days} >= 45 then 'garden'
                when hash(product_id) % 5 = 0 and {days} >= 20 then 'household'
                else mastercategory_id
            end as mastercategory_id
        )""".format(days=(day - FIRST_DELIVERY).days)
        # Lines go out with their order, some a delivery before it and some after it.
        for table in ("product_detail", "promo_detail"):
            self.raw.execute(
                f"""
                create or replace temp table {table}_rows as
                select told.*{labels if table == "product_detail" else ""}, '' as state
                from {table} as told
                where
                    (
                        trim(lower(order_id)) in (select trim(lower(order_id)) from order_rows)
                        or order_id in (
                            select order_id from market_order
                            where createdate >= {until}
                                and createdate < '{day + timedelta(days=3)}' and not {gone}
                        )
                        or hash(row, {salt + 2}) % 300 = 0
                    )
                    and hash(row, {salt + 3}) % 15 <> 0
                    and order_id not in (select order_id from market_order where {gone})
                    and ({again} or row not in (
                        select row from sent where source_table = '{table}'
                    ) or order_id in (select order_id from order_rows))
                """
            )
            rows[table] = f"{table}_rows"
        self.raw.execute(
            f"""
            create or replace temp table open_rows as
            select *, '' as state from app_open as told
            where
                coalesce(appopendate < {until}, true)
                and not {late} and not {gone}
                and (
                    ({again} and appopendate > '{since}')
                    or row not in (select row from sent where source_table = 'app_open')
                )
                and ({"true" if is_backfill else "false"}
                    or not coalesce(
                        appopendate >= '{FORGOTTEN[0]}' and appopendate < '{FORGOTTEN[1]}', false
                    ))
            """
        )
        rows["app_open"] = "open_rows"
        for table, told in rows.items():
            self.raw.execute(
                f"insert into sent select '{table}', row, state, {self.number}, '{day}', "
                f"{latest_before} from {told}"
            )
            self._write(table, told)

    def _write(self, table: str, rows: str) -> None:
        # The export of an earlier day may arrive after that of a later one.
        arrived = datetime.combine(self.latest, time(23, 30)) + timedelta(seconds=self.number)
        load = f"load={arrived:%Y%m%dT%H%M%SZ}-0000000{self.number % 10}"
        folder = self.landing / "market" / load / table
        folder.mkdir(parents=True)
        columns = ", ".join(f'"{column}"' for column in MARKET_COLUMNS[table])
        self.raw.execute(
            f"copy (select {columns}, '{load}/{table}.csv' as _file, row_number() over () + 1 "
            f"as _record, timestamp '{arrived}' as _ingested_at, null::varchar as _reject_reasons, "
            f"null::varchar as _raw_text from (from {rows} order by hash(row, {self.number}))) "
            f"to '{folder / 'part-0.parquet'}' (format parquet)"
        )

    def _erase(self) -> None:
        """Write the files anew without a customer who has ordered and opened the app."""
        ((client,),) = self.raw.execute(
            "select client from (select distinct trim(lower(client_id)) as client "
            "from market_order where trim(client_id) <> '' and row in "
            "(select row from sent where source_table = 'market_order')) "
            f"order by hash({self.draw.randrange(1 << 30)}, client) "
            "limit 1"
        ).fetchall()
        self.raw.execute("create temp table if not exists erased (client varchar)")
        self.raw.execute("insert into erased values (?)", [client])
        erased_orders = "select order_id from market_order where trim(lower(client_id)) = $client"
        for table, is_of in (
            ("market_order", "trim(lower(client_id)) = $client"),
            ("app_open", "trim(lower(client_id)) = $client"),
            ("product_detail", f"order_id in ({erased_orders})"),
            ("promo_detail", f"order_id in ({erased_orders})"),
        ):
            for path in sorted((self.landing / "market").glob(f"*/{table}/*.parquet")):
                new = path.with_suffix(".new")
                self.raw.execute(
                    f"copy (from '{path}' where not coalesce({is_of}, false)) to '{new}' "
                    "(format parquet)".replace("$client", "'" + client.replace("'", "''") + "'")
                )
                new.replace(path)


def replay_project(folder: Path, landing: Path) -> Path:
    """Make a project of the models that grow and what they touch, with a landing zone."""
    folder.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns(*NOT_COPIED))
        elif source.exists():
            shutil.copy2(source, folder / part)
    landing.mkdir(parents=True, exist_ok=True)
    (folder / "demo").symlink_to(landing.resolve())
    return folder


class Builds:
    """dbt in one process that parses the project once and builds it many times."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.landing = (project / "demo").resolve()
        forks = multiprocessing.get_context("forkserver")
        forks.set_forkserver_preload(IMPORTED)
        self._here, there = forks.Pipe()
        self._process = forks.Process(target=_serve, args=(project, there), daemon=True)
        self._process.start()

    def __enter__(self) -> Builds:
        return self

    def __exit__(self, *_: object) -> None:
        self._here.close()
        self._process.join(60)

    def build(self, name: str, *arguments: str, must_pass: bool = True) -> tuple[Warehouse, str]:
        """Build into the warehouse `name`, and return it with what dbt said of the kind of build.

        Raises:
            AssertionError: with what dbt said, if a build that must pass fails.
        """
        path = self.project / name / "warehouse" / "clientele.duckdb"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not (landing := self.project / name / "demo").exists():
            landing.symlink_to(self.project / "demo")  # views read it
        selected = () if "--select" in arguments else ("--select", *MODELS)
        self._here.send((str(path), (*selected, *arguments)))
        passed, lines = self._here.recv()
        assert passed or not must_pass, "\n".join(lines[-60:])
        kinds = [line for line in lines if line.startswith(("Full build:", "Increment:"))]
        return Warehouse(self.project / name, 0 if passed else 1, "\n".join(lines)), kinds[-1]


def _serve(project: Path, pipe: Connection) -> None:
    """Build what is asked for until nobody asks any more."""
    os.chdir(project)
    for name in [name for name in os.environ if name.startswith(("DBT_", "CLIENTELE_"))]:
        del os.environ[name]
    sys.path[:] = [path for path in sys.path if Path(path).resolve() not in PROJECT_PATHS]

    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    lines: list[str] = []
    callbacks = [
        lambda event: lines.append(event.info.msg) if event.info.level != "debug" else None
    ]
    manifest = dbtRunner(callbacks=callbacks).invoke(["--quiet", "parse"]).result
    while True:
        try:
            warehouse, arguments = pipe.recv()
        except EOFError:
            return
        lines.clear()
        os.environ["CLIENTELE_WAREHOUSE"] = warehouse
        os.environ["CLIENTELE_TEMP"] = str(project / "spill")
        try:
            left_out = (
                ()
                if "--exclude" in arguments
                else ("--exclude", "resource_type:test", "resource_type:unit_test")
            )
            result = dbtRunner(manifest=manifest, callbacks=callbacks).invoke(
                ["--no-use-colors", "--quiet", "build", *left_out, *arguments]
            )
        finally:
            DuckDBConnectionManager.close_all_connections()
        if result.exception:
            lines.append(str(result.exception))
        pipe.send((result.success, lines))


def differences(one: Warehouse, other: Warehouse) -> list[str]:
    """Return the tables and views that do not hold the same rows in two warehouses."""
    found = {}
    for warehouse in (one, other):
        names = [
            name
            for name in warehouse.names("staging", "intermediate", "core", "customer", "seeds")
            if not name.split(".")[1].startswith(OF_THE_BUILD)
        ]
        found[warehouse] = warehouse.fingerprints(names)
    names = sorted(found[one].keys() | found[other].keys())
    return [name for name in names if found[one].get(name) != found[other].get(name)]
