"""What must not matter does not: order of rows, names, runs, threads, and the future.

One messy shop is built in several guises, all as of one day in the middle of its data, and the
results are compared row by row.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from conftest import AS_OF
from warehouse import Builder, Warehouse, read_market, write_market

ROOMS = ("core", "customer", "segments", "campaigns", "marts")

# A name for an id that keeps blanks around it and says nothing of the old one.
RENAMED = (
    "case when trim({id}) <> '' then replace({id}, trim({id}), "
    "'n' || substr(md5(lower(trim({id})) || 'other'), 1, 12)) else {id} end"
)
KEYS = ("customer_key", "order_key", "first_order_key", "sample_key")
NAMES = ("customer_id", "order_id")
ORDER = ("as_of_date", "calendar_month", "campaign_id")  # of several rows of a customer
# What a customer is and gets, by its id; surrogate keys differ with the names.
RESULTS = (
    "customer.customer_single_view",
    "customer.customer_history",
    "customer.customer_months",
    "customer.customer_rfm",
    "customer.customer_rfm_history",
    "customer.customer_features",
    "customer.customer_feature_history",
    "customer.customer_recent_features",
    "customer.customer_quality_features",
    "customer.customer_quality",
    "customer.customer_lifetime_value",
    "segments.customer_segments",
    "segments.customer_past_segments",
    "segments.segment_projection",
    "marts.new_customer_playbook",
    "campaigns.campaign_audience",
)
# Who is drawn depends on the customer's id, and on nothing else.
DRAWN = ("marts.campaign_ledger", "marts.campaign_lists")
COUNTS_OF_THE_DRAWN = {
    "marts.audience_memberships",
    "marts.audiences",
    "marts.campaign_ledger_reasons",
    "marts.campaign_list_reasons",
    "marts.campaign_power",
    "marts.campaign_results",
    "marts.campaign_status",
    "marts.shop_overview",  # how many people are on today's lists
    "marts.data_quality",  # how many people on today's lists a check touches
}
# Tables about the shop and its segments. All others without names are compared with them.
ABOUT_NOBODY = {
    "customer.rfm_cut_points",
    "marts.row_reconciliation",
    "segments.segment_artifacts",
    "segments.segment_centroids",
    "segments.segment_distributions",
    "segments.segment_feature_drift",
    "segments.segment_feature_selection",
    "segments.segment_k_scores",
    "segments.segment_lineage",
    "segments.segment_maintenance",
    "segments.segment_migrations",
    "segments.segment_movement",
    "segments.segment_profile_metrics",
    "segments.segment_profiles",
    "segments.segment_projection_axes",
    "segments.segment_stability",
    "segments.segmentation_status",
    "segments.segments",
}
# One order of a customer is 1,000 times the mean basket. Measured: all 1,313 others keep
# their segment.
TIMES_THE_MEAN = 1_000
LEAST_SHARE_WITH_AN_OUTLIER = 0.99


def shuffled(landing: Path, folder: Path) -> Path:
    """Return the shop with the rows of all tables in another order, over two files."""
    with read_market(landing) as raw:
        for table in ("market_order", "app_open", "promo_detail", "product_detail"):
            raw.execute(
                f"create or replace table {table} as "
                f"select * from {table} order by hash({table}::varchar || 'again')"
            )
        return write_market(folder, raw, files=2)


def renamed(landing: Path, folder: Path) -> tuple[Path, dict[str, str]]:
    """Return the shop with other client ids and order ids, and the new client id of each old."""
    client, order = RENAMED.format(id="client_id"), RENAMED.format(id="order_id")
    with read_market(landing) as raw:
        names = dict(
            raw.execute(
                f"select distinct lower(trim(client_id)), lower(trim({client})) "
                "from (select client_id from market_order union select client_id from app_open) "
                "where trim(client_id) <> ''"
            ).fetchall()
        )
        write_market(
            folder,
            raw,
            {
                "market_order": f"select * replace ({client} as client_id, {order} as order_id) "
                "from market_order",
                "app_open": f"select * replace ({client} as client_id) from app_open",
                "promo_detail": f"select * replace ({order} as order_id) from promo_detail",
                "product_detail": f"select * replace ({order} as order_id) from product_detail",
            },
        )
    assert len(set(names.values())) == len(names), "the new names are not unique"
    return folder, names


# What happens only after the as-of date: each adds rows of market_order for orders that are in
# the shop once and are accepted. {order} is an order of the built shop, {raw} its raw row.
LATER = "'2026-06-10 12:00:00'"
FUTURE_ORDERS = {
    "new orders of known and new customers": f"""
        select raw.* replace (
            'later' || raw.order_id as order_id,
            case when hash(raw.order_id) % 3 = 0 then 'later' else '' end || raw.client_id
                as client_id,
            {LATER} as createdate, {LATER} as checkoutdate, {LATER} as deliverdate,
            {LATER} as ratedate, '1' as rating, '9000.00' as basketvalue,
            '9000.00' as discountamount, 'far town' as city_id
        )
        from known where order_status = 'delivered' and part < 10
    """,
    "deliveries of orders that were on their way": f"""
        select raw.* replace ({LATER} as deliverdate)
        from known where order_status = 'placed'
    """,
    "ratings of orders that were delivered": f"""
        select raw.* replace ({LATER} as ratedate, 'false' as rateisskipped, '1' as rating)
        from known
        where order_status = 'delivered' and raw.ratedate is null and part between 10 and 40
    """,
    "check-outs of carts": f"""
        select raw.* replace ({LATER} as checkoutdate, {LATER} as deliverdate)
        from known where order_status = 'cart' and part < 50
    """,
    "cancelled check-outs of carts": f"""
        select raw.* replace ({LATER} as checkoutdate, '0.00' as chargedamount)
        from known where order_status = 'cart' and part >= 50
    """,
}


def with_future(landing: Path, built: Warehouse, folder: Path, kinds: dict[str, str]) -> Path:
    """Return the shop with rows added that tell of what happens after the as-of date."""
    with read_market(landing) as raw:
        raw.execute(f"attach '{built.path}' as built (read_only)")
        raw.execute(
            f"""
            create temp table known as
            select
                raw,
                orders.order_status,
                hash(orders.order_id) % 100 as part
            from built.core.fct_orders as orders
            inner join market_order as raw
                on orders.order_id = lower(trim(raw.order_id))
            where
                orders.basket_created_at::date <= date '{AS_OF}'
                and coalesce(orders.ordered_at::date, date '{AS_OF}') <= date '{AS_OF}'
                and coalesce(orders.delivered_at::date, date '{AS_OF}') <= date '{AS_OF}'
                and coalesce(try_cast(raw.ratedate as date), date '{AS_OF}') <= date '{AS_OF}'
            qualify count(*) over (partition by orders.order_id) = 1
            """
        )
        raw.execute("create table added as from market_order limit 0")
        for kind, select in kinds.items():
            ((count,),) = raw.execute(f"insert into added by name {select}").fetchall()
            assert count >= 5, f"the shop has only {count} orders for: {kind}"
        raw.execute("insert into market_order from added")
        raw.execute(
            "insert into product_detail select order_id, '1', '7', 'later product', '3.00', "
            "'later', 'later', 'later category' from added where order_id like 'later%'"
        )
        raw.execute(
            "insert into promo_detail select order_id, 'later promo', '1', 'later' from added "
            "where order_id like 'later%'"
        )
        raw.execute(
            f"insert into app_open select client_id, {LATER} from market_order "
            "where trim(client_id) <> '' group by client_id"
        )
        return write_market(folder, raw)


def with_outlier(landing: Path, built: Warehouse, folder: Path) -> tuple[Path, int]:
    """Return the shop with one order of 1,000 times the mean basket, and whose it is."""
    ((customer, order),) = built.query(
        "select customer_key, order_id from core.fct_orders "
        "inner join segments.customer_segments using (customer_key) "
        "where is_successful and delivered_at < customer_segments.as_of_date "
        "and order_id not like 'twin%' order by md5(order_id) limit 1"
    )
    mean = built.value("select avg(basket_value) from core.fct_orders where is_successful")
    value = f"{TIMES_THE_MEAN * mean:.2f}"
    with read_market(landing) as raw:
        raw.execute(
            f"update market_order set basketvalue = '{value}', chargedamount = '{value}' "
            "where lower(trim(order_id)) = ?",
            [order],
        )
        return write_market(folder, raw), customer


@pytest.fixture(scope="module")
def new_names(messy_landing: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """The renamed shop and the new client id of each old one."""
    return renamed(messy_landing, tmp_path_factory.mktemp("renamed") / "landing")


@pytest.fixture(scope="module")
def guises(
    builder: Builder,
    messy_warehouse: Warehouse,
    messy_landing: Path,
    new_names: tuple[Path, dict],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Warehouse]:
    """The messy shop built again on two threads, and on four shuffled, renamed, with a future."""
    folder = tmp_path_factory.mktemp("guises")
    landings = {
        "again": messy_landing,
        "shuffled": shuffled(messy_landing, folder / "shuffled"),
        "renamed": new_names[0],
        "future": with_future(messy_landing, messy_warehouse, folder / "future", FUTURE_ORDERS),
    }
    return builder.build_all(
        {
            name: {
                "landing": path,
                "variables": {"as_of": AS_OF},
                "threads": 2 if name == "again" else 4,
            }
            for name, path in landings.items()
        }
    )


# Tables that name files and records, which are others when rows are shuffled.
LOCATED = ("marts.duplicate_rows", "marts.rejected_rows")


@cache
def fingerprints(warehouse: Warehouse) -> dict[str, tuple[int, str]]:
    """Return the number of rows and a hash of each table; of a shop they are computed once."""
    return warehouse.fingerprints(warehouse.names(*ROOMS))


def differing_tables(left: Warehouse, right: Warehouse, tables: Iterable[str]) -> set[str]:
    """Return the tables of some that are not equal byte for byte in two shops."""
    first, second = fingerprints(left), fingerprints(right)
    assert first.keys() == second.keys()
    return {name for name in tables if first[name] != second[name]}


@cache
def tables_without_names(warehouse: Warehouse, *rooms: str) -> tuple[str, ...]:
    """Return the tables of some rooms that hold neither a key nor an id of customer or order."""
    columns = warehouse.query(
        "select table_schema || '.' || table_name as name, list(column_name) "
        "from information_schema.columns group by all order by all"
    )
    return tuple(
        name
        for name, found in columns
        if name.startswith(tuple(f"{room}." for room in rooms)) and not {*KEYS, *NAMES} & set(found)
    )


@cache
def results(warehouse: Warehouse, table: str) -> pd.DataFrame:
    """Return a table of results by customer id, without keys, as text in one order.

    Doubles come as the shortest text that reads back as the same bits.
    """
    columns = [
        column for column in warehouse.columns(table) if column not in (*KEYS, "customer_id")
    ]
    listed = ", ".join(f'cast(results."{column}" as varchar) as "{column}"' for column in columns)
    dates = [
        column for column in ("as_of_date", "calendar_month", "campaign_id") if column in columns
    ]
    return warehouse.frame(
        f"select customers.customer_id, {listed} from {table} as results "
        "inner join core.dim_customers as customers using (customer_key)"
    ).sort_values(["customer_id", *dates], ignore_index=True)


def differing_columns(left: pd.DataFrame, right: pd.DataFrame) -> dict[str, int]:
    """Return the columns in which two tables of results differ, with the number of customers."""
    assert len(left) > 0
    assert list(left["customer_id"]) == list(right["customer_id"])
    differ = {
        column: int((left[column].fillna("") != right[column].fillna("")).sum()) for column in left
    }
    return {column: count for column, count in differ.items() if count}


def test_the_shop_is_worth_comparing(messy_warehouse: Warehouse) -> None:
    """The messy shop is scored, segmented and listed, so that equality says something."""
    shop = messy_warehouse
    assert shop.value("select rfm_status from customer.rfm_status") == "scored"
    status = "select segmentation_status from segments.segmentation_status"
    assert shop.value(status) == "segmented"
    assert shop.value("select count(distinct segment_id) from segments.customer_segments") >= 2
    assert shop.value("select count(distinct campaign_id) from marts.campaign_lists") >= 3
    assert shop.value("select count(distinct rfm_segment) from customer.customer_rfm") >= 8
    assert shop.value("select count(*) from core.fct_orders where order_id like 'twin%'") > 100


def test_two_runs_are_equal_byte_for_byte(
    messy_warehouse: Warehouse, guises: dict[str, Warehouse]
) -> None:
    """The same landing zone gives the same tables and views, on one thread and on two."""
    tables = messy_warehouse.names(*ROOMS)
    assert len(tables) > 100
    assert differing_tables(messy_warehouse, guises["again"], tables) == set()


@pytest.mark.parametrize("table", [*RESULTS, *DRAWN])
def test_order_of_rows_changes_nothing(
    messy_warehouse: Warehouse, guises: dict[str, Warehouse], table: str
) -> None:
    """Rows in another order, over two files, give every customer the same values."""
    differing = differing_columns(
        results(messy_warehouse, table), results(guises["shuffled"], table)
    )
    assert differing == {}


def test_order_of_rows_changes_no_table(
    messy_warehouse: Warehouse, guises: dict[str, Warehouse]
) -> None:
    """Only the tables that name files and records differ when rows are shuffled, and only there."""
    tables = set(messy_warehouse.names(*ROOMS)) - set(LOCATED)
    assert differing_tables(messy_warehouse, guises["shuffled"], tables) == set()
    places = ("source_file", "source_record")
    before, after = (
        shop.fingerprints(LOCATED, places) for shop in (messy_warehouse, guises["shuffled"])
    )
    assert before == after


@pytest.mark.parametrize("table", RESULTS)
def test_names_change_nothing(
    messy_warehouse: Warehouse,
    guises: dict[str, Warehouse],
    new_names: tuple[Path, dict[str, str]],
    table: str,
) -> None:
    """Other client ids and order ids give every customer the same values under its new name."""
    before = results(messy_warehouse, table).copy()
    before["customer_id"] = before["customer_id"].map(new_names[1])
    dates = [
        column for column in ("as_of_date", "calendar_month", "campaign_id") if column in before
    ]
    before = before.sort_values(["customer_id", *dates], ignore_index=True)
    assert differing_columns(before, results(guises["renamed"], table)) == {}


def test_names_change_no_model(messy_warehouse: Warehouse, guises: dict[str, Warehouse]) -> None:
    """Tables that hold no names are equal byte for byte when customers and orders are renamed."""
    tables = set(tables_without_names(messy_warehouse, "customer", "segments", "marts"))
    assert tables >= ABOUT_NOBODY
    tables.remove("marts.rejected_rows")  # it holds the raw text
    tables -= COUNTS_OF_THE_DRAWN
    assert differing_tables(messy_warehouse, guises["renamed"], tables) == set()


def test_the_future_changes_nothing_about_segments(
    messy_warehouse: Warehouse, guises: dict[str, Warehouse]
) -> None:
    """What happens after the as-of date leaves every table of segments as it was, byte for byte."""
    tables = messy_warehouse.names("segments")
    assert len(tables) > 30
    assert differing_tables(messy_warehouse, guises["future"], tables) == set()


@pytest.mark.parametrize("table", [*RESULTS, *DRAWN])
def test_the_future_changes_nothing(
    messy_warehouse: Warehouse, guises: dict[str, Warehouse], table: str
) -> None:
    """Orders, deliveries, ratings and app opens after the as-of date leave every row as it was."""
    differing = differing_columns(results(messy_warehouse, table), results(guises["future"], table))
    assert differing == {}


def test_an_outlier_moves_nobody_else(
    builder: Builder,
    messy_warehouse: Warehouse,
    messy_landing: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Segments are fitted with one order of 1,000 times the mean basket: others keep theirs."""
    folder = tmp_path_factory.mktemp("outlier") / "landing"
    landing, customer = with_outlier(messy_landing, messy_warehouse, folder)
    shop = builder.build(landing, variables={"as_of": AS_OF}, select=["+customer_segments"])
    spent = f"select cm2 from customer.customer_single_view where customer_key = {customer}"
    assert shop.value(spent) > 100 * messy_warehouse.value(spent)
    query = (
        "select customer_key, segment_id, segment_name from segments.customer_segments "
        f"where customer_key <> {customer} order by customer_key"
    )
    before, after = messy_warehouse.query(query), shop.query(query)
    assert [row[0] for row in before] == [row[0] for row in after]
    same = sum(first == second for first, second in zip(before, after, strict=True))
    assert same >= LEAST_SHARE_WITH_AN_OUTLIER * len(before)


