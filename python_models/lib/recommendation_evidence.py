"""Which way to recommend is served: tried on one window, judged on the next, against baselines.

Settings are chosen on the tuning window and never looked at again; the report window then says by
how much the chosen model beats the best of three baselines. Gains are paired: each customer is a
hit of both, of one or of none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

import recommendations
from recommendations import Histories, Shop

GLOBAL, SEGMENT, BUY_AGAIN = BASELINES = ("global_popularity", "segment_popularity", "buy_again")
CATEGORY, CO_PURCHASE = MODELS = ("category_affinity", "co_purchase")
TUNING, REPORT = "tuning", "report"
LEVEL = 0.95
Z = 1.959963984540054  # of the level, two-sided

COLUMNS = {
    "source": "string", "window_name": "string", "method": "string", "is_candidate": "bool",
    "is_served": "bool", "evidence_status": "string", "fallback_method": "string",
    "customer_count": "int64", "customers_with_items": "int64", "hit_count": "Int64",
    "new_hit_count": "Int64", "hit_rate": "float64", "hit_rate_lower": "float64",
    "hit_rate_upper": "float64", "new_hit_rate": "float64", "gain": "float64",
    "gain_lower": "float64", "gain_upper": "float64", "catalogue_coverage": "float64",
    "weight": "float64", "prior_count": "float64", "reason": "string",
}  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """What is tried, and how much it takes to believe it."""

    weights: tuple[float, ...]
    prior_counts: tuple[float, ...]  # of lifts
    category_prior_counts: tuple[float, ...]
    min_customers: int
    draws: int
    seed: int


@dataclass(frozen=True)
class Window:
    """What a window taught and what its customers then bought.

    customer, product: targets, numbers as in `histories`; a product that the window did not know
    is -1, and counts as one that nobody could recommend.
    """

    shop: Shop
    histories: Histories
    customer: np.ndarray
    product: np.ndarray

    def targets(self, begin: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the targets of customers begin to end - 1 that could be recommended."""
        taken = (self.customer >= begin) & (self.customer < end) & (self.product >= 0)
        return self.customer[taken] - begin, self.product[taken]


@dataclass(frozen=True)
class Choice:
    """A method with its settings; None where it has none."""

    method: str
    weight: float | None = None
    prior_count: float | None = None


@dataclass
class Result:
    """How a method did for n customers: a hit or none each, and what it recommended."""

    hits: np.ndarray
    new_hits: np.ndarray
    recommended: np.ndarray  # P, true where anybody was recommended the product


def wilson(count: int, total: int) -> tuple[float, float]:
    """Return Wilson's interval of a share; nan for none. Source: Wilson (1927), JASA 22."""
    if total == 0:
        return float("nan"), float("nan")
    share, z2 = count / total, Z * Z
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = Z * np.sqrt(share * (1 - share) / total + z2 / (4 * total**2)) / (1 + z2 / total)
    return max(0.0, middle - half), min(1.0, middle + half)


def paired_gain(
    hits: np.ndarray, baseline: np.ndarray, draws: int, seed: int
) -> tuple[float, float, float]:
    """Return the gain in hit-rate and its bootstrap interval over customers.

    A customer adds -1, 0 or 1, so that to draw customers anew is to draw the three counts from a
    multinomial: the same distribution, whatever the number of customers.
    """
    total = len(hits)
    if total == 0:
        return (float("nan"),) * 3
    won, lost = int((hits & ~baseline).sum()), int((~hits & baseline).sum())
    shares = [won / total, lost / total]
    drawn = np.random.default_rng(seed).multinomial(
        total, [*shares, max(0.0, 1 - sum(shares))], draws
    )
    tail = (1 - LEVEL) / 2
    lower, upper = np.quantile((drawn[:, 0] - drawn[:, 1]) / total, [tail, 1 - tail])
    return (won - lost) / total, float(lower), float(upper)


