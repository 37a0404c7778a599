"""The customer quality model: who of the new customers turns out good, fitted, tried and judged.

Everything here is a pure function of its arguments. Rows are sorted by content before any fit, the
seed is fixed and fits run on one thread, so neither the order of rows nor the names of customers
change a number.

A *head* is one yes-or-no outcome that is forecast. The model that is judged is the model that is
served: it is not fitted again on the rows that it was judged by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import expit
from threadpoolctl import threadpool_limits

import quality_evaluation
import quality_verdict
import tree_tables
from quality_evaluation import Estimate
from quality_verdict import BOOSTING, INSUFFICIENT, LOGISTIC

# A build that fits nothing reads the names of this module, and need not wait for the library that
# fits: it is imported where it is used.
if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

# head: the column of its label. The first is what a good customer is; the others are the two sides
# of the quadrant.
HEADS = {"good": "is_good_customer", "repeat": "has_repeat", "profit": "is_profitable"}
MAIN_HEAD = "good"
PROFIT_HEAD = "profit"

WINSOR_QUANTILES = (0.005, 0.995)
MIN_STANDARD_DEVIATION = 1e-6

LEAST_PRECISION_GAIN = 0.01

INNER_SHARE = 0.25  # latest part of the training period, on which settings are chosen
MIN_INNER_CLASS = 10
PENALTIES = (0.03, 0.1, 0.3, 1.0)  # inverse strength of the L2 penalty, the strongest first
DEFAULT_PENALTY = 1.0
MAX_TREES = 100
TREE_SETTINGS = {
    "learning_rate": 0.08,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 40,
    "l2_regularization": 1.0,
    "early_stopping": False,
}

BASE_RATE, RULE = "base_rate", "rule"


@dataclass(frozen=True)
class Limits:
    """How many rows are needed, and how many are used at most."""

    test_share: float = 0.25
    min_train: int = 500
    min_test: int = 200
    min_train_class: int = 50
    min_test_class: int = 25
    train_rows: int = 200_000
    test_rows: int = 100_000
    bootstrap_rows: int = 50_000
    bootstrap_folds: int = 200
    seed: int = 20260630


@dataclass(frozen=True)
class Split:
    """Which customers a model learns from and which it is judged by.

    Learned from are those whose outcome was known by `train_until`; judged by those whose first
    order came after it. Between the two lies an embargo as long as an outcome takes.
    """

    train_until: date
    train_count: int
    test_count: int


def choose_split(days: pd.DataFrame, limits: Limits) -> tuple[Split | None, str]:
    """Choose the date that parts training from test.

    days: one row per first order date and maturity date of customers whose outcome is known, with
    `first_order_date`, `maturity_date`, `customer_count` and `good_count`. The date is the latest
    after which at least `limits.test_share` of these customers came.
    Returns the split, or None and the reason in words.
    """
    if days.empty:
        return None, "no customer's outcome is known yet"
    days = days.assign(
        first_order_date=pd.to_datetime(days["first_order_date"]),
        maturity_date=pd.to_datetime(days["maturity_date"]),
    )
    arrivals = days.groupby("first_order_date")["customer_count"].sum().sort_index()
    later = arrivals[::-1].cumsum()[::-1].shift(-1, fill_value=0)
    enough = later[later >= limits.test_share * arrivals.sum()]
    # Where one day holds nearly all customers, no later part is large enough.
    train_until = enough.index[-1] if len(enough) else arrivals.index[-1]
    parts = {
        "train": days[days["maturity_date"] <= train_until],
        "test": days[days["first_order_date"] > train_until],
    }
    needed = {
        "train": (limits.min_train, limits.min_train_class),
        "test": (limits.min_test, limits.min_test_class),
    }
    names = {"train": "to learn from", "test": "to be judged by"}
    for part, rows in parts.items():
        count, good = int(rows["customer_count"].sum()), int(rows["good_count"].sum())
        min_count, min_class = needed[part]
        if count < min_count:
            return None, f"{count} customers {names[part]} are fewer than the {min_count} needed"
        if min(good, count - good) < min_class:
            return None, (
                f"{good} good and {count - good} other customers {names[part]}: "
                f"{min_class} of each are needed"
            )
    counts = {part: int(rows["customer_count"].sum()) for part, rows in parts.items()}
    return Split(train_until.date(), counts["train"], counts["test"]), ""


@dataclass(frozen=True)
class Scaling:
    """How features become comparable numbers; arrays with one value a kept feature.

    fill: stands for an unknown value, the training's mean; lower, upper: winsorising bounds;
    mean, deviation: moments after both.
    """

    features: list[str]
    fill: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray

    def apply(self, frame: pd.DataFrame) -> np.ndarray:
        """Return rows x features filled, winsorised and standardised, without units."""
        values = frame[self.features].to_numpy(dtype=float)
        filled = np.where(np.isnan(values), self.fill, values)
        return (np.clip(filled, self.lower, self.upper) - self.mean) / self.deviation


def fit_scaling(frame: pd.DataFrame, features: list[str]) -> tuple[Scaling, dict[str, str]]:
    """Learn the scaling of the features that can be used.

    frame: one row per customer. Returns the scaling of the kept features, and each other feature
    with the reason for leaving it out: its source is absent (unknown for all), or it is alike for
    nearly all customers.
    """
    dropped: dict[str, str] = {}
    kept: list[tuple[str, float, float, float, float, float]] = []
    for feature in features:
        values = frame[feature].to_numpy(dtype=float)
        known = values[~np.isnan(values)]
        if not known.size:
            dropped[feature] = "its source is absent"
            continue
        fill = float(known.mean())
        filled = np.where(np.isnan(values), fill, values)
        lower, upper = np.quantile(filled, WINSOR_QUANTILES)
        clipped = np.clip(filled, lower, upper)
        if clipped.std() < MIN_STANDARD_DEVIATION:
            dropped[feature] = "it is alike for nearly all customers"
            continue
        kept.append((feature, fill, lower, upper, clipped.mean(), clipped.std()))
    names = [row[0] for row in kept]
    numbers = np.array([row[1:] for row in kept], dtype=float).reshape(len(kept), 5)
    return Scaling(names, *numbers.T), dropped


@dataclass(frozen=True)
class Boosted:
    """Boosted trees with the line that turns their sums into calibrated logits."""

    nodes: pd.DataFrame  # as tree_tables.node_table
    slope: float
    intercept: float

    def probability(self, matrix: np.ndarray, features: list[str]) -> np.ndarray:
        """Return the probability of each row of unscaled features (rows x features)."""
        total = tree_tables.read_trees(self.nodes, features).totals(matrix)
        return expit(self.slope * total + self.intercept)


@dataclass(frozen=True)
class Head:
    """One outcome's fitted models and how they did on the test.

    status: `published`, `withheld` or `suspected_leak`, with the reason in words, or
    `insufficient_data` where one class is too rare to learn from, and nothing was fitted.
    estimates: measures by model; months: the same by cohort month, for months with enough of both
    outcomes; slices: rates and lift by cohort month and decile, one row per model_name, slice_kind
    and slice.
    """

    name: str
    status: str
    reason: str
    train_rate: float
    test_rate: float
    model_name: str = BASE_RATE
    is_calibrated: bool = False
    coefficients: np.ndarray = field(default_factory=lambda: np.zeros(0))
    intercept: float = 0.0
    boosted: Boosted | None = None
    cut_points: np.ndarray = field(default_factory=lambda: np.zeros(0))
    estimates: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)
    months: Mapping[str, Mapping[str, Mapping[str, Estimate]]] = field(default_factory=dict)
    slices: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True)
class Quality:
    """A fitted version: one scaling for all heads, and each head."""

    scaling: Scaling
    dropped: dict[str, str]
    heads: dict[str, Head]


def sort_by_content(frame: pd.DataFrame, features: list[str]) -> pd.DataFrame:
    """Return the rows in an order that depends on what is known of customers, not on their ids."""
    keys = ["sample_key", "first_order_date", *HEADS.values(), *features]
    return frame.sort_values(keys, kind="stable", na_position="last", ignore_index=True)


def fit(
    train: pd.DataFrame,
    test: pd.DataFrame,
    features: list[str],
    rule_features: list[str],
    limits: Limits,
) -> Quality | None:
    """Fit every head on the training rows and judge it by the test rows.

    train, test: one row per customer with the columns `features` (numbers, null where unknown),
    the labels of HEADS (0 or 1), `first_order_date` and `sample_key` (an integer hash of content).
    rule_features: discount shares, of which the one that ranks the training better is the rule.
    Returns None where no feature can be used.
    """
    import sklearn.ensemble  # noqa: F401  limits on threads reach only what has been loaded

    train = sort_by_content(train, features)
    test = sort_by_content(test, features)
    scaling, dropped = fit_scaling(train, features)
    if not scaling.features:
        return None
    # One thread keeps sums in one order, hence bits equal, and spares their coordination.
    with threadpool_limits(limits=1):
        heads = {
            name: fit_head(name, label, train, test, scaling, rule_features, limits)
            for name, label in HEADS.items()
        }
    return Quality(scaling, dropped, heads)


def fit_head(
    name: str,
    label: str,
    train: pd.DataFrame,
    test: pd.DataFrame,
    scaling: Scaling,
    rule_features: list[str],
    limits: Limits,
) -> Head:
    """Fit one head's models, evaluate them on the test rows, choose one and judge it.

    Rows must be sorted by content. Boosting is tried for the main head alone: the others only
    choose a side of the quadrant.
    """
    labels = train[label].to_numpy(dtype=float)
    outcomes = test[label].to_numpy(dtype=float)
    train_rate, test_rate = float(labels.mean()), float(outcomes.mean())
    rarest_train = int(min(labels.sum(), len(labels) - labels.sum()))
    rarest_test = int(min(outcomes.sum(), len(outcomes) - outcomes.sum()))
    if rarest_train < limits.min_train_class or rarest_test < limits.min_test_class:
        reason = (
            f"the rarer outcome has {rarest_train} customers to learn from and {rarest_test} to be "
            f"judged by; {limits.min_train_class} and {limits.min_test_class} are needed"
        )
        return Head(name, INSUFFICIENT, reason, train_rate, test_rate)

    earlier, later = inner_split(train["first_order_date"], labels)
    matrix, test_matrix = scaling.apply(train), scaling.apply(test)
    logistic = fit_logistic(matrix, labels, earlier, later)
    forecasts = {
        BASE_RATE: np.full(len(outcomes), train_rate),
        LOGISTIC: expit(test_matrix @ logistic.coef_[0] + logistic.intercept_[0]),
    }
    rule = choose_rule(train, labels, rule_features, scaling)
    if rule is not None:
        forecasts[RULE] = -test_matrix[:, scaling.features.index(rule)]
    boosted = None
    if name == MAIN_HEAD and later.any():
        raw = train[scaling.features].to_numpy(dtype=float)
        boosted = fit_boosted(raw, labels, earlier, later, scaling.features, limits.seed)
        forecasts[BOOSTING] = boosted.probability(
            test[scaling.features].to_numpy(dtype=float), scaling.features
        )

    estimates, precisions = quality_evaluation.evaluate(
        outcomes,
        forecasts,
        {model: model != RULE for model in forecasts},
        train_rate,
        folds=limits.bootstrap_folds,
        bootstrap_rows=limits.bootstrap_rows,
        seed=limits.seed,
    )
    chosen = LOGISTIC
    if boosted is not None:
        gains = precisions[BOOSTING] - precisions[LOGISTIC]
        gain = Estimate(
            estimates[BOOSTING]["average_precision"].value
            - estimates[LOGISTIC]["average_precision"].value,
            *quality_evaluation.interval(gains),
        )
        estimates[BOOSTING]["average_precision_gain"] = gain
        if gain.value > LEAST_PRECISION_GAIN and gain.lower > 0:
            chosen = BOOSTING
    suspect = quality_verdict.strongest_feature(outcomes, test_matrix, scaling.features)
    status, reason, is_calibrated = quality_verdict.judge(
        chosen, estimates, suspect, is_partly_known=name == PROFIT_HEAD
    )
    fitted = [model for model in (LOGISTIC, BOOSTING) if model in forecasts]
    return Head(
        name=name,
        status=status,
        reason=reason,
        train_rate=train_rate,
        test_rate=test_rate,
        model_name=chosen,
        is_calibrated=is_calibrated,
        coefficients=logistic.coef_[0],
        intercept=float(logistic.intercept_[0]),
        boosted=boosted if chosen == BOOSTING else None,
        cut_points=quality_evaluation.decile_cut_points(forecasts[chosen]),
        estimates=estimates,
        months=quality_evaluation.by_month(
            outcomes,
            {model: forecasts[model] for model in fitted},
            cohort_months(test),
            train_rate,
            limits.min_test_class,
            folds=limits.bootstrap_folds,
            bootstrap_rows=limits.bootstrap_rows,
            seed=limits.seed,
        ),
        slices=slice_measures(outcomes, {model: forecasts[model] for model in fitted}, test),
    )


def inner_split(first_order_dates: pd.Series, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Part the training rows by time: masks of the earlier and the latest quarter.

    The later mask is empty where either part has fewer than ten rows of a class: settings cannot
    be chosen there.
    """
    days = pd.to_datetime(first_order_dates).to_numpy(dtype="datetime64[D]").astype(np.int64)
    later = days > np.quantile(days, 1 - INNER_SHARE, method="lower")
    for part in (later, ~later):
        hits = labels[part].sum()
        if min(hits, part.sum() - hits) < MIN_INNER_CLASS:
            return np.ones(len(labels), dtype=bool), np.zeros(len(labels), dtype=bool)
    return ~later, later


