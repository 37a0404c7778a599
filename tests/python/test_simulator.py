"""The simulated shop is what its truth says, and the same on every run."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from clientele.cli import main
from clientele.simulator import baskets, landing, simulate
from clientele.simulator.mess import DEFECTS

DEMO = Path(__file__).parents[2] / "demo"
START, END = date(2024, 7, 1), date(2026, 6, 30)
AFTER_END = "2026-07-01 00:00:00"
SEED = 7
CUSTOMERS = 6_000
MESS = 0.5

HEADERS = {
    "market_order": (
        "client_id order_id checkoutdate createdate city_id devicename addressname distance aandm "
        "basketvalue chargedamount deliveryfee discountamount suppliersupport thirdpartysupport "
        "ratedate rateisskipped rating ratereason deliverdate warehouse_id hex_id"
    ),
    "app_open": "client_id appopendate",
    "promo_detail": "order_id promo_id responsibledepartment_id promoobjective",
    "product_detail": (
        "order_id _pos count product_id price subcategory_id brand_id mastercategory_id"
    ),
}
TRUTHS = ("truth_customers", "truth_shop", "truth_mess")
NO_DATE = "not in ('2025-13-45', '31/12/2025', '0000-00-00')"


class Shop:
    """Queries on a landing zone: {market_order} and the like stand for its tables."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tables = {name: self.path("market", name) for name in HEADERS}
        self.tables |= {name: self.path("market_truth", name) for name in TRUTHS}

    def path(self, source: str, table: str) -> str:
        return f"'{self.folder}/{source}/{table}/*.parquet'"

    def frame(self, query: str) -> pd.DataFrame:
        with duckdb.connect() as connection:
            return connection.execute(query.format(**self.tables)).df()

    def value(self, query: str):
        with duckdb.connect() as connection:
            return connection.execute(query.format(**self.tables)).fetchall()[0][0]


def make_shop(folder: Path, **arguments) -> Shop:
    defaults = {"customers": CUSTOMERS, "start": START, "end": END, "seed": SEED, "mess": 0.0}
    simulate(folder, **(defaults | arguments))
    return Shop(folder)


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Shop:
    return make_shop(tmp_path_factory.mktemp("clean"))


@pytest.fixture(scope="module")
def messy(tmp_path_factory) -> Shop:
    return make_shop(tmp_path_factory.mktemp("messy"), mess=MESS)


@pytest.fixture(scope="module")
def pieces(tmp_path_factory) -> Shop:
    return make_shop(tmp_path_factory.mktemp("pieces"), mess=MESS, piece=1_700)


@pytest.fixture(scope="module")
def drifted(tmp_path_factory) -> Shop:
    return make_shop(tmp_path_factory.mktemp("drifted"), drift=True)


@pytest.fixture(scope="module")
def without_signal(tmp_path_factory) -> Shop:
    return make_shop(tmp_path_factory.mktemp("no_signal"), customers=12_000, no_signal=True)


@pytest.fixture(scope="module")
def truth(clean: Shop) -> pd.DataFrame:
    return clean.frame("from {truth_customers}")


def fingerprint(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# --- the same on every run -----------------------------------------------------------------------


def test_same_seed_gives_same_bytes_and_another_seed_does_not(tmp_path):
    one, same, other = (
        make_shop(tmp_path / name, customers=200, mess=0.3, seed=seed, drift=True).folder
        for name, seed in (("one", 1), ("same", 1), ("other", 2))
    )
    assert fingerprint(one) == fingerprint(same)
    different = {name for name, digest in fingerprint(one).items()
                 if fingerprint(other)[name] != digest}  # fmt: skip
    assert different == set(fingerprint(one))


def test_chunks_leave_no_trace(tmp_path, monkeypatch):
    whole = make_shop(tmp_path / "whole", customers=300, mess=0.3)
    monkeypatch.setattr(baskets, "ORDERS_PER_CHUNK", 97)
    monkeypatch.setattr(landing, "FRAME_ROWS", 101)
    assert fingerprint(make_shop(tmp_path / "chunks", customers=300, mess=0.3).folder) == (
        fingerprint(whole.folder)
    )
    monkeypatch.setattr(landing, "PART_ROWS", 500)
    parts = make_shop(tmp_path / "parts", customers=300, mess=0.3)
    assert len(list((parts.folder / "market/market_order").iterdir())) > 1
    for table in HEADERS:
        numbered = f"select * from {{{table}}} order by all"
        pd.testing.assert_frame_equal(parts.frame(numbered), whole.frame(numbered))


def test_a_shop_in_pieces_is_one_shop(clean, pieces):
    files = "select count(distinct filename) from read_parquet({}, filename = true)"
    assert clean.value(files.format("{market_order}")) == 1
    assert pieces.value(files.format("{market_order}")) == 4
    assert pieces.value("select count(*) from {truth_shop}") == 1
    assert pieces.value("select customers from {truth_shop}") == CUSTOMERS
    numbers = "select client_id from {truth_customers} order by all"
    assert pieces.frame(numbers).equals(clean.frame(numbers))

    labels = """
        select distinct product_id, mastercategory_id, subcategory_id, brand_id
        from {product_detail} where product_id = lower(trim(product_id)) order by all
    """
    products = pd.merge(pieces.frame(labels), clean.frame(labels), on="product_id")
    assert len(products) > 1_300
    for column in ("mastercategory_id", "subcategory_id", "brand_id"):
        assert (products[f"{column}_x"] == products[f"{column}_y"]).all(), column
    # Orders of all pieces are numbered side by side.
    ranks = pieces.frame("""
        select order_id::bigint as number, createdate::timestamp as created
        from {market_order}
        where try_cast(order_id as bigint) is not null and createdate between '2024' and '2027'
            and length(createdate) = 19 and length(trim(order_id)) = 9
    """).rank()
    assert ranks["number"].corr(ranks["created"]) > 0.99


def test_pieces_have_customers_of_their_own_and_the_same_bytes_each_time(tmp_path):
    made = [make_shop(tmp_path / name, customers=400, mess=0.3, piece=150) for name in "ab"]
    assert fingerprint(made[0].folder) == fingerprint(made[1].folder)
    folder = made[0].folder / "market_truth/truth_customers"
    parts = [
        made[0].frame(f"select spend_mean from '{folder}/part-{number}.parquet'")
        for number in range(3)
    ]
    assert [len(part) for part in parts] == [133, 133, 134]
    assert len(set(pd.concat(parts)["spend_mean"])) == 400


def test_a_piece_of_nobody_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"piece \(0\) must be at least 1"):
        make_shop(tmp_path / "none", piece=0)
    assert not (tmp_path / "none").exists()


