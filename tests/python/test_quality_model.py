"""The quality of new customers on built shops: found where it is, and not where it is not."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

import quality
from clientele.simulator import simulate
from warehouse import ROOT, Builder, Warehouse

# What is built: the scores and their evaluation, and who the customers are.
SELECTED = ("+customer_quality", "customer_quality_evaluation", "+dim_customers")
MODEL_AND_AFTER = ("--select", "customer_quality_model+,+customer_quality")
CUSTOMERS = 8_000
# How far below the Bayes score, which knows each customer's own buying rate, the AUC's interval
# may begin: a first week tells only part of it. Measured on five shops of 8,000 customers: from
# 0.088 to 0.116.
FROM_BAYES = 0.13
BY_CHANCE = 0.05  # of an AUC of 0.5, on some 1,600 customers; measured on five shops: 0.021


def build(builder: Builder, landing: Path, **variables: object) -> Warehouse:
    """Build the part of a landing zone that is about the quality of new customers."""
    return builder.build(landing, variables=variables, select=SELECTED)


def run_again(builder: Builder, warehouse: Warehouse, *arguments: str) -> None:
    """Build the model and all that hangs on it once more, in the same warehouse."""
    finished = builder.dbt(warehouse.project, "run", *MODEL_AND_AFTER, *arguments)
    assert finished.returncode == 0, finished.stdout


def simulated(folder: Path, *, no_signal: bool, customers: int = CUSTOMERS) -> Path:
    simulate(
        folder,
        customers=customers,
        start=date(2024, 7, 1),
        end=date(2026, 6, 30),
        seed=7,
        mess=0.0,
        no_signal=no_signal,
    )
    return folder


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated shop whose first weeks tell something about what follows, and its truth."""
    return simulated(tmp_path_factory.mktemp("quality"), no_signal=False)


@pytest.fixture(scope="module")
def shop(builder: Builder, landing: Path) -> Warehouse:
    """That shop, built."""
    return build(builder, landing)


