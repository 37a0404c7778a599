"""Reads what the model cards say from the warehouse.

Each table is read by one query below, which names every column that is used.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from clientele.pages.reading import read
from clientele.pages.rounding import Estimate
from clientele.warehouse_file import open_warehouse

Row = dict[str, Any]

QUALITY, LIFETIME_VALUE = "customer_quality", "customer_lifetime_value"
MAIN_HEAD = "good"

QUERIES = {
    "intermediate.int_as_of": "select source, as_of_date from intermediate.int_as_of",
    "customer.customer_quality_status": """
        select
            source, model_version, quality_status, reason, model_name, fitted_because,
            train_customer_count, test_customer_count, train_rate, test_rate, is_in_force,
            fitted_as_of, known_until_date, train_from_date, train_until_date, test_from_date,
            test_until_date
        from customer.customer_quality_status
        order by source, fitted_as_of desc, model_version
    """,
    "customer.customer_quality_heads": """
        select
            source, model_version, head, model_name, quality_status, reason, train_rate, test_rate
        from customer.customer_quality_heads
        order by case head when 'good' then 1 when 'repeat' then 2 else 3 end, head
    """,
    "customer.customer_quality_evaluation": """
        select
            source, model_version, head, model_name, slice_kind, slice, metric, value, lower_value,
            upper_value, customer_count
        from customer.customer_quality_evaluation
        order by slice
    """,
    "customer.customer_quality_coefficients": """
        select source, model_version, head, feature, dropped_because, coefficient, is_used
        from customer.customer_quality_coefficients
        order by abs(coefficient) desc nulls last, feature
    """,
    "customer.customer_quality_deciles": """
        select source, model_version, decile, lower_probability, upper_probability
        from customer.customer_quality_deciles
    """,
    # Of whom the version in force speaks, and of whom it could not have been judged.
    "customer.customer_quality": """
        select
            quality.source,
            quality.model_version,
            count(*) as scored_count,
            count(*) filter (where quality.is_in_training) as in_training_count,
            count(*) filter (where quality.first_order_date > status.test_until_date)
                as after_test_count,
            max(quality.decision_date - quality.first_order_date) as decision_days
        from customer.customer_quality as quality
        inner join customer.customer_quality_status as status
            on
                quality.source = status.source
                and quality.model_version = status.model_version
        where status.is_in_force
        group by quality.source, quality.model_version
    """,
    "customer.clv_status": """
        select
            source, model_version, clv_method, reason, fitted_customer_count, history_days,
            fitted_date
        from customer.clv_status
    """,
    "customer.clv_evaluation": """
        select
            source, model_version, clv_method, metric, metric_value, lower_value, upper_value,
            customer_count, holdout_days, calibration_date
        from customer.clv_evaluation
    """,
    "customer.clv_parameters": """
        select
            source, model_version, fitted_to, r, alpha, a, b, p, q, gamma, bg_nbd_convergence,
            gamma_gamma_convergence, non_positive_share, customer_count, is_converged
        from customer.clv_parameters
        order by fitted_to desc
    """,
    "customer.model_refits": """
        select
            source, predictive_model, model_version, refit_interval_days, is_overdue,
            refit_due_date
        from customer.model_refits
    """,
    "segments.segmentation_status": """
        select
            source, model_version, segmentation_status, segmentation_method, reason, candidate_k,
            fitted_customer_count, fitted_as_of
        from segments.segmentation_status
    """,
    "segments.segment_k_scores": """
        select
            source, candidate, k, bootstrap_agreement, min_bootstrap_agreement,
            is_bootstrap_agreement_met, cluster_jaccard, min_cluster_jaccard,
            is_cluster_jaccard_met, prediction_strength, min_prediction_strength,
            is_prediction_strength_met, smallest_customer_count, min_smallest_customer_count,
            is_smallest_customer_count_met, smallest_share, min_smallest_share,
            is_smallest_share_met, seed_agreement, min_seed_agreement, is_seed_agreement_met,
            usefulness, usefulness_error, inertia, silhouette, calinski_harabasz, davies_bouldin,
            gap, gap_error, is_eligible, is_knee, is_chosen
        from segments.segment_k_scores
        order by k nulls last
    """,
    # A segment of nobody has no profile, and nothing is told of it.
    "segments.segment_profiles": """
        select
            profiles.source,
            profiles.segment_id,
            profiles.segment_name,
            segments.who_they_are,
            segments.what_to_do,
            segments.channel,
            segments.offer,
            segments.cadence,
            profiles.customer_count,
            profiles.customer_share,
            profiles.net_revenue_share,
            profiles.cm2_share,
            profiles.borderline_share
        from segments.segment_profiles as profiles
        inner join segments.segments as segments
            on
                profiles.source = segments.source
                and profiles.segment_id = segments.segment_id
        order by profiles.cm2_share desc nulls last, profiles.segment_id
    """,
    "segments.segment_profile_metrics": """
        select
            source, segment_id, metric, unit, metric_value,
            all_customers_value,
            index_to_all
        from segments.segment_profile_metrics
        order by metric
    """,
    "segments.segment_projection": """
        select source, segment_id, component_1, component_2
        from segments.segment_projection
        order by component_1, component_2, segment_id
    """,
    "segments.segment_projection_axes": """
        select source, component, feature, loading, explained_variance_share
        from segments.segment_projection_axes
        order by component, abs(loading) desc, feature
    """,
    "segments.segment_stability": """
        select source, origin_date, lag_days, rho, phi
        from segments.segment_stability
        where rho is not null
        order by origin_date, lag_days
    """,
    "segments.segment_stability_lags": """
        select
            source, lag_days, origin_count, low_rho, median_rho, high_phi, median_phi, is_judged
        from segments.segment_stability_lags
        order by lag_days
    """,
    "segments.segment_movement": """
        select source, lag_days, customer_share, cm2_share
        from segments.segment_movement
        order by lag_days
    """,
    "segments.segment_feature_drift": """
        select source, feature, psi, is_drifting
        from segments.segment_feature_drift
        order by psi desc nulls last, feature
    """,
    "segments.segment_maintenance": """
        select
            source, contract_status, maintenance_state, evidence, refit_interval_days,
            applied_interval_days, assign_interval_days, model_age_days, origin_count, ceiling,
            next_refit_date, next_assignment_date
        from segments.segment_maintenance
    """,
}


def read_shops(warehouse: Path) -> list[Row]:
    """Read what the cards of every source say, in the order of their names.

    warehouse: the DuckDB file that `dbt build` wrote; it is opened read-only.

    Returns one mapping a source: `source`, `as_of_date` (null without orders), `quality`,
    `lifetime_value` and `segments`, each null where the source has no version of that model.
    Rates and shares go from 0 to 1, unknown numbers are null. Raises WarehouseError.
    """
    tables: dict[str, list[Row]] = {}
    with open_warehouse(warehouse, QUERIES) as connection:
        for table, query in QUERIES.items():
            tables[table.rpartition(".")[2]] = [
                {
                    name: float(value) if isinstance(value, Decimal) else value
                    for name, value in row.items()
                }
                for row in read(connection, table, query, warehouse)
            ]
    return [
        {
            **shop,
            "quality": _quality(shop["source"], tables),
            "lifetime_value": _lifetime_value(shop["source"], tables),
            "segments": shop["as_of_date"] and _segments(shop["source"], tables),
        }
        for shop in sorted(tables["int_as_of"], key=lambda shop: shop["source"])
    ]


def _of(table: list[Row], about: Row) -> list[Row]:
    """Return the rows that agree with `about` in each of its columns."""
    return [row for row in table if all(row[name] == value for name, value in about.items())]


def _first(table: list[Row], about: Row) -> Row | None:
    return next(iter(_of(table, about)), None)


def _quality(source: str, tables: dict[str, list[Row]]) -> Row | None:
    versions = _of(tables["customer_quality_status"], {"source": source})
    status = _first(versions, {"is_in_force": True})
    if status is None:
        return None
    about = {"source": source, "model_version": status["model_version"]}
    evaluation = _of(tables["customer_quality_evaluation"], about)
    served = about | {"head": MAIN_HEAD, "model_name": status["model_name"]}
    coefficients = _of(tables["customer_quality_coefficients"], about | {"head": MAIN_HEAD})
    cut_points = {row["decile"]: row for row in _of(tables["customer_quality_deciles"], about)}
    deciles = _slices(evaluation, served | {"slice_kind": "decile"})
    for row in deciles:
        row["decile"] = int(row["slice"])
        for bound in ("lower_probability", "upper_probability"):
            row[bound] = cut_points.get(row["decile"], {}).get(bound)
    return {
        **status,
        "versions": versions,
        "heads": _of(tables["customer_quality_heads"], about),
        "measures": _measures(evaluation),
        "deciles": deciles,
        "months": _slices(evaluation, served | {"slice_kind": "cohort_month"}),
        "coefficients": [
            row for row in coefficients if row["is_used"] and row["feature"] != "intercept"
        ],
        "intercept": (_first(coefficients, {"feature": "intercept"}) or {}).get("coefficient"),
        "dropped": [row for row in coefficients if row["dropped_because"] is not None],
        "scored": _first(tables["customer_quality"], about),
        "refit": _first(tables["model_refits"], about | {"predictive_model": QUALITY}),
    }


def _measures(evaluation: list[Row]) -> dict[str, dict[str, dict[str, Estimate]]]:
    """Return the estimates of the whole test by head, model and metric."""
    found: dict[str, dict[str, dict[str, Estimate]]] = defaultdict(lambda: defaultdict(dict))
    for row in _of(evaluation, {"slice_kind": "all"}):
        found[row["head"]][row["model_name"]][row["metric"]] = Estimate(
            row["value"], row["lower_value"], row["upper_value"]
        )
    return {head: dict(models) for head, models in found.items()}


def _slices(evaluation: list[Row], about: Row) -> list[Row]:
    """Return one row a slice of the test with its measures as columns."""
    found: dict[str, Row] = {}
    for row in _of(evaluation, about):
        of_slice = found.setdefault(
            row["slice"],
            {"slice": row["slice"], "customer_count": row["customer_count"], "auc": None},
        )
        of_slice[row["metric"]] = row["value"]
    return list(found.values())


def _lifetime_value(source: str, tables: dict[str, list[Row]]) -> Row | None:
    status = _first(tables["clv_status"], {"source": source})
    if status is None or status["model_version"] is None:
        return None
    about = {"source": source, "model_version": status["model_version"]}
    evaluation = _of(tables["clv_evaluation"], about)
    measures: dict[str, dict[str, Estimate]] = defaultdict(dict)
    for row in evaluation:
        measures[row["clv_method"]][row["metric"]] = Estimate(
            row["metric_value"], row["lower_value"], row["upper_value"]
        )
    # The evaluation keeps the holdout of its own version; clv_periods has that of today.
    judged = evaluation[0] if evaluation else {}
    return {
        **status,
        "measures": dict(measures),
        "test_customer_count": judged.get("customer_count"),
        "holdout_days": judged.get("holdout_days"),
        "calibration_date": judged.get("calibration_date"),
        "parameters": _of(tables["clv_parameters"], about),
        "refit": _first(tables["model_refits"], about | {"predictive_model": LIFETIME_VALUE}),
    }


def _segments(source: str, tables: dict[str, list[Row]]) -> Row | None:
    about = {"source": source}
    status = _first(tables["segmentation_status"], about)
    if status is None:
        return None
    metrics = _of(tables["segment_profile_metrics"], about)
    return {
        **status,
        "scores": _of(tables["segment_k_scores"], about),
        "groups": [
            {**group, "metrics": _of(metrics, {"segment_id": group["segment_id"]})}
            for group in _of(tables["segment_profiles"], about)
        ],
        "places": _of(tables["segment_projection"], about),
        "axes": _of(tables["segment_projection_axes"], about),
        "origins": _of(tables["segment_stability"], about),
        "lags": _of(tables["segment_stability_lags"], about),
        "movement": _of(tables["segment_movement"], about),
        "drift": _of(tables["segment_feature_drift"], about),
        "maintenance": _first(tables["segment_maintenance"], about),
    }
