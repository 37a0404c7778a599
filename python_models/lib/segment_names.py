"""Names of segments: archetypes of the playbook where one fits, else what sets them apart."""

from __future__ import annotations

import numpy as np
import pandas as pd

MAX_MATCH_DISTANCE = 1.6
MIN_NAMED_COORDINATE = 0.25
IMPOSSIBLE = 1e6


def match_archetypes(
    centroids: np.ndarray, kept: list[str], playbook: pd.DataFrame
) -> list[str | None]:
    """Give each centroid the archetype it resembles, one to one.

    centroids: segments x kept features, standardised. playbook: one row per archetype, with its
    name in `archetype` and the expected standardised value of each feature in `expected_<feature>`
    (null: the archetype says nothing about it). The pairs have the least sum of root mean square
    distances (Hungarian method). A centroid matches no archetype that is further away than 1.6
    standard deviations, or no nearer than the average customer is: such a name would say more
    than the data do.
    """
    playbook = playbook.sort_values("archetype", ignore_index=True)
    expected = playbook[[f"expected_{feature}" for feature in kept]].to_numpy(dtype=float)
    known = ~np.isnan(expected)
    counts = np.maximum(known.sum(axis=1), 1)
    gaps = (centroids[:, None, :] - expected[None, :, :]) ** 2
    cost = np.sqrt(np.nansum(gaps, axis=2) / counts)
    from_average = np.sqrt((centroids**2) @ known.T / counts)
    possible = (cost <= MAX_MATCH_DISTANCE) & (cost < from_average)
    cost = np.where(possible, cost, IMPOSSIBLE)
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(cost)
    names: list[str | None] = [None] * len(centroids)
    for row, column in zip(rows, columns, strict=True):
        if possible[row, column]:
            names[row] = str(playbook["archetype"][column])
    return names


def describe_centroid(centroid: np.ndarray, kept: list[str]) -> str:
    """Name a centroid by the two features that set it apart most, as 'high x, low y'.

    Features less than a quarter of a standard deviation from the mean set nothing apart; without
    any other the centroid is called 'average customers'.
    """
    order = np.argsort(-np.abs(np.round(centroid, 6)), kind="stable")[:2]
    words = [
        f"{'high' if centroid[index] > 0 else 'low'} {kept[index].replace('_', ' ')}"
        for index in order
        if abs(centroid[index]) >= MIN_NAMED_COORDINATE
    ]
    return ", ".join(words) or "average customers"


def name_segments(
    centroids: np.ndarray,
    kept: list[str],
    playbook: pd.DataFrame,
    inherited: dict[int, tuple[str | None, str]],
) -> list[tuple[str | None, str]]:
    """Return the archetype (or None) and the unique name of each segment, in their order.

    centroids, kept, playbook: as `match_archetypes`. inherited: archetype and name of segments that
    live on from an earlier model, by their place; they keep both, and nobody else gets them.
    """
    fresh = [number for number in range(len(centroids)) if number not in inherited]
    taken = {archetype for archetype, _ in inherited.values()}
    free = playbook[~playbook["archetype"].isin(taken)]
    matched = dict(zip(fresh, match_archetypes(centroids[fresh], kept, free), strict=True))
    names = {number: name for number, (_, name) in inherited.items()}
    used = set(names.values())
    for number in fresh:
        name = matched[number] or describe_centroid(centroids[number], kept)
        count, unique = 1, name
        while unique in used:
            count += 1
            unique = f"{name} ({count})"
        names[number] = unique
        used.add(unique)
    archetypes = {number: archetype for number, (archetype, _) in inherited.items()} | matched
    return [(archetypes[number], names[number]) for number in range(len(centroids))]
