"""What became of the segments of one model in the next: ids that survive a refit, and why.

Both models label the same customers, those of the refit. Segments are matched one to one by the
customers whom they share (Hungarian method), and a matched segment keeps its id and its name where
at least half of all the customers of either are in both. The rest get new ids: an id never means
two things.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MIN_JACCARD = 0.5  # customers in both of all in either, for an id to survive
MAIN_SHARE = 0.5  # a part that makes out most of a segment
PART_SHARE = 0.25  # a part that is worth naming


@dataclass(frozen=True)
class Descent:
    """Where a segment comes from.

    segment: number of the new segment, or None for one that ended; previous: number of the segment
    of the previous model, or None for a new one; relation: kept, split, merged, new or ended;
    overlap_share: share of the segment's customers (of an ended one: of the previous segment's)
    who were in the other, from 0 to 1, or None.
    """

    segment: int | None
    previous: int | None
    relation: str
    overlap_share: float | None


def overlaps(previous: np.ndarray, labels: np.ndarray, sizes: tuple[int, int]) -> np.ndarray:
    """Return the customers of each pair of segments, previous x new.

    previous, labels: one segment number from 0 per customer; sizes: how many segments there are.
    """
    counts = np.zeros(sizes, dtype=np.int64)
    np.add.at(counts, (previous, labels), 1)
    return counts


def inherited(counts: np.ndarray) -> dict[int, int]:
    """Return the previous segment whose id each new segment keeps; others are missing.

    counts: as `overlaps` returns them.
    """
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(-counts)
    either = counts.sum(axis=1)[:, None] + counts.sum(axis=0)[None, :] - counts
    return {
        int(column): int(row)
        for row, column in zip(rows, columns, strict=True)
        if counts[row, column] > 0 and counts[row, column] >= MIN_JACCARD * either[row, column]
    }


def descents(counts: np.ndarray) -> list[Descent]:
    """Return what became of every segment: each new one, and each previous one that ended.

    A new segment is merged where at least two previous ones gave it most of their customers and
    each makes out a quarter of it or more. It is split off where most of it comes from one segment
    that gave a quarter or more to another such segment too. It is kept where it inherits an id and
    is neither, and new otherwise.
    counts: as `overlaps` returns them.
    """
    of_previous = counts / np.maximum(counts.sum(axis=1), 1)[:, None]
    of_new = counts / np.maximum(counts.sum(axis=0), 1)[None, :]
    heirs = inherited(counts)
    gave_most = (of_previous >= MAIN_SHARE) & (of_new >= PART_SHARE)
    is_part = (of_new >= MAIN_SHARE) & (of_previous >= PART_SHARE)
    found = []
    explained = set(heirs.values())
    for segment in range(counts.shape[1]):
        parents = [int(row) for row in np.flatnonzero(gave_most[:, segment])]
        whole = [row for row in np.flatnonzero(is_part[:, segment]) if is_part[row].sum() > 1]
        if len(parents) > 1:
            relation = "merged"
        elif whole:
            parents, relation = [int(whole[0])], "split"
        elif segment in heirs:
            parents, relation = [heirs[segment]], "kept"
        else:
            found.append(Descent(segment, None, "new", None))
            continue
        explained.update(parents)
        found += [
            Descent(segment, parent, relation, float(of_new[parent, segment])) for parent in parents
        ]
    found += [
        Descent(None, previous, "ended", None)
        for previous in range(counts.shape[0])
        if previous not in explained
    ]
    return found


def with_new_ids(inherited_ids: dict[int, int], segment_count: int, used: int) -> dict[int, int]:
    """Return the id of each new segment: inherited, or the next that was never used.

    inherited_ids: id by the number of a new segment; used: the greatest id that any version had.
    """
    fresh = [number for number in range(segment_count) if number not in inherited_ids]
    return inherited_ids | {number: used + place for place, number in enumerate(fresh, start=1)}
