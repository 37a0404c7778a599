"""The kept versions of the customer quality model, as one long table that SQL models take apart.

A version is fitted when one is due and stays as it is: a build that fits nothing returns no rows,
and what earlier builds returned is kept. Parameters stand in customer_quality_model.yml.
"""

import pandas as pd

import model_cadence
import quality
import quality_artifacts

LABELS = tuple(quality.HEADS.values())


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
        return quality_artifacts.UNTRAINED, quality_artifacts.untrained_rows(fitted_because, reason)
    until = f"date '{split.train_until.isoformat()}'"
    train = customers(matured, f"maturity_date <= {until}", features, limits.train_rows)
    test = customers(matured, f"first_order_date > {until}", features, limits.test_rows)
    fitted = quality.fit(train, test, features, rule_features, limits)
    if fitted is None:
        reason = "every feature is unknown or alike for all customers"
        return quality_artifacts.UNTRAINED, quality_artifacts.untrained_rows(fitted_because, reason)
    known_until = split.train_until
    rows = quality_artifacts.version_rows(fitted, fitted_because, known_until, train, test)
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
        if as_of is None:
            continue
        fitted_because = due(
            kept[kept["source"] == source],
            features,
            as_of,
            int(interval_days),
            model_cadence.flag(refit),
        )
        if fitted_because is None:
            continue
        matured = quality_features.filter(f"source = '{source}' and is_good_customer is not null")
        version, found = fitted_rows(
            matured, features, rule_features, quality.Limits(**limits), as_of, fitted_because
        )
        about = {"source": source, "model_version": version, "fitted_as_of": as_of.isoformat()}
        rows += [about | row for row in found]
    return quality_artifacts.typed(rows)
