"""A campaign of known effect, from kept assignments and changed orders to its result.

Customers of the clean shop are drawn into campaigns of earlier days. Of one of them, some of those
who were sent it and did not order get an order; the others change nothing. What the marts say is
held against the raw files.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import lift
from warehouse import Builder, Warehouse, read_market, write_market

ASSIGNED = date(2026, 4, 10)
DAYS, LATE = 30, 21
MORE_BUYERS = 12  # per cent of those sent, among who would not have ordered
COST = 0.5
KEPT = (
    "source", "campaign_id", "campaign_version", "customer_key", "customer_id", "arm", "bucket",
    "global_bucket", "measurement_days", "holdout_share", "global_holdout_share",
    "cost_per_contact", "run_id", "assigned_date", "measurement_ends_on",
)  # fmt: skip
NOTHING = tuple(f"nothing_{number}" for number in range(9))
MODELS = (
    "stg_market__market_order", "fct_orders", "path:models/campaigns", "campaign_lift",
    "campaign_results", "campaign_power",
)  # fmt: skip


def drawn(salt: str, customer: str, below: int) -> bool:
    """Return whether a customer's number from 0 to 9999 is below a limit, by hashlib."""
    return int(hashlib.md5(f"{salt}:{customer}".encode()).hexdigest()[:8], 16) % 10_000 < below


def arms(
    customers: pd.DataFrame, campaign: str, assigned: date, share: float = 0.5
) -> pd.DataFrame:
    """Assign customers to a campaign as campaign_assignments keeps them."""
    held_back = [drawn(campaign, one, round(share * 10_000)) for one in customers["customer_id"]]
    return customers.assign(
        source="market",
        campaign_id=campaign,
        campaign_version=1,
        arm=np.where(held_back, lift.HOLDOUT, lift.SENT),
        bucket=0,
        global_bucket=9_999,
        measurement_days=DAYS,
        holdout_share=share,
        global_holdout_share=0.05,
        cost_per_contact=COST,
        run_id=assigned.isoformat(),
        assigned_date=assigned,
        measurement_ends_on=assigned + timedelta(DAYS),
    )[list(KEPT)]


@pytest.fixture(scope="module")
def kept(clean_warehouse: Warehouse) -> pd.DataFrame:
    """Arms of campaigns that no seed knows, most of which change nothing."""
    customers = clean_warehouse.frame(
        "select customer_key, customer_id from core.dim_customers "
        f"where first_seen_at < timestamp '{ASSIGNED}' order by customer_id"
    )
    later = ASSIGNED + timedelta(10)
    half = len(customers) // 2
    lost = arms(customers, "lost_people", ASSIGNED)
    is_lost = (lost["arm"] == lift.HOLDOUT) & np.array(
        [drawn("lost", one, 2_500) for one in lost["customer_id"]]
    )
    pooled = [
        arms(customers[:half], "no_effect", ASSIGNED),
        arms(customers[half:], "no_effect", later),
    ]
    return pd.concat(
        [
            arms(customers, "known_effect", ASSIGNED),
            *pooled,
            *(arms(customers, name, ASSIGNED) for name in NOTHING),
            lost[~is_lost],
            arms(customers[:half], "other_shares", ASSIGNED, 0.5),
            arms(customers[half:], "other_shares", later, 0.2),
            arms(customers[:30], "few_people", ASSIGNED, 0.2),
            arms(customers, "unripe", date(2026, 6, 20)),
        ],
        ignore_index=True,
    )