def method_keys(
    shop: Shop,
    customers: Histories,
    choice: Choice,
    fallback: str,
    sums: np.ndarray | None = None,
) -> np.ndarray:
    """Return n x P keys of a method; who bought nothing of late gets what `fallback` says.

    sums: what recommendations.co_purchase_sums returns, for the method co_purchase.
    """
    if choice.method == GLOBAL:
        return recommendations.popularity_keys(shop, customers.count)
    if choice.method == SEGMENT:
        return recommendations.group_keys(shop, customers.group)
    if choice.method == BUY_AGAIN:
        keys = recommendations.buy_again_keys(shop, customers)
    elif choice.method == CATEGORY:
        scores = recommendations.category_scores(shop, customers, choice.prior_count)
        keys = recommendations.score_keys(shop, scores)
    else:
        scores = choice.weight * sums
        scores += shop.log_popularity
        keys = recommendations.score_keys(shop, scores)
    bare = ~customers.has_items
    if fallback == SEGMENT and bare.any():
        keys[bare] = recommendations.group_keys(shop, customers.group[bare])
    elif bare.any():
        keys[bare] = recommendations.popularity_keys(shop, int(bare.sum()))
    return keys


def tried(window: Window, choices: list[Choice], fallback: str) -> list[np.ndarray]:
    """Return for each choice whether each customer was hit."""
    shop, histories = window.shop, window.histories
    found = [np.zeros(histories.count, dtype=bool) for _ in choices]
    of_prior = {choice.prior_count: None for choice in choices if choice.method == CO_PURCHASE}
    for prior in (None, *of_prior):
        lift = None if prior is None else recommendations.lifts(shop, prior)
        for begin, customers in histories.parts(shop.size):
            sums = None if lift is None else recommendations.co_purchase_sums(customers, lift)
            end = begin + customers.count
            customer, product = window.targets(begin, end)
            for choice, hit in zip(choices, found, strict=True):
                if prior != (choice.prior_count if choice.method == CO_PURCHASE else None):
                    continue
                keys = method_keys(shop, customers, choice, fallback, sums)
                hit[begin:end] = recommendations.hits(keys, customer, product)
    return found


def told(window: Window, choice: Choice, fallback: str) -> Result:
    """Return how a method did, also where only products new to the customer count."""
    shop, histories = window.shop, window.histories
    result = Result(
        np.zeros(histories.count, dtype=bool), np.zeros(histories.count, dtype=bool),
        np.zeros(shop.size, dtype=bool),
    )  # fmt: skip
    lift = recommendations.lifts(shop, choice.prior_count) if choice.method == CO_PURCHASE else None
    for begin, customers in histories.parts(shop.size):
        end = begin + customers.count
        customer, product = window.targets(begin, end)
        sums = None if lift is None else recommendations.co_purchase_sums(customers, lift)
        keys = method_keys(shop, customers, choice, fallback, sums)
        result.hits[begin:end] = recommendations.hits(keys, customer, product)
        lists = recommendations.best(keys)
        result.recommended[np.unique(lists[lists >= 0])] = True
        keys[customers.owned(shop.size)] = recommendations.NEVER
        result.new_hits[begin:end] = recommendations.hits(keys, customer, product)
    return result


def candidates(shop: Shop, settings: Settings) -> list[Choice]:
    """Return the models with every setting that is tried; categories only where there are some."""
    known = np.unique(shop.category[shop.category >= 0])
    priors = settings.category_prior_counts if len(known) > 1 else ()
    return [
        *(Choice(CATEGORY, None, prior) for prior in priors),
        *(
            Choice(CO_PURCHASE, weight, prior)
            for prior in settings.prior_counts
            for weight in settings.weights
        ),
    ]