def test_demo_is_what_its_command_makes(tmp_path):
    command = ["simulate", str(tmp_path), "--contrast", "1.6", "--quiet"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    made, demo = Shop(tmp_path), Shop(DEMO)
    for table in (*HEADERS, *TRUTHS):
        query = f"from {{{table}}}"
        pd.testing.assert_frame_equal(made.frame(query), demo.frame(query), obj=table)
    assert sum(path.stat().st_size for path in DEMO.rglob("*.parquet")) < 4_000_000


# --- the shape of the tables ---------------------------------------------------------------------


@pytest.mark.parametrize("table", HEADERS)
@pytest.mark.parametrize("shop", ["clean", "messy"])
def test_columns_are_exact_and_all_text(shop, table, request):
    columns = request.getfixturevalue(shop).frame(f"describe select * from {{{table}}}")
    assert list(columns["column_name"]) == HEADERS[table].split()
    assert set(columns["column_type"]) == {"VARCHAR"}


def test_shares_of_rows_are_as_designed(clean):
    shares = clean.frame("""
        select
            avg((checkoutdate is null)::int) as cart,
            avg((chargedamount = '0.00')::int) filter (checkoutdate is not null) as cancelled,
            avg((deliverdate is null and chargedamount <> '0.00')::int)
                filter (checkoutdate < '2026-06-25') as undelivered,
            avg((ratedate is not null)::int) filter (deliverdate < '2026-06-01') as asked,
            avg((rateisskipped = '1')::int) filter (ratedate is not null) as skipped
        from {market_order}
    """).iloc[0]
    expected = {
        "cart": (0.083, 0.01),
        "cancelled": (0.03, 0.005),
        "undelivered": (0.015, 0.004),
        "asked": (0.52, 0.015),
        "skipped": (0.38, 0.02),
    }
    for name, (value, tolerance) in expected.items():
        assert shares[name] == pytest.approx(value, abs=tolerance), name
    opens = clean.value("select count(*) from {app_open}")
    orders = clean.value("select count(*) from {market_order} where checkoutdate is not null")
    assert 7.5 < opens / orders < 9.5
    assert 3.5 < orders / CUSTOMERS < 5


def test_keys_are_unique_and_known(clean):
    assert_keys_are_unique_and_known(clean)


def test_keys_are_unique_and_known_in_all_pieces(tmp_path):
    assert_keys_are_unique_and_known(make_shop(tmp_path, piece=1_700))


def assert_keys_are_unique_and_known(clean: Shop) -> None:
    queries = {
        "order": "select count(*) - count(distinct order_id) from {market_order}",
        "line": "select count(*) - count(distinct (order_id, _pos)) from {product_detail}",
        "promotion": "select count(*) - count(distinct (order_id, promo_id)) from {promo_detail}",
        "open": "select count(*) - count(distinct (client_id, appopendate)) from {app_open}",
        "client": "select count(*) - count(distinct client_id) from {truth_customers}",
        "orphan line": "select count(*) from {product_detail} anti join {market_order}"
        " using (order_id)",
        "empty order": "select count(*) from {market_order} anti join {product_detail}"
        " using (order_id)",
        "stranger": "select count(*) from {market_order} anti join {truth_customers}"
        " using (client_id)",
        "client without order": "select count(*) from {truth_customers} anti join"
        " (from {market_order} where checkoutdate is not null) using (client_id)",
        "bad client_id": "select count(*) from {truth_customers}"
        " where not regexp_full_match(client_id, '[0-9]{{8}}')",
        "bad hex_id": "select count(*) from {market_order}"
        " where not regexp_full_match(hex_id, '[0-9a-f]{{15}}')",
    }
    assert {name: clean.value(query) for name, query in queries.items()} == dict.fromkeys(
        queries, 0
    )
    assert clean.value("select count(*) from {truth_customers} where client_id like '0%'") > 0


def test_client_ids_tell_nothing(truth):
    rank = truth["client_id"].astype(int).rank()
    assert abs(rank.corr(truth["acquired_at"].rank())) < 0.05
    means = rank.groupby(truth["latent_type"]).mean() / CUSTOMERS
    assert means.between(0.45, 0.55).all()


# --- money ---------------------------------------------------------------------------------------


def test_charged_amount_is_basket_plus_fee_minus_discount(clean):
    broken = clean.value("""
        select count(*) from {market_order}
        where not (checkoutdate is not null and deliverdate is null and chargedamount = '0.00')
            and chargedamount::decimal(18, 2) <> basketvalue::decimal(18, 2)
                + deliveryfee::decimal(18, 2) - discountamount::decimal(18, 2)
    """)
    assert broken == 0
    money = "[0-9]+[.][0-9]{{2}}"
    columns = "basketvalue chargedamount deliveryfee discountamount suppliersupport aandm"
    for column in columns.split():
        assert not clean.value(
            f"select count(*) from {{market_order}}"
            f" where not regexp_full_match({column}, '{money}')"
        )


def test_basket_is_the_sum_of_its_lines_to_the_cent(clean):
    broken = clean.value("""
        select count(*) from {market_order} as orders
        join (
            select order_id, sum("count"::int * price::decimal(18, 2)) as value
            from {product_detail} group by order_id
        ) as lines using (order_id)
        where basketvalue::decimal(18, 2) <> value
    """)
    assert broken == 0


def test_discount_stands_exactly_where_a_promotion_was_used(clean):
    broken = clean.value("""
        select count(*) from {market_order} as orders
        left join (select distinct order_id, true as has_promo from {promo_detail}) using (order_id)
        where (discountamount::decimal(18, 2) > 0) <> coalesce(has_promo, false)
            or suppliersupport::decimal(18, 2) + thirdpartysupport::decimal(18, 2)
                > discountamount::decimal(18, 2)
            or discountamount::decimal(18, 2)
                > basketvalue::decimal(18, 2) + deliveryfee::decimal(18, 2)
    """)
    assert broken == 0
    assert set(clean.frame("select distinct promoobjective from {promo_detail}").iloc[:, 0]) == {
        "acquisition",
        "activation",
        "retention",
        "reactivation",
        "basket_size",
        "service_recovery",
    }


# --- time ----------------------------------------------------------------------------------------


def test_events_come_in_order_and_none_after_the_end(clean):
    broken = clean.value(f"""
        select count(*) from {{market_order}}
        where createdate > checkoutdate or checkoutdate > deliverdate or deliverdate > ratedate
            or (deliverdate is not null and checkoutdate is null)
            or (ratedate is not null and deliverdate is null)
            or deliverdate::timestamp - checkoutdate::timestamp
                not between interval 30 minutes and interval 3 days
            or greatest(createdate, checkoutdate, deliverdate, ratedate) >= '{AFTER_END}'
            or createdate < '2024-07-01'
            or (ratedate is null) <> (rateisskipped is null)
            or (rating is not null) <> (rateisskipped = '0' and ratedate is not null)
            or (ratereason is not null and rating::int > 3)
    """)
    assert broken == 0
    assert clean.value("select max(appopendate) from {app_open}") < AFTER_END
    out_of_order = clean.value("""
        select count(*) from (
            select createdate < lag(createdate) over (order by file_row_number) as is_late
            from read_parquet({market_order}, file_row_number = true)
        ) where is_late
    """)
    assert out_of_order == 0


def test_every_order_follows_an_app_open(clean):
    without_open = clean.value("""
        select count(*) from (from {market_order} where checkoutdate is not null) as orders
        asof join {app_open} as opens
            on orders.client_id = opens.client_id and orders.createdate >= opens.appopendate
        where orders.createdate::timestamp - opens.appopendate::timestamp > interval 48 hours
    """)
    matched = clean.value("""
        select count(*) from (from {market_order} where checkoutdate is not null) as orders
        asof join {app_open} as opens
            on orders.client_id = opens.client_id and orders.createdate >= opens.appopendate
    """)
    assert without_open == 0
    assert matched == clean.value("select count(checkoutdate) from {market_order}")


def test_revenue_has_no_cliffs(clean):
    revenue = clean.frame("""
        select left(checkoutdate, 7) as month, sum(chargedamount::decimal(18, 2))::double as revenue
        from {market_order} where checkoutdate is not null group by month order by month
    """)["revenue"]
    assert len(revenue) == 24
    assert (revenue / revenue.shift())[1:].between(0.8, 1.5).all()


# --- the buying process --------------------------------------------------------------------------


def test_truth_agrees_with_the_orders(clean, truth):
    orders = clean.frame("""
        select
            client_id,
            min(checkoutdate)::timestamp as acquired_at,
            max(checkoutdate)::timestamp as last_order_at,
            min(checkoutdate) filter (deliverdate is not null)::timestamp as first_successful_at,
            count(checkoutdate) as placed_orders
        from {market_order} group by client_id
    """)
    both = truth.merge(orders, on="client_id", suffixes=("", "_seen"))
    assert len(both) == len(truth) == CUSTOMERS
    for column in ("acquired_at", "placed_orders", "first_successful_at"):
        seen = both[f"{column}_seen"].astype(both[column].dtype)
        pd.testing.assert_series_equal(both[column], seen, check_names=False)
    gone = both["dropped_at"].notna()
    assert (both.loc[gone, "dropped_at"] == both.loc[gone, "last_order_at"]).all()


def test_purchases_while_active_follow_the_rate(truth):
    """Given the time at risk, repeat purchases are a Poisson count: within 4 standard errors."""
    expected = (truth["purchase_rate"] * truth["active_days"]).groupby(truth["latent_type"]).sum()
    seen = (truth["placed_orders"] - 1).groupby(truth["latent_type"]).sum()
    assert len(expected) == 5
    assert (abs(seen - expected) < 4 * np.sqrt(expected)).all()


def test_time_at_risk_is_the_calendar_time_while_active(truth):
    until = truth["dropped_at"].fillna(pd.Timestamp(AFTER_END))
    days = (until - truth["acquired_at"]).dt.total_seconds() / 86_400
    assert truth["active_days"].sum() == pytest.approx(days.sum(), rel=0.02)
    assert truth["active_days"].corr(days) > 0.999


def test_dropouts_follow_the_probability(truth):
    """Each purchase is a Bernoulli trial with p: within 4 standard errors."""
    p, purchases = truth["dropout_probability"], truth["placed_orders"]
    by_type = truth["latent_type"]
    expected = (p * purchases).groupby(by_type).sum()
    error = np.sqrt((p * (1 - p) * purchases).groupby(by_type).sum())
    seen = truth["dropped_at"].notna().groupby(by_type).sum()
    assert (abs(seen - expected) < 4 * error).all()


def test_order_values_are_gamma_around_the_customers_mean(clean, truth):
    orders = clean.frame("""
        select latent_type, basketvalue::double / spend_mean as ratio
        from {market_order} join {truth_customers} using (client_id)
    """)
    assert orders["ratio"].mean() == pytest.approx(1.0, abs=0.01)
    assert orders.groupby("latent_type")["ratio"].mean().between(0.975, 1.025).all()
    shape = clean.value("select spend_shape from {truth_shop}")
    assert orders["ratio"].var() == pytest.approx(1 / shape, rel=0.05)


def test_types_come_back_as_designed(truth):
    repeat = truth.groupby("latent_type")["true_repeat_90_probability"].mean()
    assert repeat["one_timer"] < 0.2 < repeat["promo_hunter"] < repeat["fading"] < repeat["loyal"]
    orders = truth.groupby("latent_type")["placed_orders"].mean()
    assert orders["one_timer"] < orders["big_basket"] < orders["fading"] < orders["loyal"]
    assert truth.groupby("latent_type")["spend_mean"].mean().idxmax() == "big_basket"


REPEATS = """
    with successful as (
        select client_id, checkoutdate::timestamp as ordered_at from {market_order}
        where deliverdate is not null
    )
    select
        client_id,
        any_value(first_successful_at) as first_at,
        any_value(true_repeat_90_probability) as probability,
        bool_or(
            ordered_at > first_successful_at + interval 24 hours
            and ordered_at <= first_successful_at + interval 90 days
        ) as has_repeated
    from successful join {truth_customers} using (client_id)
    group by client_id
    having first_at < '2026-03-20'
"""


@pytest.mark.parametrize("shop", ["clean", "drifted", "without_signal"])
def test_true_repeat_probability_is_calibrated(shop, request):
    """In each band of the probability, repeats are a sum of Bernoulli trials: 4 standard errors."""
    customers = request.getfixturevalue(shop).frame(REPEATS)
    assert customers["probability"].between(0, 1).all()
    bands = pd.cut(customers["probability"], [-0.01, 0.1, 0.3, 0.6, 0.8, 0.9, 1.0])
    p = customers["probability"]
    expected = p.groupby(bands, observed=True).sum()
    error = np.sqrt((p * (1 - p)).groupby(bands, observed=True).sum())
    seen = customers["has_repeated"].groupby(bands, observed=True).sum()
    assert (abs(seen - expected) < 4 * error + 1).all()


FIRST_ORDERS = """
    with first_orders as (
        select *, checkoutdate::timestamp as ordered_at from {market_order}
        where deliverdate is not null
        qualify row_number() over (partition by client_id order by checkoutdate, order_id) = 1
    ),
    opens as (
        select client_id, count(*) as opens
        from first_orders join {app_open} using (client_id)
        where appopendate::timestamp <= ordered_at + interval 7 days
        group by client_id
    ),
    lines as (
        select order_id, count(*) as lines, count(distinct mastercategory_id) as categories
        from {product_detail} group by order_id
    )
    select
        client_id, basketvalue::double as basket, discountamount::double as discount,
        deliveryfee::double as fee, aandm::double as marketing, distance::double as distance,
        coalesce(rating::int, 0) as rating, (devicename = 'web')::int as is_web,
        date_diff('minute', checkoutdate::timestamp, deliverdate::timestamp) as delay,
        opens, lines, categories
    from first_orders join opens using (client_id) join lines using (order_id)
"""


def first_order_auc(shop: Shop) -> float:
    """Return the AUC of a logistic regression on the first week, tested on later customers."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.preprocessing import StandardScaler

    data = shop.frame(FIRST_ORDERS).merge(shop.frame(REPEATS), on="client_id")
    data = data.sort_values(["first_at", "client_id"])
    features = data.drop(columns=["client_id", "first_at", "probability", "has_repeated"])
    scaled = StandardScaler().fit_transform(features)
    split = len(data) // 2
    model = LogisticRegression().fit(scaled[:split], data["has_repeated"][:split])
    return roc_auc_score(data["has_repeated"][split:], model.predict_proba(scaled[split:])[:, 1])


def test_first_order_tells_about_the_future_only_where_there_is_signal(clean, without_signal):
    assert 0.65 < first_order_auc(clean) < 0.9
    assert 0.45 < first_order_auc(without_signal) < 0.55
    assert without_signal.value("select count(distinct latent_type) from {truth_customers}") == 1


def recovered(shop: Shop) -> float:
    """Return the adjusted Rand index of five clusters of what customers did with their types."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score

    data = shop.frame(f"""
        with behaviour as (
            select
                client_id,
                ln(1 + date_diff('day', max(checkoutdate::timestamp), timestamp '{AFTER_END}')),
                ln(1 + count(*)),
                ln(1 + avg(basketvalue::double)),
                avg((discountamount <> '0.00')::int),
                sum(greatest(0, discountamount::double - suppliersupport::double
                    - thirdpartysupport::double)) / sum(basketvalue::double),
                (sum(coalesce(rating::int, 0)) + 3 * 4) / (count(rating) + 3),
                avg(distance::double),
            from {{market_order}} where deliverdate is not null group by client_id
        ),
        opens as (
            select
                client_id,
                count(*) filter (appopendate >= '2026-06-01') as opens_30d,
                count(*) filter (appopendate >= '2026-04-02') as opens_90d,
            from {{app_open}} group by client_id
        ),
        breadth as (
            select client_id, count(distinct mastercategory_id) as breadth
            from {{market_order}} join {{product_detail}} using (order_id)
            where deliverdate is not null group by client_id
        )
        select
            latent_type, behaviour.* exclude (client_id), ln(1 + opens_30d), ln(1 + opens_90d),
            breadth
        from behaviour join {{truth_customers}} using (client_id)
        join opens using (client_id) join breadth using (client_id)
    """)
    features = data.drop(columns="latent_type").to_numpy(dtype=float)
    features = np.clip(features, *np.quantile(features, [0.005, 0.995], axis=0))
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    labels = KMeans(5, n_init=10, random_state=0).fit_predict(features)
    return adjusted_rand_score(data["latent_type"], labels)


def test_types_are_recovered_by_k_means_from_behaviour(clean):
    assert 0.35 < recovered(clean) < 0.9


# --- contrast ------------------------------------------------------------------------------------

# md5 of the tables' rows as text, from the simulator as it was before it had the dial.
BEFORE_THE_DIAL = {
    "app_open": "1d2163703e9236dcb9b9dc5282cf12d0",
    "market_order": "4861384014b3eb538ac914996a3d30e3",
    "product_detail": "60940408522e60bfe80a88c68f0828dd",
    "promo_detail": "f34f93a0af0db661e28db9501ff1d0d7",
    "truth_customers": "75240b7ba89848ff0d5ff744dbdab6ae",
    "truth_mess": "0561999224ff8115917aedc9eadd1824",
}
MOVED = ("purchase_rate", "spend_mean", "promo_probability", "home_distance", "browse_rate")


def test_contrast_of_one_is_the_shop_of_before_the_dial(tmp_path):
    few = {"customers": 60, "end": date(2025, 6, 30), "mess": 0.5}
    default = make_shop(tmp_path / "default", **few)
    assert fingerprint(default.folder) == fingerprint(
        make_shop(tmp_path / "one", **few, contrast=1.0).folder
    )
    found = {
        table: default.value(
            f"select md5(string_agg(raw::varchar, chr(10) order by raw::varchar)) "
            f"from {{{table}}} as raw"
        )
        for table in BEFORE_THE_DIAL
    }
    assert found == BEFORE_THE_DIAL


@pytest.fixture(scope="module")
def alike(tmp_path_factory) -> Shop:
    return make_shop(tmp_path_factory.mktemp("alike"), customers=3_000, contrast=0.0)


@pytest.fixture(scope="module")
def unlike(tmp_path_factory) -> Shop:
    return make_shop(tmp_path_factory.mktemp("unlike"), customers=3_000, contrast=2.0)


def gaps_between_types(shop: Shop) -> pd.Series:
    """Return for each habit the greatest mean of a type over the least one."""
    means = shop.frame("from {truth_customers}").groupby("latent_type")[list(MOVED)].mean()
    return means.max() / means.min()


def test_without_contrast_types_differ_only_in_how_soon_they_leave(alike):
    assert gaps_between_types(alike).max() < 1.25
    moods = alike.frame("from {truth_customers}").groupby("latent_type")["rating_bias"].mean()
    assert moods.max() - moods.min() < 0.1
    leaving = "dropout_probability"
    means = alike.frame("from {truth_customers}").groupby("latent_type")[leaving].mean()
    assert means.max() > 10 * means.min()


def test_contrast_moves_types_apart(clean, alike, unlike):
    """Clusters of behaviour find them the better: 0.18 without, 0.46 as usual, 0.70 at 2."""
    assert (1.5 * gaps_between_types(alike) < gaps_between_types(clean)).all()
    assert (1.2 * gaps_between_types(clean) < gaps_between_types(unlike)).all()
    assert recovered(alike) < 0.25 < recovered(unlike) - 0.35


# --- taste ---------------------------------------------------------------------------------------


def largest_category_share(shop: Shop) -> float:
    """Return the mean share of the category that a customer with ten lines buys most from."""
    return shop.value("""
        with counted as (
            select client_id, mastercategory_id, count(*) as lines
            from {product_detail} join {market_order} using (order_id) group by all
        )
        select avg(share) from (
            select max(lines) / sum(lines) as share from counted
            group by client_id having sum(lines) >= 10
        )
    """)


def test_taste_makes_customers_unlike_in_what_they_buy(tmp_path, clean):
    alike = make_shop(tmp_path / "alike", customers=1_000, taste=0.0)
    sharp = make_shop(tmp_path / "sharp", customers=1_000, taste=2.0)
    tastes = "select count(distinct taste::varchar) from {truth_customers}"
    assert alike.value(tastes) == 1
    assert clean.value(tastes) > 0.99 * clean.value("select count(*) from {truth_customers}")
    shares = [largest_category_share(shop) for shop in (alike, clean, sharp)]
    assert shares[0] < shares[1] - 0.05 < shares[2] - 0.15


def test_taste_of_one_is_the_shop_of_before_the_dial(tmp_path):
    few = {"customers": 60, "end": date(2025, 6, 30), "mess": 0.5}
    default = make_shop(tmp_path / "default", **few)
    one = make_shop(tmp_path / "one", **few, taste=1.0)
    assert fingerprint(default.folder) == fingerprint(one.folder)


# --- drift ---------------------------------------------------------------------------------------


def test_drift_changes_nothing_before_its_date(clean, drifted):
    drift_date = drifted.value("select drift_date from {truth_shop}")
    before = f"createdate::timestamp < timestamp '{drift_date}' - interval 1 day"
    orders = f"select * from {{market_order}} where {before} order by order_id"
    pd.testing.assert_frame_equal(clean.frame(orders), drifted.frame(orders))
    for table in ("product_detail", "promo_detail"):
        rows = f"""
            select detail.* from {{{table}}} as detail join {{market_order}} using (order_id)
            where {before} order by all
        """
        pd.testing.assert_frame_equal(clean.frame(rows), drifted.frame(rows))


def test_drift_changes_behaviour_after_its_date(clean, drifted):
    summary = """
        select
            latent_type,
            avg((discountamount <> '0.00')::int) as promo_share,
            count(*) as orders
        from {market_order} join {truth_customers} using (client_id)
        where checkoutdate::timestamp >= timestamp '2025-07-02'
        group by latent_type order by latent_type
    """
    steady, moved = (shop.frame(summary).set_index("latent_type") for shop in (clean, drifted))
    assert (moved["promo_share"] > steady["promo_share"]).all()
    assert moved.loc["loyal", "promo_share"] > steady.loc["loyal", "promo_share"] + 0.08
    assert moved.loc["loyal", "orders"] < 0.97 * steady.loc["loyal", "orders"]
    price = "select avg(price::double) from {product_detail} join {market_order} using (order_id)"
    later = f"{price} where createdate >= '2025-07-02'"
    assert drifted.value(later) > 1.04 * clean.value(later)

    types = drifted.frame("select latent_type, type_after_drift from {truth_customers}")
    stays = (types["latent_type"] == types["type_after_drift"]).groupby(types["latent_type"]).mean()
    assert stays["loyal"] == pytest.approx(0.6, abs=0.06)
    assert stays["one_timer"] == 1.0
    assert clean.value("select count(type_after_drift) from {truth_customers}") == 0


# --- mess ----------------------------------------------------------------------------------------

FOUND_IN_ORDERS = {
    "bad_date": f"not (coalesce(createdate, '') {NO_DATE} and coalesce(checkoutdate, '') {NO_DATE}"
    f" and coalesce(deliverdate, '') {NO_DATE})",
    "far_date": "regexp_matches(concat_ws('|', createdate, checkoutdate, deliverdate),"
    " '1900|2099')",
    "negative_amount": "regexp_matches({amounts}, '-1[0-9]')",
    "absurd_amount": "regexp_matches({amounts}, '1e300|999999999999')",
    "not_a_number": "regexp_matches({amounts}, 'NaN|inf|Infinity')",
    "decimal_comma": "regexp_matches({amounts}, '(^|[|])[0-9]+,[0-9]{{2}}([|]|$)')",
    "thousands_separator": "regexp_matches({amounts}, '1,[0-9]{{3}}[.]|1[.][0-9]{{3}},')",
    "odd_number": "regexp_matches({amounts}, '0x10|1e3([|]|$)|1_000')",
    "padded_number": "regexp_matches({amounts}, ' [0-9.]+ ')",
    "null_required": "client_id is null or order_id is null or createdate is null"
    " or basketvalue is null",
    "blank_required": "trim(client_id) = '' or trim(order_id) = '' or trim(createdate) = ''"
    " or trim(basketvalue) = ''",
    "padded_id": "regexp_matches(concat_ws('|', client_id, order_id, city_id), ' [a-z0-9_]+ ')",
    "id_case": "city_id like '%CITY%'",
    "rating_out_of_range": "rating = '9'",
}
AMOUNTS = "concat_ws('|', basketvalue, chargedamount, deliveryfee, discountamount)"
FOUND_IN_LINES = {
    "fractional_count": "\"count\" in ('10.5', '2.5')",
    "odd_count": "\"count\" in ('0x10', '1e1', '-1')",
    "negative_amount": "price like '-1%'",
    "not_a_number": "price in ('NaN', 'inf', '-Infinity')",
    "orphan": "length(trim(order_id)) = 10",
    "null_required": 'order_id is null or product_id is null or "count" is null or price is null',
    "id_case": "product_id like '%P%'",
}


def injected(shop: Shop, table: str) -> dict[str, int]:
    rows = shop.frame(f"from {{truth_mess}} where table_name = '{table}'")
    return dict(zip(rows["kind"], rows["row_count"], strict=True))


def test_no_mess_injects_nothing(clean):
    assert clean.value("select sum(row_count) from {truth_mess}") == 0
    kinds = sum(len(DEFECTS[table]) for table in HEADERS)
    assert clean.value("select count(*) from {truth_mess}") == kinds


@pytest.mark.parametrize(
    ("table", "found"), [("market_order", FOUND_IN_ORDERS), ("product_detail", FOUND_IN_LINES)]
)
def test_defects_are_found_as_often_as_injected(messy, clean, table, found):
    expected = injected(messy, table)
    for kind, condition in found.items():
        query = f"select count(*) from {{{table}}} where {condition}".replace("{amounts}", AMOUNTS)
        assert messy.value(query) == expected[kind] > 0, kind
        assert clean.value(query) == 0, kind


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("market_order", "trim(order_id)"),
        ("product_detail", "trim(order_id), trim(_pos)"),
        ("promo_detail", "trim(order_id), lower(trim(promo_id))"),
    ],
)
def test_copies_are_found_as_often_as_injected(messy, table, key):
    expected = injected(messy, table)
    known = f"(from {{{table}}} where trim(order_id) <> '')"  # rows without it can be alike
    rows = messy.value(f"select count(*) from {known}")
    distinct = messy.value(f"select count(*) from (select distinct * from {known})")
    assert rows - distinct == expected["exact_duplicate"] > 0
    filled = "length(trim(order_id)) = 9"  # neither blank nor null nor an orphan
    if table == "promo_detail":
        filled += " and trim(promo_id) <> ''"
    conflicts = messy.value(f"""
        select sum(copies - 1) from (
            select count(*) as copies
            from (select distinct * from {{{table}}} where {filled}) group by {key}
        )
    """)
    assert conflicts == expected["conflicting_copy"] > 0


