"""Online Retail, a real shop's invoices, comes through whole and as its lines mean it.

Every expected number is computed here from the raw file with pandas, in whole ten-thousandths of a
pound, so that no rounding hides a difference. The data lie beside the project
(../shared/data/online_retail) under a licence of their own; without them these tests are skipped.
"""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from report_page import assert_sound
from warehouse import ROOT, Builder, Warehouse

DATA = (ROOT / ".." / "shared" / "data").resolve()
RAW = DATA / "online_retail" / "online_retail"
LINES, INVOICES, CUSTOMERS, NAMELESS_LINES, CANCELLED_LINES = 541_909, 25_900, 4_372, 135_080, 9_288
WRITE_OFFS, BAD_DEBTS, CANCELLATIONS = 1_336, 3, 3_836
AS_OF = pd.Timestamp("2011-12-08")  # the last day, the 9th, ends at 12:50
POUND = 10_000  # money is compared in ten-thousandths
# The shop's second one, dotcomgiftshop, has goods under codes of its own.
GOODS_WITH_NAMED_CODES = r"dcgs([0-9]{4}p?|sboy|sgirl)|pads"
SETTINGS = {"sources": ["online_retail"], "largest_quantity": 100_000}

pytestmark = pytest.mark.skipif(
    not RAW.is_dir(),
    reason="the Online Retail data are not beside the project (../shared/data/online_retail)",
)


@pytest.fixture(scope="module")
def shops(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Warehouse]:
    """The shop as it is, built with all its tests, and with its rows turned around in two files."""
    turned = tmp_path_factory.mktemp("turned")
    folder = turned / "online_retail" / "online_retail"
    folder.mkdir(parents=True)
    with duckdb.connect() as connection:
        for number in (0, 1):
            connection.execute(
                f"""
                copy (
                    select * exclude (file_row_number)
                    from read_parquet('{RAW}/*.parquet', file_row_number = true)
                    where file_row_number % 2 = {number} order by file_row_number desc
                ) to '{folder}/part-{number}.parquet' (format parquet)
                """
            )
    return builder.build_all(
        {
            "as it is": {"landing": DATA, "variables": SETTINGS, "with_tests": True},
            "turned": {"landing": turned, "variables": SETTINGS},
        }
    )


@pytest.fixture(scope="module")
def retail(shops: dict[str, Warehouse]) -> Warehouse:
    """The shop as it is, built with all its tests."""
    return shops["as it is"]


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    """All lines, with numbers, and with what became of each by the letter of its invoice."""
    with duckdb.connect() as connection:
        frame = connection.execute(f"select * from read_parquet('{RAW}/*.parquet')").df()
    frame["order_id"] = frame["InvoiceNo"].str.lower()
    frame["product_id"] = frame["StockCode"].str.lower()
    frame["at"] = pd.to_datetime(frame["InvoiceDate"])
    prices = {text: round(float(text) * POUND) for text in frame["UnitPrice"].unique()}
    frame["price"] = frame["UnitPrice"].map(prices)
    quantity = frame["Quantity"].astype("int64")
    frame["cancelled"] = frame["order_id"].str.startswith("c")
    frame["bad_debt"] = frame["order_id"].str.startswith("a")
    frame["written_off"] = ~frame["cancelled"] & (quantity < 0)
    frame["pieces"] = quantity.abs()
    frame["value"] = frame["pieces"] * frame["price"]
    return frame


@pytest.fixture(scope="module")
def lines(raw: pd.DataFrame) -> pd.DataFrame:
    """The lines of orders and cancellations."""
    return raw[~raw["bad_debt"] & ~raw["written_off"]]


@pytest.fixture(scope="module")
def orders(lines: pd.DataFrame) -> pd.DataFrame:
    """One row an invoice, by its number."""
    return (
        lines.groupby("order_id")
        .agg(
            customer_id=("CustomerID", "first"),
            country=("Country", "first"),
            line_count=("pieces", "size"),
            item_count=("pieces", "sum"),
            value=("value", "sum"),
            cancelled=("cancelled", "first"),
            at=("at", "min"),
        )
        .sort_index()
    )


