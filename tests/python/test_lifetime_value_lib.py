"""BG/NBD, Gamma-Gamma and the metrics of forecasts: against the literature, against slow and
direct computation, and against customers whose parameters are known.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.special import hyp2f1
from scipy.stats import beta, gamma

import lifetime_value
import value_forecasts
from lifetime_value import BgNbd, GammaGamma
from warehouse import ROOT

CDNOW = (ROOT / ".." / "shared" / "data" / "cdnow" / "CDNOW_master").resolve()
needs_cdnow = pytest.mark.skipif(
    not CDNOW.is_dir(), reason="the CDNOW data are not beside the project (../shared/data/cdnow)"
)
PUBLISHED = BgNbd(0.243, 4.414, 0.793, 2.426)
PUBLISHED_VALUES = GammaGamma(6.25, 3.74, 15.44)
WEEKS = 39


# Fader, Hardie & Lee 2005 and Fader & Hardie 2013 by their formulas alone.


def test_published_expectations_follow_from_the_published_parameters() -> None:
    """The worked examples of the papers: 1.2260 purchases, 0.7266 alive, 88.353 a purchase."""
    history = (2, 30.43, 38.86)
    assert_allclose(
        lifetime_value.expected_purchases(PUBLISHED, *history, WEEKS), 1.2260, atol=5e-5
    )
    assert_allclose(lifetime_value.probability_alive(PUBLISHED, *history), 0.7266, atol=5e-5)
    assert_allclose(lifetime_value.expected_value(PUBLISHED_VALUES, 2, 100), 88.353, atol=5e-4)


def by_hypergeometric(model: BgNbd, x: float, t_x: float, observed: float, t: float) -> float:
    """Expected purchases as the paper writes them, with Gauss's 2F1."""
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    gauss = hyp2f1(r + x, b + x, a + b + x - 1, t / (alpha + observed + t))
    numerator = 1 - ((alpha + observed) / (alpha + observed + t)) ** (r + x) * gauss
    left = a / (b + x - 1) * ((alpha + observed) / (alpha + t_x)) ** (r + x) if x else 0
    return (a + b + x - 1) / (a - 1) * numerator / (1 + left)


@pytest.mark.parametrize("x", [0, 1, 2, 7, 30])
@pytest.mark.parametrize("t", [1, 39, 400])
@pytest.mark.parametrize("model", [PUBLISHED, BgNbd(1.7, 30, 1.9, 6.0), BgNbd(0.4, 31, 0.3, 0.5)])
def test_expected_purchases_are_the_papers_formula(model: BgNbd, x: int, t: int) -> None:
    """Where the library's 2F1 gives a number, the quadrature gives the same."""
    t_x = 30.0 if x else 0.0
    found = lifetime_value.expected_purchases(model, x, t_x, 38.86, t)
    assert_allclose(found, by_hypergeometric(model, x, t_x, 38.86, t), rtol=1e-8)


@pytest.mark.parametrize(
    ("model", "x", "t_x", "observed"),
    [
        (BgNbd(0.4, 30, 1.0, 3.0), 4, 100, 300),  # the paper divides by a - 1
        (BgNbd(0.4, 30, 0.4, 0.6), 0, 0, 300),  # and by a + b + x - 1 in the series
        (BgNbd(0.4, 30, 900, 9_000), 40, 300, 330),
        (BgNbd(0.5, 3, 0.8, 2.4), 3_000, 9_990, 10_000),
        (BgNbd(0.5, 3, 0.8, 2.4), 1, 1, 100_000),
        (BgNbd(0.5, 3, 0.8, 2.4), 0, 0, 0),
    ],
)
def test_expected_purchases_where_the_formula_has_gaps(
    model: BgNbd, x: int, t_x: float, observed: float
) -> None:
    """Against the mean over 200,000 quantiles of the probability to leave."""
    horizon, quantiles = 365, (np.arange(200_000) + 0.5) / 200_000
    leaves = np.maximum(beta.ppf(quantiles, model.a, model.b + x), 1e-300)
    rate = horizon / (model.alpha + observed)
    living = (-np.expm1(-(model.r + x) * np.log1p(leaves * rate)) / leaves).mean()
    alive = lifetime_value.probability_alive(model, x, t_x, observed)
    found = lifetime_value.expected_purchases(model, x, t_x, observed, horizon)
    assert np.isfinite(found)
    assert_allclose(found, living * alive, rtol=1e-4)