@pytest.mark.parametrize("table", HEADERS)
def test_clean_rows_underneath_do_not_depend_on_mess(clean, messy, table):
    counts = messy.frame(f"""
        select effect, sum(row_count)::int as rows from {{truth_mess}}
        where table_name = '{table}' group by effect
    """).set_index("effect")["rows"]
    changed = counts["change"] + counts["harmless"]
    lost = f"(from {clean.tables[table]} except all from {messy.tables[table]})"
    added = f"(from {messy.tables[table]} except all from {clean.tables[table]})"
    assert clean.value(f"select count(*) from {lost}") == changed
    assert clean.value(f"select count(*) from {added}") == changed + counts["copy"]


def test_mess_grows_with_the_dial(clean, messy):
    rows = clean.value("select count(*) from {product_detail}")
    for defect in DEFECTS["product_detail"]:
        seen = injected(messy, "product_detail")[defect.kind]
        assert seen == pytest.approx(rows * defect.rate * MESS, rel=0.15), defect.kind


# --- small shops and refusals --------------------------------------------------------------------


@pytest.mark.parametrize("mode", [{}, {"drift": True}, {"no_signal": True, "drift": True}])
def test_no_customers_give_empty_tables_with_columns(tmp_path, mode):
    shop = make_shop(tmp_path, customers=0, mess=1.0, **mode)
    for table, header in HEADERS.items():
        assert shop.value(f"select count(*) from {{{table}}}") == 0
        columns = shop.frame(f"describe select * from {{{table}}}")
        assert list(columns["column_name"]) == header.split()
        assert set(columns["column_type"]) == {"VARCHAR"}
    assert shop.value("select count(*) from {truth_customers}") == 0