@pytest.fixture(scope="module")
def people(orders: pd.DataFrame) -> pd.DataFrame:
    """One row a customer, by id, with what was known of them at the end of the as-of date."""
    known = orders[orders["customer_id"].notna() & (orders["at"].dt.normalize() <= AS_OF)]
    known = known.assign(day=known["at"].dt.normalize())
    bought = known[~known["cancelled"]]
    recent = bought[bought["day"] > AS_OF - pd.Timedelta(days=365)]
    frame = known.groupby("customer_id").agg(order_count=("value", "size"))
    frame["cancelled_order_count"] = known.groupby("customer_id")["cancelled"].sum()
    by_customer = bought.groupby("customer_id")
    frame["successful_order_count"] = by_customer.size()
    frame["net_revenue"] = by_customer["value"].sum()
    frame["first_order_date"] = by_customer["day"].min()
    frame["last_order_date"] = by_customer["day"].max()
    frame["recency_days"] = (AS_OF - frame["last_order_date"]).dt.days
    frame["successful_orders_365d"] = recent.groupby("customer_id").size()
    frame["net_revenue_365d"] = recent.groupby("customer_id")["value"].sum()
    counts = ["successful_order_count", "successful_orders_365d"]
    frame[counts] = frame[counts].fillna(0).astype("int64")
    return frame.sort_index()


def money(column: str) -> str:
    """Return SQL for a money column in ten-thousandths, a whole number."""
    return f"cast({column} * {POUND} as bigint) as {column}"


def test_the_raw_file_is_the_published_one(raw: pd.DataFrame) -> None:
    """The numbers that everyone quotes of this data set, so that the rest speaks of the same."""
    assert len(raw) == LINES
    assert raw["InvoiceNo"].nunique() == INVOICES
    assert raw["CustomerID"].nunique() == CUSTOMERS
    assert raw["CustomerID"].isna().sum() == NAMELESS_LINES
    assert raw["cancelled"].sum() == CANCELLED_LINES


def test_every_row_is_accepted_or_rejected_with_its_reason(
    retail: Warehouse, raw: pd.DataFrame
) -> None:
    """Write-offs and bad debts are rejected; nothing else is, and nothing is called a duplicate."""
    assert retail.query(
        "select landed_count, accepted_count, rejected_count, duplicate_count, unexplained_count "
        "from marts.row_reconciliation"
    ) == [(LINES, LINES - WRITE_OFFS - BAD_DEBTS, WRITE_OFFS + BAD_DEBTS, 0, 0)]
    assert dict(
        retail.query("select reject_reasons, count(*) from marts.rejected_rows group by all")
    ) == {"quantity_negative": WRITE_OFFS, "bad_debt": 1, "bad_debt;unitprice_negative": 2}
    found = retail.frame(
        "select source_record, json_extract_string(raw_row, '$.InvoiceNo') as invoice "
        "from marts.rejected_rows order by source_record"
    )
    rejected = raw[raw["bad_debt"] | raw["written_off"]]
    assert found["source_record"].tolist() == (rejected.index + 1).tolist()
    assert found["invoice"].tolist() == rejected["InvoiceNo"].tolist()
    # What is rejected as a write-off carries no money and belongs to nobody.
    assert raw.loc[raw["written_off"], "price"].eq(0).all()
    assert raw.loc[raw["written_off"], "CustomerID"].isna().all()


def test_every_invoice_is_one_order_with_its_own_money(
    retail: Warehouse, orders: pd.DataFrame
) -> None:
    """Invoice by invoice: whose, where, when, lines, pieces, value and whether it was cancelled."""
    found = retail.frame(
        "select order_id, customers.customer_id, state, line_count, item_count, "
        f"{money('basket_value')}, "
        f"{money('lines_value')}, {money('net_revenue')}, is_cancelled, is_successful, ordered_at, "
        "basket_created_at, delivered_at from core.fct_orders "
        "left join core.dim_customers as customers using (customer_key) order by order_id"
    ).set_index("order_id")
    assert len(found) == INVOICES - WRITE_OFFS - BAD_DEBTS
    assert found.index.tolist() == orders.index.tolist()
    for column, expected in {
        "customer_id": orders["customer_id"],
        "state": orders["country"].where(orders["country"] != "Unspecified"),
        "line_count": orders["line_count"],
        "item_count": orders["item_count"],
        "basket_value": orders["value"],
        "lines_value": orders["value"],
        "net_revenue": orders["value"],
        "is_cancelled": orders["cancelled"],
        "is_successful": ~orders["cancelled"],
        "ordered_at": orders["at"],
        "basket_created_at": orders["at"],
        "delivered_at": orders["at"].where(~orders["cancelled"]),
    }.items():
        same = (found[column] == expected) | (found[column].isna() & expected.isna())
        assert same.all(), (column, found[~same].head(), expected[~same].head())
    assert found["is_cancelled"].sum() == CANCELLATIONS


