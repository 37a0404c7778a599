"""One version of a shop's lifetime-value model: fitted, judged in the holdout, written as rows.

Frames of customers have the columns INPUTS, and their rows stand in an order that depends on their
content alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import lifetime_value
import value_forecasts
from lifetime_value import BgNbd, GammaGamma

Floats = NDArray[np.float64]
Row = dict[str, Any]
Estimates = dict[tuple[str, str], value_forecasts.Estimate]

COLUMNS = {
    "source": "string",
    "model_version": "string",
    "artifact": "string",
    "method": "string",
    "item": "string",
    "frequency_score": "Int64",
    "recency_score": "Int64",
    "value": "float64",
    "lower_value": "float64",
    "upper_value": "float64",
    "customer_count": "Int64",
    "holdout_days": "Int64",
    "note": "string",
    "fitted_date": "datetime64[us]",
    "calibration_date": "datetime64[us]",
}
INPUTS = [
    "sample_key", "repeat_purchase_count", "last_repeat_days", "observed_days",
    "repeat_purchase_cm2", "last_365_value", "holdout_purchase_count", "holdout_cm2",
    "frequency_score", "recency_score",
]  # fmt: skip
SCORES = 5
HORIZON_DAYS = 365


@dataclass(frozen=True)
class Settings:
    """What people decide about the fit; see clv_model.yml."""

    min_customers: int
    min_repeat_share: float
    min_valued_customers: int
    min_calibration_customers: int
    cell_prior_customers: float
    folds: int
    bootstrap_draws: int
    seed: int


def history(frame: pd.DataFrame) -> tuple[Floats, Floats, Floats]:
    """Return x, t_x and T of the customers in a frame."""
    return (
        frame["repeat_purchase_count"].to_numpy(dtype=float),
        frame["last_repeat_days"].to_numpy(dtype=float),
        frame["observed_days"].to_numpy(dtype=float),
    )


def cells(frame: pd.DataFrame) -> NDArray[np.int64]:
    """Return the number of each customer's cell, 0 to 24."""
    frequency = frame["frequency_score"].to_numpy(dtype=int) - 1
    return frequency * SCORES + frame["recency_score"].to_numpy(dtype=int) - 1


def insufficiency(frame: pd.DataFrame, settings: Settings) -> str | None:
    """Return why a shop's customers are too few for the models, or None."""
    if len(frame) < settings.min_customers:
        return f"{len(frame)} customers are fewer than the {settings.min_customers} needed"
    share = float((frame["repeat_purchase_count"] > 0).mean())
    if share < settings.min_repeat_share:
        return f"{share:.1%} of customers bought again, {settings.min_repeat_share:.0%} are needed"
    return None


def fit(
    frame: pd.DataFrame, settings: Settings
) -> tuple[BgNbd | None, GammaGamma | None, str | None]:
    """Return BG/NBD, Gamma-Gamma and why they cannot be used, or None.

    Gamma-Gamma is fitted to repeat purchases with a mean above 0, as it is defined.
    """
    repeaters = frame["repeat_purchase_count"] > 0
    valued = frame[repeaters & (frame["repeat_purchase_cm2"] > 0)]
    if len(valued) < settings.min_valued_customers:
        return (
            None,
            None,
            (
                f"{len(valued)} customers bought again at a profit, "
                f"{settings.min_valued_customers} are needed"
            ),
        )
    purchases = lifetime_value.fit_bg_nbd(*history(frame))
    values = lifetime_value.fit_gamma_gamma(
        valued["repeat_purchase_count"], valued["repeat_purchase_cm2"]
    )
    for name, fitted in (("BG/NBD", purchases), ("Gamma-Gamma", values)):
        if not fitted.convergence.is_converged:
            return purchases, values, f"{name} did not converge: {fitted.convergence.note}"
    return purchases, values, None


def expected_values(values: GammaGamma, frame: pd.DataFrame) -> Floats:
    """Return the expected value of each customer's next purchase; unknown means count as none."""
    mean = frame["repeat_purchase_cm2"].to_numpy(dtype=float)
    count = np.where(np.isnan(mean), 0, frame["repeat_purchase_count"].to_numpy(dtype=float))
    return lifetime_value.expected_value(values, count, np.nan_to_num(mean))


def parameter_rows(
    method: str, frame: pd.DataFrame, purchases: BgNbd | None, values: GammaGamma | None
) -> Iterator[Row]:
    """Yield the parameters of both models and how the searches for them ended."""
    if purchases is None:
        return
    repeaters = frame[frame["repeat_purchase_count"] > 0]
    non_positive = float((repeaters["repeat_purchase_cm2"] <= 0).mean())
    found = {
        "r": purchases.r, "alpha": purchases.alpha, "a": purchases.a, "b": purchases.b,
        "p": values.p, "q": values.q, "gamma": values.gamma, "non_positive_share": non_positive,
    }  # fmt: skip
    common = {"method": method, "customer_count": len(frame)}
    for item, value in found.items():
        yield {"artifact": "parameter", "item": item, "value": value, **common}
    for item, fitted in (("bg_nbd", purchases), ("gamma_gamma", values)):
        yield {
            "artifact": "convergence",
            "item": item,
            "value": float(fitted.convergence.is_converged),
            "note": fitted.convergence.note,
            **common,
        }


