"""The customer quality model's functions: measures, splits, fits, verdicts, trees, cadence."""

from __future__ import annotations

from datetime import date, timedelta

import customer_quality_model
import customer_quality_tree_scores
import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

import quality
import quality_evaluation
import quality_verdict
import row_batches
import tree_tables

FEATURES = ["signal", "other", "noise", "sparse"]
START = date(2024, 1, 1)
DAYS = 600
OUTCOME_DAYS = 111
# Fewer folds than in production: what is tested is not the interval's width.
LIMITS = quality.Limits(bootstrap_folds=60)
# Of an AUC on 1,000 customers, half of them good, by chance: three standard errors.
BY_CHANCE = 0.055


def shop(count: int, *, seed: int = 3, shape: str = "linear") -> pd.DataFrame:
    """Return customers as the features model gives them; half of the signal is known to logit.

    shape: `linear`, `none`, or `crossed`, where only two features together tell anything.
    """
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(count, 4)), columns=FEATURES)
    logits = {
        "linear": 1.2 * frame["signal"] - 0.6 * frame["other"],
        "none": 0.0 * frame["signal"],
        "crossed": 2.0 * np.sign(frame["signal"] * frame["other"]),
    }[shape]
    frame["is_good_customer"] = (rng.random(count) < expit(logits)).astype(float)
    frame["has_repeat"] = frame["is_good_customer"]
    frame["is_profitable"] = 1.0
    frame.loc[rng.random(count) < 0.3, "sparse"] = np.nan
    days = rng.integers(0, DAYS, count)
    frame["first_order_date"] = pd.Timestamp(START) + pd.to_timedelta(days, unit="D")
    frame["maturity_date"] = frame["first_order_date"] + pd.Timedelta(days=OUTCOME_DAYS)
    frame["sample_key"] = rng.integers(0, 2**62, count)
    return frame