def test_an_invoice_has_one_customer_and_one_country(lines: pd.DataFrame) -> None:
    """In this file no invoice names two: the rule for such invoices decides nothing here."""
    named = lines.fillna({"CustomerID": ""}).groupby("order_id")[["CustomerID", "Country"]]
    assert named.nunique().max().tolist() == [1, 1]


def test_every_line_arrives_once_also_those_that_are_alike(
    retail: Warehouse, lines: pd.DataFrame
) -> None:
    """Invoices, codes, quantities and prices are the raw file's, with as many lines of each."""
    by = ["order_id", "product_id", "pieces", "price"]
    expected = lines.groupby(by).size()
    found = retail.frame(
        f"""
        select
            orders.order_id, products.product_id, lines.quantity as pieces,
            cast(lines.unit_price * {POUND} as bigint) as price, count(*) as line_count
        from core.fct_order_lines as lines
        join core.fct_orders as orders using (order_key)
        join core.dim_products as products using (product_key)
        group by all
        """
    ).set_index(by)["line_count"]
    assert found.sum() == len(lines)
    assert (expected > 1).sum() > 4_000  # lines alike are many, so that losing them would show
    pd.testing.assert_series_equal(
        found.sort_index(), expected.sort_index(), check_names=False, check_index_type=False
    )
    assert retail.query(
        "select count(*) from (select order_key from core.fct_order_lines group by order_key "
        "having min(line_number) <> 1 or max(line_number) <> count(*))"
    ) == [(0,)]


def test_revenue_is_that_of_invoices_that_were_not_cancelled(
    retail: Warehouse, orders: pd.DataFrame
) -> None:
    """Net revenue, in total and month by month, and apart for orders of known customers."""
    sold = orders[~orders["cancelled"]]
    months = sold["value"].groupby(sold["at"].dt.strftime("%Y-%m"))
    assert retail.query(
        f"""
        select
            strftime(order_date, '%Y-%m') as order_month, count(*), sum(item_count),
            cast(sum(net_revenue) * {POUND} as bigint)
        from core.fct_orders where is_successful group by all order by all
        """
    ) == [
        (month, len(values), sold.loc[values.index, "item_count"].sum(), values.sum())
        for month, values in months
    ]
    assert months.ngroups == 13
    # 8,911,407.90 pounds is what others find for the orders of known customers.
    assert sold.loc[sold["customer_id"].notna(), "value"].sum() == 89_114_079_040


def test_lines_without_customer_stay_in_facts_and_make_no_customer(
    retail: Warehouse, orders: pd.DataFrame
) -> None:
    """Orders of nobody have no key; customers are the 4,372 whom an invoice names."""
    nameless = int(orders["customer_id"].isna().sum())
    assert nameless == 2_189 + 182
    assert retail.query(
        f"select count(*), cast(sum(basket_value) * {POUND} as bigint) "
        "from core.fct_orders where customer_key is null"
    ) == [(nameless, orders.loc[orders["customer_id"].isna(), "value"].sum())]
    assert retail.query(
        "select count(*), count(distinct customer_id), count(customer_key) from core.dim_customers"
    ) == [(CUSTOMERS, CUSTOMERS, CUSTOMERS)]
    for table in (
        "customer.customer_single_view",
        "customer.customer_rfm",
        "customer.customer_features",
        "segments.customer_segments",
        "marts.campaign_lists",
    ):
        strangers = (
            f"select count(*) from {table} where customer_key is null "
            "or customer_key not in (select customer_key from core.dim_customers)"
        )
        assert retail.value(strangers) == 0, table
        assert retail.value(f"select count(*) from {table}") > 0, table


