"""The rule segments as a way of segmenting that is learned and frozen, as k-means is.

What is learned are the cut points of recency and monetary value; the bands of frequency and the
rules that make a segment of three scores are fixed. It says for a past date what customer_rfm says
for today: the segment where RFM is scored, else the stage of life.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from segment_stability import Slice

LIFECYCLE_STAGES = ("new", "active", "overdue", "dormant", "prospect")
CELL_COLUMNS = ("recency_score", "frequency_score", "monetary_score", "is_new")


@dataclass(frozen=True)
class CutPoints:
    """Values at which the scores of a metric begin or end; a score that ties left out is absent.

    limits: score (2 to 5) to the least value that gets it, where high values are good, or to the
    greatest, where low ones are. lowest_score: the score of all other values.
    """

    limits: dict[int, float]
    lowest_score: int
    is_high_good: bool

    def score(self, values: np.ndarray) -> np.ndarray:
        """Return the score of each value, 1 worst to 5 best."""
        scores = np.full(len(values), self.lowest_score)
        for score in sorted(self.limits):
            limit = self.limits[score]
            scores[values >= limit if self.is_high_good else values <= limit] = score
        return scores


def fit_cut_points(values: np.ndarray, is_high_good: bool) -> CutPoints:
    """Learn tie-safe mid-rank quintiles: score = least(5, 1 + floor(5 * p)).

    p = (count below + half of those alike) / count, from the other end where low values are good.
    Customers alike get one score. Counted in whole numbers, since 5 * p is often whole itself.
    values: at least one, without nulls.
    """
    distinct, counts = np.unique(values, return_counts=True)
    twice_rank = 2 * np.cumsum(counts) - counts
    if not is_high_good:
        twice_rank = 2 * len(values) - twice_rank
    scores = np.minimum(5, 1 + 5 * twice_rank // (2 * len(values)))
    limits = {}
    for score in range(max(2, int(scores.min())), 6):
        alike = distinct[scores == score]
        if len(alike):
            limits[score] = float(alike.min() if is_high_good else alike.max())
    return CutPoints(limits, int(scores.min()), is_high_good)


@dataclass(frozen=True)
class FittedRules:
    """Cut points of one date with the rules; None where nobody had bought within a year.

    cells: label by recency, frequency and monetary score (from 1) and is_new, 6 x 6 x 6 x 2.
    """

    labels: dict[str, int]
    cells: np.ndarray
    recency: CutPoints | None
    monetary: CutPoints | None

    def predict(self, past: Slice) -> np.ndarray:
        """Return the number of the segment's name for each row, by the cut points of the fit."""
        frame = past.frame
        numbers = frame["lifecycle_stage"].map(self.labels)
        if numbers.isna().any():
            unknown = sorted(set(frame.loc[numbers.isna(), "lifecycle_stage"].astype(str)))
            raise ValueError(f"lifecycle_stage is {unknown}, none of {LIFECYCLE_STAGES}")
        numbers = numbers.to_numpy(dtype=np.int64).copy()
        if self.recency is None or self.monetary is None:
            return numbers
        is_buyer = frame["frequency_score"].notna().to_numpy()
        buyers = frame[is_buyer]
        numbers[is_buyer] = self.cells[
            self.recency.score(buyers["recency_days"].to_numpy(dtype=float)),
            buyers["frequency_score"].to_numpy(dtype=int),
            self.monetary.score(buyers["net_revenue_365d"].to_numpy(dtype=float)),
            buyers["is_new"].to_numpy(dtype=int),
        ]
        return numbers


@dataclass(frozen=True)
class RuleSegmenter:
    """RFM segments where RFM is scored, else stages of life.

    cells: one row per recency_score, frequency_score, monetary_score and is_new with the
    rfm_segment they make, as customer.rfm_cells. is_scored: whether the source has what RFM needs;
    without it there is nothing to learn. Labels are numbers of `names`, the same in every fit.
    """

    cells: pd.DataFrame
    is_scored: bool
    features: tuple[str, ...] = ()
    labels_have_names: bool = True

    @property
    def names(self) -> list[str]:
        """The names that the labels stand for, in the order of their numbers."""
        return sorted({*self.cells["rfm_segment"], *LIFECYCLE_STAGES})

    def fit(self, past: Slice) -> FittedRules:
        """Learn the cut points from the buyers of the 365 days before the slice's date."""
        labels = {name: number for number, name in enumerate(self.names)}
        buyers = past.frame[past.frame["frequency_score"].notna()]
        cells = np.zeros((6, 6, 6, 2), dtype=np.int64)
        if not self.is_scored or buyers.empty:
            return FittedRules(labels, cells, None, None)
        scores = tuple(self.cells[column].to_numpy(dtype=int) for column in CELL_COLUMNS)
        cells[scores] = self.cells["rfm_segment"].map(labels)
        return FittedRules(
            labels,
            cells,
            fit_cut_points(buyers["recency_days"].to_numpy(dtype=float), is_high_good=False),
            fit_cut_points(buyers["net_revenue_365d"].to_numpy(dtype=float), is_high_good=True),
        )

    def without(self, features: Iterable[str]) -> RuleSegmenter:
        """Return itself: rules need no feature of k-means."""
        return self

    def on_resamples(self) -> RuleSegmenter:
        """Return itself: rules are learned in one way."""
        return self