def by_day(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the counts that `choose_split` looks at."""
    grouped = frame.groupby(["first_order_date", "maturity_date"])["is_good_customer"]
    return grouped.agg(customer_count="size", good_count="sum").reset_index()


def fitted(frame: pd.DataFrame, features: list[str] = FEATURES) -> quality.Quality:
    """Split a shop and fit it."""
    split, reason = quality.choose_split(by_day(frame), LIMITS)
    assert split is not None, reason
    until = pd.Timestamp(split.train_until)
    model = quality.fit(
        frame[frame["maturity_date"] <= until],
        frame[frame["first_order_date"] > until],
        features,
        ["other"],
        LIMITS,
    )
    assert model is not None
    return model


@pytest.fixture(scope="module")
def linear() -> quality.Quality:
    """The fit of a shop with a linear signal."""
    return fitted(shop(4_000))


@pytest.fixture(scope="module")
def crossed() -> quality.Quality:
    """The fit of a shop where only trees find the signal."""
    return fitted(shop(4_000, shape="crossed"))


# Measures


@pytest.mark.parametrize("digits", [6, 1], ids=["few_ties", "many_ties"])
def test_ranking_measures_are_those_of_scikit_learn(digits: int) -> None:
    rng = np.random.default_rng(1)
    labels = (rng.random(3_000) < 0.2).astype(float)
    scores = np.round(rng.normal(size=3_000) + labels, digits)
    weights = rng.integers(0, 4, 3_000).astype(float)
    ranking = quality_evaluation.Ranking.of(labels, scores)
    for given in (None, weights):
        found = ranking.measures(given)
        expected = roc_auc_score(labels, scores, sample_weight=given)
        assert found["auc"] == pytest.approx(expected, abs=1e-12)
        expected = average_precision_score(labels, scores, sample_weight=given)
        assert found["average_precision"] == pytest.approx(expected, abs=1e-12)


def test_lift_counts_the_best_tenth_and_splits_ties_evenly() -> None:
    labels = np.r_[np.ones(80), np.zeros(20), np.ones(70), np.zeros(830)]
    scores = np.r_[np.full(100, 2.0), np.arange(900) / 1_000]
    lift = quality_evaluation.Ranking.of(labels, scores).measures()["lift_top_10_percent"]
    assert lift == pytest.approx(0.80 / 0.15)
    everyone_alike = quality_evaluation.Ranking.of(labels, np.zeros(1_000)).measures()
    assert everyone_alike["lift_top_10_percent"] == pytest.approx(1.0)
    assert everyone_alike["auc"] == pytest.approx(0.5)


def test_brier_skill_is_zero_for_the_base_rate_and_one_for_the_truth() -> None:
    labels = np.array([1.0, 0, 0, 1, 0])
    assert quality_evaluation.brier_skill(labels, np.full(5, 0.3), 0.3) == 0
    assert quality_evaluation.brier_skill(labels, labels, 0.3) == 1
    assert quality_evaluation.brier_skill(labels, 1 - labels, 0.4) < 0


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.5, 0.4), (1.6, -0.3)])
def test_calibration_finds_the_known_line(slope: float, intercept: float) -> None:
    """Labels drawn from a line of the forecast's logit give that line back."""
    rng = np.random.default_rng(2)
    logits = rng.normal(size=200_000)
    labels = (rng.random(200_000) < expit(slope * logits + intercept)).astype(float)
    found = quality_evaluation.calibration(labels, expit(logits))
    assert found == pytest.approx((slope, intercept), abs=0.025)
    reference = LogisticRegression(C=np.inf, tol=1e-10).fit(logits[:, None], labels)
    assert found == pytest.approx((reference.coef_[0, 0], reference.intercept_[0]), abs=1e-5)


def test_calibration_is_unknown_where_no_line_fits() -> None:
    labels = np.array([0.0, 0, 1, 1])
    for forecast in (np.full(4, 0.3), np.array([0.1, 0.2, 0.8, 0.9])):
        assert np.isnan(quality_evaluation.calibration(labels, forecast)).all()
    assert np.isnan(
        quality_evaluation.calibration(np.ones(4), np.array([0.1, 0.2, 0.3, 0.4]))
    ).all()


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """Of 60 tests drawn from one population, 95 % intervals miss its measures a few times only."""
    rng = np.random.default_rng(4)
    logits = rng.normal(size=60 * 600)
    labels = (rng.random(len(logits)) < expit(logits)).astype(float)
    truth = {
        "auc": quality_evaluation.auc(labels, logits),
        "brier_skill": quality_evaluation.brier_skill(labels, expit(logits), labels.mean()),
        "calibration_slope": 1.0,
    }
    missed = dict.fromkeys(truth, 0)
    for part in np.split(np.arange(len(logits)), 60):
        estimates, _ = quality_evaluation.evaluate(
            labels[part], {"model": expit(logits[part])}, {"model": True}, labels.mean(),
            folds=200, bootstrap_rows=600, seed=1,
        )  # fmt: skip
        for measure, value in truth.items():
            found = estimates["model"][measure]
            assert found.lower < found.value < found.upper
            missed[measure] += not found.lower <= value <= found.upper
    assert all(count <= 9 for count in missed.values()), missed
    assert sum(missed.values()) >= 2, missed


def test_deciles_are_tenths_of_the_rows_they_were_learned_from() -> None:
    scores = np.random.default_rng(5).random(1_000)
    cuts = quality_evaluation.decile_cut_points(scores)
    found = quality_evaluation.deciles(scores, cuts)
    assert np.bincount(found)[1:].tolist() == [100] * 10
    assert found[scores.argmax()] == 1
    assert found[scores.argmin()] == 10


# Split


def test_the_split_leaves_an_embargo_and_a_quarter_to_test() -> None:
    frame = shop(4_000)
    split, _ = quality.choose_split(by_day(frame), LIMITS)
    assert split is not None
    until = pd.Timestamp(split.train_until)
    train = frame[frame["maturity_date"] <= until]
    test = frame[frame["first_order_date"] > until]
    assert (split.train_count, split.test_count) == (len(train), len(test))
    assert train["maturity_date"].max() < test["first_order_date"].min()
    gap = test["first_order_date"].min() - train["first_order_date"].max()
    assert gap >= timedelta(days=OUTCOME_DAYS)
    next_day = frame[frame["first_order_date"] > until + pd.Timedelta(days=1)]
    assert len(next_day) < 0.25 * len(frame) <= len(test)


@pytest.mark.parametrize(
    ("count", "good_share", "reason"),
    [
        (0, 0.5, "no customer's outcome is known yet"),
        (600, 0.5, "customers to learn from are fewer than the 500 needed"),
        (4_000, 0.01, "50 of each are needed"),
    ],
)
def test_too_little_data_is_said_in_words(count: int, good_share: float, reason: str) -> None:
    frame = shop(count)
    frame["is_good_customer"] = (np.arange(count) % 1_000 < good_share * 1_000).astype(float)
    split, found = quality.choose_split(by_day(frame), LIMITS)
    assert split is None
    assert reason in found


def test_one_day_with_all_customers_is_no_split() -> None:
    frame = shop(2_000).assign(first_order_date=START, maturity_date=START + timedelta(days=111))
    assert quality.choose_split(by_day(frame), LIMITS)[0] is None


# Scaling


def test_features_without_source_or_spread_are_left_out_with_the_reason() -> None:
    frame = shop(500).assign(absent=np.nan, constant=1.0, nearly=0.0)
    frame.loc[0, "nearly"] = 1.0
    scaling, dropped = quality.fit_scaling(frame, [*FEATURES, "absent", "constant", "nearly"])
    assert scaling.features == FEATURES
    assert dropped == {
        "absent": "its source is absent",
        "constant": "it is alike for nearly all customers",
        "nearly": "it is alike for nearly all customers",
    }
    scaled = scaling.apply(frame)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled.std(axis=0), 1)
    # An unknown value is the average customer's, but for what winsorising moves the mean.
    assert np.abs(scaled[frame["sparse"].isna().to_numpy(), 3]).max() < 0.01
    extreme = scaling.apply(frame.assign(signal=1e9))
    assert extreme[0, 0] == pytest.approx(scaled[:, 0].max())