@pytest.mark.parametrize(
    ("x", "t_x", "observed"), [(0, 0, 20), (1, 3, 20), (3, 12.5, 14), (2, 5, 5)]
)
def test_likelihood_is_the_mean_over_rates_and_dropout(x: int, t_x: float, observed: float) -> None:
    """The likelihood equals the mean of one customer's over quantiles of the two distributions."""
    model, middles = BgNbd(0.8, 6.0, 1.3, 2.9), (np.arange(2_000) + 0.5) / 2_000
    rate = gamma.ppf(middles, model.r, scale=1 / model.alpha)[:, None]
    p = beta.ppf(middles, model.a, model.b)
    alive = (1 - p) ** x * rate**x * np.exp(-rate * observed)
    left = p * (1 - p) ** (x - 1) * rate**x * np.exp(-rate * t_x) if x else 0.0
    value, _ = lifetime_value.bg_nbd_log_likelihood(model, x, t_x, observed)
    assert_allclose(value, np.log((alive + left).mean()), atol=1e-3)


def test_value_likelihood_is_the_mean_over_rates() -> None:
    """The likelihood of a mean value equals the integral of one customer's over the rates."""
    model, x, mean = GammaGamma(2.3, 3.1, 9.0), 4, 11.0

    def of_one(nu: float) -> float:
        return gamma.pdf(mean, model.p * x, scale=1 / (nu * x)) * gamma.pdf(
            nu, model.q, scale=1 / model.gamma
        )

    value, _ = lifetime_value.gamma_gamma_log_likelihood(model, x, mean)
    assert_allclose(value, np.log(quad(of_one, 0, np.inf)[0]), rtol=1e-8)


def test_slopes_are_those_of_the_likelihood() -> None:
    """The slopes that steer the search equal differences of the likelihood."""
    x, t_x, observed = [0, 1, 5], [0, 4.0, 30.0], [9.0, 4.0, 33.0]
    step = 1e-6
    parameters = np.array([0.7, 5.0, 0.9, 2.2])
    _, slopes = lifetime_value.bg_nbd_log_likelihood(BgNbd(*parameters), x, t_x, observed)
    for number in range(4):
        aside = np.eye(4)[number] * step
        above, _ = lifetime_value.bg_nbd_log_likelihood(
            BgNbd(*(parameters + aside)), x, t_x, observed
        )
        below, _ = lifetime_value.bg_nbd_log_likelihood(
            BgNbd(*(parameters - aside)), x, t_x, observed
        )
        assert_allclose(slopes[number], (above - below) / (2 * step), rtol=1e-5, atol=1e-7)
    values = np.array([2.0, 3.0, 9.0])
    _, slopes = lifetime_value.gamma_gamma_log_likelihood(GammaGamma(*values), [1, 6], [3.0, 20.0])
    for number in range(3):
        aside = np.eye(3)[number] * step
        above, _ = lifetime_value.gamma_gamma_log_likelihood(
            GammaGamma(*(values + aside)), [1, 6], [3.0, 20.0]
        )
        below, _ = lifetime_value.gamma_gamma_log_likelihood(
            GammaGamma(*(values - aside)), [1, 6], [3.0, 20.0]
        )
        assert_allclose(slopes[number], (above - below) / (2 * step), rtol=1e-5, atol=1e-7)


# Customers whose parameters are known.


