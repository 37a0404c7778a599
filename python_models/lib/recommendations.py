"""What to recommend to whom: scores of products for customers, best first.

A shop's products are columns, numbered from 0 in the order of popularity; customers are rows. Every
method gives each customer's products keys that are all different, the greatest best, so that lists
depend on no order of rows and ties go to the more popular product.

The score of co-purchases is that of a naive Bayes: popularity as the prior, and for each product
that the customer bought the lift of buying the other one beside it, shrunk by pseudo-counts.
All counts are of customers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse

LIST_LENGTH = 10
LATEST_ITEMS = 10  # products of a customer that a score of co-purchases adds up over
CELLS_AT_ONCE = 400_000  # of customers x products, so few that they stay in the cache
SCORE_DIGITS = 6  # beyond them two scores are a tie
NEVER = -np.inf  # key of a product that is not recommended
ALL = slice(None)


@dataclass(frozen=True)
class Shop:
    """What one window taught: P products in the order of popularity, and pairs of them.

    pairs: two arrays of product indexes and one of customers who bought both, each pair once.
    """

    buyers: np.ndarray  # P, customers who bought the product
    customers: int  # who bought anything
    is_recommendable: np.ndarray  # P
    category: np.ndarray  # P, codes from 0; -1 where unknown
    pairs: tuple[np.ndarray, np.ndarray, np.ndarray]
    group_lists: dict[str, np.ndarray]  # of each group its products, best first

    @property
    def size(self) -> int:
        """Number of products."""
        return len(self.buyers)

    @property
    def log_popularity(self) -> np.ndarray:
        """Logarithm of buyers plus a half, P values."""
        return np.log(self.buyers + 0.5)


@dataclass(frozen=True)
class Histories:
    """What n customers bought: one element a customer and product, sorted by both numbers."""

    count: int  # n
    customer: np.ndarray  # 0 to n - 1, ascending
    product: np.ndarray
    item_number: np.ndarray  # 1 is the customer's latest
    day_count: np.ndarray
    last_day: np.ndarray  # any count of days
    group: np.ndarray  # n texts, None where unknown

    def part(self, begin: int, end: int) -> Histories:
        """Return customers begin to end - 1."""
        rows = slice(*np.searchsorted(self.customer, [begin, end]))
        return Histories(
            end - begin, self.customer[rows] - begin, self.product[rows], self.item_number[rows],
            self.day_count[rows], self.last_day[rows], self.group[begin:end],
        )  # fmt: skip

    def parts(self, products: int) -> Iterator[tuple[int, Histories]]:
        """Give customers in turns, so few that their scores fit, with the first's number."""
        step = max(1, CELLS_AT_ONCE // max(1, products))
        for begin in range(0, self.count, step):
            yield begin, self.part(begin, min(begin + step, self.count))

    @property
    def has_items(self) -> np.ndarray:
        """True for customers who bought anything, n values."""
        return np.bincount(self.customer, minlength=self.count) > 0

    def owned(self, products: int) -> np.ndarray:
        """Return n x P, true where the customer bought the product."""
        owned = np.zeros((self.count, products), dtype=bool)
        owned[self.customer, self.product] = True
        return owned


def lifts(shop: Shop, prior_count: float) -> np.ndarray:
    """Return P x P: log((C + k0) / (E + k0)) of products i and j, E = n_i * n_j / N.

    C counts the customers who bought both; of a product with itself, those who bought it.
    """
    size = shop.size
    matrix = np.zeros((size, size))
    first, second, count = shop.pairs
    matrix[first, second] = count
    matrix[second, first] = count
    matrix[np.arange(size), np.arange(size)] = shop.buyers
    rows = max(1, CELLS_AT_ONCE // max(1, size))
    for begin in range(0, size, rows):
        block = slice(begin, begin + rows)
        expected = np.outer(shop.buyers[block] / shop.customers, shop.buyers)
        matrix[block] = np.log((matrix[block] + prior_count) / (expected + prior_count))
    return matrix


def co_purchase_sums(customers: Histories, lift: np.ndarray) -> np.ndarray:
    """Return n x P: the lifts of each product beside a customer's latest items, added up."""
    latest = customers.item_number <= LATEST_ITEMS
    bought = scipy.sparse.csr_array(
        (np.ones(latest.sum()), (customers.customer[latest], customers.product[latest])),
        shape=(customers.count, len(lift)),
    )
    bought.sort_indices()  # sums of doubles in one order
    return bought @ lift


def category_counts(shop: Shop, customers: Histories) -> np.ndarray:
    """Return n x categories: products of each that the customer bought; first those without one."""
    size = shop.category.max(initial=-1) + 2
    cells = customers.customer * size + shop.category[customers.product] + 1
    return np.bincount(cells, minlength=customers.count * size).reshape(-1, size).astype(float)


def leaders(shop: Shop, length: int) -> np.ndarray:
    """Return the products that lists of scores by category can hold, ascending.

    All of a category lean alike, so that its most popular ones come first in anybody's list.
    """
    offered = np.flatnonzero(shop.is_recommendable)
    order = np.argsort(shop.category[offered], kind="stable")
    category = shop.category[offered][order]
    place = np.arange(len(order)) - np.searchsorted(category, category)
    return np.sort(offered[order[place < length]])


def category_scores(
    shop: Shop, customers: Histories, prior_count: float, products: np.ndarray | slice = ALL
) -> np.ndarray:
    """Return n x P: popularity times the customer's leaning to the product's category, as a log.

    products: those that are scored, where it is not all.
    The leaning is the share of the category in the customer's products, drawn to that of the shop
    by `prior_count` products (the mean of a Dirichlet posterior), against the shop's share.
    """
    codes = shop.category + 1  # what has no category is one
    shares = np.bincount(codes, weights=shop.buyers)
    shares = shares / shares.sum()
    counts = category_counts(shop, customers)
    posterior = (counts + prior_count * shares) / (counts.sum(axis=1, keepdims=True) + prior_count)
    leaning = np.log(np.where(shares > 0, posterior, 1) / np.where(shares > 0, shares, 1))
    scores = leaning[:, codes[products]]
    scores += shop.log_popularity[products]
    return scores


def score_keys(shop: Shop, scores: np.ndarray, products: np.ndarray | slice = ALL) -> np.ndarray:
    """Return scores (n x P) as whole numbers, no two alike: ties go to the more popular.

    products: those that were scored, where it is not all.
    """
    keys = scores * 10**SCORE_DIGITS
    np.rint(keys, out=keys)
    keys *= shop.size
    keys += popularity_keys(shop)[:, products]
    return keys


def popularity_keys(shop: Shop, count: int = 1) -> np.ndarray:
    """Return count x P keys: everybody gets what most customers bought."""
    keys = np.where(shop.is_recommendable, -np.arange(shop.size, dtype=float), NEVER)
    return np.tile(keys, (count, 1))


def group_keys(shop: Shop, groups: np.ndarray) -> np.ndarray:
    """Return n x P keys: what most of a customer's group bought, then what most of all did."""
    keys = popularity_keys(shop, len(groups))
    for name, products in shop.group_lists.items():
        places = np.flatnonzero(shop.is_recommendable[products])
        rows = np.flatnonzero(groups == name)
        keys[np.ix_(rows, products[places])] = shop.size + len(products) - places
    return keys


def buy_again_keys(shop: Shop, customers: Histories) -> np.ndarray:
    """Return n x P keys: own products by days and last day, then what most customers bought."""
    keys = popularity_keys(shop, customers.count)
    days = customers.last_day - customers.last_day.min(initial=0) + 1
    often = customers.day_count * (days.max(initial=0) + 1.0) + days
    own = often * shop.size - customers.product
    own[~shop.is_recommendable[customers.product]] = NEVER
    keys[customers.customer, customers.product] = own
    return keys


def best(keys: np.ndarray, length: int = LIST_LENGTH) -> np.ndarray:
    """Return n x length products with the greatest keys, best first; -1 where none is left."""
    length = min(length, keys.shape[1])
    if length == 0:
        return np.zeros((len(keys), 0), dtype=np.int64)
    found = _hands(keys, length)
    values = np.take_along_axis(keys, found, axis=1)
    best_of = np.argpartition(values, values.shape[1] - length, axis=1)[:, -length:]
    values = np.take_along_axis(values, best_of, axis=1)
    order = np.argsort(-values, axis=1)
    found = np.take_along_axis(found, np.take_along_axis(best_of, order, axis=1), axis=1)
    return np.where(np.take_along_axis(values, order, axis=1) == NEVER, -1, found)


def _hands(keys: np.ndarray, length: int) -> np.ndarray:
    """Return n x m products, m as small as may be, among which are the `length` greatest keys.

    Products are dealt into hands. The greatest `length` lie in the hands with the `length` greatest
    best cards, and to find these takes one pass without a partition of all products.
    """
    size = keys.shape[1]
    hands = max(length, int((size * length) ** 0.5))
    rounds = size // hands  # the same for each hand; what is left over is looked at for everybody
    if rounds < 4:
        return np.broadcast_to(np.arange(size), keys.shape)
    dealt = rounds * hands
    top = keys[:, :dealt].reshape(len(keys), rounds, hands).max(axis=1)
    chosen = np.argpartition(top, hands - length, axis=1)[:, -length:]
    products = (chosen[:, :, None] + hands * np.arange(rounds)).reshape(len(keys), -1)
    rest = np.broadcast_to(np.arange(dealt, size), (len(keys), size - dealt))
    return np.concatenate([products, rest], axis=1)


def hits(keys: np.ndarray, customer: np.ndarray, product: np.ndarray) -> np.ndarray:
    """Return for n customers whether one of their ten best products (keys n x P) was a target.

    customer, product: the targets, two arrays alike in length. Nothing is sorted: a list hits if
    fewer than ten products have a greater key than the best target.
    """
    target = np.full(len(keys), NEVER)
    np.maximum.at(target, customer, keys[customer, product])
    ahead = (keys > target[:, None]).sum(axis=1)
    return (ahead < LIST_LENGTH) & (target > NEVER)


def reasons(lift: np.ndarray, customers: Histories, lists: np.ndarray) -> np.ndarray:
    """Return n x length indexes into the histories: the item that spoke most for a product.

    lists: n x length products. -1 where none of a customer's latest items speaks for it; of two
    that speak alike it is the later one.
    """
    latest = np.flatnonzero(customers.item_number <= LATEST_ITEMS)
    place = np.full((customers.count, LATEST_ITEMS), -1)
    place[customers.customer[latest], customers.item_number[latest] - 1] = latest
    items = customers.product[place] if len(customers.product) else np.zeros_like(place)
    spoken = np.round(lift[items[:, :, None], lists[:, None, :]], SCORE_DIGITS)
    spoken[np.broadcast_to(place[:, :, None] < 0, spoken.shape)] = 0
    strongest = spoken.argmax(axis=1)
    speaks = np.take_along_axis(spoken, strongest[:, None, :], axis=1)[:, 0] > 0
    found = np.take_along_axis(place, strongest, axis=1)
    return np.where(speaks & (lists >= 0), found, -1)
