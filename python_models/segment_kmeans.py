"""The kept versions of every source's segmentation, as one long table that SQL models take apart.

A version is fitted when one is due and stays as it is: a build that fits nothing returns no rows,
and what earlier builds returned is kept. Parameters stand in segment_kmeans.yml.
"""

import pandas as pd

import model_cadence
import segment_artifacts
import segment_gate
import segment_inputs
import segment_stability
import segment_version
import segmentation


def due(kept, features, unknown, as_of, interval_days, is_forced):
    """Return why a version is to be fitted for one source as of a date, or None.

    kept: the rows of its versions. unknown: those of today's features that nothing tells of. A
    version names the days until the next in its contract; one that could promise none is renewed
    after `interval_days`, and one that knows other features than today's at once.
    """
    versions = sorted(set(kept["fitted_as_of"]))
    in_force = model_cadence.version_in_force(versions, as_of)
    rows = kept[kept["fitted_as_of"] == in_force]
    promised = rows.loc[
        (rows["artifact"] == "contract") & (rows["item"] == "refit_interval_days"), "value"
    ].dropna()
    interval = int(promised.iloc[0] if len(promised) else float(interval_days))
    reason = model_cadence.refit_reason(versions, as_of, interval, is_forced)
    if reason is None:
        absent = (rows["artifact"] == "dropped") & (rows["note"] == segmentation.ABSENT)
        judged = rows["artifact"].isin(["scaling_mean", "dropped"])
        changed = set(rows.loc[absent, "item"]) ^ unknown | set(rows.loc[judged, "item"]) ^ {
            *features
        }
        if changed:
            reason = f"features came or went: {', '.join(sorted(changed))}"
    return reason


def model(dbt, session):
    """Fit the sources whose version is due; return their rows alone, the kept ones stay."""
    # dbt finds parameters and references by reading these lines: each is an assignment of its own.
    features = dbt.config.meta_get("features")
    k_min = dbt.config.meta_get("k_min")
    k_max = dbt.config.meta_get("k_max")
    seed = dbt.config.meta_get("seed")
    sample_rows = dbt.config.meta_get("sample_rows")
    check_rows = dbt.config.meta_get("check_rows")
    slice_rows = dbt.config.meta_get("slice_rows")
    backtest_months = dbt.config.meta_get("backtest_months")
    min_customers = dbt.config.meta_get("min_customers")
    refit = dbt.config.meta_get("refit")
    interval_days = dbt.config.meta_get("interval_days")
    resamples = dbt.config.meta_get("resamples")

    customers = dbt.ref("customer_features")
    history = dbt.ref("customer_feature_history")
    next_quarters = dbt.ref("customer_next_quarters")
    recent = dbt.ref("customer_recent_features")
    dates = dbt.ref("history_dates")
    playbook = dbt.ref("segment_playbook")
    cells = dbt.ref("rfm_cells")
    rfm_status = dbt.ref("rfm_status")
    shops = dbt.ref("int_as_of")

    kept = segment_artifacts.typed([])
    # A table of before there were versions has none.
    if dbt.is_incremental and "model_version" in session.table(str(dbt.this)).columns:
        kept = session.sql(
            f"select * from {dbt.this} where model_version <> '{segment_artifacts.UNTRAINED}'"
        ).df()[segment_artifacts.COLUMNS]
    kept["fitted_as_of"] = pd.to_datetime(kept["fitted_as_of"]).dt.date
    settings = segment_version.Settings(
        features, range(k_min, k_max + 1), min_customers,
        segment_gate.GateLimits(seed=seed, **segment_gate.effort(resamples)),
        segment_stability.StabilityLimits(
            seed=seed, max_rows=slice_rows, bootstraps=int(resamples)
        ),
    )  # fmt: skip

    limits = segment_inputs.Limits(
        sample_rows, check_rows, slice_rows, backtest_months, min_customers
    )
    relations = segment_inputs.Relations(
        customers, history, next_quarters, recent, dates, rfm_status
    )
    tables = segment_version.Tables(playbook.df(), cells.df())
    rows = []
    for source, as_of in sorted(shops.project("source, as_of_date").fetchall()):
        if as_of is None:
            continue
        unknown = segment_inputs.unknown_features(source, features, relations)
        of_source = kept[kept["source"] == source]
        used = int(of_source["segment_id"].max()) if of_source["segment_id"].notna().any() else 0
        of_source = of_source[of_source["fitted_as_of"] <= as_of]
        why = due(of_source, features, unknown, as_of, interval_days, model_cadence.flag(refit))
        if why is None:
            continue
        models = {
            fitted: segment_artifacts.kept_model(version)
            for fitted, version in of_source.groupby("fitted_as_of")
        }
        # Threads that wait for one another would take more time than so small sums do.
        with segmentation.one_thread():
            is_version, found = segment_version.version_rows(
                segment_inputs.shop_of(source, as_of, features, relations, limits), tables,
                settings, {fitted: one for fitted, one in models.items() if one is not None}, used,
            )  # fmt: skip
        about = {
            "source": source,
            "model_version": as_of.isoformat() if is_version else segment_artifacts.UNTRAINED,
            "fitted_as_of": as_of,
        }
        rows += [about | row for row in [{"artifact": "fitted_because", "note": why}, *found]]
    return segment_artifacts.typed(rows)
