"""The kept versions of every source's segmentation, as one long table that SQL models take apart.

A version is fitted when one is due and stays as it is: a build that fits nothing returns no rows,
and what earlier builds returned is kept. Parameters stand in segment_kmeans.yml.
"""

import pandas as pd

import model_cadence
import segment_artifacts
import segment_gate
import segment_stability
import segment_version
import segmentation

# What the rules and the money need of a past slice, beside the features.
BESIDE = [
    "recency_days", "frequency_score", "net_revenue_365d", "is_new", "lifecycle_stage", "cm2_365d",
    "sample_key",
]  # fmt: skip


def due(kept, unknown, as_of, interval_days, is_forced):
    """Return why a version is to be fitted for one source as of a date, or None.

    kept: the rows of its versions. unknown: features of today that nothing tells of. A version
    names the days until the next in its contract; one that could promise none is renewed after
    `interval_days`, and one for which other features were known than today at once.
    """
    versions = sorted(set(kept["fitted_as_of"]))
    in_force = model_cadence.version_in_force(versions, as_of)
    rows = kept[kept["fitted_as_of"] == in_force]
    promised = rows.loc[
        (rows["artifact"] == "contract") & (rows["item"] == "refit_interval_days"), "value"
    ].dropna()
    interval = int(promised.iloc[0]) if len(promised) else int(interval_days)
    reason = model_cadence.refit_reason(versions, as_of, interval, is_forced)
    if reason is None:
        absent = (rows["artifact"] == "dropped") & (rows["note"] == segmentation.ABSENT)
        changed = set(rows.loc[absent, "item"]) ^ unknown
        if changed:
            reason = f"features came or went: {', '.join(sorted(changed))}"
    return reason


def rows_of(relation, columns, row_limit):
    """Return at most `row_limit` rows, by what they hold and never by whom they are about.

    Numbers are doubles, null where not known.
    """
    contents = ["sample_key", *(name for name in columns if name != "sample_key")]
    typed = [
        name if name in ("lifecycle_stage", "is_new", "sample_key", "customer_key", "lag_days")
        else f"cast({name} as double) as {name}"
        for name in columns
    ]  # fmt: skip
    ordered = [name for name in contents if name != "customer_key"]
    return relation.order(", ".join(ordered)).limit(row_limit).project(", ".join(typed)).df()


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

    def shop_of(source, as_of, sample):
        """Return what a fit of a source reads."""
        is_source = f"source = '{source}'"
        months = (
            dates.filter(
                f"{is_source} and is_kept and as_of_date <= date '{as_of}' "
                "and as_of_date = last_day(as_of_date)"
            )
            .project("as_of_number, cast(as_of_date as date)")
            .fetchall()
        )
        month_ends = {int(number): day for number, day in months}

        def slice_of(number, row_limit):
            day = month_ends[number]
            frame = rows_of(
                history.filter(f"{is_source} and as_of_date = date '{day}'"),
                [*features, *BESIDE], row_limit,
            )  # fmt: skip
            return segment_stability.Slice(day, number, frame)

        def check():
            last = max(month_ends, default=0)
            first, second = last - 6, last - 3
            if not {first, second} <= set(month_ends):
                return None
            paid = history.filter(
                f"{is_source} and as_of_date = date '{month_ends[second]}'"
            ).set_alias("now")
            paid = paid.join(
                next_quarters.filter(
                    f"{is_source} and as_of_date = date '{month_ends[second]}'"
                ).set_alias("later"),
                "now.customer_key = later.customer_key",
            ).project(
                ", ".join(f"now.{name}" for name in [*features, *BESIDE])
                + ", later.cm2_next_quarter"
            )
            frame = rows_of(paid, [*features, *BESIDE, "cm2_next_quarter"], check_rows)
            then = slice_of(first, check_rows)
            if min(len(frame), len(then.frame)) < min_customers:
                return None
            return segment_version.Check(
                then, segment_stability.Slice(month_ends[second], second, frame)
            )

        def slices():
            numbers = sorted(month_ends)[-backtest_months:]
            return [slice_of(number, slice_rows) for number in numbers]

        def recently():
            columns = [*features, *BESIDE, "customer_key", "lag_days"]
            return rows_of(recent.filter(is_source), columns, 5 * slice_rows)

        ((customer_count,),) = customers.filter(is_source).aggregate("count(*)").fetchall()
        scored = rfm_status.filter(f"{is_source} and rfm_status = 'scored'").fetchall()
        return segment_version.Shop(
            as_of, sample, customer_count, bool(scored), check, slices, recently
        )

    tables = segment_version.Tables(playbook.df(), cells.df())
    rows = []
    for source, as_of in sorted(shops.project("source, as_of_date").fetchall()):
        if as_of is None:
            continue
        sample = rows_of(
            customers.filter(f"source = '{source}'"), [*features, "sample_key"], sample_rows
        )
        unknown = {name for name in features if sample[name].isna().any()}
        of_source = kept[(kept["source"] == source) & (kept["fitted_as_of"] <= as_of)]
        why = due(of_source, unknown, as_of, interval_days, model_cadence.flag(refit))
        if why is None:
            continue
        models = {
            fitted: segment_artifacts.kept_model(version)
            for fitted, version in of_source.groupby("fitted_as_of")
        }
        is_version, found = segment_version.version_rows(
            shop_of(source, as_of, sample), tables, settings,
            {fitted: one for fitted, one in models.items() if one is not None},
        )  # fmt: skip
        about = {
            "source": source,
            "model_version": as_of.isoformat() if is_version else segment_artifacts.UNTRAINED,
            "fitted_as_of": as_of,
        }
        rows += [about | row for row in [{"artifact": "fitted_because", "note": why}, *found]]
    return segment_artifacts.typed(rows)
