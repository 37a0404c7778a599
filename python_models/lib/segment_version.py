"""One version of a source's segmentation: choose between k-means and the rules, name, and backtest.

The parts stand in files of their own: features and k-means in `segmentation`, the measures and the
choice in `segment_gate` and `segment_choice`, ids in `segment_lineage`, names in `segment_names`,
the contract in `segment_stability`. Here they become rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

import rule_segments
import segment_artifacts
import segment_choice
import segment_gate
import segment_lineage
import segment_names
import segment_projection
import segment_stability
import segmentation

# It forecasts what usefulness is about, and may have been fitted after the date of the check.
HINDSIGHT = "predicted_quality"


@dataclass(frozen=True)
class Check:
    """Three dates a quarter apart: fitted at the first, labelled at the second, paid by the third.

    first, second: customers' features as of those dates, one row each, with what the rules need;
    second has `cm2_next_quarter` too.
    """

    first: pd.DataFrame
    second: pd.DataFrame


@dataclass(frozen=True)
class Past:
    """What a fit reads of earlier days, each only where it is needed.

    check: returns the frames of the usefulness check, or None where history is too short;
    slices: returns the month-ends of the backtest; recent: returns customers as of some days ago,
    with `lag_days`.
    """

    check: Callable[[], Check | None]
    slices: Callable[[], list[segment_stability.Slice]]
    recent: Callable[[], pd.DataFrame]


@dataclass(frozen=True)
class Shop:
    """A source on the day of the fit.

    customers: its sample, one row per customer with the features and `sample_key`;
    customer_count: how many it has in all; is_scored: whether RFM scores are given.
    """

    customers: pd.DataFrame
    customer_count: int
    is_scored: bool


@dataclass(frozen=True)
class Tables:
    """What people and macros decide: the playbook of archetypes and the segment of each RFM cell."""

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


def unknown_features(customers: pd.DataFrame, features: Sequence[str]) -> set[str]:
    """Return the features that are null for somebody: nothing tells of them."""
    return {feature for feature in features if customers[feature].isna().any()}


def usefulness(
    check: Check | None, kept: list[str], k_values: Sequence[int], rules, settings: Settings
) -> tuple[dict[int, tuple[float, float]], tuple[float, float] | None]:
    """Return what each k and the rules explain of the next quarter, with standard errors.

    Everything is fitted on the first date and frozen; the labels are those of the second. Features
    unknown at either date are left out, and so is the forecast of quality.
    """
    if check is None:
        return {}, None
    seed = settings.gate.seed
    known = [feature for feature in kept if feature != HINDSIGHT]
    unknown = unknown_features(check.first, known) | unknown_features(check.second, known)
    dropped = segmentation.select_features(check.first, [f for f in known if f not in unknown])
    known = [feature for feature, reason in dropped.items() if not reason]
    outcome = check.second["cm2_next_quarter"].to_numpy(dtype=float)
    explained = {}
    first = segment_stability.Slice.of_frame(check.first)
    second = segment_stability.Slice.of_frame(check.second)
    if known:
        for k in k_values:
            segmenter = segment_stability.KMeansSegmenter(known, k, seed)
            labels = segmenter.fit(first).predict(second)
            explained[k] = segment_choice.usefulness(labels, outcome, seed)
    labels = rules.fit(first).predict(second)
    return explained, segment_choice.usefulness(labels, outcome, seed)