def evidence(source: str, windows: dict[str, Window], settings: Settings) -> list[dict]:
    """Return one row per window and method of a source, and which method is served."""
    counts = {name: window.histories.count for name, window in windows.items()}
    if min(counts.values()) < settings.min_customers:
        return _not_enough(source, windows, settings)

    tuning = windows[TUNING]
    baselines = [Choice(method) for method in BASELINES]
    options = candidates(tuning.shop, settings)
    plain = tried(tuning, baselines[:2], GLOBAL)
    fallback = SEGMENT if plain[1].sum() > plain[0].sum() else GLOBAL
    scored = [int(hit.sum()) for hit in tried(tuning, options, fallback)]
    chosen = [
        options[max(places, key=lambda place: (scored[place], -place))]
        for method in MODELS
        if (places := [at for at, option in enumerate(options) if option.method == method])
    ]
    results = {
        (name, choice.method): told(window, choice, fallback)
        for name, window in windows.items()
        for choice in (*baselines, *chosen)
    }

    def hit_count(name: str, choice: Choice) -> int:
        return int(results[name, choice.method].hits.sum())

    # The first of equals is the simpler one.
    candidate = max(chosen, key=lambda choice: hit_count(TUNING, choice))
    bests = {name: max(baselines, key=lambda choice: hit_count(name, choice)) for name in windows}
    gain, lower, upper = paired_gain(
        results[REPORT, candidate.method].hits, results[REPORT, bests[REPORT].method].hits,
        settings.draws, settings.seed,
    )  # fmt: skip
    served = candidate if lower > 0 else bests[REPORT]
    rates = {
        choice.method: percent(hit_count(REPORT, choice) / counts[REPORT])
        for choice in (candidate, bests[REPORT])
    }
    verdict = (
        f"{candidate.method} hit {rates[candidate.method]} of customers and {bests[REPORT].method} "
        f"{rates[bests[REPORT].method]}, a gain of {points(gain)} ({points(lower)} to "
        f"{points(upper)})"
    )
    rows = []
    for (name, method), result in results.items():
        choice = next(one for one in (*baselines, *chosen) if one.method == method)
        if method == served.method:
            reason = f"served: {verdict}"
        elif choice == candidate:
            reason = f"not served, since its gain is not surely above 0: {verdict}"
        elif method in MODELS:
            reason = f"not served: on the tuning window {candidate.method} did as well or better"
        elif method == bests[REPORT].method:
            reason = f"not served, but the best baseline: {verdict}"
        else:
            reason = f"not served: {bests[REPORT].method} is the better baseline"
        rows.append(
            _row(source, name, choice, windows[name], result, results, bests, settings)
            | {
                "is_candidate": choice == candidate,
                "is_served": method == served.method,
                "evidence_status": "judged",
                "fallback_method": fallback,
                "reason": reason,
            }
        )
    return rows


def percent(share: float) -> str:
    """Return a share as text in percent."""
    return f"{100 * share:.1f} %"


def points(gain: float) -> str:
    """Return a difference of shares as text in points, with its sign."""
    return f"{100 * gain:+.1f} points"


def _row(source, name, choice, window, result, results, bests, settings) -> dict:
    """Return the measures of a method on a window."""
    total, hit = window.histories.count, int(result.hits.sum())
    lower, upper = wilson(hit, total)
    baseline = bests[name]
    gain = (float("nan"),) * 3
    if choice != baseline:
        gain = paired_gain(
            result.hits, results[name, baseline.method].hits, settings.draws, settings.seed
        )
    catalogue = max(1, int(window.shop.is_recommendable.sum()))
    return {
        "source": source, "window_name": name, "method": choice.method,
        "customer_count": total, "customers_with_items": int(window.histories.has_items.sum()),
        "hit_count": hit, "new_hit_count": int(result.new_hits.sum()),
        "hit_rate": hit / total, "hit_rate_lower": lower, "hit_rate_upper": upper,
        "new_hit_rate": result.new_hits.mean(), "gain": gain[0], "gain_lower": gain[1],
        "gain_upper": gain[2], "catalogue_coverage": result.recommended.sum() / catalogue,
        "weight": choice.weight, "prior_count": choice.prior_count,
    }  # fmt: skip


def _not_enough(source: str, windows: dict[str, Window], settings: Settings) -> list[dict]:
    """Return rows that serve global popularity, since too few customers bought again."""
    least = min(windows, key=lambda name: windows[name].histories.count)
    few = windows[least].histories.count
    return [
        {
            "source": source,
            "window_name": name,
            "method": method,
            "is_candidate": False,
            "is_served": method == GLOBAL,
            "evidence_status": "not_enough_data",
            "fallback_method": GLOBAL,
            "customer_count": window.histories.count,
            "customers_with_items": int(window.histories.has_items.sum()),
            "reason": f"not enough data: {few} customers who were known before bought in the "
            f"{least} window, and it takes {settings.min_customers} to tell methods apart",
        }
        for name, window in windows.items()
        for method in (*BASELINES, *MODELS)
    ]


def typed(rows: list[dict]) -> pd.DataFrame:
    """Return rows as a frame with the types of the table, also if there are none."""
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype(COLUMNS)
