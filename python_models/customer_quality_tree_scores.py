"""Scores of customers whose version is made of boosted trees, which SQL cannot add up.

Where the linear model serves, which SQL scores, or nothing is published, the table is empty.
Customers are scored in batches, so memory does not grow with them.
"""

import numpy as np
import pandas as pd

import row_batches
import tree_tables

SCHEMA = (
    "customer_key bigint, source varchar, model_version varchar, good_probability double, "
    "first_reason_code integer, second_reason_code integer, third_reason_code integer"
)
REASONS = ("first_reason_code", "second_reason_code", "third_reason_code")
LEAST_REASON = 1e-9  # what adds less to the logit is no reason


def reason_codes(sums: np.ndarray, is_above: np.ndarray) -> np.ndarray:
    """Return rows x 3 codes of the themes that add most in size, NaN where none is left.

    sums, is_above: rows x themes, what each adds to the logit and whether its first feature is
    above the training's mean. The code is 4 * theme + 2 if it adds + 1 if above, as
    customer_quality_reasons reads it; of equal sizes the lesser theme comes first.
    """
    order = np.argsort(-np.abs(sums), axis=1, kind="stable")[:, :3]
    rows = np.arange(len(sums))[:, None]
    codes = 4 * order + 2 * (sums[rows, order] > 0) + is_above[rows, order]
    return np.where(np.abs(sums[rows, order]) >= LEAST_REASON, codes, np.nan)


def score_batch(frame, trees, themes, means, slope, intercept) -> pd.DataFrame:
    """Return the scores of one batch of customers of one version.

    frame: their features, NaN where unknown, and `customer_key`; themes: one row per feature, in
    the order of the trees' columns, with `feature` and `theme_number`; means: the training's mean
    of each, NaN for a feature that the version left out; slope, intercept: the line that turns
    sums of trees into logits.
    """
    from scipy.special import expit  # only where trees serve

    matrix = frame[themes["feature"].tolist()].to_numpy(dtype=float)
    unknown = np.full((len(matrix), 1), np.nan)  # where trees look for features that went
    numbers = themes["theme_number"].to_numpy(dtype=np.int64)
    # What is unknown to all adds to a group of its own, the last, which is no theme.
    total, sums = trees.score(np.hstack([matrix, unknown]), np.append(numbers, numbers.max() + 1))
    _, first_of_theme = np.unique(numbers, return_index=True)
    # An unknown value is neither above nor below, and counts as below like the mean itself.
    is_above = (matrix > means)[:, first_of_theme]
    codes = reason_codes(slope * sums[:, :-1], is_above)
    scored = pd.DataFrame({"customer_key": frame["customer_key"].to_numpy(dtype=np.int64)})
    scored["good_probability"] = expit(slope * total + intercept)
    for index, name in enumerate(REASONS):
        scored[name] = pd.array(codes[:, index], dtype="Int64")
    return scored


def model(dbt, session):
    """Score, for each published version of trees, the customers whom it decides about."""
    # dbt finds parameters and references by reading these lines: each is an assignment of its own.
    batch_rows = dbt.config.meta_get("batch_rows")

    customers = dbt.ref("customer_quality_features")
    nodes = dbt.ref("customer_quality_trees")
    coefficients = dbt.ref("customer_quality_coefficients")
    status = dbt.ref("customer_quality_status")
    feature_themes = dbt.ref("quality_feature_themes")

    themes = feature_themes.order("feature_number").project("feature, theme_number").df()
    numbers = ", ".join(f"cast({name} as double) as {name}" for name in themes["feature"])
    session.execute(f"create or replace temp table tree_scores_so_far ({SCHEMA})")
    serving = status.filter(
        "model_name = 'boosting' and quality_status = 'published' and scores_from_date is not null"
    ).project("source, model_version, scores_from_date, scores_until_date")
    for source, version, first_date, last_date in sorted(serving.fetchall()):
        its_version = f"source = '{source}' and model_version = '{version}' and head = 'good'"
        table = nodes.filter(its_version).df()
        trees = tree_tables.read_trees(table, themes["feature"].tolist())
        slope, intercept = table[["calibration_slope", "calibration_intercept"]].iloc[0]
        means = coefficients.filter(its_version).df().set_index("feature")["mean_value"]
        decided = customers.filter(
            f"source = '{source}' and decision_date between date '{first_date}' "
            f"and date '{last_date}'"
        )
        for batch in row_batches.conditions(customers, "customer_key", int(batch_rows)):
            frame = decided.filter(batch).project(f"customer_key, {numbers}").df()
            if frame.empty:
                continue
            scored = score_batch(
                frame, trees, themes, means.reindex(themes["feature"]).to_numpy(), slope, intercept
            )
            session.register("scored_batch", scored)
            session.execute(
                f"insert into tree_scores_so_far select customer_key, '{source}', '{version}', "
                f"good_probability, {', '.join(REASONS)} from scored_batch"
            )
            session.unregister("scored_batch")
    return session.table("tree_scores_so_far")