def test_the_history_of_every_customer_is_that_of_the_raw_file(
    retail: Warehouse, people: pd.DataFrame
) -> None:
    """Customer by customer: orders, cancellations, money, first and last day, recency."""
    found = retail.frame(
        "select customer_id, order_count, successful_order_count, cancelled_order_count, "
        f"{money('net_revenue')}, first_order_date, last_order_date, recency_days, "
        f"successful_orders_365d, {money('net_revenue_365d')}, is_customer, as_of_date "
        "from customer.customer_single_view order by customer_id"
    ).set_index("customer_id")
    assert found.index.tolist() == people.index.tolist()
    assert (found["as_of_date"] == AS_OF).all()
    for column in people.columns:
        same = found[column] == people[column]
        same |= found[column].isna() & people[column].isna()
        assert same.all(), (column, found[~same].head(), people[~same].head())
    assert (found["is_customer"] == (people["successful_order_count"] > 0)).all()
    # Some only ever cancelled, as far as this file goes back: prospects, without money.
    only_cancelled = people[people["successful_order_count"] == 0]
    assert len(only_cancelled) == 33
    assert only_cancelled["net_revenue"].isna().all()


def test_the_usual_gap_is_that_of_customers_alone(
    retail: Warehouse, orders: pd.DataFrame, people: pd.DataFrame
) -> None:
    """Expected gaps take nothing from orders of nobody, which would look like one busy customer."""
    bought = orders[
        ~orders["cancelled"]
        & orders["customer_id"].notna()
        & (orders["at"].dt.normalize() <= AS_OF)
    ].sort_values("at")
    days = bought["at"].dt.normalize()
    gaps = days.groupby(bought["customer_id"]).diff().dt.days.dropna()
    own = gaps.groupby(bought.loc[gaps.index, "customer_id"]).agg(["size", "sum"])
    own = own.reindex(people.index[people["successful_order_count"] > 0], fill_value=0)
    expected = (own["sum"] + 2 * gaps.median()) / (own["size"] + 2)
    found = retail.frame(
        "select customer_id, cast(expected_gap_days as double) as expected_gap_days "
        "from customer.customer_single_view where is_customer order by customer_id"
    ).set_index("customer_id")["expected_gap_days"]
    assert found.index.tolist() == expected.index.tolist()
    assert (found - expected).abs().max() <= 0.005 + 1e-9


def test_scores_are_mid_rank_quintiles_of_the_raw_file(
    retail: Warehouse, people: pd.DataFrame
) -> None:
    """R, F and M of every buyer of the last 365 days, ranked here from the raw lines."""
    buyers = people[people["successful_orders_365d"] > 0]

    def quintile(values: pd.Series) -> pd.Series:
        """Return 1 to 5 by mid-rank, in whole numbers."""
        twice_mid_rank = (2 * values.rank(method="average") - 1).astype("int64")
        return (1 + 5 * twice_mid_rank // (2 * len(values))).clip(upper=5)

    expected = pd.DataFrame(
        {
            "recency_score": quintile(-buyers["recency_days"]),
            "frequency_score": pd.cut(
                buyers["successful_orders_365d"], [0, 1, 2, 4, 9, 10**6], labels=[1, 2, 3, 4, 5]
            ).astype("int64"),
            "monetary_score": quintile(buyers["net_revenue_365d"]),
        }
    )
    found = retail.frame(
        "select customer_id, recency_score, frequency_score, monetary_score "
        "from customer.customer_rfm join core.dim_customers using (customer_key) "
        "where rfm_segment is not null order by customer_id"
    ).set_index("customer_id")
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, check_index_type=False)
    assert set(expected["recency_score"]) == {1, 2, 3, 4, 5}


def test_cohorts_of_first_orders_have_the_sizes_of_the_raw_file(
    retail: Warehouse, orders: pd.DataFrame
) -> None:
    """Customers by the month of their first successful order, from the fact alone."""
    bought = orders[~orders["cancelled"] & orders["customer_id"].notna()]
    first = bought.groupby("customer_id")["at"].min().dt.strftime("%Y-%m")
    found = retail.query(
        """
        select strftime(first_date, '%Y-%m') as cohort_month, count(*)
        from (
            select customer_key, min(order_date) as first_date from core.fct_orders
            where is_successful and customer_key is not null group by customer_key
        )
        group by all order by all
        """
    )
    assert found == list(first.value_counts().sort_index().items())
    assert len(first) == 4_339