def test_the_future_arrived(messy_warehouse: Warehouse, guises: dict[str, Warehouse]) -> None:
    """The added rows are accepted as facts; only what is known as of the date leaves them out."""
    later = "select count(*) from core.fct_orders where delivered_at > date '2026-06-09'"
    assert guises["future"].value(later) > messy_warehouse.value(later) + 100
    opens = "select count(*) from core.fct_app_opens"
    assert guises["future"].value(opens) > messy_warehouse.value(opens) + 1_000
    ratings = "select count(*) from core.fct_ratings"
    assert guises["future"].value(ratings) > messy_warehouse.value(ratings) + 50
    rejected = "select count(*) from marts.rejected_rows where source_table = 'market_order'"
    assert guises["future"].value(rejected) == messy_warehouse.value(rejected)


def test_shuffling_really_shuffles(messy_landing: Path, tmp_path: Path) -> None:
    """The shuffled shop holds the same rows as the first, in another order and in two files."""
    copy = shuffled(messy_landing, tmp_path / "landing")
    files = sorted((copy / "market" / "market_order").iterdir())
    assert len(files) == 2
    first = f"read_parquet('{messy_landing}/market/market_order/*.parquet')"
    again = f"read_parquet('{copy}/market/market_order/*.parquet')"
    with duckdb.connect() as connection:
        missing = connection.execute(f"from {first} except all from {again}").fetchall()
        head = "select order_id from {} limit 20"
        heads = [connection.execute(head.format(rows)).fetchall() for rows in (first, again)]
    assert missing == []
    assert heads[0] != heads[1]