def fit_logistic(
    matrix: np.ndarray, labels: np.ndarray, earlier: np.ndarray, later: np.ndarray
) -> LogisticRegression:
    """Fit an L2-penalised logistic regression on standardised rows.

    The penalty is the strongest of those with the least log loss on the later rows after a fit on
    the earlier ones; the model is then fitted on all rows.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss

    def fitted(penalty: float, rows: np.ndarray) -> LogisticRegression:
        model = LogisticRegression(C=penalty, solver="newton-cholesky", tol=1e-8)
        return model.fit(matrix[rows], labels[rows])

    penalty = DEFAULT_PENALTY
    if later.any():
        losses = [
            log_loss(labels[later], fitted(trial, earlier).predict_proba(matrix[later])[:, 1])
            for trial in PENALTIES
        ]
        penalty = PENALTIES[int(np.argmin(np.round(losses, 9)))]
    return fitted(penalty, np.ones(len(labels), dtype=bool))


def fit_boosted(
    matrix: np.ndarray,
    labels: np.ndarray,
    earlier: np.ndarray,
    later: np.ndarray,
    features: list[str],
    seed: int,
) -> Boosted:
    """Fit calibrated gradient boosting on unscaled rows, NaN where unknown.

    How many trees, and the sigmoid that calibrates their sums (Platt 1999), are learned on the
    later rows after a fit on the earlier ones; the trees are then grown on all rows.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import log_loss

    # A feature that nobody had yet among the earlier rows has no bins to be cut into, and tells the
    # trial nothing: there it is one value for all.
    tried = np.where(np.isnan(matrix[earlier]).all(axis=0), 0.0, matrix)
    trial = HistGradientBoostingClassifier(
        max_iter=MAX_TREES, random_state=seed, **TREE_SETTINGS
    ).fit(tried[earlier], labels[earlier])
    sums = [total.ravel() for total in trial.staged_decision_function(tried[later])]
    losses = [log_loss(labels[later], expit(total)) for total in sums]
    best = int(np.argmin(np.round(losses, 9)))
    slope, intercept = quality_evaluation.calibration(labels[later], expit(sums[best]))
    if not np.isfinite(slope) or slope <= 0:
        slope, intercept = 1.0, 0.0
    model = HistGradientBoostingClassifier(
        max_iter=best + 1, random_state=seed, **TREE_SETTINGS
    ).fit(matrix, labels)
    return Boosted(tree_tables.node_table(model, features), slope, intercept)


