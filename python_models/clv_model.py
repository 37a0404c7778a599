"""The lifetime-value model of every source, as one long table that SQL models take apart.

One row per source, version and fact of the version: a parameter, how its search ended, a metric in
the holdout, the mean of a cell, the verdict. Versions are kept; a build adds one where one is due.
Parameters stand in clv_model.yml.
"""

import pandas as pd
from threadpoolctl import threadpool_limits

import clv_version
import model_cadence


def model(dbt, session):
    """Fit the sources where a version is due and return the new versions."""
    # dbt finds parameters and references by reading these lines: each is an assignment of its own.
    refit = dbt.config.meta_get("refit")
    interval_days = dbt.config.meta_get("refit_interval_days")
    sample_rows = dbt.config.meta_get("sample_rows")
    min_customers = dbt.config.meta_get("min_customers")
    min_repeat_share = dbt.config.meta_get("min_repeat_share")
    min_valued_customers = dbt.config.meta_get("min_valued_customers")
    min_calibration_customers = dbt.config.meta_get("min_calibration_customers")
    cell_prior_customers = dbt.config.meta_get("cell_prior_customers")
    folds = dbt.config.meta_get("folds")
    bootstrap_draws = dbt.config.meta_get("bootstrap_draws")
    seed = dbt.config.meta_get("seed")

    inputs = dbt.ref("clv_inputs")
    periods = dbt.ref("clv_periods")

    settings = clv_version.Settings(
        min_customers, min_repeat_share, min_valued_customers, min_calibration_customers,
        cell_prior_customers, folds, bootstrap_draws, seed,
    )  # fmt: skip
    kept = []
    if dbt.is_incremental:
        # A try that found too little to be judged is no version: every build tries again.
        kept = session.sql(
            f"select distinct source, fitted_date from {dbt.this} where artifact = 'metric'"
        ).fetchall()

    def sample(source, cut):
        """Return at most `sample_rows` customers, by content and never by id."""
        return (
            inputs.filter(f"source = '{source}' and cut = '{cut}'")
            .order(", ".join(clv_version.INPUTS))
            .limit(sample_rows)
            .project(", ".join(clv_version.INPUTS))
            .df()
        )

    rows = []
    shops = periods.project("source, as_of_date, calibration_date, holdout_days").fetchall()
    for source, as_of, calibration_date, holdout_days in sorted(shops, key=lambda shop: shop[0]):
        if as_of is None:
            continue
        fitted = [day.date() for of, day in kept if of == source]
        is_forced = model_cadence.flag(refit)
        if model_cadence.refit_reason(fitted, as_of, int(interval_days), is_forced) is None:
            continue
        common = {
            "source": source,
            "model_version": as_of.isoformat(),
            "holdout_days": holdout_days,
            "fitted_date": pd.Timestamp(as_of),
            "calibration_date": pd.Timestamp(calibration_date) if calibration_date else None,
        }
        # A search for four numbers has nothing for a second thread to do but wait.
        with threadpool_limits(limits=1):
            rows += [
                common | row
                for row in clv_version.version_rows(
                    sample(source, "calibration"), sample(source, "current"), holdout_days, settings
                )
            ]
    return clv_version.typed(rows)