@pytest.fixture(scope="module")
def changed(
    clean_landing: Path, kept: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The clean shop, in which the campaign of known effect made some order who would not have."""
    sent = kept[(kept["campaign_id"] == "known_effect") & (kept["arm"] == lift.SENT)]
    won = [one for one in sent["customer_id"] if drawn("won", one, MORE_BUYERS * 100)]
    day = ASSIGNED + timedelta(7)
    with read_market(clean_landing) as raw:
        raw.register("won", pd.DataFrame({"client_id": won}))
        raw.execute(
            f"""
            insert into market_order
            select * replace (
                order_id || '-won' as order_id,
                '{day} 10:00:00' as createdate,
                '{day} 10:05:00' as checkoutdate,
                '{day} 11:00:00' as deliverdate,
                null as ratedate,
                null as rating
            )
            from market_order
            where
                client_id in (select client_id from won)
                and deliverdate < '{ASSIGNED}'
                and client_id not in (
                    select client_id from market_order
                    where deliverdate is not null and checkoutdate::date
                    between date '{ASSIGNED}' + 1 and date '{ASSIGNED}' + {DAYS}
                )
            qualify row_number() over (partition by client_id order by checkoutdate desc, order_id)
            = 1
            """
        )
        return write_market(tmp_path_factory.mktemp("won") / "landing", raw)


@pytest.fixture(scope="module")
def campaigns(
    builder: Builder, clean_warehouse: Warehouse, kept: pd.DataFrame, changed: Path
) -> Warehouse:
    """The clean shop's warehouse with the changed orders, and campaigns built on kept arms."""
    project = builder.folder / "campaigns-of-known-effect"
    shutil.copytree(clean_warehouse.project, project, symlinks=True)
    (project / "demo").unlink()
    (project / "demo").symlink_to(changed)
    duckdb.from_df(kept).write_parquet(str(project / "kept.parquet"))
    variables = {"kept_assignments": str(project / "kept.parquet")}
    finished = builder.dbt(
        project, "build", "--exclude", "resource_type:unit_test", "--select", *MODELS,
        "--vars", json.dumps(variables),
    )  # fmt: skip
    assert finished.returncode == 0, "\n".join(finished.stdout.splitlines()[-60:])
    return Warehouse(project, finished.returncode, finished.stdout)


@pytest.fixture(scope="module")
def results(campaigns: Warehouse) -> pd.DataFrame:
    """The results, by campaign and metric."""
    frame = campaigns.table("marts.campaign_results")
    return frame.set_index(["campaign_id", "metric"]).sort_index()


def in_the_window(orders: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Return each person's orders placed in the window and delivered before the result was ripe."""
    joined = people.merge(orders, on="customer_id")
    start = pd.to_datetime(joined["assigned_date"])
    placed, delivered = (
        pd.to_datetime(joined[column]).dt.normalize() for column in ("checkoutdate", "deliverdate")
    )
    return joined[
        (placed > start)
        & (placed <= start + pd.Timedelta(days=DAYS))
        & (delivered <= start + pd.Timedelta(days=DAYS + LATE))
    ]


def test_buyers_are_those_of_the_raw_files(
    results: pd.DataFrame, kept: pd.DataFrame, changed: Path
) -> None:
    """People and buyers of both arms, counted from the landed files with pandas."""
    with read_market(changed) as raw:
        orders = raw.execute(
            "select lower(trim(client_id)) as customer_id, checkoutdate, deliverdate "
            "from market_order where deliverdate is not null"
        ).df()
    for campaign in ("known_effect", "no_effect"):
        people = kept[kept["campaign_id"] == campaign]
        found = in_the_window(orders, people).groupby("arm")["customer_id"].nunique()
        row = results.loc[(campaign, "conversion")]
        assert row["sent_count"] == (people["arm"] == lift.SENT).sum()
        assert row["holdout_count"] == (people["arm"] == lift.HOLDOUT).sum()
        assert row["sent_buyer_count"] == found[lift.SENT]
        assert row["holdout_buyer_count"] == found[lift.HOLDOUT]
        assert_allclose(
            row["lift"],
            found[lift.SENT] / row["sent_count"] - found[lift.HOLDOUT] / row["holdout_count"],
        )


def test_the_known_effect_is_found(results: pd.DataFrame, changed: Path) -> None:
    """The interval holds the share that was made to order, and the decision is positive."""
    with read_market(changed) as raw:
        ((won, value),) = raw.execute(
            "select count(*), avg(basketvalue::double) from market_order "
            "where order_id like '%-won'"
        ).fetchall()
    conversion, cm2 = (results.loc[("known_effect", metric)] for metric in ("conversion", "cm2"))
    truth = won / conversion["sent_count"]
    assert truth > 0.05
    assert conversion["lower_lift"] <= truth <= conversion["upper_lift"]
    assert (conversion["decision"], conversion["method"]) == ("positive", "newcombe")
    assert conversion["result_state"] == "ripe"
    # An order that was made brings about its basket; discounts and costs take their part.
    assert cm2["method"] == "cuped"
    assert cm2["lower_lift"] <= 0.8 * truth * value <= cm2["upper_lift"]
    assert cm2["variance_reduction"] > 0


def test_campaigns_without_an_effect_stay_inconclusive(results: pd.DataFrame) -> None:
    """Ten that do nothing: by itself one in twenty looks clear, among all of them none is."""
    for metric in ("conversion", "cm2"):
        rows = results.loc[[(name, metric) for name in ("no_effect", *NOTHING)]]
        assert (rows["decision"] == "inconclusive").all()
        assert rows["decision_reason"].str.contains("people of this number show").all()
        assert (rows["p_value"] < 0.05).sum() <= 3
        assert (rows["adjusted_p_value"] >= rows["p_value"]).all()
    pooled = results.loc[("no_effect", "conversion")]
    assert (pooled["ripe_run_count"], pooled["unripe_count"]) == (2, 0)


def test_what_cannot_be_told_is_withheld_with_a_reason(results: pd.DataFrame) -> None:
    """Lost people, other shares and few people are told; nothing of a lift is shown."""
    for campaign, words in {
        "lost_people": "the arms are not those that were drawn",
        "other_shares": "(20.0% to 50.0%)",
        "few_people": "people is not summarised; it takes 10",
    }.items():
        for metric in ("conversion", "cm2"):
            row = results.loc[(campaign, metric)]
            assert row["decision"] == "withheld"
            assert words in row["decision_reason"]
            assert row[["lift", "lower_lift", "p_value", "effect_amount"]].isna().all()
    assert results.loc[("few_people", "conversion")][["sent_buyer_count", "sent_mean"]].isna().all()


def test_nothing_is_said_before_it_is_ripe(results: pd.DataFrame, campaigns: Warehouse) -> None:
    """A campaign whose window is open has people and a date, and no outcome of anybody."""
    row = results.loc[("unripe", "conversion")]
    assert (row["result_state"], row["sent_count"]) == ("running", 0)
    assert row["unripe_count"] > 1_000
    assert pd.isna(row["decision"])
    assert row["decision_reason"] == "running: the first outcomes are known on 2026-08-10"
    assert campaigns.value(
        "select count(order_count) + count(cm2) + count(is_converted) "
        "from campaigns.campaign_outcomes where not is_ripe"
    ) == 0  # fmt: skip


def test_money_is_that_of_the_facts(campaigns: Warehouse, results: pd.DataFrame) -> None:
    """The lift by CUPED from the facts with pandas alone; effect, cost and return add up."""
    facts = campaigns.frame(
        "select customer_key as key, cm2::double as cm2, order_date, delivered_date "
        "from core.fct_orders where is_successful"
    )
    people = campaigns.frame(
        "select customer_key as key, arm from campaigns.campaign_assignments "
        "where campaign_id = 'known_effect'"
    )
    day = pd.Timestamp(ASSIGNED)
    after = facts[
        (facts["order_date"] > day)
        & (facts["order_date"] <= day + pd.Timedelta(days=DAYS))
        & (facts["delivered_date"] <= day + pd.Timedelta(days=DAYS + LATE))
    ]
    before = facts[
        (facts["order_date"] > day - pd.Timedelta(days=DAYS)) & (facts["delivered_date"] <= day)
    ]
    for name, orders in (("money", after), ("pre_money", before)):
        people[name] = people["key"].map(orders.groupby("key")["cm2"].sum()).fillna(0.0)
        spent = people.loc[people[name] != 0, name]
        people[name] = people[name].clip(min(0, spent.quantile(0.01)), spent.quantile(0.99))
    slope = np.cov(people["money"], people["pre_money"])[0, 1] / people["pre_money"].var()
    adjusted = people["money"] - slope * (people["pre_money"] - people["pre_money"].mean())
    means = adjusted.groupby(people["arm"]).mean()
    row = results.loc[("known_effect", "cm2")]
    assert_allclose(row["lift"], means[lift.SENT] - means[lift.HOLDOUT], rtol=1e-9)
    assert_allclose(float(row["effect_amount"]), row["lift"] * row["sent_count"], atol=1e-3)
    assert_allclose(float(row["cost_amount"]), COST * row["sent_count"])
    assert_allclose(float(row["return_amount"]), row["effect_amount"] - row["cost_amount"])
    assert row["lower_return_amount"] < row["return_amount"] < row["upper_return_amount"]


def test_power_is_that_of_the_formula(campaigns: Warehouse) -> None:
    """What today's arms can show, and how many people it takes, as Python computes them."""
    power = campaigns.table("marts.campaign_power")
    assert len(power) == campaigns.value("select count(*) from campaigns.campaigns_in_force")
    known = power[power["expected_conversion"].notna()]
    assert len(known) > 3
    for row in known.to_dict("records"):
        rate = row["expected_conversion"]
        effect = lift.detectable_effect(rate, row["sent_today_count"], row["holdout_today_count"])
        pooled = lift.detectable_effect(rate, row["sent_count"], row["holdout_count"])
        uplift, share = row["assumed_uplift"], float(row["holdout_share"])
        people = lift.people_needed(rate, uplift, share)
        runs = lift.runs_needed(
            rate, uplift, share, row["sent_today_count"] + row["holdout_today_count"]
        )
        for name, expected in {
            "detectable_uplift": effect,
            "pooled_detectable_uplift": pooled,
            "people_needed": people,
            "runs_to_pool": runs,
        }.items():
            assert_allclose(row[name], np.nan if expected is None else expected, err_msg=name)


def test_the_expected_conversion_is_not_that_of_the_audiences_own_past(
    campaigns: Warehouse,
) -> None:
    """Win-back audiences have not ordered lately; what their kind did later is expected of them.

    Counted again from the history and the facts, customer by customer.
    """
    cells = campaigns.frame(
        f"""
        with past as (
            select
                history.lifecycle_stage || coalesce(history.rfm_segment, '') as cell,
                history.customer_key in (
                    select orders.customer_key from core.fct_orders as orders
                    where
                        orders.is_successful
                        and orders.order_date > date '2026-04-30'
                        and orders.order_date <= date '2026-04-30' + {DAYS}
                        and orders.delivered_date <= date '2026-04-30' + {DAYS + LATE}
                ) as has_bought
            from customer.customer_rfm_history as history
            where history.as_of_date = date '2026-04-30'
        )
        select cell, avg(has_bought::int) as rate from past group by cell having count(*) >= 10
        """
    ).set_index("cell")["rate"]
    audience = campaigns.frame(
        "select audience.campaign_id, "
        "rfm.lifecycle_stage || coalesce(rfm.rfm_segment, '') as cell "
        "from campaigns.campaign_audience as audience "
        "inner join customer.customer_rfm as rfm using (customer_key) "
        "inner join campaigns.campaigns_in_force as campaigns using (campaign_id) "
        f"where campaigns.measurement_days = {DAYS}"
    )
    expected = audience.assign(rate=audience["cell"].map(cells)).groupby("campaign_id")["rate"]
    found = campaigns.table("marts.campaign_power").set_index("campaign_id")
    for campaign, rate in expected.mean().dropna().items():
        assert_allclose(found.loc[campaign, "expected_conversion"], rate, atol=1e-6)
    assert found.loc["winback_at_risk", "expected_conversion"] > 0
