"""Turns what `read_shops` returns into one HTML page that asks nothing of the network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from functools import partial
from itertools import pairwise
from pathlib import Path

from markupsafe import Markup

from clientele import __version__
from clientele.model_card import cautions, segments
from clientele.model_card.reading import MAIN_HEAD, Row
from clientele.pages import model_charts
from clientele.pages.charts import draw
from clientele.pages.customer_map import customer_map, series_colour
from clientele.pages.model_charts import Picture
from clientele.pages.numbers import Numbers
from clientele.pages.rounding import (
    NOT_KNOWN,
    Estimate,
    decimals,
    number,
    percent,
    rate,
)
from clientele.pages.writing import environment

MODELS = {
    "base_rate": "Base rate for all",
    "rule": "Discount rule",
    "logistic": "Logistic regression",
    "boosting": "Gradient boosting",
    "last_365_days": "Last 365 days again",
    "segment_mean": "Mean of alike customers",
    "bg_nbd": "BG/NBD and Gamma-Gamma",
    "none": "Nothing",
}
HEADS = {
    "good": "Good: comes back and earns",
    "repeat": "Comes back within 90 days",
    "profit": "Earns within 90 days",
}
STATUSES = {
    "published": "Published",
    "withheld": "Withheld",
    "suspected_leak": "Suspected leak, withheld",
    "insufficient_data": "Insufficient data",
    "none": "No value served",
    "no_version": "No version",
}
LEAST_PRECISION_GAIN = 0.01  # as the quality model's own choice has it
# Metric, its words, how to read it, decimals where there is no interval, whether a percentage.
QUALITY_METRICS = (
    ("auc", "AUC", "how often a good customer ranks above another; 0.5 is a coin", 2, False),
    ("average_precision", "Average precision", "to be compared with the base rate", 2, False),
    ("lift_top_10_percent", "Lift of the best tenth", "1 is the average customer", 2, False),
    ("brier_skill", "Brier skill", "squared error saved against the base rate", 2, False),
    ("calibration_slope", "Calibration slope", "1 is right, 0.8 to 1.25 passes", 2, False),
    ("calibration_intercept", "Calibration intercept", "0 is right", 2, False),
)  # fmt: skip
VALUE_METRICS = (
    ("mae", "Mean absolute error", "margin (cm2) per customer, in the source's currency", 2, False),
    ("normalised_gini", "Normalised Gini", "1 is the right order, 0 a random one", 2, False),
    ("total_ratio", "Total ratio", "sum of forecasts over what came; 100 % is right", 0, True),
    ("mae_gain", "Error saved", "against the mean of alike customers", 2, False),
    ("normalised_gini_gain", "Gini gained", "against the mean of alike customers", 3, False),
)  # fmt: skip


def render(shops: Sequence[Row], warehouse_name: str) -> str:
    """Return the page of the cards of all sources.

    shops: what `read_shops` returns; warehouse_name: the file that the page says it was read from.
    The same input gives the same bytes.
    """
    templates = environment(Path(__file__).parent)
    templates.filters.update(number=number, percent=percent, day=day)
    templates.globals.update(
        estimate=estimate,
        figure=figure,
        rate=rate,
        coefficient_bar=coefficient_bar,
        probability=probability,
        odds=math.exp,
        three_digits=three_digits,
        rate_text=rate_text,
        lines=lines,
        known_metrics=known_metrics,
        drawn=drawn,
        numbers=Numbers(),
        calibration=model_charts.calibration,
        lift=model_charts.lift,
        curve_over_k=model_charts.curve_over_k,
        ageing=model_charts.ageing,
        intervals=model_charts.intervals,
        customer_map=partial(customer_map, numbers=Numbers()),
        series_colour=series_colour,
        with_error=segments.with_error,
        metric_value=segments.metric_value,
        verdict_words=segments.VERDICTS,
        state_words=segments.STATES,
        gate=segments.GATE,
        Estimate=Estimate,
        models=MODELS,
        heads=HEADS,
        statuses=STATUSES,
        quality_metrics=QUALITY_METRICS,
        value_metrics=VALUE_METRICS,
        least_precision_gain=LEAST_PRECISION_GAIN,
        main_head=MAIN_HEAD,
        standing=cautions.STANDING,
        not_known=NOT_KNOWN,
    )
    return templates.get_template("page.html").render(
        shops=[_prepared(position, shop) for position, shop in enumerate(shops, start=1)],
        warehouse_name=warehouse_name,
        program_version=__version__,
    )


def day(value: date | None) -> str:
    """Return a date as it is written in the warehouse."""
    return NOT_KNOWN if value is None else value.isoformat()


def probability(logit: float) -> float:
    """Return the probability of a logit."""
    return 1 / (1 + math.exp(-logit))


def three_digits(value: float | None) -> str:
    """Return a parameter with three digits, which is what is published of such models."""
    if value is None:
        return NOT_KNOWN
    return number(value, 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 3)


def rate_text(share: float | None, count: int | None) -> str:
    """Return a rate with as many digits as the number of its customers carries."""
    found = rate(share, count)
    return percent(share, decimals(found, 1, 100))


def known_metrics(metrics: tuple, measures: dict[str, dict[str, Estimate]]) -> list[tuple]:
    """Return the metrics that at least one model has."""
    return [about for about in metrics if any(about[0] in found for found in measures.values())]


def lines(
    measures: dict[str, dict[str, Estimate]], metric: str, served: str
) -> list[tuple[str, Estimate, bool]]:
    """Return what `model_charts.intervals` draws of a metric: each method that has it."""
    return [
        (MODELS.get(method, method), found[metric], method == served)
        for method, found in measures.items()
        if metric in found
    ]


def drawn(picture: Picture | None, name: str) -> Markup:
    """Return a picture of the page, or nothing; name: an id that no other picture has."""
    if picture is None:
        return Markup("")
    return draw(picture.chart, name, picture.title, picture.description, Numbers())


def figure(value: float | None, shown: str, key: str) -> Markup:
    """Return a number as it is shown, with the number itself for machines.

    key: where it comes from, for example `market/good/logistic/auc`.
    """
    if value is None:
        return Markup('<span class="unknown">{}</span>').format(shown)
    return Markup('<data value="{}" data-key="{}">{}</data>').format(repr(value), key, shown)


def estimate(found: Estimate | None, key: str, digits: int = 2, as_percent: bool = False) -> Markup:
    """Return an estimate rounded by its interval, and the interval behind it.

    digits: decimals where there is no interval; key: as in `figure`.
    """
    if found is None or found.value is None:
        return figure(None, NOT_KNOWN, key)
    shown = percent if as_percent else number
    digits = decimals(found, digits, 100 if as_percent else 1)
    text = figure(found.value, shown(found.value, digits), key)
    if not found.has_interval:
        return text
    return text + Markup(' <span class="interval">({} to {})</span>').format(
        number(found.lower * (100 if as_percent else 1), digits),
        shown(found.upper, digits),
    )


def coefficient_bar(value: float, largest: float) -> Markup:
    """Return a bar to the right for what raises the forecast, to the left for what lowers it."""
    width = 50 * abs(value) / largest if largest else 0
    start = 50 if value >= 0 else 50 - width
    return Markup(
        '<span class="effect" aria-hidden="true">'
        '<span class="{}" style="left:{:.1f}%;width:{:.1f}%"></span></span>'
    ).format("raises" if value >= 0 else "lowers", start, width)


def _prepared(position: int, shop: Row) -> Row:
    """Return a source's cards with their cautions and their periods."""
    quality, value = shop["quality"], shop["lifetime_value"]
    return {
        **shop,
        "id": f"source-{position}",  # a source's name may hold what an id may not
        "quality": quality
        and {
            **quality,
            "deciles": [_with_intervals(row, quality["test_rate"]) for row in quality["deciles"]],
            "cautions": cautions.quality_cautions(quality),
            "served": quality["measures"].get(MAIN_HEAD, {}).get(quality["model_name"], {}),
            "periods": _periods(
                (quality["train_from_date"], quality["train_until_date"]),
                (quality["test_from_date"], quality["test_until_date"]),
                shop["as_of_date"],
            ),
        },
        "lifetime_value": value
        and {
            **value,
            "cautions": cautions.lifetime_value_cautions(value),
            "served": value["measures"].get(value["clv_method"], {}),
            "reference": value["measures"].get("segment_mean", {}),
        },
        "segments": shop["segments"] and segments.prepared(shop["segments"]),
    }


def _with_intervals(decile: Row, test_rate: float | None) -> Row:
    """Return a tenth of the test customers with the intervals of its rate and of its lift."""
    observed = rate(decile.get("observed_rate"), decile["customer_count"])
    known = test_rate and observed.has_interval
    return {
        **decile,
        "lower_rate": observed.lower,
        "upper_rate": observed.upper,
        "decile_lift": decile.get("lift") if known else None,
        "lower_decile_lift": observed.lower / test_rate if known else None,
        "upper_decile_lift": observed.upper / test_rate if known else None,
    }


def _periods(train: tuple, test: tuple, as_of: date | None) -> Row | None:
    """Return days between learning and judging, and the parts of the way to the as-of date."""
    if None in (*train, *test, as_of):
        return None
    ends = [train[0], train[1], test[0], test[1], as_of]
    total = max((ends[-1] - ends[0]).days, 1)
    parts = [max((later - earlier).days, 0) / total for earlier, later in pairwise(ends)]
    return {
        "embargo_days": (test[0] - train[1]).days - 1,
        "parts": list(zip(("learn", "embargo", "judge", "open"), parts, strict=True)),
    }
