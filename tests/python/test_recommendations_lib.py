"""Scores of products, lists and the gate, against numbers that were worked out by hand.

The hand's shop has four customers (N = 4) and three products: bread was bought by 1, 2 and 3, milk
by 1 and 2, salt by 4. So n = 3, 2, 1 and only bread and milk were bought together, by two.
"""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import recommendation_evidence as gate
import recommendations
from recommendation_evidence import Choice, Settings, Window
from recommendations import Histories, Shop

BREAD, MILK, SALT = 0, 1, 2
SETTINGS = Settings((0.3, 1.0), (1.0, 10.0), (1.0, 10.0), 100, 2000, 7)


def shop_of(baskets: list[set[int]], products: int, **changes) -> Shop:
    """Return what a window teaches in which each customer bought one set of products."""
    buyers = [sum(product in basket for basket in baskets) for product in range(products)]
    pairs = [
        (one, other, both)
        for one, other in combinations(range(products), 2)
        if (both := sum({one, other} <= basket for basket in baskets))
    ]
    columns = np.array(pairs, dtype=np.int64).reshape(-1, 3).T
    taught = {
        "buyers": np.array(buyers, dtype=float),
        "customers": len(baskets),
        "is_recommendable": np.ones(products, dtype=bool),
        "category": np.full(products, -1),
        "pairs": tuple(columns),
        "group_lists": {},
    }
    return Shop(**(taught | changes))


def histories_of(items: list[list[int]], groups: list[str | None] | None = None) -> Histories:
    """Return customers by their products, the latest first, each bought on one day."""
    rows = [
        (customer, product, place + 1, 1, 100 - place)
        for customer, products in enumerate(items)
        for place, product in enumerate(products)
    ]
    columns = np.array(rows, dtype=np.int64).reshape(-1, 5).T
    return Histories(len(items), *columns, np.array(groups or [None] * len(items), dtype=object))


@pytest.fixture
def corner_shop() -> Shop:
    return shop_of([{BREAD, MILK}, {BREAD, MILK}, {BREAD}, {SALT}], 3)


def test_lifts_of_the_corner_shop(corner_shop):
    """log((C + 1) / (E + 1)), E = n_i * n_j / 4: by hand."""
    expected = [
        [math.log(4 / 3.25), math.log(3 / 2.5), math.log(1 / 1.75)],
        [math.log(3 / 2.5), math.log(3 / 2), math.log(1 / 1.5)],
        [math.log(1 / 1.75), math.log(1 / 1.5), math.log(2 / 1.25)],
    ]
    np.testing.assert_allclose(recommendations.lifts(corner_shop, 1.0), expected, rtol=1e-14)


def test_score_of_a_customer_of_the_corner_shop(corner_shop):
    """Who bought milk, then bread; w = 1: log of (n + 1/2) times the lifts beside both."""
    customers = histories_of([[BREAD, MILK], [SALT]])
    sums = recommendations.co_purchase_sums(customers, recommendations.lifts(corner_shop, 1.0))
    scores = corner_shop.log_popularity + 1.0 * sums
    assert scores[0, BREAD] == pytest.approx(math.log(3.5 * 4 / 3.25 * 3 / 2.5))
    assert scores[0, SALT] == pytest.approx(math.log(1.5 * 1 / 1.75 / 1.5))
    assert scores[1, MILK] == pytest.approx(math.log(2.5 / 1.5))
    keys = recommendations.score_keys(corner_shop, scores)
    assert recommendations.best(keys).tolist() == [[BREAD, MILK, SALT], [SALT, BREAD, MILK]]


def test_category_score_is_popularity_times_leaning():
    shop = shop_of([{0, 1}, {0}, {0, 2}], 3, category=np.array([0, 1, 1]))
    customers = histories_of([[1, 2], []])
    scores = recommendations.category_scores(shop, customers, 2.0)
    share = {0: 3 / 5, 1: 2 / 5}
    leaning = {
        code: (count + 2 * share[code]) / 4 / share[code] for code, count in ((0, 0), (1, 2))
    }
    expected = [math.log(3.5 * leaning[0]), *[math.log(1.5 * leaning[1])] * 2]
    np.testing.assert_allclose(scores[0], expected)
    np.testing.assert_allclose(scores[1], shop.log_popularity)


def test_only_the_latest_ten_products_add_up():
    shop = shop_of([set(range(12))] * 3, 12)
    lift = np.diag(np.arange(1.0, 13.0))
    sums = recommendations.co_purchase_sums(histories_of([list(range(12))]), lift)
    assert sums[0].tolist() == [*range(1, 11), 0, 0]
    assert shop.size == 12


def test_ties_go_to_the_more_popular_product():
    shop = shop_of([set(range(30))], 30)
    scores = np.zeros((2, 30))
    scores[1, [4, 20]] = [1e-9, 1.0]  # what differs beyond six digits is a tie
    lists = recommendations.best(recommendations.score_keys(shop, scores))
    assert lists.tolist() == [list(range(10)), [20, *range(9)]]