# Fits and verdicts


def test_a_linear_signal_is_found_calibrated_and_published(linear: quality.Quality) -> None:
    head = linear.heads["good"]
    assert (head.status, head.model_name) == ("published", "logistic")
    weights = dict(zip(linear.scaling.features, head.coefficients, strict=True))
    assert weights["signal"] == pytest.approx(1.2, abs=0.2)
    assert weights["other"] == pytest.approx(-0.6, abs=0.2)
    assert abs(weights["noise"]) < 0.15
    assert head.is_calibrated
    bayes = roc_auc_score(
        shop(4_000)["is_good_customer"],
        1.2 * shop(4_000)["signal"] - 0.6 * shop(4_000)["other"],
    )
    assert head.estimates["logistic"]["auc"].value == pytest.approx(bayes, abs=0.03)
    assert head.estimates["rule"]["auc"].value < head.estimates["logistic"]["auc"].value - 0.05
    assert head.estimates["base_rate"]["brier_skill"].value == 0


def test_trees_are_chosen_where_they_gain(crossed: quality.Quality) -> None:
    head = crossed.heads["good"]
    assert (head.status, head.model_name) == ("published", "boosting")
    assert head.boosted is not None
    gain = head.estimates["boosting"]["average_precision_gain"]
    assert gain.value > 0.01
    assert 0 < gain.lower < gain.value < gain.upper


def test_without_signal_nothing_is_published() -> None:
    head = fitted(shop(4_000, shape="none")).heads["good"]
    assert head.status == "withheld"
    assert "hardly better than a coin" in head.reason
    for model in ("logistic", "boosting"):
        assert head.estimates[model]["auc"].value == pytest.approx(0.5, abs=BY_CHANCE)


