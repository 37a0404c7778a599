"""What campaigns bring, held to published numbers, to simulated truth and to odd inputs."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

import lift

REPETITIONS = 1_000
COUNT_REPETITIONS = 20_000
ARMS = [(900, 100), (4_500, 500), (400, 400)]


# Published numbers


@pytest.mark.parametrize(
    ("buyers", "people", "interval"),
    [
        ((56, 48), (70, 80), (0.0524, 0.3339)),
        ((9, 3), (10, 10), (0.1705, 0.8090)),
        ((6, 2), (7, 7), (0.0582, 0.8062)),
        ((5, 0), (56, 29), (-0.0381, 0.1926)),
        ((0, 0), (10, 20), (-0.1611, 0.2775)),
        ((0, 0), (10, 10), (-0.2775, 0.2775)),
        ((10, 0), (10, 20), (0.6791, 1.0)),
        ((10, 0), (10, 10), (0.6075, 1.0)),
    ],
)
def test_intervals_are_those_of_newcombe(
    buyers: tuple[int, int], people: tuple[int, int], interval: tuple[float, float]
) -> None:
    """Method 10 in table II of Newcombe 1998, four digits."""
    assert_allclose(lift.newcombe_interval(buyers, people), interval, atol=5e-5)


def test_an_experiment_that_was_published_can_be_fed_in_as_a_plain_table() -> None:
    """The Physicians' Health Study: aspirin against heart attacks, as Agresti tells it.

    104 of 11,037 with aspirin and 189 of 11,034 without: a difference of 0.0077 between 0.005 and
    0.011, and a chi-square of 25.01.
    """
    people = pd.DataFrame(
        {
            "arm": ["aspirin"] * 11_037 + ["placebo"] * 11_034,
            "converted": [1] * 104 + [0] * 10_933 + [1] * 189 + [0] * 10_845,
            "money": 0.0,
        }
    )
    attacks, _ = lift.compare(people, arms=("aspirin", "placebo"))
    assert round(attacks.lift, 4) == -0.0077
    assert round(attacks.lower, 3) == -0.011
    assert round(attacks.upper, 3) == -0.005
    assert_allclose(stats.chi2.isf(attacks.p_value, 1), 25.01, atol=0.01)
    (decision,) = lift.decide([attacks])
    assert decision.decision == "negative"


def test_welch_is_that_of_students_sleep() -> None:
    """Extra hours of sleep of ten patients with two drugs: t -1.8608, 17.776 degrees, p 0.07939."""
    first = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    second = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
    found = lift.welch(first, second)
    assert_allclose([found.lower, found.upper], [-3.3654832, 0.2054832], atol=1e-7)
    assert_allclose(found.p_value, 0.07939, atol=5e-6)
    assert_allclose(found.difference / found.standard_error, -1.8608, atol=5e-5)


def test_many_p_values_are_adjusted_as_benjamini_and_hochberg_did() -> None:
    """The fifteen of their paper, of which four stay; unknown ones do not count."""
    published = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240,
                 0.4262, 0.5719, 0.6528, 0.7590, 1.0]  # fmt: skip
    shuffled = [*published[7:], None, *published[:7]]
    adjusted = lift.benjamini_hochberg(shuffled)
    assert adjusted[8] is None
    known = [value for value in adjusted if value is not None]
    assert sum(value <= 0.05 for value in known) == 4
    expected = stats.false_discovery_control([value for value in shuffled if value is not None])
    assert_allclose(known, expected)


def test_power_is_that_of_the_formula_and_of_experiments() -> None:
    """The detectable effect by hand, and how often experiments of the needed size show it."""
    assert_allclose(lift.detectable_effect(0.1, 900, 100), 2.8 * math.sqrt(0.09 / 90))
    people = lift.people_needed(0.1, 0.03, 0.1)
    assert people == math.ceil((2.8 / 0.03) ** 2 * 0.09 * (1 / 0.9 + 1 / 0.1))
    assert lift.runs_needed(0.1, 0.03, 0.1, 1_000) == math.ceil(people / 1_000)
    # Four of five where the effect is small beside the rate; fewer where it is not, since those who
    # were sent it then vary more than the formula knows.
    for rate, effect, low, high in [(0.3, 0.01, 0.78, 0.82), (0.1, 0.03, 0.71, 0.76)]:
        people = lift.people_needed(rate, effect, 0.1)
        arms = (round(0.9 * people), people - round(0.9 * people))
        rng = np.random.default_rng(4)
        buyers = tuple(
            rng.binomial(size, share, COUNT_REPETITIONS)
            for size, share in zip(arms, (rate + effect, rate), strict=True)
        )
        shown = lift.two_proportion_p(buyers, arms) <= 0.05
        assert low < shown.mean() < high


# Simulated truth


@pytest.mark.parametrize("people", ARMS)
@pytest.mark.parametrize("rate", [0.03, 0.08, 0.2])
@pytest.mark.parametrize("effect", [0.0, 0.02, 0.05])
def test_intervals_of_conversion_hold_the_truth(
    people: tuple[int, int], rate: float, effect: float
) -> None:
    """95 % intervals hold the true effect in 93 to 97 %, and no effect is seen in 5 % at most."""
    rng = np.random.default_rng(7)
    buyers = (
        rng.binomial(people[0], rate + effect, COUNT_REPETITIONS),
        rng.binomial(people[1], rate, COUNT_REPETITIONS),
    )
    lower, upper = lift.newcombe_interval(buyers, people)
    assert 0.93 <= ((lower <= effect) & (effect <= upper)).mean() <= 0.97
    if effect == 0:
        false = (lift.two_proportion_p(buyers, people) <= 0.05) & ((lower > 0) | (upper < 0))
        assert 0.03 < false.mean() <= stats.binom.ppf(0.999, 20_000, 0.05) / 20_000


@dataclasses.dataclass(frozen=True)
class Shop:
    """People who order at rates of their own (gamma), with lognormal baskets and a fixed cost.

    orders: mean number in the window; spread: shape of the rates, small for very unequal people;
    more_orders and more_basket: what the campaign does, as shares.
    """

    people: tuple[int, int]
    orders: float = 0.2
    spread: float = 0.5
    basket_sigma: float = 0.9
    more_orders: float = 0.0
    more_basket: float = 0.0

    @property
    def effect(self) -> float:
        """The true difference of the money of a person."""
        before = self.orders * 37
        return self.orders * (1 + self.more_orders) * (40 * (1 + self.more_basket) - 3) - before

    def arms(self, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Draw one experiment: is_sent, has_bought, money and money before of each person."""
        is_sent = np.arange(sum(self.people)) < self.people[0]
        rates = rng.gamma(self.spread, self.orders / self.spread, len(is_sent))
        orders, money = self._period(rates * (1 + self.more_orders * is_sent), is_sent, rng)
        _, before = self._period(rates, np.zeros_like(is_sent), rng)
        return is_sent, orders > 0, money, before

    def table(self, rng: np.random.Generator) -> pd.DataFrame:
        """Draw one experiment as a plain table."""
        columns = ("arm", "converted", "money", "pre_money")
        return pd.DataFrame(dict(zip(columns, self.arms(rng), strict=True)))

    def _period(
        self, rates: np.ndarray, is_sent: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        orders = rng.poisson(rates)
        people = np.repeat(np.arange(len(rates)), orders)
        middle = np.log(40) - self.basket_sigma**2 / 2
        baskets = np.exp(rng.normal(middle, self.basket_sigma, len(people)))
        baskets *= 1 + self.more_basket * is_sent[people]
        return orders, np.bincount(people, baskets - 3, len(rates))


def measured(shop: Shop, seed: int, repetitions: int = REPETITIONS) -> dict[str, pd.DataFrame]:
    """Compare the arms of many experiments; what cm2 says without the time before, too."""
    rng = np.random.default_rng(seed)
    rows: dict[str, list[dict]] = {"conversion": [], "cuped": [], "welch": []}
    for _ in range(repetitions):
        arms = shop.arms(rng)
        bought, brought = lift.compare_arms(*arms)
        _, plain = lift.compare_arms(*arms[:3])
        for name, one in (("conversion", bought), ("cuped", brought), ("welch", plain)):
            rows[name].append(vars(one))
    return {name: pd.DataFrame(found) for name, found in rows.items()}


def coverage(found: pd.DataFrame, truth: float) -> float:
    """Return the share of intervals that hold the truth."""
    return float(((found["lower"] <= truth) & (truth <= found["upper"])).mean())


SHOPS = {
    "nothing": Shop((4_500, 500)),
    "nothing, equal arms": Shop((400, 400), orders=0.35),
    "more orders and baskets": Shop((4_500, 500), more_orders=0.2, more_basket=0.1),
    "equal arms": Shop((400, 400), orders=0.35, more_orders=0.2, more_basket=0.1),
    "few buyers": Shop((9_000, 1_000), orders=0.1, more_orders=0.3, more_basket=-0.1),
    "habits": Shop((1_800, 200), orders=1.5, basket_sigma=0.5, more_orders=0.1),
}


@pytest.fixture(scope="module")
def experiments() -> dict[str, dict[str, pd.DataFrame]]:
    """A thousand experiments of each shop."""
    return {name: measured(shop, seed) for seed, (name, shop) in enumerate(SHOPS.items(), 11)}


@pytest.mark.parametrize("name", SHOPS)
@pytest.mark.parametrize("method", ["welch", "cuped"])
def test_intervals_of_money_hold_the_truth(
    experiments: dict[str, dict[str, pd.DataFrame]], name: str, method: str
) -> None:
    """95 % intervals hold the true effect on what was not drawn in, in 93 to 97 %."""
    found = experiments[name][method]
    assert set(found["method"]) == {method}
    assert 0.93 <= coverage(found, SHOPS[name].effect) <= 0.97


@pytest.mark.parametrize("name", [name for name, shop in SHOPS.items() if shop.effect == 0])
def test_no_effect_is_seen_in_one_of_twenty(
    experiments: dict[str, dict[str, pd.DataFrame]], name: str
) -> None:
    """A campaign that does nothing is decided on as often as chance allows."""
    for method, found in experiments[name].items():
        is_decided = [
            lift.decide([lift.Comparison(**row)])[0].decision != "inconclusive"
            for row in found.to_dict("records")
        ]
        low, high = stats.binom.ppf([0.0005, 0.9995], REPETITIONS, 0.05)
        assert low <= sum(is_decided) <= high, method


@pytest.mark.parametrize("name", SHOPS)
def test_drawing_in_costs_little_of_the_effect(
    experiments: dict[str, dict[str, pd.DataFrame]], name: str
) -> None:
    """The mean effect is at most a tenth too small: part of a larger basket lies in the tail."""
    effect = SHOPS[name].effect
    for method in ("welch", "cuped"):
        lifts = experiments[name][method]["lift"]
        error = 3 * lifts.std() / math.sqrt(REPETITIONS)
        assert -0.1 * abs(effect) - error <= lifts.mean() - effect <= error


def test_the_time_before_makes_intervals_narrower_and_moves_nothing(
    experiments: dict[str, dict[str, pd.DataFrame]],
) -> None:
    """CUPED explains what habits explain, and its mean effect is that of Welch."""
    found = experiments["habits"]
    difference = found["cuped"]["lift"] - found["welch"]["lift"]
    assert abs(difference.mean()) < 3 * difference.std() / math.sqrt(REPETITIONS)
    width = {name: (one["upper"] - one["lower"]).mean() for name, one in found.items()}
    assert width["cuped"] < 0.9 * width["welch"]
    spread = found["cuped"]["lift"].var() / found["welch"]["lift"].var()
    assert_allclose(1 - spread, found["cuped"]["variance_reduction"].mean(), atol=0.04)


def test_with_few_buyers_money_is_not_compared_since_its_interval_would_be_wrong() -> None:
    """Below the fifty buyers of the holdout the interval holds the truth too seldom."""
    shop = Shop((900, 100))
    rng = np.random.default_rng(3)
    table = shop.table(rng)
    _, brought = lift.compare(table, arms=(True, False))
    assert brought.lift is None
    assert brought.withheld.endswith("is compared from 50 on")
    open_to_all = lift.Limits(min_holdout_buyers=0)
    found = pd.DataFrame(
        vars(lift.compare_arms(*shop.arms(rng), limits=open_to_all)[1]) for _ in range(REPETITIONS)
    )
    assert coverage(found, shop.effect) < 0.93


def test_of_what_is_decided_on_five_percent_at_most_is_false() -> None:
    """Ten campaigns with an effect among thirty without, a few hundred times."""
    rng = np.random.default_rng(5)
    effects = np.repeat([0.06, 0.0], [10, 30])
    shares, alone = [], 0
    for _ in range(300):
        found = [
            lift.compare_conversion(
                (rng.binomial(4_500, 0.1 + effect), rng.binomial(500, 0.1)), (4_500, 500)
            )
            for effect in effects
        ]
        decided = np.array([one.decision != "inconclusive" for one in lift.decide(found)])
        shares.append(decided[effects == 0].sum() / max(1, decided.sum()))
        alone += sum(one.p_value <= 0.05 for one in found[10:])
    assert np.mean(shares) <= 0.05
    assert alone / (300 * 30) > 0.04  # and without the adjustment many would be


def test_arms_that_were_not_drawn_as_planned_are_seen() -> None:
    """Chance is accused once in a thousand; a holdout that lost a third of its people always."""
    rng = np.random.default_rng(6)
    drawn = rng.binomial(5_000, 0.1, 5_000)
    accused = sum(lift.arm_ratio_p(5_000 - one, one, 500.0) < 0.001 for one in drawn)
    assert accused <= stats.binom.ppf(0.999, 5_000, 0.001)
    lost = rng.binomial(drawn, 2 / 3)
    p_values = [
        lift.arm_ratio_p(int(5_000 - all_), int(left), (5_000 - all_ + left) * 0.1)
        for all_, left in zip(drawn, lost, strict=True)
    ]
    assert max(p_values) < 0.001
    table = Shop((4_500, 300)).table(rng)
    comparisons = lift.compare(table, planned_holdout=480.0, arms=(True, False))
    for one, decided in zip(comparisons, lift.decide(comparisons), strict=True):
        assert decided.decision == "withheld"
        assert "300 people where 480 were planned" in decided.reason
        assert one.lift is None
        assert one.p_value is None


# Odd inputs


def people_of(sent: list[float], holdout: list[float], **columns: object) -> pd.DataFrame:
    """Make a table of people from what they brought; who brought anything has bought."""
    money = [*sent, *holdout]
    arms = [lift.SENT] * len(sent) + [lift.HOLDOUT] * len(holdout)
    bought = [value != 0 for value in money]
    return pd.DataFrame({"arm": arms, "converted": bought, "money": money, **columns})


AMOUNTS = st.sampled_from([0.0, 0.0, 0.0, 5.0, 5.0, 80.0, -2.0, 10_000.0])


@settings(max_examples=300, deadline=None)
@given(
    sent=st.lists(AMOUNTS, max_size=15),
    holdout=st.lists(AMOUNTS, max_size=15),
    planned=st.sampled_from([None, 0.0, 1.0, 7.5]),
    least=st.sampled_from([0, 1, 10]),
    has_before=st.booleans(),
)
def test_whatever_the_arms_are_there_is_a_number_or_a_reason(
    sent: list[float], holdout: list[float], planned: float | None, least: int, has_before: bool
) -> None:
    """Empty arms, arms of one, nobody or everybody bought, no variance: no nan and no crash."""
    table = people_of(sent, holdout)
    if has_before:
        table["pre_money"] = table["money"].to_numpy()[::-1]
    limits = lift.Limits(smallest_group=least, min_holdout_buyers=0)
    comparisons = lift.compare(table, planned, limits)
    for one, decided in zip(comparisons, lift.decide(comparisons), strict=True):
        numbers = [value for value in dataclasses.astuple(one) if isinstance(value, float)]
        numbers += [] if decided.adjusted_p_value is None else [decided.adjusted_p_value]
        assert all(math.isfinite(number) for number in numbers)
        assert decided.decision in ("positive", "negative", "inconclusive", "withheld")
        assert (one.lift is None) == (decided.decision == "withheld")
        assert decided.reason
        assert "nan" not in decided.reason
        if one.lift is not None:
            assert one.lower <= one.lift <= one.upper
        if min(len(sent), len(holdout)) < least:
            assert one.sent_buyers is None
            assert one.sent_mean is None


def test_neither_the_order_of_rows_nor_other_arms_change_anything() -> None:
    """Rows in any order, with people of the global holdout between them, give the same bits."""
    table = Shop((4_500, 500)).table(np.random.default_rng(8))
    others = table.assign(arm="holdout_global")
    shuffled = pd.concat([table, others]).sample(frac=1, random_state=1)
    assert lift.compare(table, 500.0, arms=(True, False)) == lift.compare(
        shuffled, 500.0, arms=(True, False)
    )


def test_arms_in_turn_give_the_same_with_the_other_sign() -> None:
    """Which arm is called the treated one decides on the sign alone."""
    table = Shop((900, 800), more_orders=0.5).table(np.random.default_rng(9))
    for one, turned in zip(
        lift.compare(table, arms=(True, False)),
        lift.compare(table, arms=(False, True)),
        strict=True,
    ):
        assert_allclose(
            [one.lift, one.lower, one.upper], [-turned.lift, -turned.upper, -turned.lower]
        )
        assert_allclose(one.p_value, turned.p_value)


def test_one_enormous_order_does_not_decide() -> None:
    """Values are drawn in to limits of both arms; who bought nothing stays at nothing."""
    table = Shop((4_500, 500)).table(np.random.default_rng(10))
    before = lift.compare(table, arms=(True, False))[1]
    buyer = table.index[(table["arm"] == False) & table["converted"]][0]  # noqa: E712
    table.loc[buyer, "money"] = 1_000_000.0
    after = lift.compare(table, arms=(True, False))[1]
    assert abs(after.lift - before.lift) < 1  # by itself it is 2,000 a person of the holdout
    low, high = lift.winsor_limits(table["money"].to_numpy())
    assert low <= 0 < high < 1_000


def test_runs_with_different_shares_are_not_pooled() -> None:
    """A run with another holdout weighs more in one arm, so its season would pass for an effect."""
    table = Shop((900, 200)).table(np.random.default_rng(12))
    for one in lift.compare(table, 200.0, arms=(True, False), planned_shares=(0.1, 0.2)):
        assert one.withheld.startswith("the share held back changed from run to run (10.0% to 20")
    same = lift.compare(table, 200.0, arms=(True, False), planned_shares=(0.2, 0.2))
    assert same[0].lift is not None


def test_a_table_that_lacks_something_is_refused_in_words() -> None:
    """A missing column or value is named, since a guess would be a result."""
    with pytest.raises(ValueError, match="no column money"):
        lift.compare(pd.DataFrame({"arm": [], "converted": []}))
    with pytest.raises(ValueError, match="a value of money"):
        lift.compare(people_of([1.0, math.nan], [1.0, 2.0]))


@pytest.mark.parametrize(
    ("rate", "effect", "share"),
    [(0.0, 0.1, 0.1), (0.1, 0.0, 0.1), (0.1, 0.1, 0.0), (1.0, 0.1, 0.1)],
)
def test_what_can_never_show_needs_no_number(rate: float, effect: float, share: float) -> None:
    """Nobody buys, no effect, no holdout, everybody buys: None and no division by zero."""
    assert lift.people_needed(rate, effect, share) is None
    assert lift.runs_needed(rate, effect, share, 1_000) is None


def test_an_effect_beyond_everybody_buying_is_none() -> None:
    """25 sent and one held back: no share can rise by what they would show."""
    assert lift.detectable_effect(0.18, 25, 1) is None
    assert lift.detectable_effect(0.18, 250, 0) is None
