"""How often customers will buy again and what an order of theirs is worth.

BG/NBD (Fader, Hardie & Lee 2005, Marketing Science 24(2), "Counting Your Customers the Easy Way"):
while a customer is alive, orders come at random with a rate of their own, gamma(r, alpha) over
customers; after each order the customer leaves for good with a probability of their own, beta(a, b)
over customers.

Gamma-Gamma (Fader, Hardie & Lee 2005, Journal of Marketing Research 42(4), "RFM and CLV"; Fader &
Hardie 2013, "The Gamma-Gamma Model of Monetary Value"): the values of one customer's orders are
gamma(p, nu), and nu is gamma(q, gamma) over customers, whatever their rate.

All that the likelihoods need of a customer is x, the number of repeat purchases; t_x, the time of
the last of them; T, the time up to which the customer was observed, both counted from the first
purchase; and the mean value of the repeat purchases. Times have any one unit, and `alpha` and
horizons have the same. Values have any one unit, and `gamma` has the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh_tridiagonal
from scipy.special import digamma, expit, gammaln

Floats = NDArray[np.float64]

# Parameters are sought between these, after times and values were scaled to a mean of 1.
LOWEST, HIGHEST = 1e-4, 1e4
# A fit has converged where no parameter's relative change would move the mean log-likelihood of a
# customer by more than this times the change.
LARGEST_SLOPE = 1e-5
# Two starts found the same maximum where their mean log-likelihoods differ by less.
SAME_MAXIMUM = 1e-7
# Points of the quadrature over the probability to leave: against ten times as many, the relative
# error is below 1e-9 for whatever a shop's customers look like.
NODES = 60
# Customers that are computed at once: this bounds the memory.
CHUNK = 20_000
# Those whose likelihood is: as many as fit into the cache with all that is computed of them.
LIKELIHOOD_ROWS = 8_192

BG_NBD_STARTS = ((1.0, 1.0, 1.0, 3.0), (0.3, 0.3, 0.5, 2.0), (3.0, 3.0, 0.2, 5.0), (0.5, 0.1, 2, 2))
GAMMA_GAMMA_STARTS = ((5.0, 3.0, 0.5), (1.0, 1.0, 1.0), (20.0, 5.0, 0.2))


@dataclass(frozen=True)
class Convergence:
    """How a search for a maximum ended.

    log_likelihood: of all customers at the maximum, up to terms that no parameter changes.
    largest_slope: of the mean log-likelihood by the logarithm of a parameter, 0 at a maximum; a
    parameter that lies on its limit counts only if the maximum lies inside.
    agreeing_starts: how many of the starts ended at the same maximum.
    note: in words, what is wrong, or "converged".
    """

    log_likelihood: float
    largest_slope: float
    agreeing_starts: int
    is_converged: bool
    note: str


@dataclass(frozen=True)
class BgNbd:
    """Parameters of BG/NBD; `alpha` has the unit of the times it was fitted to."""

    r: float
    alpha: float
    a: float
    b: float
    convergence: Convergence | None = None


@dataclass(frozen=True)
class GammaGamma:
    """Parameters of Gamma-Gamma; `gamma` has the unit of the values. q > 1: the mean exists."""

    p: float
    q: float
    gamma: float
    convergence: Convergence | None = None


def _floats(*values: ArrayLike) -> list[Floats]:
    """Return arrays of one shape."""
    return list(np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in values)))


def check_history(x: Floats, t_x: Floats, observed: Floats) -> None:
    """Raise a ValueError unless 0 <= t_x <= T, x is a whole number, and t_x = 0 just where x = 0.

    Arguments are arrays of one shape.
    """
    finite = np.isfinite(x) & np.isfinite(t_x) & np.isfinite(observed)
    if not finite.all():
        raise ValueError("x, t_x and T must be known for every customer")
    if (x < 0).any() or (x != np.floor(x)).any():
        raise ValueError("x must be a whole number of repeat purchases")
    if (t_x < 0).any() or (t_x > observed).any():
        raise ValueError("t_x must lie between 0 and T")
    if ((x == 0) != (t_x == 0)).any():
        raise ValueError("t_x is 0 for those without a repeat purchase, and only for them")


def grouped(columns: Sequence[ArrayLike], weight: ArrayLike | None = None) -> tuple[Floats, Floats]:
    """Return the distinct rows of some columns in rising order, and the total weight of each.

    columns: k arrays of n values; weight: n values, or None for one each. The answer has the shapes
    m x k and m, and does not depend on the order of rows where weights are whole numbers.
    """
    table = np.column_stack(_floats(*columns))
    weights = np.ones(len(table)) if weight is None else np.asarray(weight, dtype=np.float64)
    if not len(table):
        return table, weights
    order = np.lexsort(table.T[::-1])
    table, weights = table[order], weights[order]
    is_first = np.r_[True, (table[1:] != table[:-1]).any(axis=1)]
    return table[is_first], np.add.reduceat(weights, np.flatnonzero(is_first))


def _at_counts(x: Floats) -> Callable[[Callable[[Floats], Floats]], Floats]:
    """Return what evaluates a function at each of some counts: once for each count that there is.

    The functions of the likelihoods take long to compute, and customers have few counts between
    them. Where values are no counts, the function is evaluated at each of them.
    """
    with np.errstate(invalid="ignore"):
        whole = x.astype(np.int64)
    if not x.size or whole.min() < 0 or whole.max() >= x.size or (whole != x).any():
        return lambda function: function(x)
    counts = np.arange(whole.max() + 1.0)
    return lambda function: function(counts)[whole]


def _in_parts(
    likelihood: Callable[..., tuple[Floats, Floats]], *columns: ArrayLike
) -> tuple[Floats, Floats]:
    """Return what a likelihood returns of some columns of n values, computed some rows at a time.

    What is computed on the way then stays in the cache, and needs no memory that grows with n.
    """
    arrays = _floats(*columns)
    if arrays[0].ndim != 1 or len(arrays[0]) <= LIKELIHOOD_ROWS:
        return likelihood(*arrays)
    parts = [
        likelihood(*(values[begin : begin + LIKELIHOOD_ROWS] for values in arrays))
        for begin in range(0, len(arrays[0]), LIKELIHOOD_ROWS)
    ]
    return np.concatenate([part[0] for part in parts]), np.hstack([part[1] for part in parts])


def bg_nbd_log_likelihood(
    model: BgNbd, x: ArrayLike, t_x: ArrayLike, observed: ArrayLike
) -> tuple[Floats, Floats]:
    """Return each customer's log-likelihood and its slopes by r, alpha, a and b.

    x, t_x, observed: n values each. The answer has the shapes n and 4 x n. The two ways to an
    observation (still alive; left right after the last purchase) are added as logarithms.
    """
    return _in_parts(partial(_bg_nbd_log_likelihood, model), x, t_x, observed)


def _bg_nbd_log_likelihood(
    model: BgNbd, x: Floats, t_x: Floats, observed: Floats
) -> tuple[Floats, Floats]:
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    at = _at_counts(x)
    repeats = x > 0
    log_observed, log_last = np.log(alpha + observed), np.log(alpha + t_x)
    log_alive = -(r + x) * log_observed
    # b + x - 1 is at least b where it is used; elsewhere any positive number will do.
    left_b = np.where(repeats, b + x - 1, 1.0)
    log_left = np.where(repeats, np.log(a) - np.log(left_b) - (r + x) * log_last, -np.inf)
    total = np.logaddexp(log_alive, log_left)
    left = np.exp(log_left - total)
    alive = np.exp(log_alive - total)
    value = (
        at(
            lambda n: gammaln(r + n) - gammaln(r) + r * np.log(alpha)
            + gammaln(a + b) + gammaln(b + n) - gammaln(b) - gammaln(a + b + n)
        )
        + total
    )  # fmt: skip
    beta_slope = at(lambda n: digamma(a + b) - digamma(a + b + n))
    slopes = np.stack(
        [
            at(lambda n: digamma(r + n) - digamma(r) + np.log(alpha))
            - alive * log_observed - left * log_last,
            r / alpha - (r + x) * (alive / (alpha + observed) + left / (alpha + t_x)),
            beta_slope + left / a,
            beta_slope + at(lambda n: digamma(b + n)) - digamma(b) - left / left_b,
        ]
    )  # fmt: skip
    return value, slopes


def gamma_gamma_log_likelihood(
    model: GammaGamma, x: ArrayLike, mean_value: ArrayLike
) -> tuple[Floats, Floats]:
    """Return each customer's log-likelihood and its slopes by p, q and gamma.

    x: number of purchases, at least 1; mean_value: their mean, above 0; n values each. The answer
    has the shapes n and 3 x n.
    """
    return _in_parts(partial(_gamma_gamma_log_likelihood, model), x, mean_value)


def _gamma_gamma_log_likelihood(
    model: GammaGamma, x: Floats, mean_value: Floats
) -> tuple[Floats, Floats]:
    p, q, gamma = model.p, model.q, model.gamma
    at = _at_counts(x)
    shape = p * x
    log_rate = np.log(gamma + x * mean_value)
    log_value = np.log(x) + np.log(mean_value)
    value = (
        at(lambda n: gammaln(p * n + q) - gammaln(p * n) - gammaln(q) + q * np.log(gamma))
        + shape * log_value - np.log(mean_value) - (shape + q) * log_rate
    )  # fmt: skip
    slopes = np.stack(
        [
            x * (at(lambda n: digamma(p * n + q) - digamma(p * n)) + log_value - log_rate),
            at(lambda n: digamma(p * n + q) - digamma(q) + np.log(gamma)) - log_rate,
            q / gamma - (shape + q) / (gamma + x * mean_value),
        ]
    )
    return value, slopes


def _maximise(
    mean_likelihood: Callable[[Floats], tuple[float, Floats]],
    starts: Sequence[Sequence[float]],
    total_weight: float,
) -> tuple[Floats, Convergence]:
    """Return the positive parameters with the greatest mean log-likelihood, from several starts.

    mean_likelihood gives the mean and its slopes by the logarithms of the parameters.
    """
    from scipy.optimize import minimize  # only a fit needs it, and it takes long to load

    limits = (np.log(LOWEST), np.log(HIGHEST))

    def cost(log_parameters: Floats) -> tuple[float, Floats]:
        value, slopes = mean_likelihood(np.exp(log_parameters))
        return -value, -slopes

    ends = [
        minimize(
            cost,
            np.log(np.asarray(start, dtype=np.float64)),
            jac=True,
            method="L-BFGS-B",
            bounds=[limits] * len(start),
            options={"maxiter": 1_000, "ftol": 1e-15, "gtol": 1e-9},
        )
        for start in starts
    ]
    best = min(ends, key=lambda end: end.fun)
    slopes = -np.asarray(best.jac)
    # On a limit, a slope that points outwards is the end of the road and not a failure.
    on_lower, on_upper = best.x <= limits[0] + 1e-9, best.x >= limits[1] - 1e-9
    inward = np.where(on_lower, np.maximum(slopes, 0), slopes)
    inward = np.where(on_upper, np.minimum(inward, 0), inward)
    largest = float(np.abs(inward).max())
    if not np.isfinite(best.fun) or largest > LARGEST_SLOPE:
        note = f"no maximum was found: the largest slope is {largest:.2g}"
    elif on_lower.any() or on_upper.any():
        note = "converged, with a parameter on the limit of what is sought"
    else:
        note = "converged"
    return np.exp(best.x), Convergence(
        log_likelihood=float(-best.fun * total_weight),
        largest_slope=largest,
        agreeing_starts=sum(end.fun - best.fun < SAME_MAXIMUM for end in ends),
        is_converged=note.startswith("converged"),
        note=note,
    )


def fit_bg_nbd(
    x: ArrayLike, t_x: ArrayLike, observed: ArrayLike, weight: ArrayLike | None = None
) -> BgNbd:
    """Return BG/NBD with the greatest likelihood.

    x, t_x, observed: n customers or groups of customers alike; weight: how many each stands for.
    Equal customers are counted together, so that the cost goes by distinct histories.

    Raises:
        ValueError: for a history that cannot be, or where nobody bought twice, which says nothing
            of how often people buy.
    """
    table, weights = grouped((x, t_x, observed), weight)
    check_history(*table.T)
    if not weights[table[:, 0] > 0].sum() > 0:
        raise ValueError("nobody bought twice")
    total = weights.sum()
    scale = float((weights * table[:, 2]).sum() / total)
    x_, t_x_, observed_ = table[:, 0], table[:, 1] / scale, table[:, 2] / scale

    def mean_likelihood(parameters: Floats) -> tuple[float, Floats]:
        value, slopes = bg_nbd_log_likelihood(BgNbd(*parameters), x_, t_x_, observed_)
        return (
            float((weights * value).sum() / total),
            parameters * (weights * slopes).sum(axis=1) / total,
        )

    (r, alpha, a, b), convergence = _maximise(mean_likelihood, BG_NBD_STARTS, total)
    return BgNbd(float(r), float(alpha * scale), float(a), float(b), convergence)


def fit_gamma_gamma(
    x: ArrayLike, mean_value: ArrayLike, weight: ArrayLike | None = None
) -> GammaGamma:
    """Return Gamma-Gamma with the greatest likelihood among those whose mean exists (q > 1).

    x: number of repeat purchases, at least 1; mean_value: their mean, above 0; weight: how many
    customers each stands for; n values each.

    Raises:
        ValueError: for an x below 1, a mean that is not above 0, or without any customer.
    """
    table, weights = grouped((x, mean_value), weight)
    if not len(table):
        raise ValueError("nobody bought twice")
    if not (np.isfinite(table).all() and (table[:, 0] >= 1).all() and (table[:, 1] > 0).all()):
        raise ValueError("x must be at least 1 and the mean value above 0")
    total = weights.sum()
    scale = float((weights * table[:, 1]).sum() / total)
    x_, value_ = table[:, 0], table[:, 1] / scale

    def mean_likelihood(parameters: Floats) -> tuple[float, Floats]:
        p, q_above_1, gamma = parameters
        model = GammaGamma(p, 1 + q_above_1, gamma)
        value, slopes = gamma_gamma_log_likelihood(model, x_, value_)
        return (
            float((weights * value).sum() / total),
            parameters * (weights * slopes).sum(axis=1) / total,
        )

    (p, q_above_1, gamma), convergence = _maximise(mean_likelihood, GAMMA_GAMMA_STARTS, total)
    return GammaGamma(float(p), float(1 + q_above_1), float(gamma * scale), convergence)


def _log_odds_left(model: BgNbd, x: Floats, t_x: Floats, observed: Floats) -> Floats:
    """Return the logarithm of the odds that a customer has left, -inf without repeat purchase."""
    repeats = x > 0
    left_b = np.where(repeats, model.b + x - 1, 1.0)
    waited = (model.r + x) * np.log1p((observed - t_x) / (model.alpha + t_x))
    return np.where(repeats, np.log(model.a) - np.log(left_b) + waited, -np.inf)


def probability_alive(model: BgNbd, x: ArrayLike, t_x: ArrayLike, observed: ArrayLike) -> Floats:
    """Return the probability that a customer has not left for good, between 0 and 1.

    It is 1 for those who bought once: the model lets people leave only after a repeat purchase.

    Raises:
        ValueError: for a history that cannot be.
    """
    x, t_x, observed = _floats(x, t_x, observed)
    check_history(x, t_x, observed)
    return expit(-_log_odds_left(model, x, t_x, observed))


def _dropout_nodes(a: float, b: float) -> tuple[Floats, Floats]:
    """Return the points and weights of Gauss's quadrature for a probability that is beta(a, b).

    Points and weights are the eigenvalues of the recurrence of Jacobi's polynomials and the squared
    first components of the eigenvectors (Golub & Welsch 1969), which holds for any a and b.
    """
    k = np.arange(1, NODES, dtype=np.float64)
    s = 2 * k + a + b - 2
    diagonal = np.r_[(a - b) / (a + b), ((a - 1) ** 2 - (b - 1) ** 2) / (s * (s + 2))]
    # The first of these is 0 / 0 where a + b = 1 unless the factor that both have is taken out.
    first = 4 * a * b / ((a + b) ** 2 * (a + b + 1))
    k, s = k[1:], s[1:]
    others = 4 * k * (k + a - 1) * (k + b - 1) * (k + a + b - 2) / (s**2 * (s**2 - 1))
    points, vectors = eigh_tridiagonal(diagonal, np.sqrt(np.r_[first, others]))
    return (1 + points) / 2, vectors[0] ** 2


def _purchases_of_the_living(model: BgNbd, x: Floats, observed: Floats, horizon: Floats) -> Floats:
    """Return the expected purchases of customers who are alive at the end of observation.

    One who leaves with probability p after each purchase makes (1 - (1 + p * s)^-(r + x)) / p on
    average, where s is the horizon in units of alpha + T; p is beta(a, b + x). The paper writes
    that mean as Gauss's 2F1, whose library code gives no number for large a, b or x; a quadrature
    over p does, and needs no care where a is 1. A customer costs as many steps as there are nodes.
    """
    distinct, which = np.unique(x, return_inverse=True)
    nodes = [_dropout_nodes(model.a, model.b + count) for count in distinct]
    points = np.array([point for point, _ in nodes]).reshape(-1, NODES)
    weights = np.array([weight for _, weight in nodes]).reshape(-1, NODES)
    answer = np.empty(len(x))
    for start in range(0, len(x), CHUNK):
        part = slice(start, start + CHUNK)
        p = points[which[part]]
        waited = horizon[part, None] / (model.alpha + observed[part, None])
        made = -np.expm1(-(model.r + x[part, None]) * np.log1p(p * waited)) / p
        answer[part] = (weights[which[part]] * made).sum(axis=1)
    return answer


def expected_purchases(
    model: BgNbd, x: ArrayLike, t_x: ArrayLike, observed: ArrayLike, horizon: ArrayLike
) -> Floats:
    """Return how many purchases a customer is expected to make in the time after observation.

    x, t_x, observed, horizon: n values each, times in the unit of the fit.

    Raises:
        ValueError: for a history that cannot be, or a horizon below 0.
    """
    x, t_x, observed, horizon = _floats(x, t_x, observed, horizon)
    check_history(x, t_x, observed)
    if not (horizon >= 0).all():
        raise ValueError("a horizon must be 0 or more")
    shape = x.shape
    living = _purchases_of_the_living(model, *(v.ravel() for v in (x, observed, horizon)))
    return living.reshape(shape) * expit(-_log_odds_left(model, x, t_x, observed))


def expected_value(model: GammaGamma, x: ArrayLike, mean_value: ArrayLike) -> Floats:
    """Return the expected value of a customer's next purchase.

    It is the mean of all customers, p * gamma / (q - 1), and the customer's own mean, weighted
    q - 1 to p * x. That is a sensible estimate (Buehlmann's credibility) for a mean of 0 or below
    too, where the likelihood is not defined. mean_value is ignored where x is 0.

    Raises:
        ValueError: where the mean of all does not exist (q <= 1).
    """
    if model.q <= 1:
        raise ValueError("the mean of all customers exists only for q > 1")
    x, mean_value = _floats(x, mean_value)
    own = np.where(x > 0, x * mean_value, 0.0)
    return model.p * (model.gamma + own) / (model.p * x + model.q - 1)