def test_a_feature_that_knows_the_outcome_is_named_and_refused() -> None:
    frame = shop(4_000, shape="none")
    rng = np.random.default_rng(6)
    frame["lifetime_orders"] = 1 + frame["is_good_customer"] * rng.poisson(4, len(frame))
    head = fitted(frame, [*FEATURES, "lifetime_orders"]).heads["good"]
    assert head.status == "suspected_leak"
    assert "lifetime_orders alone has 0.9" in head.reason


def test_a_head_with_one_outcome_is_not_fitted(linear: quality.Quality) -> None:
    head = linear.heads["profit"]
    assert (head.status, head.train_rate) == ("insufficient_data", 1.0)
    assert "the rarer outcome has 0 customers" in head.reason
    assert not len(head.coefficients)


@pytest.mark.parametrize(
    ("auc", "skill", "slope", "status", "is_calibrated"),
    [
        (0.549, 0.1, 1.0, "withheld", False),
        (0.55, 0.1, 1.0, "published", True),
        (0.7, 0.0, 1.0, "withheld", True),
        (0.7, 0.001, 0.79, "published", False),
        (0.7, 0.001, 0.80, "published", True),
        (0.7, 0.001, 1.26, "published", False),
        (0.90, 0.1, 1.0, "published", True),
        (0.901, 0.1, 1.0, "suspected_leak", True),
        (0.7, 0.1, float("nan"), "published", False),
    ],
)
def test_verdicts_at_their_bounds(
    auc: float, skill: float, slope: float, status: str, is_calibrated: bool
) -> None:
    measures = {
        name: quality_evaluation.Estimate(value, value, value)
        for name, value in (("auc", auc), ("brier_skill", skill), ("calibration_slope", slope))
    }
    found = quality_verdict.judge("logistic", {"logistic": measures}, ("signal", 0.6))
    assert (found[0], found[2]) == (status, is_calibrated)
    assert f"{auc:.3f}" in found[1]


def test_a_leak_in_a_model_that_was_not_chosen_counts_too() -> None:
    def measures(auc: float) -> dict[str, quality_evaluation.Estimate]:
        names = ("auc", "brier_skill", "calibration_slope")
        return {name: quality_evaluation.Estimate(auc) for name in names}

    found = quality_verdict.judge(
        "logistic", {"logistic": measures(0.8), "boosting": measures(0.95)}, ("signal", 0.6)
    )
    assert found[0] == "suspected_leak"


def test_order_of_rows_changes_no_bit(crossed: quality.Quality) -> None:
    again = fitted(shop(4_000, shape="crossed").sample(frac=1, random_state=9))
    for name, head in crossed.heads.items():
        other = again.heads[name]
        assert (head.coefficients == other.coefficients).all()
        assert head.intercept == other.intercept
        assert (head.cut_points == other.cut_points).all()
        # As text, because NaN is not equal to itself.
        assert repr(head.estimates) == repr(other.estimates)
    pd.testing.assert_frame_equal(
        crossed.heads["good"].boosted.nodes, again.heads["good"].boosted.nodes, check_exact=True
    )


# Trees


@pytest.fixture(scope="module")
def forest() -> tuple[HistGradientBoostingClassifier, np.ndarray]:
    """A boosted classifier and rows with unknown values, some far outside what it saw."""
    frame = shop(3_000, shape="crossed")
    matrix = frame[FEATURES].to_numpy()
    model = HistGradientBoostingClassifier(max_iter=30, random_state=1, **quality.TREE_SETTINGS)
    model.fit(matrix, frame["is_good_customer"])
    rows = np.vstack([shop(2_000, seed=8)[FEATURES].to_numpy() * 3, np.full((1, 4), np.nan)])
    return model, rows


def test_trees_from_a_table_score_as_scikit_learn_predicts(
    forest: tuple[HistGradientBoostingClassifier, np.ndarray],
) -> None:
    model, rows = forest
    table = tree_tables.node_table(model, FEATURES).sample(frac=1, random_state=2)
    total, contributions = tree_tables.read_trees(table, FEATURES).score(rows)
    np.testing.assert_allclose(total, model.decision_function(rows), rtol=0, atol=1e-12)
    np.testing.assert_allclose(expit(total), model.predict_proba(rows)[:, 1], rtol=0, atol=1e-12)
    roots = table[table["node_number"] == 0]["node_value"].sum()
    np.testing.assert_allclose(contributions.sum(axis=1) + roots, total, rtol=0, atol=1e-12)


