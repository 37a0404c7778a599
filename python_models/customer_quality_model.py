"""The kept versions of the customer quality model, as one long table that SQL models take apart.

A version is fitted when one is due and stays as it is: a build that fits nothing returns no rows,
and what earlier builds returned is kept. Parameters stand in customer_quality_model.yml.
"""

from datetime import date

import pandas as pd

import model_cadence
import quality

TEXTS = ("source", "model_version", "artifact", "head", "model_name", "item", "slice_kind", "slice")
NUMBERS = ("value", "lower_value", "upper_value", "threshold")
COUNTS = ("customer_count", "tree_number", "node_number", "left_node", "right_node")
COLUMNS = [*TEXTS, "note", *NUMBERS, *COUNTS, "missing_goes_left", "fitted_as_of"]
# The version that stands for a try without enough data; the next try replaces it.
UNTRAINED = "untrained"
LABELS = tuple(quality.HEADS.values())
INTERCEPT = "intercept"


def flag(value: object) -> bool:
    """Return what a var that should be true or false says.

    Raises:
        ValueError: if it says anything else.
    """
    text = str(value).strip().lower()
    if text not in ("true", "false"):
        raise ValueError(f"var refit must be true or false, not {value!r}")
    return text == "true"


def due(kept: pd.DataFrame, features, as_of, interval_days, is_forced):
    """Return why a version is to be fitted for one source as of a date, or None.

    kept: its versions' features, one row per `fitted_as_of` and feature. Besides the cadence, a
    version that knows other features than those of today is replaced: it still scores with what
    it shares with them, but a new one does better.
    """
    versions = {
        fitted: set(rows["item"]) for fitted, rows in kept.groupby("fitted_as_of", sort=True)
    }
    reason = model_cadence.refit_reason(versions, as_of, interval_days, is_forced)
    if reason is None:
        in_force = model_cadence.version_in_force(versions, as_of)
        changed = versions[in_force] ^ set(features)
        if changed:
            reason = f"features came or went: {', '.join(sorted(changed))}"
    return reason


def untrained_rows(as_of: date, fitted_because: str, reason: str) -> list[dict]:
    """Return the rows of a try that found too little to learn from."""
    about = {"artifact": "head", "head": quality.MAIN_HEAD, "item": "status"}
    return [
        {"artifact": "version", "item": "fitted_because", "note": fitted_because},
        about | {"note": quality.INSUFFICIENT},
        about | {"item": "reason", "note": reason},
    ]


def version_rows(
    fitted: quality.Quality, fitted_because: str, train: pd.DataFrame, test: pd.DataFrame
) -> list[dict]:
    """Return the rows of a fitted version: its periods, scaling, heads and evaluation."""
    rows = [{"artifact": "version", "item": "fitted_because", "note": fitted_because}]
    for part, frame in (("train", train), ("test", test)):
        days = pd.to_datetime(frame["first_order_date"])
        for end, day in (("from", days.min()), ("until", days.max())):
            rows.append(
                {"artifact": "version", "item": f"{part}_{end}", "note": day.date().isoformat()}
            )
    rows += [
        {"artifact": "dropped", "item": feature, "note": why}
        for feature, why in fitted.dropped.items()
    ]
    for index, feature in enumerate(fitted.scaling.features):
        rows += [
            {
                "artifact": f"scaling_{item}",
                "item": feature,
                "value": getattr(fitted.scaling, item)[index],
            }
            for item in ("fill", "lower", "upper", "mean", "deviation")
        ]
    for head in fitted.heads.values():
        rows += [
            row | {"head": head.name}
            for row in head_rows(head, fitted.scaling.features, len(train), len(test))
        ]
    return rows


def head_rows(head: quality.Head, features: list[str], train_count, test_count) -> list[dict]:
    """Return the rows of one head: its verdict, model, cut points and evaluation."""
    about = {"artifact": "head", "model_name": head.model_name}
    rows = [
        about | {"item": "status", "note": head.status},
        about | {"item": "reason", "note": head.reason},
        about | {"item": "is_calibrated", "value": float(head.is_calibrated)},
        about | {"item": "train_rate", "value": head.train_rate, "customer_count": train_count},
        about | {"item": "test_rate", "value": head.test_rate, "customer_count": test_count},
    ]
    if len(head.coefficients):
        named = zip([*features, INTERCEPT], [*head.coefficients, head.intercept], strict=True)
        rows += [
            {
                "artifact": "coefficient",
                "model_name": quality.LOGISTIC,
                "item": name,
                "value": value,
            }
            for name, value in named
        ]
    rows += [
        {"artifact": "cut_point", "model_name": head.model_name, "slice": str(rank), "value": value}
        for rank, value in enumerate(head.cut_points, start=1)
    ]
    if head.boosted is not None:
        rows += tree_rows(head.boosted)
    for model_name, measures in head.estimates.items():
        rows += [
            {
                "artifact": "evaluation",
                "model_name": model_name,
                "slice_kind": "all",
                "slice": "all",
                "item": measure,
                "value": found.value,
                "lower_value": found.lower,
                "upper_value": found.upper,
                "customer_count": test_count,
            }
            for measure, found in measures.items()
        ]
    for row in head.slices.to_dict("records"):
        rows += [
            {
                "artifact": "evaluation",
                "model_name": row["model_name"],
                "slice_kind": row["slice_kind"],
                "slice": row["slice"],
                "item": measure,
                "value": row[measure],
                "customer_count": row["customer_count"],
            }
            for measure in ("observed_rate", "mean_forecast", "lift", "auc")
        ]
    return rows