def test_a_cancellation_takes_nothing_from_the_order_that_it_may_mean(retail: Warehouse) -> None:
    """Customer 12346 bought 74,215 jars and cancelled them a quarter of an hour later."""
    assert retail.query(
        "select order_id, order_status, item_count, cast(basket_value as varchar), is_successful "
        "from core.fct_orders join core.dim_customers using (customer_key) "
        "where customer_id = '12346' order by order_id"
    ) == [
        ("541431", "delivered", 74_215, "77183.6000", True),
        ("c541433", "cancelled", 74_215, "77183.6000", False),
    ]
    assert retail.query(
        "select cast(net_revenue as varchar), successful_order_count, cancelled_order_count "
        "from customer.customer_single_view where customer_id = '12346'"
    ) == [("77183.6000", 1, 1)]


def test_codes_that_are_no_goods_are_flagged_and_keep_their_money(
    retail: Warehouse, lines: pd.DataFrame
) -> None:
    """What is not five digits and letters is in the seed or known goods; the seed decides."""
    with (ROOT / "seeds" / "non_product_codes.csv").open(newline="") as file:
        kinds = {
            row["product_id"]: row["kind"]
            for row in csv.DictReader(file)
            if row["source"] == "online_retail"
        }
    codes = lines["product_id"].drop_duplicates()
    odd = codes[~codes.str.fullmatch("[0-9]{5}[a-z]*")]
    unknown = odd[~odd.isin(kinds) & ~odd.str.fullmatch(GOODS_WITH_NAMED_CODES)]
    assert unknown.tolist() == []
    assert dict(
        retail.query("select product_id, category from core.dim_products where not is_merchandise")
    ) == {code: kind for code, kind in kinds.items() if code in set(codes)}
    assert retail.query(
        "select count(*), count(category) from core.dim_products where is_merchandise"
    ) == [(len(set(codes) - set(kinds)), 0)]
    sold = lines[~lines["cancelled"] & lines["product_id"].isin(kinds)]
    expected = sold.groupby(sold["product_id"].map(kinds))["value"].sum()
    found = retail.query(
        f"""
        select category, cast(sum(line_value) * {POUND} as bigint)
        from core.fct_order_lines join core.dim_products using (product_key)
        where is_successful and not is_merchandise group by all order by all
        """
    )
    assert found == list(expected.sort_index().items())
    # Postage is nobody's favourite category.
    favourites = "select count(favourite_category) from customer.customer_single_view"
    assert retail.value(favourites) == 0


def test_what_the_source_does_not_tell_is_null_or_empty(retail: Warehouse) -> None:
    """No payment, channel, city or promotion is made up, and no rating and no app open."""
    unknown = ("charged_amount", "charge_gap", "city", "sales_channel", "payment_type")
    counts = ", ".join(f"count({column})" for column in (*unknown, "device_class", "distance_km"))
    assert retail.query(f"select {counts} from core.fct_orders") == [(0,) * 7]
    for table in ("fct_ratings", "fct_app_opens", "fct_order_promotions"):
        assert retail.value(f"select count(*) from core.{table}") == 0


def test_rules_tell_more_of_the_next_quarter_than_clusters_that_last(
    retail: Warehouse, people: pd.DataFrame
) -> None:
    """Two and three groups come back in every resample, and explain less than the rules.

    Measured: 10.4 and 11.3 % of the next quarter's margin, the rules 17.2 %. Four groups explain
    16.3 % and pass the gate on 5 resamples, but not on 30. Six and more explain over 22 %, but are
    not found again in the other half of the customers.
    """
    ((status, method, reason),) = retail.query(
        "select segmentation_status, segmentation_method, reason from segments.segmentation_status"
    )
    assert (status, method) == ("rules_better", "rules")
    scores = retail.table("segments.segment_k_scores").set_index("candidate")
    eligible = set(scores.index[scores["is_eligible"].fillna(False).astype(bool)])
    assert {"k = 2", "k = 3"} <= eligible <= {"k = 2", "k = 3", "k = 4"}
    useful = scores["usefulness"]
    assert useful[sorted(eligible)].max() < useful["rules"]
    assert useful["k = 3"] + 3 * scores["usefulness_error"]["rules"] < useful["rules"]
    assert useful["k = 6"] > useful["rules"]
    assert scores["prediction_strength"]["k = 6"] < 0.80
    assert reason.startswith("k = 2, 3 and 4 pass" if len(eligible) == 3 else "k = 2 and 3 pass")
    assert reason.endswith("the rules explain 17.2 %, so they serve as well and are kept")
    bought = int((people["successful_order_count"] > 0).sum())
    assert retail.query(
        "select count(*), count(segment_id), count(segment_name), count(archetype) "
        "from segments.customer_segments"
    ) == [(bought, bought, bought, 0)]