def forecasts_of_holdout(
    calibration: pd.DataFrame,
    holdout_days: int,
    purchases: BgNbd | None,
    values: GammaGamma | None,
    settings: Settings,
) -> dict[str, Floats]:
    """Return each method's forecast of the cm2 that customers bring in the holdout."""
    share = holdout_days / HORIZON_DAYS
    forecasts = {
        "last_365_days": calibration["last_365_value"].to_numpy(dtype=float) * share,
        "segment_mean": value_forecasts.cross_fitted_cell_means(
            cells(calibration),
            calibration["holdout_cm2"].to_numpy(dtype=float),
            cell_count=SCORES * SCORES,
            prior_customers=settings.cell_prior_customers,
            folds=settings.folds,
        ),
    }
    if purchases is not None:
        orders = lifetime_value.expected_purchases(purchases, *history(calibration), holdout_days)
        forecasts["bg_nbd"] = orders * expected_values(values, calibration)
    return forecasts


def metric_rows(estimates: Estimates, customer_count: int) -> Iterator[Row]:
    """Yield one row per method and metric."""
    for (method, metric), estimate in estimates.items():
        yield {
            "artifact": "metric",
            "method": method,
            "item": metric,
            "value": estimate.value,
            "lower_value": estimate.lower,
            "upper_value": estimate.upper,
            "customer_count": customer_count,
        }


def cell_rows(calibration: pd.DataFrame, holdout_days: int, settings: Settings) -> Iterator[Row]:
    """Yield the mean of each cell in the holdout, scaled to 365 days."""
    numbers = cells(calibration)
    means = value_forecasts.cell_means(
        numbers,
        calibration["holdout_cm2"].to_numpy(dtype=float),
        cell_count=SCORES * SCORES,
        prior_customers=settings.cell_prior_customers,
    )
    counts = np.bincount(numbers, minlength=SCORES * SCORES)
    for number, (mean, count) in enumerate(zip(means, counts, strict=True)):
        yield {
            "artifact": "cell_mean",
            "frequency_score": number // SCORES + 1,
            "recency_score": number % SCORES + 1,
            "value": mean * HORIZON_DAYS / holdout_days,
            "customer_count": int(count),
        }


def compared(estimates: Estimates) -> tuple[bool, str]:
    """Return whether BG/NBD beats the segment mean in the holdout, and the reason in words.

    It must be better in both metrics, and by more than chance: the lower bounds are above 0.
    """
    is_better = all(
        estimates["bg_nbd", gain].lower > 0 for gain in ("normalised_gini_gain", "mae_gain")
    )
    numbers = ", ".join(
        f"{words} {estimates['bg_nbd', metric].value:.{digits}f} "
        f"against {estimates['segment_mean', metric].value:.{digits}f}"
        for metric, words, digits in (
            ("normalised_gini", "normalised Gini", 3),
            ("mae", "mean absolute error", 2),
            ("total_ratio", "forecast over actual total", 2),
        )
    )
    verb = "beats" if is_better else "does not surely beat"
    return is_better, f"BG/NBD {verb} the segment mean in the holdout: {numbers}"


def version_rows(
    calibration: pd.DataFrame, current: pd.DataFrame, holdout_days: int | None, settings: Settings
) -> Iterator[Row]:
    """Yield what a version of one source consists of.

    calibration, current: frames of INPUTS at the two cuts, in an order that depends on content
    alone; holdout_days: None where the history is too short for a holdout.
    """
    reason = insufficiency(current, settings)
    if not len(current):
        yield verdict("none", "there are no customers yet", current)
        return
    can_fit, serves_bg_nbd = reason is None, False
    if holdout_days is None or len(calibration) < settings.min_calibration_customers:
        short = "the history is too short to hold a part of it out"
        if holdout_days is not None:
            short = f"{len(calibration)} customers before the holdout are too few to learn from"
        reason = "; ".join(part for part in (reason, short) if part)
        served = "last_365_days"
    else:
        served = "segment_mean"
        purchases = values = None
        if can_fit:
            purchases, values, reason = fit(calibration, settings)
            yield from parameter_rows("calibration", calibration, purchases, values)
            purchases = purchases if reason is None else None
        forecasts = forecasts_of_holdout(calibration, holdout_days, purchases, values, settings)
        estimates = value_forecasts.evaluate(
            calibration["holdout_cm2"].to_numpy(dtype=float),
            forecasts,
            reference="segment_mean",
            draws=settings.bootstrap_draws,
            seed=settings.seed,
        )
        yield from metric_rows(estimates, len(calibration))
        yield from cell_rows(calibration, holdout_days, settings)
        if purchases is not None:
            serves_bg_nbd, reason = compared(estimates)
    if can_fit:
        purchases, values, unusable = fit(current, settings)
        yield from parameter_rows("current", current, purchases, values)
        if serves_bg_nbd and unusable is not None:
            serves_bg_nbd, reason = False, f"as of the date of the fit, {unusable}"
    yield verdict("bg_nbd" if serves_bg_nbd else served, reason, current)


def verdict(method: str, reason: str, current: pd.DataFrame) -> Row:
    """Return the row that says which method is served and why."""
    return {"artifact": "verdict", "item": method, "note": reason, "value": len(current)}


def typed(rows: list[Row]) -> pd.DataFrame:
    """Return the rows as a frame whose column types do not depend on what is in them."""
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
