"""When not to use a model: rules over what the warehouse says of it.

`stop` means that nothing is served or nothing may be relied on, `care` that an answer needs its
limits beside it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from clientele.model_card.reading import MAIN_HEAD, Row
from clientele.pages.rounding import Z_95, Estimate, decimals, number, percent
from clientele.pages.writing import sentence

STOP, CARE = "stop", "care"
PUBLISHED = "published"
CALIBRATED_SLOPES = (0.8, 1.25)  # as the quality model's own verdict has it
LEAST_AUC = 0.55
FEW_CUSTOMERS = 1_000  # a rate among the best tenth of them is known to 10 points at best
SHARE_AT_A_LOSS = 0.05
SHORT_HOLDOUT_DAYS = 330  # a tenth less than the year that is forecast


@dataclass(frozen=True)
class Caution:
    """One reason not to use a model, or to use it with care."""

    level: str
    title: str
    text: str


STANDING = (
    Caution(
        STOP,
        "Not for refusing anybody anything",
        "Do not use it to refuse service, delivery, returns or payment methods, to set a person's "
        "price, or for anything with legal or similar weight. It may order attention, no more.",
    ),
    Caution(
        CARE,
        "A forecast is not a cause",
        "It says what customers will probably do, not what a message or a discount would change. "
        "Changing a feature does not change the customer.",
    ),
    Caution(
        CARE,
        "An assumed uplift is no measurement",
        "Where a table multiplies a forecast by an uplift that somebody wrote into a seed, the "
        "result is an assumption. Only a holdout group measures an effect.",
    ),
    Caution(
        CARE,
        "It speaks of many, of one source",
        "Its numbers hold for many customers together and leave open which of them. What it "
        "learned from one shop says nothing of another.",
    ),
)


def quality_cautions(card: Row) -> list[Caution]:
    """Return what the tables say against using the customer-quality model, the worst first.

    card: `quality` of a source as `read_shops` returns it.
    """
    if card["quality_status"] != PUBLISHED:
        return [_withheld(card), *_overdue(card)]
    measures = card["measures"].get(MAIN_HEAD, {}).get(card["model_name"], {})
    found = [
        *_overdue(card),
        *_few_customers(card["test_customer_count"]),
        *_slope(measures.get("calibration_slope", Estimate(None))),
    ]
    auc, lift = measures.get("auc"), measures.get("lift_top_10_percent")
    if auc is not None and auc.has_interval and auc.lower < LEAST_AUC:
        found.append(
            Caution(
                CARE,
                "It may hardly rank better than a coin",
                f"The interval of the AUC reaches down to {number(auc.lower, 2)}; below "
                f"{number(LEAST_AUC, 2)} nothing would be served.",
            )
        )
    if lift is None or not lift.has_interval or lift.includes(1):
        found.append(
            Caution(
                CARE,
                "The best tenth may be no better than the average",
                "The interval of its lift includes 1 or is not known. Do not pay for the first "
                "tenth alone.",
            )
        )
    return [*found, *_base_rate_moved(card), *_scored(card), *_features(card), *_heads(card)]


def lifetime_value_cautions(card: Row) -> list[Caution]:
    """Return what the tables say against using the lifetime-value model, the worst first.

    card: `lifetime_value` of a source as `read_shops` returns it.
    """
    method = card["clv_method"]
    if method == "none":
        return [Caution(STOP, "No value is served", sentence(card["reason"]))]
    found = [*_overdue(card)]
    if not card["measures"]:
        found.append(
            Caution(
                STOP,
                "It was never judged",
                "No part of the history could be held out, so nobody knows how good these values "
                f"are. {sentence(card['reason'])}",
            )
        )
    if method != "bg_nbd":
        found.append(Caution(CARE, "A baseline is served, not the model", sentence(card["reason"])))
    if card["measures"]:
        found += _few_customers(card["test_customer_count"])
    ratio = card["measures"].get(method, {}).get("total_ratio")
    if ratio is not None and ratio.has_interval and not ratio.includes(1):
        direction = "little" if ratio.upper < 1 else "much"
        digits = decimals(ratio, 0, 100)
        found.append(
            Caution(
                CARE,
                f"It adds up to too {direction}",
                f"In the holdout the forecasts summed to {percent(ratio.value, digits)} of what "
                f"came ({percent(ratio.lower, digits)} to {percent(ratio.upper, digits)}). Use "
                "them to order customers; do not budget with their sum.",
            )
        )
    holdout_days = card["holdout_days"]
    if holdout_days is not None and holdout_days < SHORT_HOLDOUT_DAYS:
        found.append(
            Caution(
                CARE,
                "Judged on less than the year it forecasts",
                f"The holdout had {number(holdout_days)} days, the forecast is of 365.",
            )
        )
    return found + (_parameters(card) if method == "bg_nbd" else [])


def _withheld(card: Row) -> Caution:
    titles = {
        "withheld": "Withheld: not good enough to be used",
        "suspected_leak": "Withheld: too good to be true",
        "insufficient_data": "Not enough data: nothing was fitted",
    }
    title = titles.get(card["quality_status"], f"Not published: {card['quality_status']}")
    return Caution(
        STOP,
        title,
        f"{sentence(card['reason'])} No customer has a probability, a decile or a quadrant: these "
        "columns are null on purpose. Do not fill them with something else.",
    )


def _overdue(card: Row) -> list[Caution]:
    refit = card["refit"]
    if not refit or not refit["is_overdue"]:
        return []
    return [
        Caution(
            CARE,
            "This version is stale",
            f"It was due to be fitted anew by {refit['refit_due_date']}, and that could not be "
            "done, for want of data.",
        )
    ]


def _few_customers(count: int | None) -> list[Caution]:
    if count is not None and count >= FEW_CUSTOMERS:
        return []
    return [
        Caution(
            CARE,
            "Judged by few customers",
            f"The test has {number(count)}; below {number(FEW_CUSTOMERS)} the numbers of another "
            "period may differ much. Read the intervals, not the middle.",
        )
    ]


def _slope(slope: Estimate) -> list[Caution]:
    lowest, highest = CALIBRATED_SLOPES
    if slope.value is not None and lowest <= slope.value <= highest:
        return []
    said = "is not known" if slope.value is None else f"is {number(slope.value, 2)}"
    return [
        Caution(
            CARE,
            "Trust the order, not the level",
            f"The calibration slope {said}, not within {number(lowest, 2)} to "
            f"{number(highest, 2)}. Rank by the probability; do not multiply money by it.",
        )
    ]


def _base_rate_moved(card: Row) -> list[Caution]:
    rates = card["train_rate"], card["test_rate"]
    counts = card["train_customer_count"], card["test_customer_count"]
    if None in rates or not all(counts):
        return []
    spread = math.sqrt(sum(p * (1 - p) / n for p, n in zip(rates, counts, strict=True)))
    if abs(rates[1] - rates[0]) <= Z_95 * spread:
        return []
    return [
        Caution(
            CARE,
            "The base rate has moved",
            f"{percent(rates[0], 1)} turned out good while it learned, {percent(rates[1], 1)} when "
            "it was judged, more than chance explains. Levels may go on moving.",
        )
    ]


def _scored(card: Row) -> list[Caution]:
    scored: dict[str, Any] = card["scored"] or {}
    found = []
    if scored.get("after_test_count"):
        found.append(
            Caution(
                CARE,
                "Newer customers than it was judged by",
                f"{number(scored['after_test_count'])} of {number(scored['scored_count'])} scored "
                f"customers came after {card['test_until_date']}, the end of the test. How well it "
                "does on them is known when their outcomes are.",
            )
        )
    if scored.get("in_training_count"):
        found.append(
            Caution(
                CARE,
                "Customers that it learned from",
                f"{number(scored['in_training_count'])} scored customers were in the training. "
                "Leave them out (is_in_training) where forecasts are compared with outcomes.",
            )
        )
    return found


def _features(card: Row) -> list[Caution]:
    dropped = card["dropped"]
    if not dropped:
        return []
    return [
        Caution(
            CARE,
            "Features are missing",
            f"{number(len(dropped))} of {number(len(dropped) + len(card['coefficients']))} "
            "features were left out, for the reasons below. What they would tell, it does not "
            "know.",
        )
    ]


def _heads(card: Row) -> list[Caution]:
    names = {"repeat": "coming back", "profit": "earning"}
    return [
        Caution(
            CARE,
            f"No forecast of {names[head['head']]}",
            f"{sentence(head['reason'])} That side of the quadrant is the same for everybody, the "
            "one on which most customers of the training were.",
        )
        for head in card["heads"]
        if head["head"] in names and head["quality_status"] != PUBLISHED
    ]


def _parameters(card: Row) -> list[Caution]:
    found = []
    for row in card["parameters"]:
        fitted_to = "the holdout's test" if row["fitted_to"] == "calibration" else "today's values"
        for name, note in (
            ("BG/NBD", row["bg_nbd_convergence"]),
            ("Gamma-Gamma", row["gamma_gamma_convergence"]),
        ):
            if note not in (None, "converged"):
                found.append(
                    Caution(
                        CARE,
                        f"{name} at its limits",
                        f"The fit for {fitted_to} {note}. Its parameters are not to be read, its "
                        "forecasts were judged as they are.",
                    )
                )
        share = row["non_positive_share"]
        if share is not None and share > SHARE_AT_A_LOSS:
            found.append(
                Caution(
                    CARE,
                    "Customers at a loss",
                    f"{percent(share, 1)} of repeat buyers brought nothing or less, and "
                    "Gamma-Gamma cannot learn from them. Values are too high for such customers.",
                )
            )
    return found