@pytest.mark.parametrize("mode", [{}, {"drift": True}, {"no_signal": True, "drift": True}])
def test_one_customer_over_two_days(tmp_path, mode):
    shop = make_shop(tmp_path, customers=1, start=date(2024, 2, 28), end=date(2024, 2, 29), **mode)
    assert shop.value("select count(distinct client_id) from {market_order}") == 1
    assert shop.value("select max(createdate) from {market_order}") < "2024-03-01"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"start": END, "end": START}, "start"),
        ({"start": END, "end": END}, "start"),
        ({"customers": -1}, "customers"),
        ({"mess": 1.01}, "mess"),
        ({"mess": -0.1}, "mess"),
        ({"mess": float("nan")}, "mess"),
        ({"contrast": -0.1}, "contrast"),
        ({"contrast": 4.01}, "contrast"),
        ({"contrast": float("nan")}, "contrast"),
        ({"taste": -0.1}, "taste"),
        ({"taste": 4.01}, "taste"),
        ({"seed": -1}, "seed"),
        ({"drift_date": date(2025, 1, 1)}, "drift"),
        ({"drift": True, "drift_date": START}, "drift_date"),
    ],
)
def test_impossible_shops_are_refused(tmp_path, arguments, word):
    with pytest.raises(ValueError, match=word):
        simulate(tmp_path / "landing", **arguments)
    assert not (tmp_path / "landing").exists()