def test_segments_of_a_seasonal_shop_are_not_promised_to_last(retail: Warehouse) -> None:
    """A month later new cut points call customers something else who bring 15 % of the margin."""
    ((status, state, interval, evidence),) = retail.query(
        "select contract_status, maintenance_state, refit_interval_days, evidence "
        "from segments.segment_maintenance"
    )
    assert (status, state, interval) == ("redesign", "redesign", None)
    assert "phi is 0.155, above 0.10" in evidence


@pytest.mark.parametrize(
    "table",
    [
        "core.fct_orders",
        "core.fct_order_lines",
        "core.dim_products",
        "customer.customer_single_view",
        "customer.customer_rfm",
        "segments.customer_segments",
    ],
)
def test_the_order_of_rows_and_files_changes_nothing(
    shops: dict[str, Warehouse], table: str
) -> None:
    """Turned around and dealt to two files, the same lines give the same tables to the bit."""
    count, fingerprint = shops["as it is"].fingerprint(table)
    assert count > 0
    assert shops["turned"].fingerprint(table) == (count, fingerprint)


def test_the_marts_for_analysis_hold_what_the_raw_file_gives(
    retail: Warehouse, orders: pd.DataFrame, lines: pd.DataFrame
) -> None:
    """November 2011, the cohort of the first December, and the best seller, from the raw lines."""
    known = orders[(orders["at"].dt.normalize() <= AS_OF) & ~orders["cancelled"]]
    months = known["at"].dt.to_period("M")
    november = known[months == "2011-11"]
    assert retail.query(
        "select successful_order_count, cast(net_revenue * 10000 as bigint), customer_count "
        "from marts.revenue_by_month where calendar_month = date '2011-11-01'"
    ) == [(len(november), november["value"].sum(), november["customer_id"].nunique())]

    firsts = months.groupby(known["customer_id"]).min()
    december = set(firsts[firsts == "2010-12"].index)
    active = [
        known.loc[months == month, "customer_id"].isin(december) for month in sorted(set(months))
    ]
    counts = [known.loc[here[here].index, "customer_id"].nunique() for here in active[:-1]]
    assert len(counts) == 12
    assert retail.query(
        "select list(active_count order by months_since) filter (where is_ripe), "
        "any_value(cohort_size), count(*) filter (where not is_ripe) "
        "from marts.cohort_retention where cohort_month = date '2010-12-01'"
    ) == [(counts, len(december), 1)]

    goods = lines[lines["order_id"].isin(known.index)].groupby("product_id")["pieces"].sum()
    best = goods.sort_values(ascending=False)
    assert best.iloc[0] > best.iloc[1]
    assert retail.query(
        "select product_id, piece_count from marts.best_sellers where piece_rank = 1"
    ) == [(best.index[0], best.iloc[0])]


def test_only_what_the_source_tells_is_a_finding(retail: Warehouse) -> None:
    """Orders are the sum of their lines and charges are unknown, so neither can be odd."""
    found = dict(retail.query("select finding, count(*) from marts.order_findings group by 1"))
    assert set(found) <= {"missing_customer", "after_plausible_last_day"}
    assert found["missing_customer"] == 2_371
    checks = {
        name: rest
        for name, *rest in retail.query(
            "select check_name, failing_rows, checked_rows, failing_share, is_ok "
            "from marts.data_quality where check_grain = 'order'"
        )
    }
    assert checks["charge_gap"] == [0, 0, None, True]
    assert checks["lines_differ_from_basket"][:2] == [0, 24_561]
    assert checks["missing_customer"][:2] == [2_371, 24_561]
    assert checks["cost_unknown"][0] > 19_000  # the source sends no costs, and nobody gave rates


def test_the_report_is_a_page_that_can_be_read(retail: Warehouse, tmp_path: Path):
    assert_sound(retail.path, tmp_path)
