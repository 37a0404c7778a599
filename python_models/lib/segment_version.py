"""One version of a source's segmentation: choose between clusters and rules, name, and backtest.

The parts stand in files of their own: features and k-means in `segmentation`, the measures and the
choice in `segment_gate` and `segment_choice`, ids in `segment_lineage`, names in `segment_names`,
the contract in `segment_stability`. Here they become rows of `segment_artifacts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

import population_stability
import rule_segments
import segment_artifacts
import segment_choice
import segment_gate
import segment_lineage
import segment_names
import segment_projection
import segment_stability
import segmentation

# It forecasts what usefulness is about, and may have learned after the date of the check.
HINDSIGHT = "predicted_quality"
Row = dict[str, object]


@dataclass(frozen=True)
class Check:
    """Customers at two dates a quarter apart, for the usefulness of a segmentation.

    first, second: one row per customer with the features and what the rules need, as of the date;
    second has `cm2_next_quarter`, the cm2 of the quarter after it.
    """

    first: segment_stability.Slice
    second: segment_stability.Slice


@dataclass(frozen=True)
class Shop:
    """What a fit reads of a source; what lies in the past is read only where it is needed.

    customers: its sample as of the day of the fit, one row per customer with the features and
    `sample_key`. customer_count: how many customers it has in all. is_scored: whether RFM scores
    are given. check: returns None where history is too short. slices: returns the month-ends of
    the backtest. recent: returns customers as of some days ago, with `lag_days`.
    """

    as_of: date
    customers: pd.DataFrame
    customer_count: int
    is_scored: bool
    check: Callable[[], Check | None]
    slices: Callable[[], list[segment_stability.Slice]]
    recent: Callable[[], pd.DataFrame]


@dataclass(frozen=True)
class Tables:
    """What people and macros decide: the archetypes, and the segment of each cell of RFM."""

    playbook: pd.DataFrame
    cells: pd.DataFrame


@dataclass(frozen=True)
class Settings:
    """Parameters of segment_kmeans.yml."""

    features: list[str]
    k_values: range
    min_customers: int
    gate: segment_gate.GateLimits
    stability: segment_stability.StabilityLimits


def version_rows(
    shop: Shop,
    tables: Tables,
    settings: Settings,
    kept: Mapping[date, segment_artifacts.KeptModel],
    used: int,
) -> tuple[bool, list[Row]]:
    """Segment a source as of a day.

    kept: the clusters of versions up to this day by the day of their fit, this day's too if it is
    replaced. used: the greatest segment id that any version ever had, 0 if none. Returns whether
    there was enough to make a version of, and the rows.
    """
    count = len(shop.customers)
    if count < settings.min_customers:
        reason = f"{count} customers are fewer than the {settings.min_customers} needed"
        return False, segment_artifacts.unsegmented_rows(count, reason)
    frame = segmentation.sort_by_content(shop.customers, settings.features)
    reasons = segmentation.select_features(frame, settings.features)
    features = [feature for feature, why in reasons.items() if not why]
    rows = segment_artifacts.dropped_rows(reasons)
    if not features:
        reason = "all customers are alike in every feature"
        return False, segment_artifacts.unsegmented_rows(count, reason) + rows
    scaling = segmentation.fit_scaling(frame[features].to_numpy(dtype=float))
    values = scaling.apply(frame[features].to_numpy(dtype=float))
    k_values = segment_gate.measurable(values, settings.k_values)
    if not k_values:
        distinct = len(np.unique(values, axis=0))
        reason = f"{distinct} distinct customers are too few for {settings.k_values[0]} groups"
        return False, segment_artifacts.unsegmented_rows(count, reason) + rows

    order = np.argsort(frame["sample_key"].to_numpy(), kind="stable")
    measured = segment_gate.measure_each(values, order, k_values, settings.gate)
    rules = rule_segments.RuleSegmenter(tables.cells, shop.is_scored)
    explained, by_rules = usefulness(shop.check(), features, k_values, rules, settings.gate.seed)
    choice = segment_choice.choose(
        measured, explained, by_rules, settings.gate, shop.customer_count
    )
    rows += segment_artifacts.scaling_rows(features, scaling)
    rows += segment_artifacts.choice_rows(
        choice, measured, explained, by_rules, settings.gate, shop.customer_count
    )
    rows += psi_bin_rows(frame, features)
    rows += segment_artifacts.projection_rows(features, *segment_projection.components(values))

    served: segment_stability.Segmenter = rules
    fitted: segment_stability.Fitted | None = None
    if choice.status == "segmented":
        (chosen,) = [one for one in measured if one.k == choice.k]
        rows += cluster_rows(shop, frame, features, scaling, chosen.centroids, tables, kept, used)
        served = segment_stability.KMeansSegmenter(
            tuple(features), chosen.k, settings.stability.seed
        )
        fitted = segment_stability.FittedKMeans(tuple(features), scaling, chosen.centroids)
    rows += contract_rows(shop, served, fitted, features, settings.stability)
    return True, rows


def usefulness(
    check: Check | None,
    features: Sequence[str],
    k_values: Sequence[int],
    rules: rule_segments.RuleSegmenter,
    seed: int,
) -> tuple[dict[int, tuple[float, float]], tuple[float, float] | None]:
    """Return what the clusters of each k, and the rules, explain of a quarter's cm2.

    Everything is fitted on the first date and frozen; the labels are those of the second, the cm2
    that of the quarter after it. Features unknown at either date are left out, and so is the
    forecast of quality. Values and standard errors are shares of variance.
    """
    if check is None:
        return {}, None
    outcome = check.second.frame["cm2_next_quarter"].to_numpy(dtype=float)
    known = [
        feature
        for feature in features
        if feature != HINDSIGHT
        and segment_stability.is_known(check.first, feature)
        and segment_stability.is_known(check.second, feature)
    ]
    explained = {}
    for k in k_values if known else []:
        segmenter = segment_stability.KMeansSegmenter(tuple(known), k, seed).on_resamples()
        labels = segmenter.fit(check.first).predict(check.second)
        explained[k] = segment_choice.usefulness(labels, outcome, seed)
    labels = rules.fit(check.first).predict(check.second)
    return explained, segment_choice.usefulness(labels, outcome, seed)


def cluster_rows(
    shop: Shop,
    frame: pd.DataFrame,
    features: list[str],
    scaling: segmentation.Scaling,
    centroids: np.ndarray,
    tables: Tables,
    kept: Mapping[date, segment_artifacts.KeptModel],
    used: int,
) -> list[Row]:
    """Return centroids and names, with the ids of earlier versions where segments live on."""
    earlier = [day for day in kept if day < shop.as_of]
    # A version that is fitted anew on its own day keeps its ids first of all.
    relatives = [kept[day] for day in (shop.as_of, max(earlier, default=None)) if day in kept]
    labels = segmentation.assign(scaling.apply(frame[features].to_numpy(dtype=float)), centroids)
    ids: dict[int, int] = {}
    inherited: dict[int, tuple[str | None, str]] = {}
    found = [segment_lineage.Descent(number, None, "new", None) for number in range(len(centroids))]
    for relative in relatives:
        counts = segment_lineage.overlaps(
            relative.assign(frame), labels, (len(relative.centroids), len(centroids))
        )
        for number, parent in segment_lineage.inherited(counts).items():
            segment_id = relative.segment_ids[parent]
            if number not in ids and segment_id not in ids.values():
                ids[number] = segment_id
                inherited[number] = relative.names[segment_id]
        if relative.version < shop.as_of.isoformat():
            found = segment_lineage.descents(counts)
    ids = segment_lineage.with_new_ids(ids, len(centroids), used)
    names = segment_names.name_segments(centroids, features, tables.playbook, inherited)
    numbers = [ids[number] for number in range(len(centroids))]
    rows = segment_artifacts.centroid_rows(features, numbers, centroids)
    rows += [
        {
            "artifact": "name",
            "k": len(numbers),
            "segment_id": segment_id,
            "item": archetype,
            "note": name,
        }
        for segment_id, (archetype, name) in zip(numbers, names, strict=True)
    ]
    previous = kept[max(earlier)] if earlier else None
    return rows + segment_artifacts.lineage_rows(found, numbers, previous)


def psi_bin_rows(frame: pd.DataFrame, features: Sequence[str]) -> list[Row]:
    """Return the bins of each feature by which later builds see how far customers have drifted."""
    rows: list[Row] = []
    for feature in features:
        edges, shares = population_stability.psi_bins(frame[feature].to_numpy(dtype=float))
        for number, share in enumerate(shares, start=1):
            bin_of = {"item": feature, "detail": str(number)}
            edge = float(edges[number - 1]) if number <= len(edges) else None
            rows.append({"artifact": "psi_edge", "value": edge} | bin_of)
            rows.append({"artifact": "psi_share", "value": float(share)} | bin_of)
    return rows


def contract_rows(
    shop: Shop,
    served: segment_stability.Segmenter,
    fitted: segment_stability.Fitted | None,
    features: Sequence[str],
    limits: segment_stability.StabilityLimits,
) -> list[Row]:
    """Return the backtest of what is served, how fast customers move in it, and the contract.

    fitted: the clusters that are served; None for rules, which are learned from today's customers.
    """
    slices = shop.slices()
    watched = [
        feature for feature in features if all(past.frame[feature].notna().all() for past in slices)
    ]
    tested = segment_stability.backtest(slices, served, limits, watched)
    moved = movements(shop.recent(), served, fitted)
    agreed = segment_stability.contract(tested.rows, limits)
    by_customers = {days: shares[0] for days, shares in moved.items()}
    interval = segment_stability.assign_interval(by_customers, limits)
    return segment_artifacts.contract_rows(tested, moved, agreed, interval)


def movements(
    recent: pd.DataFrame,
    served: segment_stability.Segmenter,
    fitted: segment_stability.Fitted | None,
) -> dict[int, tuple[float, float]]:
    """Return by days the share of customers, and of cm2, whose frozen label differs from today's.

    A day is left out on which a feature of the segments was not known yet.

    recent: one row per customer and `lag_days`, 0 for today; fitted: as in `contract_rows`.
    """
    used = list(served.features)
    known = recent.groupby("lag_days")[used].count().eq(recent.groupby("lag_days").size(), axis=0)
    days = [int(lag) for lag, is_known in known.all(axis=1).items() if is_known]
    if 0 not in days:
        return {}
    labels, cm2 = {}, {}
    for lag in days:
        frame = recent[recent["lag_days"] == lag].set_index("customer_key")
        past = segment_stability.Slice(date.min, 0, frame)
        if fitted is None:
            fitted = served.fit(past)
        labels[lag] = pd.Series(fitted.predict(past), index=frame.index)
        cm2[lag] = frame["cm2_365d"].astype(float)
    found = {
        lag: segment_stability.movement(labels[lag], labels[0], cm2[0]) for lag in days if lag > 0
    }
    return {lag: shares for lag, shares in found.items() if shares is not None}
