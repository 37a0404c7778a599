"""Names of segments, and what becomes of segments and their ids when a model is fitted anew."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import segment_lineage
import segment_names
from segment_lineage import Descent

PLAYBOOK = pd.DataFrame(
    {
        "archetype": ["easterners", "northerners", "silent"],
        "expected_east": [1.4, -0.7, np.nan],
        "expected_north": [-0.7, 1.4, np.nan],
    }
)
FEATURES = ["east", "north"]


def counts(*rows: tuple[int, ...]) -> np.ndarray:
    """Return customers by previous segment (rows) and new segment (columns)."""
    return np.array(rows)


def test_archetypes_are_matched_one_to_one() -> None:
    """Each centroid gets the archetype nearest to it, each archetype at most one centroid."""
    centroids = np.array([[-0.7, 1.4], [1.4, -0.7], [1.3, -0.6]])
    for playbook in (PLAYBOOK, PLAYBOOK[::-1]):
        names = segment_names.match_archetypes(centroids, FEATURES, playbook)
        assert names == ["northerners", "easterners", None]


def test_far_centroids_match_nothing() -> None:
    """A centroid further than 1.6 deviations from every archetype is not forced into one."""
    centroids = np.array([[9.0, 9.0]])
    assert segment_names.match_archetypes(centroids, FEATURES, PLAYBOOK) == [None]


def test_an_archetype_without_expectations_matches_nothing() -> None:
    """An archetype that says nothing about the kept features is no match for anything."""
    centroids = np.array([[1.4, -0.7], [-0.7, 1.4], [1.0, 1.0]])
    names = segment_names.match_archetypes(centroids, FEATURES, PLAYBOOK)
    assert names == ["easterners", "northerners", None]


def test_a_group_close_to_the_average_gets_no_archetype() -> None:
    """A centroid that is as near to the average customer as to an archetype is not named by it."""
    near, toward = np.array([[0.2, 0.1]]), np.array([[0.9, -0.4]])
    assert segment_names.match_archetypes(near, FEATURES, PLAYBOOK) == [None]
    assert segment_names.match_archetypes(toward, FEATURES, PLAYBOOK) == ["easterners"]
    assert segment_names.describe_centroid(near[0], FEATURES) == "average customers"


def test_segments_without_archetype_are_described_and_unique() -> None:
    """They are named by the two features that set them apart most, and numbered if alike."""
    name = segment_names.describe_centroid(np.array([0.1, -2.0, 1.0]), ["east", "far_north", "up"])
    assert name == "low far north, high up"
    centroids = np.array([[9.0, 9.0], [9.5, 9.1], [1.4, -0.7]])
    assert segment_names.name_segments(centroids, FEATURES, PLAYBOOK, {}) == [
        (None, "high east, high north"),
        (None, "high east, high north (2)"),
        ("easterners", "easterners"),
    ]


def test_a_segment_that_lives_on_keeps_its_name_and_nobody_else_gets_it() -> None:
    """An inherited archetype is taken, even where a new segment is nearer to it."""
    centroids = np.array([[1.4, -0.7], [0.9, 0.4]])
    assert segment_names.name_segments(centroids, FEATURES, PLAYBOOK, {}) == [
        ("easterners", "easterners"),
        (None, "high east, high north"),
    ]
    inherited = {1: ("easterners", "easterners")}
    assert segment_names.name_segments(centroids, FEATURES, PLAYBOOK, inherited) == [
        (None, "high east, low north"),
        ("easterners", "easterners"),
    ]


def test_overlaps_count_customers() -> None:
    """Each customer counts once, at the pair of segments that it was and is in."""
    previous, labels = np.array([0, 0, 1, 2, 2]), np.array([1, 1, 0, 0, 1])
    expected = counts((0, 2), (1, 0), (1, 1))
    assert (segment_lineage.overlaps(previous, labels, (3, 2)) == expected).all()


@pytest.mark.parametrize(
    ("table", "ids", "relations"),
    [
        # The same segments in another order.
        (counts((0, 90), (80, 0)), [12, 11], [(0, 1, "kept", 1.0), (1, 0, "kept", 1.0)]),
        # Customers at the border moved, no more.
        (counts((90, 10), (5, 95)), [11, 12], [(0, 0, "kept", 90 / 95), (1, 1, "kept", 95 / 105)]),
        # One segment became two; the larger half is still mostly the old one.
        (
            counts((60, 40, 0), (0, 0, 100)),
            [11, 13, 12],
            [(0, 0, "split", 1.0), (1, 0, "split", 1.0), (2, 1, "kept", 1.0)],
        ),
        # Two became one, which the larger lends its id.
        (
            counts((50, 0), (51, 0), (0, 100)),
            [12, 13],
            [(0, 0, "merged", 50 / 101), (0, 1, "merged", 51 / 101), (1, 2, "kept", 1.0)],
        ),
        # A segment scattered over the others, and one from everywhere.
        (
            counts((100, 0, 20), (0, 100, 20), (5, 5, 15)),
            [11, 12, 14],
            [
                (0, 0, "kept", 100 / 105),
                (1, 1, "kept", 100 / 105),
                (2, None, "new", None),
                (None, 2, "ended", None),
            ],
        ),
    ],
)
def test_what_became_of_segments(table: np.ndarray, ids: list[int], relations: list) -> None:
    """Ids survive where half of all customers of either are in both; the relation says the rest."""
    previous_ids = [11, 12, 13][: len(table)]
    heirs = {
        segment: previous_ids[parent]
        for segment, parent in segment_lineage.inherited(table).items()
    }
    found = segment_lineage.with_new_ids(heirs, table.shape[1], max(previous_ids))
    assert [found[segment] for segment in range(table.shape[1])] == ids
    assert segment_lineage.descents(table) == [Descent(*relation) for relation in relations]


def test_an_id_never_means_two_things() -> None:
    """A new segment gets the next id after the greatest that any version had."""
    assert segment_lineage.with_new_ids({0: 7}, 3, 9) == {0: 7, 1: 10, 2: 11}