def test_columns_may_stand_in_another_order_and_unknown_ones_count_as_missing(
    forest: tuple[HistGradientBoostingClassifier, np.ndarray],
) -> None:
    model, rows = forest
    table = tree_tables.node_table(model, FEATURES)
    shuffled = ["noise", "new", "sparse", "signal", "other"]
    wide = np.column_stack([rows[:, 2], np.ones(len(rows)), rows[:, 3], rows[:, 0], rows[:, 1]])
    total, _ = tree_tables.read_trees(table, shuffled).score(wide)
    np.testing.assert_allclose(total, model.decision_function(rows), rtol=0, atol=1e-12)
    without_other = np.column_stack([rows[:, [0, 2, 3]], np.full(len(rows), np.nan)])
    total, _ = tree_tables.read_trees(table, ["signal", "noise", "sparse"]).score(without_other)
    unknown = rows.copy()
    unknown[:, 1] = np.nan
    np.testing.assert_allclose(total, model.decision_function(unknown), rtol=0, atol=1e-12)


def test_contributions_name_the_features_that_matter(crossed: quality.Quality) -> None:
    frame = shop(1_000, seed=12, shape="crossed")
    trees = tree_tables.read_trees(crossed.heads["good"].boosted.nodes, FEATURES)
    _, contributions = trees.score(frame[FEATURES].to_numpy())
    size = np.abs(contributions).mean(axis=0)
    assert size[:2].min() > 3 * size[2:].max()


def test_trees_score_as_a_walk_from_node_to_node_does(
    forest: tuple[HistGradientBoostingClassifier, np.ndarray],
) -> None:
    model, rows = forest
    table = tree_tables.node_table(model, FEATURES)
    groups = np.array([1, 0, 1, 2])
    total, sums = tree_tables.read_trees(table, FEATURES).score(rows, groups)
    nodes = table.set_index(["tree_number", "node_number"]).to_dict("index")
    for number in (0, 1, 77, 1_500, len(rows) - 1):
        expected, added = 0.0, np.zeros(3)
        for tree in sorted(set(table["tree_number"])):
            node = nodes[tree, 0]
            while isinstance(node["feature"], str):
                column = FEATURES.index(node["feature"])
                value = rows[number, column]
                goes_left = (
                    node["missing_goes_left"] if np.isnan(value) else (value <= node["threshold"])
                )
                child = nodes[tree, int(node["left_node"] if goes_left else node["right_node"])]
                added[groups[column]] += child["node_value"] - node["node_value"]
                node = child
            expected += node["node_value"]
        assert total[number] == expected
        np.testing.assert_allclose(sums[number], added, rtol=0, atol=1e-12)


def test_trees_of_many_leaves_score_alike_in_one_block_of_rows_and_in_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frame = shop(4_000, seed=9)
    matrix = frame[FEATURES].to_numpy()
    settings = quality.TREE_SETTINGS | {"max_leaf_nodes": 60, "min_samples_leaf": 5}
    model = HistGradientBoostingClassifier(max_iter=5, random_state=1, **settings)
    model.fit(matrix, frame["is_good_customer"])
    trees = tree_tables.read_trees(tree_tables.node_table(model, FEATURES), FEATURES)
    total, contributions = trees.score(matrix)
    np.testing.assert_allclose(total, model.decision_function(matrix), rtol=0, atol=1e-12)
    monkeypatch.setattr(tree_tables, "ROWS_AT_ONCE", 333)
    again = trees.score(matrix)
    assert (again[0] == total).all()
    assert (again[1] == contributions).all()
    assert (trees.totals(matrix) == total).all()