def choose_rule(
    train: pd.DataFrame, labels: np.ndarray, rule_features: list[str], scaling: Scaling
) -> str | None:
    """Return the feature whose low values rank the training rows best, None if none is known."""
    known = [name for name in rule_features if name in scaling.features]
    matrix = scaling.apply(train)
    return max(
        known,
        key=lambda name: quality_evaluation.auc(labels, -matrix[:, scaling.features.index(name)]),
        default=None,
    )


def cohort_months(test: pd.DataFrame) -> np.ndarray:
    """Return the cohort month of each test row, as YYYY-MM."""
    return pd.to_datetime(test["first_order_date"]).dt.strftime("%Y-%m").to_numpy()


def slice_measures(
    labels: np.ndarray,
    forecasts: Mapping[str, np.ndarray],
    test: pd.DataFrame,
) -> pd.DataFrame:
    """Return the rates of each model by cohort month and by decile of its own forecast."""
    months = cohort_months(test)
    tables = []
    for model, forecast in forecasts.items():
        cuts = quality_evaluation.decile_cut_points(forecast)
        for kind, slices in (
            ("cohort_month", months),
            ("decile", np.char.zfill(quality_evaluation.deciles(forecast, cuts).astype(str), 2)),
        ):
            table = quality_evaluation.by_slice(labels, forecast, slices)
            tables.append(table.assign(model_name=model, slice_kind=kind))
    return pd.concat(tables, ignore_index=True)
