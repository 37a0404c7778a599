"""How well forecasts of a yes-or-no outcome rank and how far their probabilities can be trusted.

Every measure is a function of labels, forecasts and whole-number weights, so that a bootstrap is
the same function with other weights: the sort, which is what costs, is done once a forecast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit

INTERVAL = (2.5, 97.5)  # percentiles of the bootstrap: a 95 % interval
TOP_SHARE = 0.1
NEWTON_STEPS = 50
CONVERGED = 1e-10
LEAST_PROBABILITY = 1e-12  # a forecast of exactly 0 or 1 has no finite logit


@dataclass(frozen=True)
class Estimate:
    """A number with the interval that a bootstrap gives it; NaN where it is not known."""

    value: float
    lower: float = float("nan")
    upper: float = float("nan")


@dataclass(frozen=True)
class Ranking:
    """Labels in falling order of a score, and where each group of equal scores ends.

    labels: 0 or 1, one a row, sorted; order: row numbers of the input in that order; group_ends:
    positions of the last row of each group of equal scores.
    """

    labels: np.ndarray
    order: np.ndarray
    group_ends: np.ndarray

    @classmethod
    def of(cls, labels: np.ndarray, scores: np.ndarray) -> Ranking:
        """Rank rows by a score, the greatest first; rows of one score are one group."""
        order = np.argsort(-scores, kind="stable")
        ranked = scores[order]
        ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
        return cls(labels[order], order, ends)

    def measures(self, weights: np.ndarray | None = None) -> dict[str, float]:
        """Return `auc`, `average_precision` and `lift_top_10_percent` of weighted rows.

        weights: one a row of the input, whole numbers; default 1. NaN where one class has no row.
        Rows of one score count as if their order were drawn by lot, as in scikit-learn's measures
        of the same name. Lift is the outcome's rate among the best tenth over the rate of all.
        """
        taken = np.ones(len(self.order)) if weights is None else weights[self.order]
        hits = np.cumsum(taken * self.labels)[self.group_ends]
        rows = np.cumsum(taken)[self.group_ends]
        misses = rows - hits
        total_hits, total_rows, total_misses = hits[-1], rows[-1], misses[-1]
        if total_hits == 0 or total_misses == 0:
            return dict.fromkeys(RANK_MEASURES, float("nan"))
        hits_before = np.append(0.0, hits[:-1])
        area = np.sum(np.diff(misses, prepend=0.0) * (hits + hits_before) / 2)
        precision = hits / np.maximum(rows, 1)
        top_rows = TOP_SHARE * total_rows
        top_hits = np.interp(top_rows, np.append(0.0, rows), np.append(0.0, hits))
        return {
            "auc": float(area / (total_hits * total_misses)),
            "average_precision": float(np.sum((hits - hits_before) * precision) / total_hits),
            "lift_top_10_percent": float(top_hits / top_rows / (total_hits / total_rows)),
        }


RANK_MEASURES = ("auc", "average_precision", "lift_top_10_percent")
PROBABILITY_MEASURES = ("brier_skill", "calibration_slope", "calibration_intercept")


def auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the area under the ROC curve: the chance that a hit outranks a miss, ties half."""
    return Ranking.of(labels, scores).measures()["auc"]


def brier_skill(
    labels: np.ndarray,
    probabilities: np.ndarray,
    base_rate: float,
    weights: np.ndarray | None = None,
) -> float:
    """Return by which share the squared error is below that of forecasting `base_rate` for all.

    0 is no better, 1 is perfect, negative is worse. NaN where the base rate is always right.
    """
    error = np.average((probabilities - labels) ** 2, weights=weights)
    reference = np.average((base_rate - labels) ** 2, weights=weights)
    return float(1 - error / reference) if reference > 0 else float("nan")


def calibration(
    labels: np.ndarray,
    probabilities: np.ndarray,
    weights: np.ndarray | None = None,
    start: tuple[float, float] = (1.0, 0.0),
) -> tuple[float, float]:
    """Return slope and intercept of the logistic regression of the label on the logit.

    Slope 1 and intercept 0 are perfect; a slope below 1 means that forecasts are too far apart.
    Source: Cox (1958), "Two further applications of a model for binary regression", Biometrika 45.
    start: where Newton's method begins. NaN, NaN where all forecasts are equal, one class has no
    row, or the classes are separated, so that no finite slope fits.
    """
    x = logit(np.clip(probabilities, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY))
    weight = np.ones(len(x)) if weights is None else weights
    hits = float(weight @ labels)
    if np.ptp(x) < CONVERGED or hits == 0 or hits == weight.sum():
        return float("nan"), float("nan")
    slope, intercept = start
    for _ in range(NEWTON_STEPS):
        forecast = expit(slope * x + intercept)
        residual = weight * (labels - forecast)
        spread = weight * forecast * (1 - forecast)
        gradient = np.array([residual @ x, residual.sum()])
        cross = spread @ x
        hessian = np.array([[spread @ (x * x), cross], [cross, spread.sum()]])
        if np.linalg.det(hessian) <= 0:
            break
        step = np.linalg.solve(hessian, gradient)
        slope, intercept = slope + step[0], intercept + step[1]
        if np.abs(step).max() < CONVERGED * (1 + abs(slope)):
            return float(slope), float(intercept)
    return float("nan"), float("nan")


