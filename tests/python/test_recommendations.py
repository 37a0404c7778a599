"""What is recommended to whom, from the landed rows to the marts.

Two simulated shops, alike but for taste: in one customers lean strongly to some categories, in the
other all draw their products alike. The first is built again with its rows shuffled, and with
purchases added that a window must not have seen. Online Retail, a real shop, lies beside the
project under a licence of its own; without it its test is skipped.
"""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from clientele.simulator import simulate
from warehouse import NO_TESTS, ROOT, Builder, Warehouse, read_market, write_market

SELECTED = ("+customer_recommendations", "+recommendation_evidence")
MARTS = ("marts.customer_recommendations", "marts.recommendation_evidence")
POPULARITY = {"global_popularity", "segment_popularity"}
RETAIL_RATES = {
    "buy_again": 0.77, "co_purchase": 0.73, "global_popularity": 0.57, "segment_popularity": 0.56,
}  # fmt: skip
RETAIL = (ROOT / ".." / "shared" / "data" / "online_retail").resolve()


def landed(folder: Path, taste: float) -> Path:
    simulate(
        folder,
        customers=2_500,
        start=date(2025, 7, 1),
        end=date(2026, 6, 30),
        seed=3,
        mess=0.0,
        taste=taste,
    )
    return folder


@pytest.fixture(scope="module")
def landing(tmp_path_factory) -> Path:
    return landed(tmp_path_factory.mktemp("taste"), 2.0)


@pytest.fixture(scope="module")
def shops(builder: Builder, landing: Path, tmp_path_factory) -> dict[str, Warehouse]:
    """The shop with taste, as it is, shuffled and poisoned, and the shop without."""
    none = landed(tmp_path_factory.mktemp("no_taste"), 0.0)
    shuffled, poisoned = tmp_path_factory.mktemp("shuffled"), tmp_path_factory.mktemp("poisoned")
    with read_market(landing) as raw:
        write_market(
            shuffled,
            raw,
            {
                table: f"select * from {table} order by hash({table}::varchar)"
                for table in ("market_order", "product_detail", "promo_detail", "app_open")
            },
            files=2,
        )
        # On the second day of the report window everybody who had ordered in May buys one product
        # that hardly anybody else does: what was learned before must not know of it.
        (rarest,) = raw.execute(
            "select product_id from product_detail group by all order by count(*), 1 limit 1"
        ).fetchone()
        taken = (
            "select * from market_order where deliverdate between '2026-05-01' and '2026-05-25' "
            "qualify row_number() over (partition by client_id order by order_id) = 1"
        )
        write_market(
            poisoned,
            raw,
            {
                "market_order": "select * from market_order union all select * replace ("
                "'9' || order_id as order_id, '2026-06-02 09:00:00' as createdate, "
                "'2026-06-02 10:00:00' as checkoutdate, '2026-06-02 11:00:00' as deliverdate, "
                f"null as ratedate, null as rating) from ({taken})",
                "product_detail": "select * from product_detail union all "
                "select * replace ('9' || order_id as order_id, "
                f"'{rarest}' as product_id) from product_detail where _pos = '1' "
                f"and order_id in (select order_id from ({taken}))",
            },
        )
    return builder.build_all(
        {
            "taste": {"landing": landing, "select": SELECTED, "with_tests": True},
            "no taste": {"landing": none, "select": SELECTED},
            "shuffled": {"landing": shuffled, "select": SELECTED, "threads": 1},
            "poisoned": {"landing": poisoned, "select": SELECTED},
        }
    )


def evidence(shop: Warehouse, window: str) -> pd.DataFrame:
    frame = shop.frame(
        f"from marts.recommendation_evidence where window_name = '{window}' order by method"
    )
    return frame.set_index("method")


def test_the_gate_serves_the_model_where_there_is_taste(shops):
    report = evidence(shops["taste"], "report")
    (served,) = report.index[report["is_served"]]
    assert served in {"category_affinity", "co_purchase"}
    assert report.loc[served, "gain_lower"] > 0
    assert report.loc[served, "hit_rate"] > report.loc["global_popularity", "hit_rate"] + 0.03
    methods = shops["taste"].query(
        "select distinct method from marts.customer_recommendations order by 1"
    )
    assert {(served,), ("global_popularity",)} <= set(methods)


def test_the_gate_serves_popularity_where_there_is_none(shops):
    report = evidence(shops["no taste"], "report")
    (served,) = report.index[report["is_served"]]
    assert served in POPULARITY
    assert (report.loc[report["is_candidate"], "gain_lower"] <= 0).all()
    methods = shops["no taste"].query("select distinct method from marts.customer_recommendations")
    assert {row[0] for row in methods} <= POPULARITY