@pytest.mark.parametrize(
    "options",
    [
        ["--customers", "-5"],
        ["--mess", "2"],
        ["--contrast", "5"],
        ["--start", "2026-01-01", "--end", "2025-01-01"],
    ],
)
def test_command_refuses_with_one_line(tmp_path, options):
    result = CliRunner().invoke(main, ["simulate", str(tmp_path / "landing"), *options])
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1


def test_command_replaces_a_shop_only_when_told(tmp_path):
    def run(*options: str):
        return CliRunner().invoke(main, ["simulate", str(tmp_path), "--customers", "5", *options])

    assert "market_order" in run().output
    first = fingerprint(tmp_path)
    refused = run("--seed", "1")
    assert refused.exit_code == 1
    assert "--overwrite" in refused.output
    assert fingerprint(tmp_path) == first
    assert run("--seed", "1", "--overwrite", "--quiet").output == ""
    assert fingerprint(tmp_path) != first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["market", "market_truth"]


def test_failed_run_leaves_the_old_shop(tmp_path, monkeypatch):
    make_shop(tmp_path, customers=5)
    first = fingerprint(tmp_path)

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("clientele.simulator.simulation.write_truth_mess", fail)
    with pytest.raises(OSError, match="disk full"):
        make_shop(tmp_path, customers=5, seed=1, overwrite=True)
    assert fingerprint(tmp_path) == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["market", "market_truth"]


def test_loads_of_a_shop_are_never_replaced(tmp_path: Path) -> None:
    load = tmp_path / "market" / "load=20260701T030000Z-0011aabb"
    load.mkdir(parents=True)

    result = CliRunner().invoke(main, ["simulate", str(tmp_path), "--overwrite"])

    assert result.exit_code == 1
    assert "has what `clientele load` took in" in result.stderr
    assert load.is_dir()
