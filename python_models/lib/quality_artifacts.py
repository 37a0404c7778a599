"""The customer quality model as rows of one long table, which SQL models take apart.

Each row is a fact of one version: its verdict, a feature's scaling, a coefficient, a node of a
tree, a measure on the test. A row is a mapping of the columns that it fills; `typed` makes the
table of them.
"""

from __future__ import annotations

from datetime import date

import pandas as pd

import quality
import quality_verdict

TEXTS = ("source", "model_version", "artifact", "head", "model_name", "item", "slice_kind", "slice")
NUMBERS = ("value", "lower_value", "upper_value", "threshold")
COUNTS = ("customer_count", "tree_number", "node_number", "left_node", "right_node")
COLUMNS = [*TEXTS, "note", *NUMBERS, *COUNTS, "missing_goes_left", "fitted_as_of"]
# The version that stands for a try without enough data; the next try replaces it.
UNTRAINED = "untrained"
INTERCEPT = "intercept"


def untrained_rows(fitted_because: str, reason: str) -> list[dict]:
    """Return the rows of a try that found too little to learn from."""
    about = {"artifact": "head", "head": quality.MAIN_HEAD, "item": "status"}
    return [
        {"artifact": "version", "item": "fitted_because", "note": fitted_because},
        about | {"note": quality_verdict.INSUFFICIENT},
        about | {"item": "reason", "note": reason},
    ]


def version_rows(
    fitted: quality.Quality,
    fitted_because: str,
    known_until: date,
    train: pd.DataFrame,
    test: pd.DataFrame,
) -> list[dict]:
    """Return the rows of a fitted version: its periods, scaling, heads and evaluation.

    known_until: it learned from customers whose outcome was known by the end of this day.
    """
    rows = [
        {"artifact": "version", "item": "fitted_because", "note": fitted_because},
        {"artifact": "version", "item": "known_until", "note": known_until.isoformat()},
    ]
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


def head_rows(
    head: quality.Head, features: list[str], train_count: int, test_count: int
) -> list[dict]:
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
    rows += estimate_rows(head.estimates, "all", "all", test_count)
    counts = {
        row["slice"]: row["customer_count"]
        for row in head.slices.to_dict("records")
        if row["slice_kind"] == "cohort_month"
    }
    for month, estimates in head.months.items():
        rows += estimate_rows(estimates, "cohort_month", month, counts[month])
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
            for measure in ("observed_rate", "mean_forecast", "lift")
        ]
    return rows


def estimate_rows(estimates, slice_kind: str, slice_name: str, customer_count: int) -> list[dict]:
    """Return the rows of one slice's measures by model, each with its interval."""
    return [
        {
            "artifact": "evaluation",
            "model_name": model_name,
            "slice_kind": slice_kind,
            "slice": slice_name,
            "item": measure,
            "value": found.value,
            "lower_value": found.lower,
            "upper_value": found.upper,
            "customer_count": customer_count,
        }
        for model_name, measures in estimates.items()
        for measure, found in measures.items()
    ]


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
