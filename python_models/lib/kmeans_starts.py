"""Where k-means starts: many drawn starts, a few steps of each, and the most promising are kept.

To follow every start to its end is what k-means costs, and most starts end where others do or show
early that they will end worse. So all of them make a few steps at once, in single precision and on
at most some rows, and those that are best by then go on. Sources: Arthur & Vassilvitskii (2007),
"k-means++", for the draw; Biernacki, Celeux & Govaert (2003), "Choosing starting values for the EM
algorithm", for short runs before long ones.
"""

from __future__ import annotations

import numpy as np

STEPS = 12  # of each start before they are compared
FINALISTS = 3  # starts that are followed to their end
ROWS = 10_000  # on which starts are compared; the long runs see all


def promising(
    values: np.ndarray, k: int, seed: int, weights: np.ndarray | None, starts: int
) -> list[np.ndarray]:
    """Return the centres (k x features) of the most promising starts, the best first.

    values: rows x features, in an order of content, with their mean at 0; weights: one a row, how
    often it counts, None for once each; starts: how many are drawn. Of many rows every n-th one is
    looked at.
    """
    rows = np.linspace(0, len(values) - 1, min(ROWS, len(values))).astype(np.int64)
    sample = np.ascontiguousarray(values[rows], dtype=np.float32)
    counts = np.ones(len(rows)) if weights is None else np.asarray(weights, dtype=float)[rows]
    centres = drawn(sample, k, np.random.default_rng(seed), counts, starts)
    counts = counts.astype(np.float32)
    inertia = np.zeros(starts)
    for _ in range(STEPS):
        centres, inertia = step(sample, centres, counts)
    order = np.argsort(inertia, kind="stable")[:FINALISTS]
    return [centres[number].astype(np.float64) for number in order]


def drawn(
    sample: np.ndarray, k: int, draw: np.random.Generator, counts: np.ndarray, starts: int
) -> np.ndarray:
    """Return starts x k x features: centres drawn by greedy k-means++, for all starts at once.

    Of a few candidates for each next centre, drawn by how far and how often a row lies from those
    there are, the one that leaves the least inertia is taken. sample: single precision.
    """
    candidates = 2 + int(np.log(k))
    number = np.arange(starts)
    squares = np.einsum("ij,ij->i", sample, sample)
    weights = counts.astype(np.float32)
    chosen = np.searchsorted(np.cumsum(counts), draw.random(starts) * counts.sum())
    centres = np.empty((starts, k, sample.shape[1]), dtype=np.float32)
    centres[:, 0] = sample[np.minimum(chosen, len(sample) - 1)]
    nearest = distances(sample, squares, centres[:, 0])
    for place in range(1, k):
        reach = np.cumsum(nearest * weights, axis=1, dtype=np.float64)
        points = draw.random((starts, candidates)) * reach[:, -1:]
        found = np.array([np.searchsorted(*pair) for pair in zip(reach, points, strict=True)])
        tried = sample[np.minimum(found, len(sample) - 1)]
        closer = distances(sample, squares, tried.reshape(-1, sample.shape[1]))
        closer = closer.reshape(starts, candidates, -1)
        np.minimum(closer, nearest[:, None, :], out=closer)
        best = (closer @ weights).argmin(axis=1)
        centres[:, place] = tried[number, best]
        nearest = closer[number, best]
    return centres


def distances(sample: np.ndarray, squares: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return points x rows: squared distances; squares: those of the rows from 0."""
    found = points @ sample.T
    found *= -2
    found += squares
    found += np.einsum("ij,ij->i", points, points)[:, None]
    return np.maximum(found, 0, out=found)


def step(
    sample: np.ndarray, centres: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Move the centres of all starts once; return them and the inertia before they moved.

    centres: starts x k x features. A row between two centres counts for both, which only matters
    to where a start is by now. A centre that nobody is nearest to stays where it is.
    """
    starts, k, features = centres.shape
    nearness = centres.reshape(-1, features) @ sample.T
    nearness -= 0.5 * np.einsum("ijk,ijk->ij", centres, centres).reshape(-1, 1)
    nearness = nearness.reshape(starts, k, -1)
    most = nearness.max(axis=1)
    belongs = (nearness == most[:, None, :]) * counts
    sizes = belongs.sum(axis=2, dtype=np.float64)
    sums = (belongs.reshape(starts * k, -1) @ sample).reshape(centres.shape)
    moved = np.where(
        sizes[:, :, None] > 0, sums / np.maximum(sizes, 1e-9)[:, :, None], centres
    ).astype(np.float32)
    spread = float(counts @ np.einsum("ij,ij->i", sample, sample))
    return moved, spread - 2 * (most @ counts).astype(np.float64)
