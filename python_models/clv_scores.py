"""What BG/NBD expects of every history that customers have, by the parameters in force.

Customers with the same x, t_x and T have the same expectation, so that each is computed once, and
SQL joins it to the customers. Parameters stand in clv_scores.yml.
"""

import numpy as np
import pandas as pd

import lifetime_value

COLUMNS = [
    "source", "repeat_purchase_count", "last_repeat_days", "observed_days",
    "expected_orders_365d", "probability_alive",
]  # fmt: skip
HORIZON_DAYS = 365


def scored(purchases, histories, batch_rows):
    """Return the expected purchases and the probability to be alive of each history.

    histories: arrays x, t_x, T of n values each; batch_rows: how many are computed at once, which
    bounds what the formulas need beside the answer.
    """
    n = len(histories[0])
    expected, alive = np.empty(n), np.empty(n)
    for start in range(0, n, batch_rows):
        batch = slice(start, start + batch_rows)
        part = [values[batch].astype(np.float64) for values in histories]
        expected[batch] = lifetime_value.expected_purchases(purchases, *part, HORIZON_DAYS)
        alive[batch] = lifetime_value.probability_alive(purchases, *part)
    return expected, alive


def model(dbt, session):
    """Score the distinct histories of each source that has a fitted version in force."""
    # dbt finds parameters and references by reading these lines: each is an assignment of its own.
    batch_rows = dbt.config.meta_get("batch_rows")

    inputs = dbt.ref("clv_inputs")
    parameters = dbt.ref("clv_parameters")
    status = dbt.ref("clv_status")

    in_force = {row[:2] for row in status.project("source, model_version").fetchall()}
    usable = parameters.filter("fitted_to = 'current' and is_converged").project(
        "source, model_version, r, alpha, a, b"
    )
    parts = []
    for source, version, *values in sorted(usable.fetchall()):
        if (source, version) not in in_force:
            continue
        columns = COLUMNS[1:4]
        found = (
            inputs.filter(f"source = '{source}' and cut = 'current'")
            .project(", ".join(columns))
            .distinct()
            .order(", ".join(columns))
            .fetchnumpy()
        )
        histories = [np.asarray(found[column], dtype=np.int32) for column in columns]
        expected, alive = scored(lifetime_value.BgNbd(*values), histories, batch_rows)
        parts.append(
            pd.DataFrame(dict(zip(COLUMNS, [source, *histories, expected, alive], strict=True)))
        )
    # Without any row the types are still those of a table with rows.
    empty = pd.DataFrame(
        {
            "source": pd.Series(dtype="object"),
            **{column: pd.Series(dtype="int32") for column in COLUMNS[1:4]},
            **{column: pd.Series(dtype="float64") for column in COLUMNS[4:]},
        }
    )
    frame = pd.concat(parts, ignore_index=True) if parts else empty
    return frame.astype({"source": "string"})