def test_what_is_excluded_is_never_recommended(corner_shop):
    without_bread = np.array([False, True, True])
    shop = Shop(**(vars(corner_shop) | {"is_recommendable": without_bread}))
    customers = histories_of([[BREAD], []], ["loyal", "loyal"])
    listed = Shop(**(vars(shop) | {"group_lists": {"loyal": np.array([BREAD, SALT])}}))
    for choice in (
        Choice(gate.GLOBAL), Choice(gate.SEGMENT), Choice(gate.BUY_AGAIN),
        Choice(gate.CATEGORY, None, 1.0), Choice(gate.CO_PURCHASE, 1.0, 1.0),
    ):  # fmt: skip
        sums = recommendations.co_purchase_sums(customers, recommendations.lifts(listed, 1.0))
        lists = recommendations.best(gate.method_keys(listed, customers, choice, gate.GLOBAL, sums))
        assert BREAD not in lists, choice
        assert (np.sort(lists, axis=1) == [-1, MILK, SALT]).all(), choice


def test_baselines_list_what_they_say():
    shop = shop_of([{0, 1, 2, 3}], 4, group_lists={"loyal": np.array([3, 1])})
    customers = Histories(
        2, np.array([0, 0]), np.array([2, 3]), np.array([1, 2]), np.array([1, 2]),
        np.array([20, 10]), np.array(["loyal", None], dtype=object),
    )  # fmt: skip

    def lists(method: str) -> list[list[int]]:
        keys = gate.method_keys(shop, customers, Choice(method), gate.GLOBAL)
        return recommendations.best(keys).tolist()

    assert lists(gate.GLOBAL) == [[0, 1, 2, 3], [0, 1, 2, 3]]
    assert lists(gate.SEGMENT) == [[3, 1, 0, 2], [0, 1, 2, 3]]
    assert lists(gate.BUY_AGAIN) == [[3, 2, 0, 1], [0, 1, 2, 3]]
    fallen_back = gate.method_keys(
        shop, histories_of([[], [2]], ["loyal", "loyal"]), Choice(gate.BUY_AGAIN), gate.SEGMENT
    )
    assert recommendations.best(fallen_back).tolist() == [[3, 1, 0, 2], [2, 0, 1, 3]]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 900), st.integers(1, 12))
def test_the_best_are_those_that_a_sort_puts_first(seed, products, length):
    rng = np.random.default_rng(seed)
    keys = rng.permuted(np.tile(np.arange(products, dtype=float), (5, 1)), axis=1)
    keys[rng.random(keys.shape) < rng.choice([0.1, 0.99])] = recommendations.NEVER
    order = np.argsort(-keys, axis=1)[:, :length]
    expected = np.where(np.take_along_axis(keys, order, axis=1) == recommendations.NEVER, -1, order)
    assert recommendations.best(keys, length).tolist() == expected.tolist()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(1, 12))
def test_leaders_of_categories_are_all_that_a_list_can_hold(seed, products, length):
    rng = np.random.default_rng(seed)
    bought = [set(rng.choice(products, rng.integers(1, products + 1))) for _ in range(8)]
    buyers = sorted(sum(product in one for one in bought) for product in range(products))[::-1]
    shop = Shop(
        **vars(shop_of([], products, category=rng.integers(-1, 4, products)))
        | {
            "buyers": np.array(buyers, dtype=float),
            "is_recommendable": rng.random(products) < 0.8,
        }
    )
    customers = histories_of([sorted(one) for one in bought])
    leaders = recommendations.leaders(shop, length)
    lists = []
    for of in (np.arange(products), leaders):
        scores = recommendations.category_scores(shop, customers, 3.0, of)
        found = recommendations.best(recommendations.score_keys(shop, scores, of), length)
        lists.append([of[row[row >= 0]].tolist() for row in found])
    assert lists[0] == lists[1]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_a_hit_is_a_target_among_the_ten_best(seed, products):
    """Without a sort it says the same as looking into the list."""
    rng = np.random.default_rng(seed)
    shop = shop_of([set(range(products))], products)
    keys = recommendations.score_keys(shop, rng.integers(0, 5, (6, products)).astype(float))
    keys[rng.random(keys.shape) < 0.2] = recommendations.NEVER
    wanted = rng.random(keys.shape) < 0.15
    lists = recommendations.best(keys)
    expected = [
        bool(set(row[row >= 0]) & set(np.flatnonzero(want)))
        for row, want in zip(lists, wanted, strict=True)
    ]
    assert recommendations.hits(keys, *np.nonzero(wanted)).tolist() == expected


def test_the_reason_is_the_item_that_speaks_most(corner_shop):
    customers = histories_of([[SALT, MILK, BREAD], []])
    lift = np.array([[0.5, 2.0, -1.0], [2.0, 0.2, -1.0], [0.1, 2.0, -3.0]])
    found = recommendations.reasons(lift, customers, np.array([[0, 1, 2], [0, 1, -1]]))
    # Beside milk both salt (the later) and bread have 2; nothing speaks for salt; nobody's is none.
    assert found.tolist() == [[1, 0, -1], [-1, -1, -1]]


