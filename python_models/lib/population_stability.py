"""How far a distribution has moved: the population stability index, by bins that bear ties.

By custom below 0.10 is little, above 0.25 much.
"""

from __future__ import annotations

import numpy as np

import segmentation

SHARE_FLOOR = 0.0001  # an empty bin counts as one customer in 10,000: the logarithm of 0 is endless
MASS_SHARE = 0.01  # a value that so many customers share is a mass point
MASS_MARGIN = 0.15  # standard deviations that it keeps away from the edge of its bin at most
# Features whose unknown values are the shop's mean of the date, and by how many standard deviations
# they may move together: in a normal distribution that is an index of 0.06, no drift by itself.
FILLED_WITH_MEANS = ("rating", "cm2_rate", "distance", "predicted_quality")
SMALL_SHIFT = 0.25


def psi_bins(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return bins of about a tenth each: their upper edges but for the last, and their shares.

    A value lies in the first bin whose edge is not below it, above all edges in the last; at most
    ten bins, none empty, customers alike never parted. A value that many have (1 %) keeps away from
    its edge, half-way to the next such value or 0.15 standard deviations; one that holds several
    deciles has edges on both sides, so that it is seen to gain or lose. Values that are all alike
    are a single bin.
    """
    margin = MASS_MARGIN * segmentation.fit_scaling(values[:, None]).standard_deviation[0]
    distinct, counts = np.unique(values, return_counts=True)
    masses = distinct[counts >= MASS_SHARE * len(values)]
    deciles = np.quantile(values, np.arange(1, 10) / 10, method="inverted_cdf")
    points, repeats = np.unique(deciles, return_counts=True)
    edges = np.where(np.isin(points, masses), points + half_way(points, masses, margin), points)
    heavy = points[repeats > 1]
    edges = np.union1d(edges, heavy - half_way(-heavy, -masses[::-1], margin))
    edges = edges[bin_shares(values, edges)[:-1] > 0]
    edges = edges[edges < distinct[-1]]
    return edges, bin_shares(values, edges)


def half_way(points: np.ndarray, masses: np.ndarray, margin: float) -> np.ndarray:
    """Return half the distance of each point to the next greater mass, at most `margin`."""
    following = np.append(masses, np.inf)[np.searchsorted(masses, points, side="right")]
    return np.minimum((following - points) / 2, margin)


def small_shift(before: np.ndarray, after: np.ndarray) -> float:
    """Return by how much the winsorised mean has moved, 0 where by over 0.25 standard deviations.

    Where unknown values are filled with the shop's mean, PSI is taken without it: the mean moves a
    little every day, and with it, across the edge of a bin, everybody of whom nothing is known.
    """
    scaling = segmentation.fit_scaling(before[:, None])
    moved = np.clip(after, scaling.lower[0], scaling.upper[0]).mean() - scaling.mean[0]
    return float(moved) if abs(moved) <= SMALL_SHIFT * scaling.standard_deviation[0] else 0.0


def bin_shares(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the share of the values in each bin of `psi_bins`."""
    bins = np.searchsorted(edges, values, side="left")
    return np.bincount(bins, minlength=len(edges) + 1) / len(values)


def index(expected: np.ndarray, actual: np.ndarray) -> float:
    """Return the population stability index of shares in the same bins.

    Sum of (actual - expected) * ln(actual / expected), shares below 0.0001 taken as that. By
    custom below 0.10 is little, above 0.25 much.
    """
    before = np.maximum(expected, SHARE_FLOOR)
    after = np.maximum(actual, SHARE_FLOOR)
    return float(((after - before) * np.log(after / before)).sum())


def shares_psi(before: np.ndarray, after: np.ndarray) -> float:
    """Return the population stability index of the shares of labels."""
    count = max(before.max(initial=0), after.max(initial=0)) + 1
    return index(
        np.bincount(before, minlength=count) / len(before),
        np.bincount(after, minlength=count) / len(after),
    )
