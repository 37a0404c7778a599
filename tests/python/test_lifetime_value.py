"""Lifetime value on whole builds: its inputs, its verdict, its ranks against the truth, and that
neither the order of rows nor names matter and versions are kept.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import clv_version
import lifetime_value
from test_properties import renamed
from warehouse import Builder, Warehouse, read_market, write_market

EARLIER_DAYS = 40
# Rank correlations with the truth on the clean shop. Measured: 0.73 of both.
LEAST_RANK_CORRELATION = 0.65


def periods(warehouse: Warehouse) -> tuple[pd.Timestamp, pd.Timestamp, int]:
    """Return the as-of date, the last day before the holdout, and the days of the holdout."""
    ((as_of, calibration, days),) = warehouse.query(
        "select as_of_date, calibration_date, holdout_days from customer.clv_periods"
    )
    return pd.Timestamp(as_of), pd.Timestamp(calibration), days


def statistics(orders: pd.DataFrame, cut: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    """Return x, t_x, T, values and outcome of each customer at a cut, computed with pandas."""
    known = orders[(orders["order_date"] <= cut) & (orders["delivered_date"] <= cut)]
    days = known.groupby(["customer_key", "order_date"], as_index=False)["cm2"].sum()
    by_customer = days.groupby("customer_key")["order_date"]
    first, last, count = by_customer.min(), by_customer.max(), by_customer.size()
    days["is_repeat"] = days["order_date"] > days["customer_key"].map(first)
    repeat = days[days["is_repeat"]].groupby("customer_key")["cm2"].mean()
    year = days[days["order_date"] > cut - pd.Timedelta(days=365)]
    later = orders[(orders["order_date"] > cut) & (orders["delivered_date"] <= end)]
    return pd.DataFrame(
        {
            "repeat_purchase_count": count - 1,
            "last_repeat_days": (last - first).dt.days,
            "observed_days": (cut - first).dt.days,
            "repeat_purchase_cm2": repeat.reindex(count.index),
            "last_365_value": year.groupby("customer_key")["cm2"].sum().reindex(count.index),
            "holdout_purchase_count": later.groupby("customer_key")["order_date"]
            .nunique()
            .reindex(count.index),
            "holdout_cm2": later.groupby("customer_key")["cm2"].sum().reindex(count.index),
        }
    ).fillna({"last_365_value": 0, "holdout_purchase_count": 0, "holdout_cm2": 0})


def test_statistics_are_those_of_the_facts(clean_warehouse: Warehouse) -> None:
    """Both cuts of every customer, against pandas over the facts."""
    as_of, calibration, days = periods(clean_warehouse)
    assert days == 363  # half of 727 days
    assert as_of - calibration == pd.Timedelta(days=days)
    orders = clean_warehouse.frame(
        "select customer_key, order_date, delivered_date, cm2::double as cm2 from core.fct_orders "
        "where is_successful and customer_key is not null "
        f"and order_date <= '{as_of}' and delivered_date <= '{as_of}'"
    )
    found = clean_warehouse.table("customer.customer_purchase_history")
    for name, cut in (("current", as_of), ("calibration", calibration)):
        expected = statistics(orders, cut, as_of).sort_index()
        mine = found[found["cut"] == name].set_index("customer_key").sort_index()
        assert list(mine.index) == list(expected.index)
        assert len(mine) > 1_000
        if name == "current":
            assert mine[["holdout_cm2", "holdout_purchase_count"]].isna().all(axis=None)
            expected = expected.drop(columns=["holdout_cm2", "holdout_purchase_count"])
        for column in expected:
            pair = (table[column].astype(float) for table in (mine, expected))
            assert_allclose(*pair, atol=1e-4, err_msg=column)


def test_the_verdict_is_that_of_the_metrics(clean_warehouse: Warehouse) -> None:
    """BG/NBD is served where both gains are surely above 0, and the metrics are those of pandas."""
    ((method, reason),) = clean_warehouse.query(
        "select clv_method, reason from customer.clv_status"
    )
    table = clean_warehouse.table("customer.clv_evaluation")
    metrics = {(row.clv_method, row.metric): row for row in table.itertuples()}
    assert len(metrics) == len(table)
    gains = [metrics["bg_nbd", f"{name}_gain"] for name in ("mae", "normalised_gini")]
    assert (method == "bg_nbd") == all(gain.lower_value > 0 for gain in gains)
    assert method == "bg_nbd", reason
    for metric in ("mae", "normalised_gini"):
        assert f"{metrics['bg_nbd', metric].metric_value:.2f}" in reason
    for row in table.itertuples():
        assert row.lower_value < row.metric_value < row.upper_value, row

    calibration = clean_warehouse.frame(
        "select * from customer.clv_inputs where cut = 'calibration'"
    )
    ((r, alpha, a, b, p, q, gamma),) = clean_warehouse.query(
        "select r, alpha, a, b, p, q, gamma from customer.clv_parameters "
        "where fitted_to = 'calibration'"
    )
    _, _, days = periods(clean_warehouse)
    orders = lifetime_value.expected_purchases(
        lifetime_value.BgNbd(r, alpha, a, b), *clv_version.history(calibration), days
    )
    value = orders * clv_version.expected_values(
        lifetime_value.GammaGamma(p, q, gamma), calibration
    )
    actual = calibration["holdout_cm2"].astype(float)
    assert_allclose(metrics["bg_nbd", "mae"].metric_value, np.abs(value - actual).mean())
    assert_allclose(metrics["bg_nbd", "total_ratio"].metric_value, value.sum() / actual.sum())
    past = calibration["last_365_value"].astype(float) * days / 365
    assert_allclose(metrics["last_365_days", "mae"].metric_value, np.abs(past - actual).mean())


def test_each_customer_has_the_value_of_the_closed_forms(clean_warehouse: Warehouse) -> None:
    """What SQL joins and multiplies is what the library says of each customer."""
    customers = clean_warehouse.frame(
        "select served.*, inputs.last_repeat_days, inputs.observed_days, "
        "inputs.repeat_purchase_cm2 from customer.customer_lifetime_value as served "
        "inner join customer.clv_inputs as inputs using (customer_key) where inputs.cut = 'current'"
    )
    ((r, alpha, a, b, p, q, gamma),) = clean_warehouse.query(
        "select r, alpha, a, b, p, q, gamma from customer.clv_parameters "
        "where fitted_to = 'current'"
    )
    purchases = lifetime_value.BgNbd(r, alpha, a, b)
    history = clv_version.history(customers)
    orders = lifetime_value.expected_purchases(purchases, *history, 365)
    values = clv_version.expected_values(lifetime_value.GammaGamma(p, q, gamma), customers)
    assert len(customers) == clean_warehouse.value(
        "select count(distinct customer_key) from customer.customer_purchase_history"
    )
    assert_allclose(customers["expected_orders_365d"].astype(float), orders, atol=1e-6)
    assert_allclose(customers["expected_order_value"].astype(float), values, atol=1e-4)
    assert_allclose(customers["clv_365"].astype(float), orders * values, atol=1e-4)
    assert_allclose(
        customers["probability_alive"].astype(float),
        lifetime_value.probability_alive(purchases, *history),
        atol=1e-6,
    )


def test_values_rank_customers_as_the_truth_does(
    clean_warehouse: Warehouse, clean_landing: Path
) -> None:
    """Ranks agree with purchase rate x spend of those who are still there, better than the past."""
    customers = clean_warehouse.frame(
        "select customer_id, served.* from customer.customer_lifetime_value as served "
        "inner join core.dim_customers using (customer_key)"
    ).set_index("customer_id")
    with read_market(clean_landing) as raw:
        true = raw.execute(
            "select lower(trim(client_id)) as customer_id, purchase_rate, spend_mean, dropped_at "
            f"from read_parquet('{clean_landing}/market_truth/truth_customers/*.parquet')"
        ).df()
    true = true.set_index("customer_id").loc[customers.index]
    is_there = ~(true["dropped_at"] < customers["as_of_date"])
    rate = true["purchase_rate"] * is_there
    value = rate * true["spend_mean"]

    def agreement(column: str, of: pd.Series) -> float:
        return float(customers[column].astype(float).corr(of, method="spearman"))

    assert agreement("expected_orders_365d", rate) > LEAST_RANK_CORRELATION
    assert agreement("clv_365", value) > LEAST_RANK_CORRELATION
    assert agreement("clv_365", value) > agreement("segment_mean_value", value)
    repeated = customers["repeat_purchase_count"] > 0
    alive = customers["probability_alive"].astype(float)[repeated]
    assert alive[is_there[repeated]].mean() > alive[~is_there[repeated]].mean() + 0.1


@pytest.fixture(scope="module")
def other(
    builder: Builder, clean_landing: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Warehouse, dict[str, str]]:
    """The clean shop with other names and another order of rows, and the new name of each old."""
    folder = tmp_path_factory.mktemp("other")
    landing, names = renamed(clean_landing, folder / "renamed")
    with read_market(landing) as raw:
        for table in ("market_order", "promo_detail", "product_detail"):
            raw.execute(
                f"create or replace table {table} as "
                f"select * from {table} order by hash({table}::varchar || 'again')"
            )
        shuffled = write_market(folder / "shuffled", raw, files=2)
    select = ["+customer_lifetime_value", "+clv_evaluation", "+dim_customers"]
    return builder.build(shuffled, select=select, threads=1), names


def by_name(warehouse: Warehouse) -> pd.DataFrame:
    """Return every customer's values by the customer's id."""
    frame = warehouse.frame(
        "select customer_id, served.* exclude (customer_key) "
        "from customer.customer_lifetime_value as served "
        "inner join core.dim_customers using (customer_key)"
    )
    return frame.set_index("customer_id").sort_index()


def test_neither_names_nor_the_order_of_rows_matter(
    clean_warehouse: Warehouse, other: tuple[Warehouse, dict[str, str]]
) -> None:
    """The same model bit for bit, and the same values for every customer."""
    warehouse, names = other
    for table in ("clv_model", "clv_evaluation", "clv_parameters", "clv_cell_means"):
        name = f"customer.{table}"
        assert warehouse.fingerprint(name) == clean_warehouse.fingerprint(name), table
    expected = by_name(clean_warehouse).rename(index=names).sort_index()
    pd.testing.assert_frame_equal(by_name(warehouse), expected, check_exact=True)


def test_versions_are_kept_until_one_is_due(
    builder: Builder, other: tuple[Warehouse, dict[str, str]]
) -> None:
    """A full refresh keeps versions; an earlier date gets its own; a forced refit is the same."""
    warehouse, _ = other
    name = "customer.clv_model"
    whole = warehouse.table(name)
    as_of, _, _ = periods(warehouse)
    (version,) = whole["model_version"].unique()
    assert version == as_of.date().isoformat()
    earlier = (as_of.date() - timedelta(days=EARLIER_DAYS)).isoformat()

    def run(as_of: str, *arguments: str) -> pd.DataFrame:
        # The date is set where all models read it: dbt would parse anew for each value of a var.
        with duckdb.connect(str(warehouse.path)) as connection:
            connection.execute(f"update intermediate.int_as_of set as_of_date = date '{as_of}'")
        finished = builder.dbt(
            warehouse.project, "run", "--full-refresh", "--select",
            "path:models/customer/lifetime_value", "clv_model", "clv_scores", *arguments,
        )  # fmt: skip
        assert finished.returncode == 0, finished.stdout[-3_000:]
        return warehouse.table(name)

    def rows(table: pd.DataFrame, of: str) -> pd.DataFrame:
        keys = ["artifact", "method", "item", "frequency_score", "recency_score"]
        return table[table["model_version"] == of].sort_values(keys).reset_index(drop=True)

    both = run(earlier)
    assert set(both["model_version"]) == {version, earlier}
    pd.testing.assert_frame_equal(rows(both, version), rows(whole, version), check_exact=True)
    served = "select distinct model_version from customer.customer_lifetime_value"
    assert warehouse.value(served) == earlier

    # Less than 90 days later the earlier version is not due, and the later is in force again.
    again = run(version, "--vars", "{refit: true}")
    assert len(again) == len(both)
    pd.testing.assert_frame_equal(rows(again, version), rows(whole, version), check_exact=True)
    pd.testing.assert_frame_equal(rows(again, earlier), rows(both, earlier), check_exact=True)
    assert warehouse.value(served) == version


SETTINGS = clv_version.Settings(
    min_customers=200, min_repeat_share=0.15, min_valued_customers=50,
    min_calibration_customers=100, cell_prior_customers=10, folds=5, bootstrap_draws=20, seed=1,
)  # fmt: skip


def shop(customers: int, repeat_share: float = 0.5) -> pd.DataFrame:
    """Return customers as the model sees them, with outcomes that their past tells of."""
    draw = np.random.default_rng(3)
    x = np.where(draw.random(customers) < repeat_share, draw.integers(1, 9, customers), 0)
    observed = draw.integers(50, 300, customers)
    value = draw.gamma(4, 5, customers)
    return pd.DataFrame(
        {
            "repeat_purchase_count": x,
            "last_repeat_days": np.where(x > 0, observed - draw.integers(0, 40, customers), 0),
            "observed_days": observed,
            "repeat_purchase_cm2": np.where(x > 0, value, np.nan),
            "last_365_value": value * (x + 1),
            "holdout_purchase_count": x,
            "holdout_cm2": value * x,
            "frequency_score": np.minimum(x + 1, 5),
            "recency_score": draw.integers(1, 6, customers),
        }
    )


@pytest.mark.parametrize(
    ("current", "calibration", "holdout_days", "served", "words"),
    [
        (shop(0), shop(0), None, "none", "no customers"),
        (shop(150), shop(120), 180, "segment_mean", "150 customers are fewer than the 200"),
        (shop(400, 0.05), shop(300, 0.05), 180, "segment_mean", "15% are needed"),
        (shop(400), shop(0), None, "last_365_days", "too short to hold a part"),
        (shop(400), shop(99), 180, "last_365_days", "99 customers before the holdout"),
        (shop(150), shop(0), None, "last_365_days", "fewer than the 200 needed; the history"),
        (
            shop(400).assign(repeat_purchase_cm2=-1.0), shop(300).assign(repeat_purchase_cm2=-1.0),
            180, "segment_mean", "bought again at a profit",
        ),
    ],
)  # fmt: skip
def test_a_shop_that_cannot_carry_the_model_says_why(
    current: pd.DataFrame,
    calibration: pd.DataFrame,
    holdout_days: int | None,
    served: str,
    words: str,
) -> None:
    """A baseline is served, with the reason in words, and never an error."""
    rows = list(clv_version.version_rows(calibration, current, holdout_days, SETTINGS))
    verdict = rows[-1]
    assert verdict["artifact"] == "verdict"
    assert verdict["item"] == served
    assert words in verdict["note"]
    assert [row["artifact"] for row in rows].count("verdict") == 1
    has_cells = any(row["artifact"] == "cell_mean" for row in rows)
    assert has_cells == (served == "segment_mean")


def test_cell_means_are_scaled_to_a_year() -> None:
    """What a cell brought in half a year counts twice."""
    frame = shop(300)
    half = list(clv_version.cell_rows(frame, 180, SETTINGS))
    year = list(clv_version.cell_rows(frame, 365, SETTINGS))
    assert len(half) == 25
    ratios = [one["value"] / other["value"] for one, other in zip(half, year, strict=True)]
    assert_allclose(ratios, 365 / 180)


def test_types_do_not_depend_on_what_there_is() -> None:
    """A build that adds no version writes a table of the same types as one that does."""
    rows = [
        {"source": "market", "fitted_date": pd.Timestamp(date(2026, 1, 1)), **row}
        for row in clv_version.version_rows(shop(300), shop(400), 180, SETTINGS)
    ]
    assert list(clv_version.typed(rows).dtypes) == list(clv_version.typed([]).dtypes)