@pytest.mark.parametrize("kind", ["table", "view"])
def test_batches_part_the_rows_of_a_table(kind: str) -> None:
    connection = duckdb.connect()
    connection.execute(f"create {kind} numbers as select range - 500 as number from range(1001)")
    numbers = connection.table("numbers")
    conditions = list(row_batches.conditions(numbers, "number", 250))
    found = [numbers.filter(batch).fetchall() for batch in conditions]
    assert len(found) == 5
    assert max(map(len, found)) <= 400
    assert sorted(row for batch in found for row in batch) == [(n - 500,) for n in range(1001)]
    connection.execute(f"create {kind} nobody as select 1 as number from range(0)")
    assert list(row_batches.conditions(connection.table("nobody"), "number", 10)) == []
    with pytest.raises(ValueError, match="at least one row"):
        list(row_batches.conditions(numbers, "number", 0))


def test_reasons_of_trees_are_the_greatest_sums_with_their_signs() -> None:
    sums = np.array([[0.8, -0.7, 0.1], [1e-12, 0.0, -0.2]])
    is_above = np.array([[True, False, True], [True, True, True]])
    codes = customer_quality_tree_scores.reason_codes(sums, is_above)
    assert codes[0].tolist() == [0 + 2 + 1, 4 + 0 + 0, 8 + 2 + 1]
    assert codes[1][0] == 8 + 0 + 1
    assert np.isnan(codes[1][1:]).all()


# Versions


class Dbt:
    """As much of dbt as the Python model asks for."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, meta: dict) -> None:
        self.connection = connection
        self.config = self
        self.meta = meta
        self.this = "kept"
        self.is_incremental = bool(
            connection.execute("from duckdb_tables() where table_name = 'kept'").fetchall()
        )

    def meta_get(self, name: str) -> object:
        return self.meta[name]

    def ref(self, name: str) -> duckdb.DuckDBPyRelation:
        return self.connection.table(name)


@pytest.fixture
def shop_tables() -> duckdb.DuckDBPyConnection:
    """A connection with the tables that the model reads: one shop as of the end of its data."""
    connection = duckdb.connect()
    frame = shop(3_000)
    frame["source"] = "shop"
    for label in ("is_good_customer", "has_repeat", "is_profitable"):
        frame[label] = frame[label].astype(bool)
    connection.register("frame", frame)
    connection.execute(
        "create table customer_quality_features as select * replace ("
        "cast(first_order_date as date) as first_order_date, "
        "cast(maturity_date as date) as maturity_date) from frame"
    )
    connection.execute(
        "create table int_as_of as select 'shop' as source, date '2026-01-01' as as_of_date"
    )
    return connection


def run(connection: duckdb.DuckDBPyConnection, **changes: object) -> pd.DataFrame:
    """Run the model once and keep its rows as dbt's delete+insert does; return the new ones."""
    limits = {"bootstrap_folds": 5}
    meta = {
        "features": FEATURES, "rule_features": ["other"], "limits": limits, "refit": "false",
        "interval_days": "90",
    } | changes  # fmt: skip
    dbt = Dbt(connection, meta)
    rows = customer_quality_model.model(dbt, connection)
    connection.register("new_rows", rows)
    if dbt.is_incremental:
        connection.execute(
            "delete from kept using new_rows "
            "where kept.model_version = new_rows.model_version and kept.source = new_rows.source"
        )
        connection.execute("insert into kept select * from new_rows")
    else:
        connection.execute("create table kept as select * from new_rows")
    return rows


def set_as_of(connection: duckdb.DuckDBPyConnection, day: str) -> None:
    connection.execute(f"update int_as_of set as_of_date = date '{day}'")


def because(rows: pd.DataFrame) -> str:
    """Return why the one version of some rows was fitted."""
    (note,) = rows[rows["item"] == "fitted_because"]["note"]
    return note