def evaluate(
    labels: np.ndarray,
    forecasts: Mapping[str, np.ndarray],
    are_probabilities: Mapping[str, bool],
    base_rate: float,
    *,
    folds: int,
    bootstrap_rows: int,
    seed: int,
) -> tuple[dict[str, dict[str, Estimate]], dict[str, np.ndarray]]:
    """Measure several forecasts of the same rows, each measure with its interval.

    labels: 0 or 1; forecasts: one array of a score per row and forecast; are_probabilities: False
    for a forecast that only ranks, whose probability measures are left out; base_rate: of the
    training, which Brier skill compares with. The bootstrap draws `folds` times from the first
    `bootstrap_rows` rows, the same rows for all forecasts, so that differences between them are
    paired. Rows must stand in an order that does not depend on how they were stored.
    Returns the measures of each forecast, and of each the average precision in every fold.
    """
    estimates: dict[str, dict[str, Estimate]] = {}
    precision_by_fold: dict[str, np.ndarray] = {}
    drawn_labels = labels[:bootstrap_rows]
    count = len(drawn_labels)
    for name, forecast in forecasts.items():
        values = dict(Ranking.of(labels, forecast).measures())
        if are_probabilities[name]:
            slope, intercept = calibration(labels, forecast)
            values |= {
                "brier_skill": brier_skill(labels, forecast, base_rate),
                "calibration_slope": slope,
                "calibration_intercept": intercept,
            }
        drawn = forecast[:bootstrap_rows]
        ranking = Ranking.of(drawn_labels, drawn)
        rng = np.random.default_rng(seed)
        by_fold: dict[str, list[float]] = {measure: [] for measure in values}
        for _ in range(folds):
            weights = np.bincount(rng.integers(0, count, count), minlength=count).astype(float)
            found = ranking.measures(weights)
            if are_probabilities[name]:
                skill = brier_skill(drawn_labels, drawn, base_rate, weights)
                # The fit of all rows is near that of any fold, so Newton needs few steps.
                begin = (slope, intercept) if np.isfinite(slope) else (1.0, 0.0)
                fold_slope, fold_intercept = calibration(drawn_labels, drawn, weights, begin)
                found |= {
                    "brier_skill": skill,
                    "calibration_slope": fold_slope,
                    "calibration_intercept": fold_intercept,
                }
            for measure, value in found.items():
                by_fold[measure].append(value)
        estimates[name] = {
            measure: Estimate(value, *interval(by_fold[measure]))
            for measure, value in values.items()
        }
        precision_by_fold[name] = np.array(by_fold["average_precision"])
    return estimates, precision_by_fold


def interval(values: list[float] | np.ndarray) -> tuple[float, float]:
    """Return the 95 % percentile interval of a bootstrap's values; NaN if none is known."""
    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    if not known.size:
        return float("nan"), float("nan")
    lower, upper = np.percentile(known, INTERVAL)
    return float(lower), float(upper)


def decile_cut_points(scores: np.ndarray) -> np.ndarray:
    """Return the nine scores, falling, that part the rows into tenths: the best tenth first."""
    return np.quantile(scores, np.arange(9, 0, -1) / 10, method="midpoint")


def deciles(scores: np.ndarray, cut_points: np.ndarray) -> np.ndarray:
    """Return each score's decile by fixed cut points: 1 (best) to 10."""
    return 1 + (scores[:, None] < cut_points[None, :]).sum(axis=1)


def by_slice(
    labels: np.ndarray, probabilities: np.ndarray, slices: np.ndarray, min_class: int
) -> pd.DataFrame:
    """Return one row per slice: customer_count, observed_rate, mean_forecast, lift, auc.

    slices: a label per row. AUC is NaN in a slice with fewer than `min_class` rows of a class;
    lift is the slice's rate over that of all rows.
    """
    overall = labels.mean()
    rows = []
    for name in np.unique(slices):
        inside = slices == name
        hits, count = labels[inside].sum(), int(inside.sum())
        enough = min(hits, count - hits) >= min_class
        rows.append(
            {
                "slice": str(name),
                "customer_count": count,
                "observed_rate": hits / count,
                "mean_forecast": probabilities[inside].mean(),
                "lift": hits / count / overall if overall > 0 else float("nan"),
                "auc": auc(labels[inside], probabilities[inside]) if enough else float("nan"),
            }
        )
    return pd.DataFrame(rows)