def test_hit_rates_are_those_counted_from_the_raw_files(shops, landing):
    """Global popularity, recomputed with pandas from the landed rows for the report window.

    The last complete day is 2026-06-29, so the window learns up to 2026-05-30.
    """
    with read_market(landing) as raw:
        lines = raw.execute("""
            select client_id, product_id, createdate, checkoutdate, deliverdate
            from product_detail join market_order using (order_id) where deliverdate is not null
        """).df()
    lines["ordered"] = lines["checkoutdate"].str[:10]
    lines["known"] = lines[["checkoutdate", "deliverdate"]].max(axis=1).str[:10]
    assert shops["taste"].value("select max(as_of_date) from intermediate.int_as_of") == date(
        2026, 6, 29
    )
    learned = lines[(lines["ordered"] >= "2026-04-01") & (lines["known"] <= "2026-05-30")]
    buyers = learned.drop_duplicates(["client_id", "product_id"]).groupby("product_id").size()
    ranked = buyers.reset_index(name="n").sort_values(["n", "product_id"], ascending=[False, True])
    ten = set(ranked["product_id"].head(10))
    bought = lines[(lines["ordered"] > "2026-05-30") & (lines["ordered"] <= "2026-06-29")]
    bought = bought[bought["known"] <= "2026-06-29"]
    known = set(lines.loc[lines["known"] <= "2026-05-30", "client_id"])
    bought = bought[bought["client_id"].isin(known)]
    hits = bought[bought["product_id"].isin(ten)]["client_id"].nunique()
    row = evidence(shops["taste"], "report").loc["global_popularity"]
    assert (row["customer_count"], row["hit_count"]) == (bought["client_id"].nunique(), hits)
    assert row["customer_count"] > 300


def test_marts_depend_neither_on_the_order_of_rows_nor_on_threads(shops):
    assert shops["taste"].fingerprints(MARTS) == shops["shuffled"].fingerprints(MARTS)


def test_a_window_has_not_seen_what_came_after_it(shops):
    """Purchases within the report window change what it says, but not what it was told."""
    before, after = shops["taste"], shops["poisoned"]
    verdict = ["is_served", "reason"]  # that of the report window
    tuned = [evidence(shop, "tuning").drop(columns=verdict) for shop in (before, after)]
    pd.testing.assert_frame_equal(*tuned)
    learned = """
        from recommendations.{table}
        where window_number in (
            select window_number from recommendations.recommendation_windows
            where window_name <> 'current'
        )
        order by all
    """
    for table in ("window_products", "window_items", "window_product_pairs", "window_groups"):
        query = learned.format(table=table)
        pd.testing.assert_frame_equal(before.frame(query), after.frame(query), obj=table)
    report = [evidence(shop, "report")["customer_count"].iloc[0] for shop in (before, after)]
    assert report[1] > report[0] + 100


def test_every_customer_has_ten_products_and_nobody_else_has(shops):
    for name in ("taste", "no taste"):
        wrong = shops[name].query("""
            with counted as (
                select customer_key, count(*) as products, count(distinct product_key) as different
                from marts.customer_recommendations group by customer_key
            )
            select customer_key, products from customer.customer_single_view
            full join counted using (customer_key)
            where (is_customer and (products is null or products <> 10 or different <> 10))
                or (products > 0 and is_customer is not true)
        """)
        assert wrong == []


def test_a_reason_names_what_was_bought(shops):
    """Counts of products of the category are those of the customer's days learned from."""
    shop = shops["taste"]
    told = shop.frame("""
        select customer_key, category, product_id,
            regexp_extract(recommendation_reason, 'like ([0-9]+) product', 1)::int as counted
        from marts.customer_recommendations where recommendation_reason like 'much bought in %'
    """)
    bought = shop.frame("""
        select customer_key, category, count(distinct product_key) as bought
        from core.fct_order_lines join core.dim_products using (product_key)
        where is_successful and order_date between date '2026-05-01' and date '2026-06-29'
            and delivered_date <= date '2026-06-29'
        group by all
    """)
    both = told.merge(bought, how="left")
    assert len(both) > 2_000
    assert (both["counted"] == both["bought"]).all()


def test_an_excluded_product_is_recommended_to_nobody(builder, shops, landing):
    """The most popular product is excluded by an id that is written in another way."""
    project = builder.project(landing)
    shutil.copy(shops["taste"].path, project / "warehouse")
    top = "select product_id from recommendations.window_products where product_number = 1"
    for (product,) in shops["taste"].query(f"select distinct product_id from ({top})"):
        seed = project / "seeds" / "recommendation_exclusions.csv"
        seed.write_text(f"source,product_id,reason\nmarket, {product.upper()},recalled\n")
    chain = ("recommendation_exclusions+,+customer_recommendations",)
    finished = builder.dbt(project, "build", *NO_TESTS, "--select", *chain)
    assert finished.returncode == 0, finished.stdout
    shop = Warehouse(project, 0, "")
    listed = f"select count(*) from marts.customer_recommendations where product_id = '{product}'"
    assert shop.value(listed) == 0
    assert shops["taste"].value(listed) > 1_000
    assert shop.value("select count(*) from marts.customer_recommendations") == (
        shops["taste"].value("select count(*) from marts.customer_recommendations")
    )


@pytest.mark.skipif(
    not RETAIL.is_dir(),
    reason="the Online Retail data are not beside the project (../shared/data/online_retail)",
)
def test_online_retail_is_bought_again(builder):
    """In a wholesaler's shop nothing beats what a customer bought before, and it is served."""
    shop = builder.build(
        RETAIL.parent,
        variables={"sources": ["online_retail"], "largest_quantity": 100_000},
        select=SELECTED,
        with_tests=True,
    )
    report = evidence(shop, "report")
    rates = report["hit_rate"].round(2).to_dict()
    assert rates == RETAIL_RATES
    (served,) = report.index[report["is_served"]]
    assert served == "buy_again"
    goods = """
        select count(*) from marts.customer_recommendations
        join core.dim_products using (product_key) where not is_merchandise
    """
    assert shop.value(goods) == 0
    assert shop.value("select count(*) from marts.customer_recommendations") > 40_000