def versions(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute("select distinct model_version from kept order by 1").fetchall()
    return [row[0] for row in rows]


def test_a_version_is_kept_until_one_is_due(shop_tables: duckdb.DuckDBPyConnection) -> None:
    first = run(shop_tables)
    assert because(first) == "no version was fitted by this date"
    assert versions(shop_tables) == ["2026-01-01"]
    set_as_of(shop_tables, "2026-03-31")
    empty = run(shop_tables)
    assert empty.empty
    assert list(empty.dtypes) == list(first.dtypes)
    set_as_of(shop_tables, "2026-04-01")
    assert because(run(shop_tables)) == "the version in force is 90 days old, due after 90"
    assert versions(shop_tables) == ["2026-01-01", "2026-04-01"]


def test_a_forced_refit_replaces_the_version_of_its_date(
    shop_tables: duckdb.DuckDBPyConnection,
) -> None:
    first = run(shop_tables)
    shop_tables.execute("update kept set note = 'old' where item = 'reason'")
    again = run(shop_tables, refit="True")
    assert because(again) == "a refit was asked for"
    ((count, old),) = shop_tables.execute(
        "select count(*), count(*) filter (where note = 'old') from kept"
    ).fetchall()
    assert (count, old) == (len(first), 0)
    with pytest.raises(ValueError, match="true or false"):
        run(shop_tables, refit="perhaps")


def test_other_features_give_a_new_version(shop_tables: duckdb.DuckDBPyConnection) -> None:
    run(shop_tables)
    set_as_of(shop_tables, "2026-01-02")
    changed = run(shop_tables, features=["signal", "other", "noise"])
    assert because(changed) == "features came or went: sparse"
    assert versions(shop_tables) == ["2026-01-01", "2026-01-02"]


def test_a_try_without_data_is_repeated_and_leaves_one_trace(
    shop_tables: duckdb.DuckDBPyConnection,
) -> None:
    shop_tables.execute("create table all_customers as from customer_quality_features")
    shop_tables.execute("delete from customer_quality_features")
    for day in ("2026-01-01", "2026-01-02"):
        set_as_of(shop_tables, day)
        rows = run(shop_tables)
        assert rows["note"].tolist()[1:] == [
            "insufficient_data", "no customer's outcome is known yet"
        ]  # fmt: skip
        assert versions(shop_tables) == ["untrained"]
    shop_tables.execute("insert into customer_quality_features from all_customers")
    run(shop_tables)
    assert versions(shop_tables) == ["2026-01-02", "untrained"]
    assert run(shop_tables).empty


def test_an_unknown_feature_for_all_is_no_model(shop_tables: duckdb.DuckDBPyConnection) -> None:
    nothing = ", ".join(f"{name} = null" for name in FEATURES)
    shop_tables.execute(f"update customer_quality_features set {nothing}")
    rows = run(shop_tables)
    assert "every feature is unknown or alike for all customers" in rows["note"].tolist()


def test_rows_and_ids_change_nothing_that_is_kept(shop_tables: duckdb.DuckDBPyConnection) -> None:
    first = run(shop_tables)
    shop_tables.execute("create table mixed as from customer_quality_features order by noise")
    shop_tables.execute("drop table customer_quality_features")
    shop_tables.execute("alter table mixed rename to customer_quality_features")
    again = run(shop_tables, refit="true")
    is_fact = first["item"].fillna("") != "fitted_because"
    pd.testing.assert_frame_equal(again[is_fact], first[is_fact], check_exact=True)


def test_trees_grow_though_a_feature_is_younger_than_the_earlier_rows() -> None:
    """A young shop has features, such as rates of settled cohorts, that its first rows lack."""
    generator = np.random.default_rng(5)
    matrix = generator.normal(size=(400, 3))
    labels = (matrix[:, 0] + generator.normal(size=400) > 0).astype(int)
    earlier = np.arange(400) < 300
    matrix[earlier, 1] = np.nan
    boosted = quality.fit_boosted(matrix, labels, earlier, ~earlier, ["a", "young", "b"], 1)
    found = boosted.probability(matrix, ["a", "young", "b"])
    assert np.isfinite(found).all()
    assert found[labels == 1].mean() > found[labels == 0].mean() + 0.2