@pytest.fixture(scope="module")
def shop_without_signal(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A shop where what follows is luck alone, built."""
    folder = simulated(tmp_path_factory.mktemp("luck"), no_signal=True)
    return build(builder, folder)


@pytest.fixture(scope="module")
def costly_shop(builder: Builder, landing: Path) -> Warehouse:
    """The first shop with deliveries that cost it so much that many customers bring nothing."""
    return build(builder, landing, delivery_cost_per_order=8)


@pytest.fixture(scope="module")
def parameters() -> dict:
    """The parameters of the model, as its YAML declares them."""
    text = (ROOT / "python_models" / "customer_quality_model.yml").read_text()
    return yaml.safe_load(text)["models"][0]["config"]["meta"]


def measure(warehouse: Warehouse, metric: str, model_name: str = "logistic") -> tuple[float, ...]:
    """Return a measure of the head `good` on the whole test, with its interval."""
    (found,) = warehouse.query(
        "select value, lower_value, upper_value from customer.customer_quality_evaluation "
        f"where head = 'good' and slice_kind = 'all' and metric = '{metric}' "
        f"and model_name = '{model_name}'"
    )
    return found


def judged(warehouse: Warehouse, features: list[str], where: str = "true") -> pd.DataFrame:
    """Return the matured customers with their features, labels as 0 and 1, and `customer_id`."""
    numbers = ", ".join(f"features.{name}::double as {name}" for name in features)
    labels = ", ".join(
        f"features.{name}::integer::double as {name}" for name in quality.HEADS.values()
    )
    return warehouse.frame(
        f"select customer_key, customer_id, features.sample_key, features.first_order_date, "
        f"features.maturity_date, {labels}, {numbers} "
        "from customer.customer_quality_features as features "
        "inner join core.dim_customers using (customer_key) "
        "cross join customer.customer_quality_status as status "
        f"where features.is_good_customer is not null and status.is_in_force and {where} "
        "order by customer_key"
    )


IN_TRAINING = "features.maturity_date <= status.known_until_date"
IN_TEST = "features.first_order_date > status.known_until_date"


# Served


def test_every_judged_customer_has_one_row(shop: Warehouse) -> None:
    counts = shop.query(
        "select (select count(*) from customer.customer_quality_features), count(*), "
        "count(distinct customer_key), count(probability), count(decile), count(reason_1) "
        "from customer.customer_quality"
    )[0]
    assert len(set(counts)) == 1
    assert counts[0] > 7_000


def test_sql_scores_as_scikit_learn_predicts(shop: Warehouse, parameters: dict) -> None:
    """For every customer and head, SQL gives predict_proba of the stored coefficients."""
    features = parameters["features"]
    numbers = ", ".join(f"{name}::double as {name}" for name in features)
    customers = shop.frame(
        f"select {numbers} from customer.customer_quality_features order by customer_key"
    )
    scores = shop.frame("select * from customer.customer_quality_scores order by customer_key")
    stored = shop.table("customer.customer_quality_coefficients")
    for head in ("good", "repeat"):
        terms = stored[(stored["head"] == head) & stored["is_used"]].set_index("feature")
        intercept = terms["coefficient"]["intercept"]
        terms = terms.drop(index="intercept")
        values = customers[terms.index].fillna(terms["fill_value"])
        values = values.clip(terms["lower_bound"], terms["upper_bound"], axis=1)
        values = (values - terms["mean_value"]) / terms["standard_deviation"]
        model = LogisticRegression()
        model.classes_ = np.array([0, 1])
        model.coef_ = terms["coefficient"].to_numpy()[None, :]
        model.intercept_ = np.array([intercept])
        expected = model.predict_proba(values.to_numpy())[:, 1]
        np.testing.assert_allclose(scores[f"{head}_probability"], expected, rtol=0, atol=1e-9)
    assert scores["profit_probability"].isna().all()  # every customer of this shop earns


def test_stored_model_is_a_fit_of_its_training(shop: Warehouse, parameters: dict) -> None:
    """Fitting the training period again, in another order of rows, gives the stored numbers."""
    features = parameters["features"]
    model = quality.fit(
        judged(shop, features, IN_TRAINING).sample(frac=1, random_state=1),
        judged(shop, features, IN_TEST).sample(frac=1, random_state=2),
        features,
        parameters["rule_features"],
        quality.Limits(**parameters["limits"]),
    )
    assert model is not None
    stored = dict(
        shop.query(
            "select feature, coefficient from customer.customer_quality_coefficients "
            "where head = 'good' and is_used"
        )
    )
    head = model.heads["good"]
    assert stored.pop("intercept") == head.intercept
    assert stored == dict(zip(model.scaling.features, head.coefficients, strict=True))
    assert shop.value("select reason from customer.customer_quality_status") == head.reason


def test_features_are_the_same_everywhere(shop: Warehouse, parameters: dict) -> None:
    """The model's features are those that SQL scores, and each has words for a reason."""
    themes = shop.frame("from customer.quality_feature_themes order by feature_number")
    assert themes["feature"].tolist() == parameters["features"]
    with_words = pd.read_csv(ROOT / "seeds" / "quality_reasons.csv")["theme"]
    assert set(themes["theme"]) == set(with_words)


def test_reasons_are_what_pulls_most(shop: Warehouse) -> None:
    """Every customer's three reasons follow from coefficients times standardised values."""
    themes = shop.table("customer.quality_feature_themes").sort_values("feature_number")
    terms = shop.frame(
        "from customer.customer_quality_coefficients where head = 'good' and is_used "
        "and feature <> 'intercept'"
    ).set_index("feature")
    numbers = ", ".join(f"{name}::double as {name}" for name in terms.index)
    customers = shop.frame(
        f"select {numbers} from customer.customer_quality_features order by customer_key"
    )
    values = customers.fillna(terms["fill_value"])
    values = values.clip(terms["lower_bound"], terms["upper_bound"], axis=1)
    values = (values - terms["mean_value"]) / terms["standard_deviation"]
    pulls = values * terms["coefficient"]
    sums = pd.DataFrame(
        {theme: pulls[rows["feature"]].sum(axis=1) for theme, rows in themes.groupby("theme")}
    )
    first_features = themes.drop_duplicates("theme").set_index("theme")
    found = shop.frame("from customer.customer_quality order by customer_key")
    for place, column in enumerate(("reason_1", "reason_2", "reason_3")):
        names = sums.columns[np.argsort(-sums.abs().to_numpy(), axis=1)[:, place]]
        expected = []
        for row, theme in enumerate(names):
            words = first_features.loc[theme]
            is_above = values[words["feature"]].iat[row] > 0
            text = words["above_words"] if is_above else words["below_words"]
            expected.append(f"{'for' if sums[theme].iat[row] > 0 else 'against'}: {text}")
        assert found[column].tolist() == expected


def test_deciles_and_quadrants_follow_from_the_probabilities(shop: Warehouse) -> None:
    scores = shop.table("customer.customer_quality")
    cuts = shop.frame("from customer.customer_quality_deciles order by decile")
    for row in cuts.itertuples():
        inside = scores[scores["decile"] == row.decile]["probability"]
        assert inside.min() >= row.lower_probability
        assert inside.max() < row.upper_probability or row.decile == 1
    base_rate = shop.value(
        "select train_rate from customer.customer_quality_heads where head = 'repeat'"
    )
    likely = scores["repeat_probability"] >= base_rate
    expected = np.where(likely, "profitable_repeat", "profitable_once")
    assert (scores["quadrant_forecast"] == expected).all()


# Judged


def test_evaluation_is_that_of_the_scores_that_are_served(shop: Warehouse) -> None:
    """Measures of scikit-learn on the served scores of the test period are the published ones."""
    test = shop.frame(
        "select served.probability, served.decile, features.is_good_customer::integer as label, "
        "strftime(features.first_order_date, '%Y-%m') as cohort_month, served.is_in_training "
        "from customer.customer_quality as served "
        "inner join customer.customer_quality_features as features using (customer_key) "
        "cross join customer.customer_quality_status as status "
        f"where {IN_TEST} and features.is_good_customer is not null"
    )
    assert not test["is_in_training"].any()
    label, score = test["label"], test["probability"]
    train_rate = shop.value("select train_rate from customer.customer_quality_status")
    reference = brier_score_loss(label, np.full(len(test), train_rate))
    expected = {
        "auc": roc_auc_score(label, score),
        "average_precision": average_precision_score(label, score),
        "brier_skill": 1 - brier_score_loss(label, score) / reference,
    }
    for metric, value in expected.items():
        found, lower, upper = measure(shop, metric)
        assert found == pytest.approx(value, abs=1e-9)
        assert lower < value < upper
    slices = shop.frame(
        "from customer.customer_quality_evaluation where head = 'good' "
        "and model_name = 'logistic' and metric = 'observed_rate'"
    ).set_index("slice")
    months = test.groupby("cohort_month")["label"].agg(["mean", "size"])
    tenths = test.groupby("decile")["label"].agg(["mean", "size"])
    tenths.index = [f"{decile:02d}" for decile in tenths.index]
    both = pd.concat([months, tenths])
    assert sorted(both.index) == sorted(slices.index)
    np.testing.assert_allclose(slices["value"].loc[both.index], both["mean"])
    assert slices["customer_count"].loc[both.index].tolist() == both["size"].tolist()
    ranked = shop.frame(
        "from customer.customer_quality_evaluation where head = 'good' "
        "and model_name = 'logistic' and slice_kind = 'cohort_month' and metric = 'auc'"
    ).set_index("slice")
    assert len(ranked) >= 3
    for month, row in ranked.iterrows():
        part = test[test["cohort_month"] == month]
        assert row["value"] == pytest.approx(roc_auc_score(part["label"], part["probability"]))
        assert row["lower_value"] < row["value"] < row["upper_value"]


def test_where_deliveries_cost_both_sides_of_the_quadrant_are_forecast(
    costly_shop: Warehouse,
) -> None:
    """All four quadrants are forecast, and each side's likely half turns out so more often."""
    heads = dict(
        costly_shop.query("select head, quality_status from customer.customer_quality_heads")
    )
    assert heads == dict.fromkeys(("good", "repeat", "profit"), "published")
    found = costly_shop.frame(
        "select quality.quadrant_forecast, targets.quadrant, "
        "targets.has_repeat::integer as has_repeat, (targets.horizon_cm2 > 0)::integer as profit "
        "from customer.customer_quality as quality "
        "inner join customer.customer_quality_targets as targets using (customer_key) "
        "where targets.horizon_days = 90 and targets.is_mature and not quality.is_in_training"
    )
    quadrants = {"profitable_repeat", "promo_dependent", "profitable_once", "costly_once"}
    assert set(found["quadrant_forecast"]) == quadrants
    rates = found.groupby("quadrant_forecast")[["has_repeat", "profit"]].mean()
    likely = rates.loc[["profitable_repeat", "promo_dependent"], "has_repeat"].min()
    assert likely > rates.loc[["profitable_once", "costly_once"], "has_repeat"].max()
    likely = rates.loc[["profitable_repeat", "profitable_once"], "profit"].min()
    assert likely > rates.loc[["promo_dependent", "costly_once"], "profit"].max()


def test_training_ends_before_the_test_begins(shop: Warehouse) -> None:
    gap, learned, trained = shop.query(
        "select test_from_date - train_until_date, train_customer_count, "
        "(select count(*) from customer.customer_quality where is_in_training) "
        "from customer.customer_quality_status"
    )[0]
    assert gap >= 90 + 21
    assert learned == trained > 3_000


def test_the_score_is_not_far_from_the_best_attainable(shop: Warehouse, landing: Path) -> None:
    """The AUC's interval lies below the Bayes score of the truth, and not far below."""
    test = judged(shop, ["basket_value"], IN_TEST)
    files = landing / "market_truth" / "truth_customers" / "*.parquet"
    with duckdb.connect() as connection:
        truth = dict(
            connection.execute(
                f"select lower(client_id), true_repeat_90_probability from read_parquet('{files}')"
            ).fetchall()
        )
    bayes = roc_auc_score(test["is_good_customer"], test["customer_id"].map(truth))
    value, lower, upper = measure(shop, "auc")
    assert shop.value("select quality_status from customer.customer_quality_status") == "published"
    assert bayes - FROM_BAYES < lower < upper < bayes
    assert value > measure(shop, "auc", "rule")[0] + 0.05


def test_probabilities_are_calibrated(shop: Warehouse) -> None:
    assert 0.8 <= measure(shop, "calibration_slope")[0] <= 1.25
    assert shop.value("select is_calibrated from customer.customer_quality_status")


def test_a_shop_of_luck_gets_no_scores(shop_without_signal: Warehouse) -> None:
    ((status, reason),) = shop_without_signal.query(
        "select quality_status, reason from customer.customer_quality_status"
    )
    assert status == "withheld"
    assert "hardly better than a coin" in reason
    for model_name in ("logistic", "boosting"):
        assert measure(shop_without_signal, "auc", model_name)[0] == pytest.approx(
            0.5, abs=BY_CHANCE
        )
    ((rows, shown),) = shop_without_signal.query(
        "select count(*), count(coalesce(probability::varchar, decile::varchar, "
        "quadrant_forecast, reason_1, repeat_probability::varchar)) from customer.customer_quality"
    )
    assert rows > 7_000
    assert shown == 0


@pytest.mark.parametrize("kind", ["permuted_labels", "lifetime_orders"])
def test_luck_and_leaks_are_refused(shop: Warehouse, parameters: dict, kind: str) -> None:
    """Labels dealt anew give a coin toss; a column that counts all orders ever is found out."""
    features = list(parameters["features"])
    parts = [judged(shop, features, part) for part in (IN_TRAINING, IN_TEST)]
    if kind == "permuted_labels":
        rng = np.random.default_rng(3)
        parts = [
            part.assign(is_good_customer=rng.permutation(part["is_good_customer"]))
            for part in parts
        ]
    else:
        features.append("lifetime_orders")
        orders = shop.frame(
            "select customer_key, count(*) as lifetime_orders from core.fct_orders "
            "where is_successful group by customer_key"
        )
        parts = [part.merge(orders, on="customer_key") for part in parts]
    limits = quality.Limits(**parameters["limits"] | {"bootstrap_folds": 20})
    model = quality.fit(*parts, features, parameters["rule_features"], limits)
    assert model is not None
    head = model.heads["good"]
    if kind == "permuted_labels":
        assert head.status == "withheld"
        for name in ("logistic", "boosting"):
            assert head.estimates[name]["auc"].value == pytest.approx(0.5, abs=BY_CHANCE)
    else:
        assert head.status == "suspected_leak"
        assert "lifetime_orders alone has 0.9" in head.reason


# Kept; these come last, since they change the warehouse


def test_a_second_build_and_a_full_refresh_keep_the_version(
    builder: Builder, shop: Warehouse
) -> None:
    """What is kept stays to the letter, also something that no fit would write."""
    with duckdb.connect(str(shop.path)) as connection:
        connection.execute(
            "update customer.customer_quality_model set note = 'kept' where item = 'fitted_because'"
        )
    before = shop.fingerprint("customer.customer_quality_model")
    scores = shop.fingerprint("customer.customer_quality")
    run_again(builder, shop)
    assert shop.fingerprint("customer.customer_quality_model") == before
    run_again(builder, shop, "--full-refresh")
    assert shop.fingerprint("customer.customer_quality_model") == before
    assert shop.fingerprint("customer.customer_quality") == scores


def test_trees_score_where_they_win(builder: Builder, shop: Warehouse, parameters: dict) -> None:
    """Where only two features together tell, trees serve: every score is scikit-learn's."""
    with duckdb.connect(str(shop.path)) as connection:
        connection.execute(
            "create or replace table customer.customer_quality_features as "
            "with medians as (select median(distance_km) as far, median(basket_value) as big "
            "from customer.customer_quality_features) "
            "select features.* replace ("
            "case when is_good_customer is not null then "
            "((distance_km > far) <> (basket_value > big)) = (sample_key % 10 < 8) end "
            "as is_good_customer) from customer.customer_quality_features as features, medians"
        )
        connection.execute("drop table customer.customer_quality_model")
    run_again(builder, shop)
    ((status, model_name),) = shop.query(
        "select quality_status, model_name from customer.customer_quality_status"
    )
    assert (status, model_name) == ("published", "boosting")

    features = parameters["features"]
    model = quality.fit(
        judged(shop, features, IN_TRAINING),
        judged(shop, features, IN_TEST),
        features,
        parameters["rule_features"],
        quality.Limits(**parameters["limits"] | {"bootstrap_folds": 20}),
    )
    assert model is not None
    boosted = model.heads["good"].boosted
    assert boosted is not None
    numbers = ", ".join(f"features.{name}::double as {name}" for name in features)
    served = shop.frame(
        f"select probability, reason_1, {numbers} from customer.customer_quality "
        "inner join customer.customer_quality_features as features using (customer_key)"
    )
    kept = model.scaling.features
    expected = boosted.probability(served[kept].to_numpy(), kept)
    np.testing.assert_allclose(served["probability"], expected, rtol=0, atol=1e-9)
    about_the_two = served["reason_1"].str.contains("basket|lives", regex=True)
    assert about_the_two.mean() > 0.9