def simulated(
    model: BgNbd, customers: int, seed: int, horizon: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return x, t_x and T of customers who behave as the model says, and what they buy later."""
    draw = np.random.default_rng(seed)
    rate = draw.gamma(model.r, 1 / model.alpha, customers)
    leaves = draw.beta(model.a, model.b, customers)
    observed = np.floor(draw.uniform(100, 700, customers))
    x, t_x, later = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    clock, here = np.zeros(customers), np.ones(customers, dtype=bool)
    while here.any():
        clock[here] += draw.exponential(1 / np.maximum(rate[here], 1e-12))
        here &= clock < observed + horizon
        known = here & (clock <= observed)
        x += known
        t_x = np.where(known, clock, t_x)
        later += here & ~known
        here &= draw.random(customers) >= leaves
    return x, t_x, observed, later


TRUTH = BgNbd(0.6, 40.0, 0.9, 4.0)


def test_parameters_of_simulated_customers_are_recovered() -> None:
    """From 40,000 customers each parameter within 12 %, future purchases within 3 % in sum.

    The four trade off against each other; what the model is for, the purchases, is closer.
    """
    x, t_x, observed, later = simulated(TRUTH, 40_000, seed=1, horizon=365)
    fitted = lifetime_value.fit_bg_nbd(x, t_x, observed)
    assert fitted.convergence.is_converged
    assert fitted.convergence.agreeing_starts >= 2
    for name in ("r", "alpha", "a", "b"):
        assert_allclose(getattr(fitted, name), getattr(TRUTH, name), rtol=0.12, err_msg=name)
    expected = lifetime_value.expected_purchases(fitted, x, t_x, observed, 365)
    assert_allclose(expected.sum(), later.sum(), rtol=0.03)
    # And for each kind of customer: by fifths of the expectation.
    for part in np.array_split(np.argsort(expected), 5):
        spread = 4 * later[part].std() / np.sqrt(len(part))
        assert abs(expected[part].mean() - later[part].mean()) < spread + 0.03 * later[part].mean()


def test_values_of_simulated_customers_are_recovered() -> None:
    """Gamma-Gamma from 30,000 customers within 8 %, the mean of all within 2 %."""
    truth = GammaGamma(5.0, 4.0, 30.0)
    draw = np.random.default_rng(2)
    x = draw.integers(1, 9, 30_000)
    nu = draw.gamma(truth.q, 1 / truth.gamma, len(x))
    mean = draw.gamma(truth.p * x, 1 / (nu * x))
    fitted = lifetime_value.fit_gamma_gamma(x, mean)
    assert fitted.convergence.is_converged
    for name in ("p", "q", "gamma"):
        assert_allclose(getattr(fitted, name), getattr(truth, name), rtol=0.08, err_msg=name)
    of_all = lifetime_value.expected_value(fitted, 0, 0)
    assert_allclose(of_all, truth.p * truth.gamma / (truth.q - 1), rtol=0.02)


def test_grouped_customers_give_the_same_fit_bit_for_bit() -> None:
    """Weights instead of repeated rows, and rows in any order, give the same parameters."""
    x, t_x, observed, _ = simulated(TRUTH, 3_000, seed=3, horizon=0)
    t_x, observed = np.ceil(t_x / 30), np.ceil(observed / 30) + 1
    rows = np.column_stack([x, t_x, observed])
    whole = lifetime_value.fit_bg_nbd(*rows.T)
    mixed = np.random.default_rng(4).permutation(rows)
    assert lifetime_value.fit_bg_nbd(*mixed.T) == whole
    groups, weight = lifetime_value.grouped(rows.T)
    assert len(groups) < 0.9 * len(rows)
    assert weight.sum() == len(rows)
    assert lifetime_value.fit_bg_nbd(*groups.T, weight) == whole


def test_the_unit_of_time_does_not_matter() -> None:
    """Days instead of weeks scale alpha and nothing else."""
    x, t_x, observed, _ = simulated(TRUTH, 3_000, seed=3, horizon=0)
    weeks = lifetime_value.fit_bg_nbd(x, t_x / 7, observed / 7)
    days = lifetime_value.fit_bg_nbd(x, t_x, observed)
    for name, scale in (("r", 1), ("alpha", 7), ("a", 1), ("b", 1)):
        assert_allclose(getattr(days, name), scale * getattr(weeks, name), rtol=1e-4)


# Edges.


def test_those_who_bought_once_are_alive_and_worth_the_mean() -> None:
    """P(alive) is 1 without a repeat purchase, and expectations fall the longer nothing came."""
    observed = np.array([0, 10, 1_000, 1e6])
    assert (lifetime_value.probability_alive(PUBLISHED, 0, 0, observed) == 1).all()
    expected = lifetime_value.expected_purchases(PUBLISHED, 0, 0, observed, 365)
    assert (np.diff(expected) < 0).all()
    assert 0 <= expected[-1] < 1e-3
    assert_allclose(
        lifetime_value.expected_value(PUBLISHED_VALUES, 0, [np.nan, 1e9]), 6.25 * 15.44 / 2.74
    )


def test_a_long_silence_means_gone() -> None:
    """P(alive) falls with the time since the last purchase, to 0 and never to a nan."""
    alive = lifetime_value.probability_alive(PUBLISHED, 500, 1_000, [1_000, 1_010, 1_100, 1e7])
    assert (np.diff(alive) < 0).all()
    assert 0.99 < alive[0] <= 1
    assert 0 <= alive[-1] < 1e-12


def test_nothing_is_expected_of_no_time() -> None:
    """A horizon of 0 gives 0, a longer one more, and many customers their own shape."""
    horizons = np.array([[0, 1, 10], [100, 1_000, 10_000]])
    expected = lifetime_value.expected_purchases(PUBLISHED, 3, 20, 30, horizons)
    assert expected.shape == horizons.shape
    assert expected[0, 0] == 0
    assert (np.diff(expected.ravel()) > 0).all()


def test_a_value_below_zero_is_drawn_to_the_mean() -> None:
    """A customer who cost money is worth less than the mean of all, and more than their own."""
    value = lifetime_value.expected_value(PUBLISHED_VALUES, [1, 1, 100], [-5, 0, -5])
    assert -5 < value[0] < value[1] < 35.2
    assert -5 < value[2] < -4.8


@pytest.mark.parametrize(
    ("history", "words"),
    [
        (([1], [5], [4]), "between 0 and T"),
        (([1.5], [2], [4]), "whole number"),
        (([-1], [0], [4]), "whole number"),
        (([1], [0], [4]), "only for them"),
        (([0], [2], [4]), "only for them"),
        (([1], [np.nan], [4]), "known"),
    ],
)
def test_histories_that_cannot_be_are_refused(history: tuple, words: str) -> None:
    """A wrong history is an error with its reason, never a number."""
    with pytest.raises(ValueError, match=words):
        lifetime_value.fit_bg_nbd(*history)
    with pytest.raises(ValueError, match=words):
        lifetime_value.expected_purchases(PUBLISHED, *history, 10)


def test_what_cannot_be_fitted_is_refused() -> None:
    """Nobody bought twice, or a value that is not above 0: an error with its reason."""
    with pytest.raises(ValueError, match="bought twice"):
        lifetime_value.fit_bg_nbd([0, 0], [0, 0], [3, 0])
    with pytest.raises(ValueError, match="bought twice"):
        lifetime_value.fit_gamma_gamma([], [])
    with pytest.raises(ValueError, match="above 0"):
        lifetime_value.fit_gamma_gamma([1, 2], [3, 0])
    with pytest.raises(ValueError, match="q > 1"):
        lifetime_value.expected_value(GammaGamma(1, 1, 1), 1, 1)


def test_customers_without_dropout_end_on_a_limit_and_still_forecast() -> None:
    """Where nobody leaves, the share of leavers goes to its limit, and forecasts stay right."""
    draw = np.random.default_rng(5)
    observed = draw.integers(100, 500, 5_000).astype(float)
    rate = draw.gamma(2, 1 / 60, 5_000)
    x = draw.poisson(rate * observed).astype(float)
    t_x = np.where(x > 0, observed * draw.beta(np.maximum(x, 1), 1), 0)
    fitted = lifetime_value.fit_bg_nbd(x, t_x, observed)
    assert fitted.convergence.is_converged
    expected = lifetime_value.expected_purchases(fitted, x, t_x, observed, 100)
    assert_allclose(expected.sum(), rate.sum() * 100, rtol=0.03)


# The metrics of forecasts.


def slow_gini(actual: np.ndarray, forecast: np.ndarray) -> float:
    """Area between the Lorenz curve by forecast and the diagonal; ties share by the mean."""
    order = np.argsort(forecast, kind="stable")
    value = actual.astype(float)[order]
    for level in np.unique(forecast):
        same = forecast[order] == level
        value[same] = value[same].mean()
    curve = np.r_[0, np.cumsum(value)] / value.sum()
    return 0.5 - float(((curve[1:] + curve[:-1]) / 2).mean())


def test_gini_is_the_area_of_the_lorenz_curve() -> None:
    """Against the area, with ties and zeros; 1 for the right order, -1 for its reverse."""
    draw = np.random.default_rng(6)
    actual = np.round(draw.gamma(0.5, 10, 400))
    forecast = np.round(actual + draw.normal(0, 10, 400), -1)
    one = np.ones(400)
    found = value_forecasts.normalised_gini(actual, forecast)(one)
    assert_allclose(found, slow_gini(actual, forecast) / slow_gini(actual, actual), rtol=1e-9)
    assert_allclose(value_forecasts.normalised_gini(actual, actual)(one), 1)
    assert_allclose(value_forecasts.normalised_gini(actual, -actual)(one), -1)
    assert_allclose(value_forecasts.normalised_gini(actual, one)(one), 0, atol=1e-12)


def test_weights_stand_for_repeated_customers() -> None:
    """Each metric with weights equals the metric with the rows repeated."""
    draw = np.random.default_rng(7)
    actual, forecast = np.round(draw.gamma(1, 5, 60)), np.round(draw.gamma(1, 5, 60))
    weight = draw.integers(0, 4, 60)
    for metric in value_forecasts.METRICS.values():
        repeated = metric(np.repeat(actual, weight), np.repeat(forecast, weight))
        assert_allclose(
            metric(actual, forecast)(weight.astype(float)), repeated(np.ones(weight.sum()))
        )


def test_gains_are_positive_for_the_better_forecast() -> None:
    """A forecast that knows the truth beats noise surely, and noise does not beat noise."""
    draw = np.random.default_rng(8)
    truth = draw.gamma(1, 5, 1_500)
    actual = draw.poisson(truth).astype(float)
    noise = {name: draw.gamma(1, 5, 1_500) for name in ("reference", "noise")}
    found = value_forecasts.evaluate(
        actual, {"truth": truth, **noise}, reference="reference", draws=100, seed=1
    )
    for gain in ("mae_gain", "normalised_gini_gain"):
        assert found["truth", gain].lower > 0
        assert found["noise", gain].lower < 0 < found["noise", gain].upper
    assert ("reference", "mae_gain") not in found


def test_cell_means_know_nothing_of_the_customer_itself() -> None:
    """A cross-fitted mean never holds the customer's own outcome; an empty cell has the mean."""
    cells, values = np.array([0, 0, 1, 1]), np.array([1.0, 3.0, 10.0, 20.0])
    means = value_forecasts.cell_means(cells, values, cell_count=3, prior_customers=2)
    assert_allclose(means, [(4 + 17) / 4, (30 + 17) / 4, 8.5])
    arguments = {"cell_count": 3, "prior_customers": 0.001, "folds": 2}
    before = value_forecasts.cross_fitted_cell_means(cells, values, **arguments)
    values[3] = 1e6
    after = value_forecasts.cross_fitted_cell_means(cells, values, **arguments)
    assert before[3] == after[3]
    assert before[1] == after[1]
    assert after[2] > 1e5


# CDNOW, the data of the papers.


@pytest.fixture(scope="module")
def cdnow() -> dict[str, np.ndarray]:
    """Each customer's history in weeks: 39 weeks of calibration, 39 of holdout.

    `is_sample` marks the tenth of 2,357 customers that the papers use: of customers in the order of
    the week of their first purchase, of what they spent in repeat purchases in 39 weeks (most
    first) and of their number, every tenth. Equal sums are ordered as the papers' floating-point
    sums were: all that was spent, less what was spent on the first day.
    """
    frame = duckdb.sql(
        f"""
        with purchases as (
            select
                customer_id,
                strptime(date, '%Y%m%d')::date - date '1996-12-31' as day,
                list(dollar_value::double order by row_number) as amounts
            from (
                select *, row_number() over () as row_number
                from read_parquet('{CDNOW}/*.parquet')
            )
            group by all
        )
        select customer_id, list(day order by day) as days, list(amounts order by day) as amounts
        from purchases
        group by customer_id
        order by customer_id
        """
    ).fetchall()
    rows = []
    for customer, days, amounts in frame:
        known = sum(day <= 7 * WEEKS for day in days)
        all_spent = 0.0
        for day in amounts[:known]:
            for amount in day:
                all_spent += amount
        repeats = [sum(day) for day in amounts[1:known]]
        rows.append(
            (
                customer,
                known - 1,
                (days[known - 1] - days[0]) / 7,
                (7 * WEEKS - days[0]) / 7,
                sum(repeats) / len(repeats) if repeats else np.nan,
                len(days) - known,
                (days[0] - 1) // 7,
                all_spent - sum(amounts[0]),
            )
        )
    names = ("customer", "x", "t_x", "observed", "mean_value", "later", "week", "repeat_spend")
    columns = dict(
        zip(names, (np.array(column) for column in zip(*rows, strict=True)), strict=True)
    )
    order = np.lexsort([columns["customer"], -columns["repeat_spend"], columns["week"]])
    columns["is_sample"] = np.zeros(len(order), dtype=bool)
    columns["is_sample"][order[9::10]] = True
    return columns


def sampled(cdnow: dict[str, np.ndarray], *names: str) -> list[np.ndarray]:
    """Return columns of the papers' sample."""
    return [cdnow[name][cdnow["is_sample"]] for name in names]


@needs_cdnow
def test_cdnow_sample_is_that_of_the_papers(cdnow: dict[str, np.ndarray]) -> None:
    """2,357 of 23,570 customers, 946 of whom bought again; 4 and 21 begin their table."""
    names = ("customer", "x", "t_x", "observed", "mean_value")
    customer, x, t_x, observed, value = sampled(cdnow, *names)
    assert len(cdnow["x"]) == 23_570
    assert len(x) == 2_357
    assert (x > 0).sum() == 946
    order = np.argsort(customer)
    first, second = (
        [column[number] for column in (x, t_x, observed, value)] for number in order[[0, 2]]
    )
    assert list(customer[order[[0, 1, 2]]]) == ["00004", "00018", "00021"]
    assert_allclose(first, [2, 30.43, 38.86, 22.35], atol=0.006)
    assert_allclose(second, [1, 1.71, 38.86, 11.77], atol=0.006)


@needs_cdnow
def test_cdnow_gives_the_published_parameters(cdnow: dict[str, np.ndarray]) -> None:
    """BG/NBD 0.243, 4.414, 0.793, 2.426 to three digits; Gamma-Gamma 6.25, 3.74, 15.44.

    Gamma-Gamma's likelihood is flat: the published digits are within 0.15 % of the maximum.
    """
    x, t_x, observed, value = sampled(cdnow, "x", "t_x", "observed", "mean_value")
    fitted = lifetime_value.fit_bg_nbd(x, t_x, observed)
    for name in ("r", "alpha", "a", "b"):
        assert_allclose(getattr(fitted, name), getattr(PUBLISHED, name), atol=0.0006, err_msg=name)
    assert fitted.convergence.agreeing_starts == 4
    valued = (x > 0) & (value > 0)
    values = lifetime_value.fit_gamma_gamma(x[valued], value[valued])
    for name in ("p", "q", "gamma"):
        assert_allclose(getattr(values, name), getattr(PUBLISHED_VALUES, name), rtol=0.0015)


@needs_cdnow
def test_cdnow_purchases_are_forecast_as_in_the_paper(cdnow: dict[str, np.ndarray]) -> None:
    """Repeat purchases up to week 78 within 10 %, as the paper draws them; weeks 40-78 within 15 %.

    The papers' own parameters expect 1,653 purchases of the sample in weeks 40 to 78, and 1,882
    came: a short-fall of the model on these data, which must neither grow nor vanish.
    """
    for chosen, short_fall in ((cdnow["is_sample"], 0.121), (cdnow["x"] >= 0, 0.143)):
        x, t_x, observed, later = (
            cdnow[name][chosen] for name in ("x", "t_x", "observed", "later")
        )
        fitted = lifetime_value.fit_bg_nbd(x, t_x, observed)
        # A customer of whom nothing is known yet is one without repeat purchase at time 0.
        in_all = lifetime_value.expected_purchases(fitted, 0, 0, 0, observed + WEEKS)
        assert_allclose(in_all.sum(), x.sum() + later.sum(), rtol=0.10)
        expected = lifetime_value.expected_purchases(fitted, x, t_x, observed, WEEKS)
        assert_allclose(expected.sum() / later.sum(), 1 - short_fall, atol=0.002)