def tree_rows(boosted: quality.Boosted) -> list[dict]:
    """Return the rows of boosted trees, one a node, and of the line that calibrates their sums."""
    about = {"model_name": quality.BOOSTING}
    nodes = boosted.nodes.rename(columns={"feature": "item", "node_value": "value"})
    return [
        {"artifact": "calibration", "item": "slope", "value": boosted.slope} | about,
        {"artifact": "calibration", "item": INTERCEPT, "value": boosted.intercept} | about,
        *({"artifact": "tree"} | about | node for node in nodes.to_dict("records")),
    ]


def typed(rows: list[dict]) -> pd.DataFrame:
    """Return the rows as a frame whose column types do not depend on what is in them."""
    frame = pd.DataFrame(rows, columns=COLUMNS)
    for column in (*TEXTS, "note"):
        frame[column] = frame[column].astype("string")
    for column in NUMBERS:
        frame[column] = pd.to_numeric(frame[column]).astype("float64")
    for column in COUNTS:
        frame[column] = pd.to_numeric(frame[column]).astype("Int64")
    frame["missing_goes_left"] = frame["missing_goes_left"].astype("boolean")
    frame["fitted_as_of"] = pd.to_datetime(frame["fitted_as_of"]).astype("datetime64[us]")
    return frame


def customers(features_of_source, condition, features, row_limit):
    """Return at most `row_limit` customers that a condition holds for, the same ones every time."""
    numbers = ", ".join(f"cast({name} as double) as {name}" for name in features)
    labels = ", ".join(f"cast(cast({name} as integer) as double) as {name}" for name in LABELS)
    return (
        features_of_source.filter(condition)
        .order("sample_key, first_order_date, " + ", ".join(LABELS))
        .limit(row_limit)
        .project(f"sample_key, first_order_date, {labels}, {numbers}")
        .df()
    )


def fitted_rows(matured, features, rule_features, limits, as_of, fitted_because):
    """Fit one source and return the version's name and its rows.

    matured: relation of its customers whose outcome is known, as customer_quality_features.
    """
    days = matured.aggregate(
        "first_order_date, maturity_date, count(*) as customer_count, "
        f"count(*) filter (where {quality.HEADS[quality.MAIN_HEAD]}) as good_count"
    ).df()
    split, reason = quality.choose_split(days, limits)
    if split is None:
        return UNTRAINED, untrained_rows(as_of, fitted_because, reason)
    until = f"date '{split.train_until.isoformat()}'"
    train = customers(matured, f"maturity_date <= {until}", features, limits.train_rows)
    test = customers(matured, f"first_order_date > {until}", features, limits.test_rows)
    fitted = quality.fit(train, test, features, rule_features, limits)
    if fitted is None:
        reason = "every feature is unknown or alike for all customers"
        return UNTRAINED, untrained_rows(as_of, fitted_because, reason)
    rows = version_rows(fitted, fitted_because, train, test)
    # Of whom the version has learned: those whose outcome was known by this date.
    rows.append(
        {"artifact": "version", "item": "known_until", "note": split.train_until.isoformat()}
    )
    return as_of.isoformat(), rows


def model(dbt, session):
    """Fit the sources whose version is due; return their rows alone, the kept ones stay."""
    # dbt finds parameters and references by reading these lines: each is an assignment of its own.
    features = dbt.config.meta_get("features")
    rule_features = dbt.config.meta_get("rule_features")
    limits = dbt.config.meta_get("limits")
    refit = dbt.config.meta_get("refit")
    interval_days = dbt.config.meta_get("interval_days")

    quality_features = dbt.ref("customer_quality_features")
    shops = dbt.ref("int_as_of")

    # A try that found too little to learn from has no features, and does not count.
    kept = pd.DataFrame({"source": [], "fitted_as_of": [], "item": []})
    if dbt.is_incremental:
        kept = session.sql(
            f"select source, cast(fitted_as_of as date) as fitted_as_of, item from {dbt.this} "
            "where artifact in ('scaling_mean', 'dropped')"
        ).df()
        kept["fitted_as_of"] = pd.to_datetime(kept["fitted_as_of"]).dt.date

    rows = []
    for source, as_of in sorted(shops.project("source, as_of_date").fetchall()):
        fitted_because = due(
            kept[kept["source"] == source], features, as_of, int(interval_days), flag(refit)
        )
        if fitted_because is None:
            continue
        matured = quality_features.filter(f"source = '{source}' and is_good_customer is not null")
        version, found = fitted_rows(
            matured, features, rule_features, quality.Limits(**limits), as_of, fitted_because
        )
        about = {"source": source, "model_version": version, "fitted_as_of": as_of.isoformat()}
        rows += [about | row for row in found]
    return typed(rows)
