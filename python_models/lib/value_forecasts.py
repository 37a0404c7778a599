"""How good forecasts of customers' values are, and how sure that is.

A forecast is compared with what customers brought later by three numbers. The mean absolute error
says how far off it is; the normalised Gini coefficient, whether it puts customers into the right
order (1 for the order of what they brought, 0 for a random one); the total ratio, whether it is
right in sum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Metric = Callable[[Floats], float]


def mean_absolute_error(actual: Floats, forecast: Floats) -> Metric:
    """Return the mean absolute error as a function of the customers' weights (n values each)."""
    errors = np.abs(actual - forecast)
    return lambda weight: float((weight * errors).sum() / weight.sum())


def total_ratio(actual: Floats, forecast: Floats) -> Metric:
    """Return the sum of forecasts over the sum of what came, as a function of weights."""

    def ratio(weight: Floats) -> float:
        total = (weight * actual).sum()
        return float((weight * forecast).sum() / total) if total else float("nan")

    return ratio


def _mid_ranks(values: Floats) -> Callable[[Floats], Floats]:
    """Return weighted mid-ranks of values as a function of weights; equal values share one."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    is_first = np.r_[True, ordered[1:] != ordered[:-1]] if len(ordered) else np.zeros(0, bool)
    starts, groups = np.flatnonzero(is_first), np.cumsum(is_first) - 1

    def ranks(weight: Floats) -> Floats:
        totals = np.add.reduceat(weight[order], starts)
        answer = np.empty_like(ordered)
        answer[order] = (np.cumsum(totals) - totals / 2)[groups]
        return answer

    return ranks


def _remembered(ranks: Callable[[Floats], Floats]) -> Callable[[Floats], Floats]:
    """Return ranks that are computed once for weights that are asked for several times in turn."""
    last: list[tuple[Floats, Floats]] = []

    def ranked(weight: Floats) -> Floats:
        if not last or last[0][0] is not weight:
            last[:] = [(weight, ranks(weight))]
        return last[0][1]

    return ranked


def normalised_gini(
    actual: Floats, forecast: Floats, by_actual: Callable[[Floats], Floats] | None = None
) -> Metric:
    """Return the normalised Gini coefficient as a function of the customers' weights.

    It is the covariance of what customers brought with their rank by the forecast, over that with
    their rank by what they brought. Ties share a rank, so that it does not depend on the order of
    rows. It is nan where all brought the same. by_actual: the ranks of what customers brought as a
    function of weights, where several forecasts share them.
    """
    by_forecast, by_actual = _mid_ranks(forecast), by_actual or _mid_ranks(actual)

    def gini(weight: Floats) -> float:
        deviation = weight * (actual - (weight * actual).sum() / weight.sum())
        best = (deviation * by_actual(weight)).sum()
        return float((deviation * by_forecast(weight)).sum() / best) if best else float("nan")

    return gini


METRICS: Mapping[str, Callable[[Floats, Floats], Metric]] = {
    "mae": mean_absolute_error,
    "normalised_gini": normalised_gini,
    "total_ratio": total_ratio,
}


@dataclass(frozen=True)
class Estimate:
    """A number with the interval that holds it in 95 of 100 samples of customers."""

    value: float
    lower: float
    upper: float


def evaluate(
    actual: ArrayLike,
    forecasts: Mapping[str, ArrayLike],
    *,
    reference: str,
    draws: int,
    seed: int,
) -> dict[tuple[str, str], Estimate]:
    """Return an estimate for each method and metric, by the bootstrap over customers.

    actual: what each of n customers brought; forecasts: n values a method; reference: the method
    that others are compared with. Beside the METRICS, each other method has `mae_gain` and
    `normalised_gini_gain`, how much better than the reference it is on the same draws of customers:
    above 0 is better. Percentile intervals of `draws` draws; the answer depends on the order of
    customers only through which of them a draw takes.

    Raises:
        ValueError: without any customer.
    """
    actual = np.asarray(actual, dtype=np.float64)
    if not len(actual):
        raise ValueError("there is no customer to evaluate")
    by_actual = _remembered(_mid_ranks(actual))
    metrics = {
        (method, name): metric(actual, np.asarray(forecast, dtype=np.float64), *shared)
        for method, forecast in forecasts.items()
        for name, metric in METRICS.items()
        for shared in ([by_actual] if metric is normalised_gini else [],)
    }

    def measured(weight: Floats) -> dict[tuple[str, str], float]:
        values = {key: metric(weight) for key, metric in metrics.items()}
        for method in forecasts:
            if method != reference:
                values[method, "mae_gain"] = values[reference, "mae"] - values[method, "mae"]
                values[method, "normalised_gini_gain"] = (
                    values[method, "normalised_gini"] - values[reference, "normalised_gini"]
                )
        return values

    random = np.random.default_rng(seed)
    everyone = measured(np.ones(len(actual)))
    drawn: dict[tuple[str, str], list[float]] = {key: [] for key in everyone}
    for _ in range(draws):
        times = np.bincount(random.integers(len(actual), size=len(actual)), minlength=len(actual))
        for key, value in measured(times.astype(np.float64)).items():
            drawn[key].append(value)
    bounds = {key: np.quantile(values, (0.025, 0.975)) for key, values in drawn.items() if values}
    return {
        key: Estimate(value, *(float(bound) for bound in bounds.get(key, (np.nan, np.nan))))
        for key, value in everyone.items()
    }


def cell_means(
    cells: ArrayLike, values: ArrayLike, *, cell_count: int, prior_customers: float
) -> Floats:
    """Return the mean value of each cell, drawn to the mean of all by some average customers.

    cells: n cell numbers from 0; values: n; the answer has `cell_count` values. A cell without
    customers has the mean of all; without any customer at all, nan.
    """
    cells, values = np.asarray(cells, dtype=np.int64), np.asarray(values, dtype=np.float64)
    mean = values.mean() if len(values) else np.nan
    counts = np.bincount(cells, minlength=cell_count)
    sums = np.bincount(cells, weights=values, minlength=cell_count)
    return (sums + prior_customers * mean) / (counts + prior_customers)


def cross_fitted_cell_means(
    cells: ArrayLike, values: ArrayLike, *, cell_count: int, prior_customers: float, folds: int
) -> Floats:
    """Return for each customer the mean of its cell among the customers of the other folds.

    cells, values: n each, in an order that says nothing of the customers; the folds take turns.
    """
    cells, values = np.asarray(cells, dtype=np.int64), np.asarray(values, dtype=np.float64)
    fold = np.arange(len(values)) % folds
    answer = np.empty_like(values)
    for number in range(folds):
        own = fold == number
        means = cell_means(
            cells[~own], values[~own], cell_count=cell_count, prior_customers=prior_customers
        )
        answer[own] = means[cells[own]]
    return answer
