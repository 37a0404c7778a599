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


def brier_skill(labels: np.ndarray, probabilities: np.ndarray, base_rate: float) -> float:
    """Return by which share the squared error is below that of forecasting `base_rate` for all.

    0 is no better, 1 is perfect, negative is worse. NaN where the base rate is always right.
    """
    error = np.mean((probabilities - labels) ** 2)
    reference = np.mean((base_rate - labels) ** 2)
    return float(1 - error / reference) if reference > 0 else float("nan")


def calibration(labels: np.ndarray, probabilities: np.ndarray) -> tuple[float, float]:
    """Return slope and intercept of the logistic regression of the label on the logit.

    Slope 1 and intercept 0 are perfect; a slope below 1 means that forecasts are too far apart.
    Source: Cox (1958), "Two further applications of a model for binary regression", Biometrika 45.
    NaN, NaN where all forecasts are equal, one class has no row, or the classes are separated, so
    that no finite slope fits.
    """
    x = _logits(probabilities)
    if np.ptp(x) < CONVERGED or labels.min() == labels.max():
        return float("nan"), float("nan")
    line = np.array([1.0, 0.0])
    for _ in range(NEWTON_STEPS):
        step = _newton_step(_score_terms(labels, x, line).sum(axis=0))
        if not np.isfinite(step).all():
            break
        line = line + step
        if np.abs(step).max() < CONVERGED * (1 + abs(line[0])):
            return float(line[0]), float(line[1])
    return float("nan"), float("nan")


def _logits(probabilities: np.ndarray) -> np.ndarray:
    return logit(np.clip(probabilities, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY))


def _score_terms(labels: np.ndarray, x: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Return each row's part, rows x 5, of the likelihood's first and second derivatives."""
    forecast = expit(line[0] * x + line[1])
    spread = forecast * (1 - forecast)
    residual = labels - forecast
    return np.column_stack([residual * x, residual, spread * x * x, spread * x, spread])


def _newton_step(sums: np.ndarray) -> np.ndarray:
    """Return the step of slope and intercept from the sums of `_score_terms`; NaN where flat."""
    hessian = np.array([[sums[2], sums[3]], [sums[3], sums[4]]])
    if not np.isfinite(hessian).all() or np.linalg.det(hessian) <= 0:
        return np.full(2, np.nan)
    return np.linalg.solve(hessian, sums[:2])


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
        values = Ranking.of(labels, forecast).measures()
        drawn = forecast[:bootstrap_rows]
        ranking = Ranking.of(drawn_labels, drawn)
        terms, line = np.empty((count, 0)), np.full(2, np.nan)
        if are_probabilities[name]:
            line = np.array(calibration(labels, forecast))
            skill = brier_skill(labels, forecast, base_rate)
            values |= dict(zip(PROBABILITY_MEASURES, (skill, *line), strict=True))
            terms = _fold_terms(drawn_labels, drawn, base_rate, line)
        rng = np.random.default_rng(seed)
        by_fold = []
        for _ in range(folds):
            weights = np.bincount(rng.integers(0, count, count), minlength=count).astype(float)
            found = ranking.measures(weights)
            if are_probabilities[name]:
                sums = weights @ terms
                skill = 1 - sums[0] / sums[1] if sums[1] > 0 else float("nan")
                fold_line = line + _newton_step(sums[2:])
                found |= dict(zip(PROBABILITY_MEASURES, (skill, *fold_line), strict=True))
            by_fold.append(found)
        estimates[name] = {
            measure: Estimate(value, *interval([found[measure] for found in by_fold]))
            for measure, value in values.items()
        }
        precision_by_fold[name] = np.array([found["average_precision"] for found in by_fold])
    return estimates, precision_by_fold


def _fold_terms(
    labels: np.ndarray, probabilities: np.ndarray, base_rate: float, line: np.ndarray
) -> np.ndarray:
    """Return rows x 7: what a fold only has to add up for its Brier skill and calibration.

    The calibration of a fold is one step of Newton's method from the line of all rows, which is
    near enough; fitting each fold to the end takes most of the time of a whole fit.
    """
    errors = np.column_stack([(probabilities - labels) ** 2, (base_rate - labels) ** 2])
    return np.hstack([errors, _score_terms(labels, _logits(probabilities), line)])


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


def by_slice(labels: np.ndarray, probabilities: np.ndarray, slices: np.ndarray) -> pd.DataFrame:
    """Return one row per slice: customer_count, observed_rate, mean_forecast, lift.

    slices: a label per row. Lift is the slice's rate over that of all rows.
    """
    overall = labels.mean()
    rows = []
    for name in np.unique(slices):
        inside = slices == name
        hits, count = labels[inside].sum(), int(inside.sum())
        rows.append(
            {
                "slice": str(name),
                "customer_count": count,
                "observed_rate": hits / count,
                "mean_forecast": probabilities[inside].mean(),
                "lift": hits / count / overall if overall > 0 else float("nan"),
            }
        )
    return pd.DataFrame(rows)


def by_month(
    labels: np.ndarray,
    forecasts: Mapping[str, np.ndarray],
    months: np.ndarray,
    base_rate: float,
    min_class: int,
    **bootstrap: int,
) -> dict[str, dict[str, dict[str, Estimate]]]:
    """Return the measures by month and forecast of probabilities, each with its interval.

    months: a label per row; months with fewer than `min_class` rows of a class are left out.
    bootstrap: folds, bootstrap_rows and seed, as `evaluate` takes them.
    """
    found = {}
    for month in np.unique(months):
        inside = months == month
        hits, count = labels[inside].sum(), inside.sum()
        if min(hits, count - hits) < min_class:
            continue
        found[str(month)], _ = evaluate(
            labels[inside],
            {name: forecast[inside] for name, forecast in forecasts.items()},
            dict.fromkeys(forecasts, True),
            base_rate,
            **bootstrap,
        )
    return found