def test_interval_of_wilson():
    """10 of 100: 0.0552 to 0.1744 (Newcombe 1998, method 3, gives the formula)."""
    assert gate.wilson(10, 100) == pytest.approx((0.05523, 0.17437), abs=1e-5)
    assert gate.wilson(0, 20)[0] == 0
    assert all(math.isnan(bound) for bound in gate.wilson(0, 0))


def test_the_paired_bootstrap_is_that_over_customers():
    """Counts drawn from a multinomial spread as gains of customers drawn with replacement do."""
    rng = np.random.default_rng(1)
    hits, baseline = rng.random(400) < 0.6, rng.random(400) < 0.5
    gain, lower, upper = gate.paired_gain(hits, baseline, 4000, 3)
    change = hits.astype(float) - baseline
    drawn = change[rng.integers(0, 400, (4000, 400))].mean(axis=1)
    assert gain == pytest.approx(change.mean())
    assert [lower, upper] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.006)
    assert gate.paired_gain(hits, hits, 100, 3) == (0, 0, 0)


def simulated(taste: bool, customers: int, seed: int) -> dict[str, Window]:
    """Return two windows of a shop of two tribes, who buy other products, or of one."""
    rng = np.random.default_rng(seed)
    products = 60
    weight = 1 / np.arange(1, products + 1) ** 0.5
    tribe = rng.random(customers) < 0.5
    likes = np.where((np.arange(products) % 2 == 0) == tribe[:, None], 1.0, 0.1 if taste else 1.0)
    chance = weight * likes
    chance /= chance.sum(axis=1, keepdims=True)

    def basket(row: int, size: int) -> list[int]:
        return rng.choice(products, size, replace=False, p=chance[row]).tolist()

    found = {}
    for name in (gate.TUNING, gate.REPORT):
        items = [basket(row, 5) for row in range(customers)]
        targets = [(row, product) for row in range(customers) for product in basket(row, 1)]
        who, what = np.array(targets).T
        # Products stand in the order of popularity, as the warehouse numbers them.
        bought = np.bincount(np.concatenate(items), minlength=products)
        place = np.argsort(np.argsort(-bought, kind="stable"))
        items = [place[row].tolist() for row in items]
        found[name] = Window(
            shop_of([set(row) for row in items], products), histories_of(items), who, place[what]
        )
    return found


def served(rows: list[dict]) -> str:
    (method,) = {row["method"] for row in rows if row["is_served"]}
    return method


def test_taste_is_served_by_the_model_and_none_by_popularity():
    with_taste = gate.evidence("market", simulated(True, 1500, 1), SETTINGS)
    assert served(with_taste) == gate.CO_PURCHASE
    without = gate.evidence("market", simulated(False, 1500, 2), SETTINGS)
    assert served(without) in (gate.GLOBAL, gate.SEGMENT)
    (row,) = [one for one in without if one["is_candidate"] and one["window_name"] == gate.REPORT]
    assert row["gain_lower"] <= 0
    assert row["reason"].startswith("not served, since its gain is not surely above 0")


def test_what_is_served_is_decided_on_the_report_window_and_settings_on_the_other():
    """A report window in which taste was lost serves a baseline with the settings of before."""
    both = simulated(True, 1500, 1)
    settings_of = {
        name: [
            (row["method"], row["weight"], row["prior_count"], row["hit_rate"])
            for row in gate.evidence("market", windows, SETTINGS)
            if row["window_name"] == gate.TUNING
        ]
        for name, windows in {
            "kept": both,
            "lost": both | {gate.REPORT: simulated(False, 1500, 5)[gate.REPORT]},
        }.items()
    }
    assert settings_of["kept"] == settings_of["lost"]
    lost = both | {gate.REPORT: simulated(False, 1500, 5)[gate.REPORT]}
    assert served(gate.evidence("market", lost, SETTINGS)) in (gate.GLOBAL, gate.SEGMENT)


@pytest.mark.parametrize("customers", [0, 99])
def test_too_few_customers_are_served_what_all_buy(customers):
    windows = simulated(True, 200, 1)
    few = windows[gate.REPORT]
    kept = few.customer < customers
    few = Window(few.shop, few.histories.part(0, customers), few.customer[kept], few.product[kept])
    rows = gate.evidence("market", windows | {gate.REPORT: few}, SETTINGS)
    assert served(rows) == gate.GLOBAL
    assert {row["evidence_status"] for row in rows} == {"not_enough_data"}
    assert rows[0]["reason"].startswith(
        f"not enough data: {customers} customers who were known before bought in the report window"
    )
    frame = gate.typed(rows)
    assert list(frame.columns) == list(gate.COLUMNS)
    assert frame["hit_rate"].isna().all()


def test_an_empty_shop_has_empty_lists():
    shop = shop_of([], 0)
    nobody = histories_of([])
    assert recommendations.lifts(shop, 1.0).shape == (0, 0)
    assert recommendations.best(recommendations.popularity_keys(shop, 3)).shape == (3, 0)
    assert recommendations.best(recommendations.buy_again_keys(shop, nobody)).shape == (0, 0)
    assert gate.typed([]).dtypes["hit_count"] == "Int64"
