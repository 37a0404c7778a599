"""The gate before the choice of k and the choice itself, on data whose truth is known."""

from __future__ import annotations

import itertools
import math
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import adjusted_rand_score, silhouette_samples, silhouette_score

import segment_choice
import segment_gate
import segmentation
from segment_choice import choose, explained_share, usefulness
from segment_gate import GateLimits, Measured, measure, verdicts

ROOT = Path(__file__).parents[2]
LIMITS = GateLimits(gap_references=2, gap_rows=200)  # what the gate does not judge is kept cheap
QUICK = replace(LIMITS, bootstraps=6, splits=2, seeds=3, min_customers=20)


def ordered(values: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Standardise and sort rows; return them with an order for samples."""
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    values = values[np.lexsort(values.T[::-1])]
    return values, np.random.default_rng(seed).permutation(len(values))


def around(places: np.ndarray, per_place: int, spread: float, seed: int = 0) -> np.ndarray:
    """Return rows spread normally around places, place after place."""
    draw = np.random.default_rng(seed)
    return np.repeat(places, per_place, axis=0) + draw.normal(
        0, spread, (len(places) * per_place, places.shape[1])
    )


def measure_all(
    values: np.ndarray, k_values: range = range(2, 9), limits: GateLimits = LIMITS
) -> list[Measured]:
    """Measure every k on rows in any order."""
    rows, order = ordered(values)
    return [measure(rows, order, k, limits) for k in k_values]


def eligible(measured: list[Measured], limits: GateLimits = LIMITS) -> list[int]:
    """Return the k that pass the gate, where the rows are all customers."""
    return [one.k for one in measured if segment_gate.is_eligible(one, limits, one.row_count)]


def made(k: int, **changes: object) -> Measured:
    """Return measures of a k that passes the gate, but for the changes."""
    passing = Measured(
        k=k,
        row_count=1_000,
        centroids=np.zeros((k, 1)),
        bootstrap_agreement=0.9,
        cluster_jaccard=0.9,
        prediction_strength=0.9,
        smallest_row_count=200,
        seed_agreement=1.0,
        inertia=1.0,
        silhouette=0.3,
        silhouette_error=0.01,
        calinski_harabasz=1.0,
        davies_bouldin=1.0,
        gap=1.0,
        gap_error=0.1,
    )
    return replace(passing, **changes)


def test_types_far_apart_are_found_and_chosen() -> None:
    """Five types: k = 5 passes the gate, explains the most, and labels agree with the truth."""
    truth = np.repeat(np.arange(5), 240)
    places = np.random.default_rng(11).normal(0, 2.0, (5, 6))
    values = around(places, 240, 0.7)
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    margin = np.array([0.0, 4.0, 9.0, 1.0, 16.0])[truth]
    margin = margin + np.random.default_rng(3).normal(0, 3.0, len(truth))
    measured = measure_all(values)
    labels = {one.k: segmentation.assign(values, one.centroids) for one in measured}
    useful = {k: usefulness(labels[k], margin, 1) for k in labels}
    chosen = choose(measured, useful, None, LIMITS, len(values))
    assert (chosen.status, chosen.k) == ("segmented", 5)
    assert 6 not in chosen.eligible
    assert adjusted_rand_score(truth, labels[5]) >= 0.99
    assert segment_choice.find_knee(measured) == 5
    # The rule of the gap's authors: the smallest k that the next does not beat by its error.
    pairs = itertools.pairwise(measured)
    by_gap = next(one.k for one, after in pairs if one.gap >= after.gap - after.gap_error)
    assert by_gap == 5
    assert max(measured, key=lambda one: one.silhouette).k == 5


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_one_blob_has_no_eligible_k(kind: str, seed: int) -> None:
    """A single round cloud or box of customers can be cut anywhere, and the gate refuses each k."""
    values = getattr(np.random.default_rng(seed), kind)(size=(400, 6))
    limits = replace(LIMITS, bootstraps=10, splits=2, min_customers=1)
    measured = measure_all(values, limits=limits)
    assert eligible(measured) == []
    chosen = choose(measured, {}, None, LIMITS, len(values))
    assert (chosen.status, chosen.k) == ("no_eligible_k", None)
    assert max(one.bootstrap_agreement for one in measured) < 0.5


def test_a_stretched_blob_repeats_and_is_left_to_usefulness() -> None:
    """What the gate cannot see: one cloud along one direction is cut in the same place each time.

    Stability is no proof of groups; it takes the rules beside it to tell.
    """
    draw = np.random.default_rng(4)
    common = draw.normal(size=(1_500, 1))
    measured = measure_all(common + draw.normal(0, 0.4, (1_500, 6)), range(2, 3))
    assert eligible(measured) == [2]
    assert choose(measured, {2: (0.10, 0.01)}, (0.12, 0.01), LIMITS, 1_500).status == "rules_better"


def test_two_near_equal_optima_are_refused() -> None:
    """Two pairs and a single: k = 3 and 5 stand, k = 4 splits one pair or the other by chance."""
    places = np.array([[0.0, 0, 0], [0, 3, 0], [12, 0, 0], [12, 3, 0], [6, 0, 14]])
    measured = measure_all(around(places, 200, 0.5), range(3, 6))
    assert eligible(measured) == [3, 5]
    four = measured[1]
    failed = [name for name, met in verdicts(four, LIMITS, 1_000).items() if not met]
    assert "bootstrap_agreement" in failed
    assert "prediction_strength" in failed
    # Each optimum alone would look fine: k = 4 has the smaller inertia, and groups of good size.
    assert four.inertia < measured[0].inertia
    assert four.smallest_row_count == 200


def bits(measured: Measured) -> list[str]:
    """Return every measure and coordinate exactly."""
    found = asdict(measured)
    return [*(float(x).hex() for x in found.pop("centroids").ravel()), *map(repr, found.values())]


def test_order_of_rows_changes_nothing() -> None:
    """The same customers in another order have the same measures, bit for bit, samples included."""
    places = np.random.default_rng(5).normal(0, 2, (3, 4))
    features = ["a", "b", "c", "d"]
    frame = pd.DataFrame(around(places, 100, 1.0).round(2), columns=features)
    frame["sample_key"] = np.random.default_rng(1).permutation(len(frame))
    limits = replace(QUICK, bootstrap_rows=150, evaluation_rows=120, gap_rows=100)
    found = []
    for seed in (None, 1, 2):
        mixed = frame if seed is None else frame.sample(frac=1, random_state=seed)
        mixed = segmentation.sort_by_content(mixed, features)
        order = np.argsort(mixed["sample_key"].to_numpy(), kind="stable")
        found.append(bits(measure(mixed[features].to_numpy(), order, 3, limits)))
    assert found[0] == found[1] == found[2]


def test_a_sample_is_the_first_rows_of_the_given_order() -> None:
    """A sample is not the head of the sorted rows, and keeps their order."""
    values = np.array([[10.0], [20.0], [30.0], [40.0]])
    sample = segment_gate.content_sample(values, np.array([2, 0, 3, 1]), 2)
    assert sample.ravel().tolist() == [10.0, 30.0]
    assert_array_equal(segment_gate.content_sample(values, np.array([2, 0, 3, 1]), 9), values)


def test_threads_change_nothing() -> None:
    """With one thread and with two the measures are the same, bit for bit."""
    script = (
        "import numpy as np, test_segment_gate as t\n"
        "values, order = t.ordered(np.random.default_rng(2).normal(size=(600, 6)))\n"
        "print(t.bits(t.measure(values, order, 4, t.QUICK)))\n"
    )
    places = [ROOT / "python_models/lib", ROOT / "python_models", ROOT / "tests/python", ROOT]
    found = []
    for threads in ("1", "2"):
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(map(str, places)),
            "OMP_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
        }
        command = [sys.executable, "-c", script]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        found.append(done.stdout)
    assert found[0]
    assert found[0] == found[1]


def test_one_absurd_outlier_changes_hardly_a_label() -> None:
    """A customer of 1,000 times the mean in everything leaves 99 % of the labels as they are."""
    draw = np.random.default_rng(8)
    rates = np.array([[2.0, 30.0, 1.0], [12.0, 20.0, 5.0], [5.0, 90.0, 9.0]])
    values = np.exp(draw.normal(0, 0.3, (900, 3))) * np.repeat(rates, 300, axis=0)
    absurd = np.vstack([values, 1_000 * values.mean(axis=0)])
    found = []
    for rows in (values, absurd):
        scaling = segmentation.fit_scaling(rows)
        standardised, order = scaling.apply(rows), np.arange(len(rows))
        measured = measure(standardised, order, 3, QUICK)
        assert segment_gate.is_eligible(measured, QUICK, len(rows))
        found.append(segmentation.assign(scaling.apply(values), measured.centroids))
    assert (found[0] == found[1]).mean() >= 0.99
    assert adjusted_rand_score(found[0], np.repeat(np.arange(3), 300)) > 0.9


def test_agreement_of_two_labellings_by_hand() -> None:
    """Six rows as 3 + 3 against 2 + 4: of 15 pairs, 4 together in both, 6 and 7 in each."""
    first, second = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 1, 1, 1])
    table = segment_gate.contingency(first, second, 2)
    assert table.tolist() == [[2, 1], [0, 3]]
    expected = (4 - 6 * 7 / 15) / ((6 + 7) / 2 - 6 * 7 / 15)
    assert segment_gate.adjusted_rand(table) == pytest.approx(expected)
    assert segment_gate.best_jaccard(table).tolist() == [2 / 3, 3 / 4]
    # Of the first group's three pairs one stays together, of the second's all.
    assert segment_gate.kept_together(table) == pytest.approx(1 / 3)
    assert segment_gate.kept_together(np.array([[1, 0], [0, 5]])) == 0.0


def test_agreement_is_that_of_scikit_learn() -> None:
    """On random labels the index is scikit-learn's; one group against one is full agreement."""
    draw = np.random.default_rng(0)
    for groups in (1, 2, 5):
        first, second = draw.integers(groups, size=(2, 300))
        table = segment_gate.contingency(first, second, groups)
        expected = adjusted_rand_score(first, second)
        assert segment_gate.adjusted_rand(table) == pytest.approx(expected, abs=1e-12)


class Recorder:
    """Stands in for the fit and keeps what it was given and what it found."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fits: list[tuple[np.ndarray, np.ndarray | None, np.ndarray]] = []
        self.fit = segmentation.fit_kmeans
        monkeypatch.setattr(segmentation, "fit_kmeans", self)

    def __call__(
        self, values: np.ndarray, k: int, seed: int, weights: np.ndarray | None = None
    ) -> object:
        model = self.fit(values, k, seed, weights)
        self.fits.append((values, weights, model.cluster_centers_))
        return model


def nearest(rows: np.ndarray, centroids: np.ndarray) -> list[int]:
    """Return the number of the nearest centroid of each row, the plain way."""
    return [int(np.argmin([((row - c) ** 2).sum() for c in centroids])) for row in rows]


def test_bootstrap_measures_are_what_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Percentile and Jaccard computed anew from the refits, with sets and scikit-learn's index."""
    sample, _ = ordered(np.random.default_rng(1).normal(size=(60, 2)))
    centroids = segmentation.fit_kmeans(sample, 3, 7).cluster_centers_
    recorder = Recorder(monkeypatch)
    limits = replace(QUICK, bootstraps=8)
    agreement, jaccard = segment_gate.bootstrap_stability(sample, centroids, limits)
    assert len(recorder.fits) == 8
    frozen = nearest(sample, centroids)
    groups = [{i for i, label in enumerate(frozen) if label == c} for c in range(3)]
    agreements, similarities = [], []
    for rows, weights, found in recorder.fits:
        assert weights.sum() == 60
        assert 25 < len(rows) < 50  # about 63 % of the rows are drawn at all
        labels = nearest(sample, found)
        agreements.append(adjusted_rand_score(frozen, labels))
        others = [{i for i, label in enumerate(labels) if label == c} for c in range(3)]
        similarities.append([max(len(g & o) / len(g | o) for o in others) for g in groups])
    agreements.sort()
    # The 5th percentile of eight values lies 0.35 of the way from the first to the second.
    assert agreement == pytest.approx(0.65 * agreements[0] + 0.35 * agreements[1])
    assert jaccard == pytest.approx(min(np.mean(similarities, axis=0)))
    assert agreements[0] < agreements[-1]


def test_prediction_strength_is_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least cluster's share of pairs kept together, counted pair by pair, both directions."""
    sample, _ = ordered(np.random.default_rng(3).normal(size=(51, 2)))
    recorder = Recorder(monkeypatch)
    found = segment_gate.prediction_strength(sample, 3, replace(QUICK, splits=2))
    assert [len(rows) for rows, _, _ in recorder.fits] == [25, 26, 25, 26]
    strengths = []
    for first, second in (recorder.fits[:2], recorder.fits[2:]):
        assert_array_equal(np.sort(np.vstack([first[0], second[0]]), axis=0), np.sort(sample, 0))
        for (rows, _, own), (_, _, other) in ((first, second), (second, first)):
            clusters, foretold = nearest(rows, own), nearest(rows, other)
            shares = []
            for cluster in range(3):
                members = [i for i in range(len(rows)) if clusters[i] == cluster]
                pairs = list(itertools.combinations(members, 2))
                shares.append(np.mean([foretold[i] == foretold[j] for i, j in pairs]))
            strengths.append(min(shares))
    assert found == pytest.approx(np.mean(strengths))
    assert 0 < found < 1


def seeds_in(places: str, between: float) -> np.ndarray:
    """Return agreements of seeds: 1 within a place (a letter), `between` across places."""
    return np.array([[1.0 if one == other else between for other in places] for one in places])


def test_seeds_in_two_optima_are_refused() -> None:
    """3 : 2 and 4 : 1 splits fail, though in the first the pairs' minimum is also their median."""
    split = seeds_in("aabab", 0.6)
    pairs = split[np.triu_indices(5, 1)]
    assert pairs.min() == np.median(pairs)
    assert segment_gate.least_to_median(split, 0.8) == pytest.approx(0.6 / 0.8)
    assert segment_gate.least_to_median(seeds_in("aaaab", 0.9), 0.8) == pytest.approx(0.9)
    assert segment_gate.least_to_median(seeds_in("aabbc", 0.5), 0.8) == pytest.approx(0.625)
    assert segment_gate.least_to_median(seeds_in("abcde", 0.6), 0.8) == pytest.approx(0.75)
    assert segment_gate.least_to_median(seeds_in("aaaaa", 0.0), 0.8) == 1.0
    # Edges that differ a little in each seed are no second optimum.
    assert segment_gate.least_to_median(seeds_in("abcde", 0.97), 0.8) == 1.0


def test_gap_of_an_even_spread_is_nothing() -> None:
    """Rows spread evenly over a box, however it is turned, have no gap; groups have one."""
    limits = GateLimits(gap_rows=800)
    box = np.random.default_rng(6).uniform(size=(800, 2)) * [6.0, 1.0]
    angle = math.radians(30)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    for rows in (box, box @ turn):
        for k in (2, 4):
            gap, error = segment_gate.gap_statistic(rows, k, limits)
            assert abs(gap) < 4 * error
            assert 0 < error < 0.05
    groups = around(np.array([[0.0, 0], [8, 0], [0, 8]]), 100, 0.5)
    gaps = [segment_gate.gap_statistic(groups, k, limits)[0] for k in (2, 3, 4)]
    assert gaps[1] == max(gaps)
    assert gaps[1] > 1


def test_separation_is_taken_on_the_frozen_labels() -> None:
    """Silhouette is scikit-learn's, with its standard error; one group has none."""
    rows, order = ordered(around(np.array([[0.0, 0], [4, 0]]), 60, 1.0))
    measured = measure(rows, order, 2, QUICK)
    labels = segmentation.assign(rows, measured.centroids)
    assert measured.silhouette == pytest.approx(silhouette_score(rows, labels))
    own = ((rows - measured.centroids[labels]) ** 2).sum()
    assert measured.inertia == pytest.approx(own)
    assert_array_equal(measured.centroids, measured.centroids[[0, 1]])
    assert measured.centroids[0, 0] > measured.centroids[1, 0]
    # Resampled rows of one labelling: their means spread by about the stated error.
    evaluation = np.random.default_rng(0)
    every = silhouette_samples(rows, labels)
    means = [every[evaluation.integers(120, size=120)].mean() for _ in range(500)]
    assert measured.silhouette_error == pytest.approx(np.std(means), rel=0.1)
    one, two = segment_gate.separations(rows, [np.zeros(120, dtype=int), labels])
    assert all(map(math.isnan, one))
    assert two[0] == measured.silhouette


def test_silhouettes_of_several_labellings_are_those_of_scikit_learn() -> None:
    """Also of rows that are alike, of a group of one and of rows that come in several blocks."""
    draw = np.random.default_rng(5)
    rows = np.vstack([draw.normal(size=(400, 3)), np.zeros((5, 3))])
    labellings = [draw.integers(k, size=405) for k in (2, 3, 5)]
    labellings.append(np.where(np.arange(405) == 7, 1, 0))
    found = segment_gate.silhouettes(rows, labellings)
    for labels, values in zip(labellings, found, strict=True):
        np.testing.assert_allclose(values, silhouette_samples(rows, labels), rtol=0, atol=1e-9)
        assert (values == segment_gate.silhouettes(rows, [labels])[0]).all()


def test_each_measure_of_the_gate_decides() -> None:
    """Every threshold is reached at its value and missed just below; what is unknown fails."""
    least = {
        "bootstrap_agreement": 0.80,
        "cluster_jaccard": 0.75,
        "prediction_strength": 0.80,
        "seed_agreement": 0.95,
    }
    for name, value in least.items():
        for found, expected in ((value, True), (value - 1e-9, False), (math.nan, False)):
            one = made(3, **{name: found})
            assert verdicts(one, LIMITS, 1_000)[name] is expected
            assert segment_gate.is_eligible(one, LIMITS, 1_000) is expected


@pytest.mark.parametrize(
    ("smallest", "rows", "customers", "failed"),
    [
        (100, 1_000, 1_000, []),
        (99, 1_000, 1_000, ["smallest_customer_count"]),
        (100, 10_000, 10_000, []),
        (100, 10_001, 10_001, ["smallest_share"]),
        (99, 1_000, 1_011, []),  # the rows are a sample: 99 of them stand for 100 customers
        (99, 1_000, 1_010, ["smallest_customer_count"]),
    ],
)
def test_the_smallest_group_is_one_percent_and_a_hundred_customers(
    smallest: int, rows: int, customers: int, failed: list[str]
) -> None:
    """Both must hold, and rows of a sample stand for the customers of the shop."""
    one = made(3, smallest_row_count=smallest, row_count=rows)
    met = verdicts(one, LIMITS, customers)
    assert [name for name, is_met in met.items() if not is_met] == failed


def test_what_cannot_be_clustered_is_not_measured() -> None:
    """k is at most the number of distinct rows; more is an error in words."""
    values = np.repeat([[0.0], [1.0], [2.0]], 40, axis=0)
    order = np.arange(120)
    assert segment_gate.measurable(values, range(2, 9)) == [2, 3]
    with pytest.raises(ValueError, match="fewer than 4 distinct rows"):
        measure(values, order, 4, QUICK)
    three = measure(values, order, 3, QUICK)
    assert (three.bootstrap_agreement, three.prediction_strength) == (1.0, 1.0)
    assert math.isnan(three.gap)  # nothing is left within the clusters


@pytest.mark.parametrize("rows", [2, 3, 4, 7])
def test_a_handful_of_customers_is_no_error(rows: int) -> None:
    """A shop of a few customers is measured as far as it goes, and passes nothing."""
    values = np.random.default_rng(rows).normal(size=(rows, 3))
    measured = measure_all(values, range(2, rows + 1))
    assert eligible(measured) == []
    chosen = choose(measured, {}, None, LIMITS, rows)
    assert chosen.status == "no_eligible_k"


def test_a_sample_with_fewer_distinct_rows_than_clusters_fails_the_gate() -> None:
    """Where nearly all customers are alike the sample may not know the others: no k passes."""
    values = np.vstack([np.zeros((950, 2)), np.random.default_rng(1).normal(size=(50, 2))])
    limits = replace(QUICK, bootstrap_rows=100, evaluation_rows=100, gap_rows=100)
    measured = measure(values, np.arange(1_000), 5, limits)
    assert not segment_gate.is_eligible(measured, limits, 1_000)


def outcome_of(seed: int = 0, rows: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Return labels 0 to 2 and an outcome that they explain in part."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(3, size=rows)
    return labels, labels * 2.0 + draw.normal(0, 3.0, rows)


def test_usefulness_by_hand() -> None:
    """Halves of 1 and 3, and of 5 and 7: variance 5, of which 1 lies within the two halves.

    Unbiased, that is 1 * 400 / 398 of 5 * 400 / 399.
    """
    outcome = np.tile([1.0, 3.0, 5.0, 7.0], 100)
    labels = np.tile(["low", "low", "high", "high"], 100)
    value, error = usefulness(labels, outcome, 1)
    assert value == pytest.approx(1 - (1 / 398) / (5 / 399))
    assert 0 < error < 0.02
    assert usefulness(np.zeros(400), outcome, 1)[0] == pytest.approx(0)
    assert usefulness(outcome, outcome, 1)[0] == pytest.approx(1)


def test_groups_by_chance_explain_nothing_however_many() -> None:
    """Twelve random groups explain 0 in the mean of 200 shops, where eta squared has 0.037."""
    draw = np.random.default_rng(4)
    found = [
        explained_share(
            np.sort(draw.normal(size=300))[draw.permutation(300)],
            np.arange(0, 300, 25),
            np.ones(300, dtype=int),
        )
        for _ in range(200)
    ]
    assert abs(np.mean(found)) < 0.005


def test_usefulness_winsorises_and_leaves_out_the_unknown() -> None:
    """A single absurd value counts as the 99.5 % quantile; a row without outcome not at all."""
    labels, outcome = outcome_of(rows=1_001)
    absurd = outcome.copy()
    absurd[absurd.argmax()] = 1e12
    assert usefulness(labels, absurd, 1)[0] == pytest.approx(usefulness(labels, outcome, 1)[0])
    clipped = np.clip(outcome, *np.quantile(outcome, [0.005, 0.995]))
    means = pd.Series(clipped).groupby(labels).transform("mean")
    within = ((clipped - means) ** 2).sum() / (len(clipped) - len(set(labels)))
    assert usefulness(labels, outcome, 1)[0] == pytest.approx(1 - within / clipped.var(ddof=1))
    more = np.concatenate([outcome, np.full(300, np.nan)])
    assert usefulness(np.concatenate([labels, np.full(300, 9)]), more, 1) == usefulness(
        labels, outcome, 1
    )


def test_usefulness_does_not_depend_on_the_order_of_rows() -> None:
    """Shuffled rows give the same value and error, bit for bit."""
    labels, outcome = outcome_of()
    mixed = np.random.default_rng(9).permutation(len(labels))
    assert usefulness(labels, outcome, 1) == usefulness(labels[mixed], outcome[mixed], 1)


def test_error_of_usefulness_is_that_of_a_plain_bootstrap() -> None:
    """The standard error is near that of 1,000 bootstraps with pandas groups."""
    labels, outcome = outcome_of()
    _, error = usefulness(labels, outcome, 1)
    frame = pd.DataFrame({"label": labels, "outcome": outcome})
    bounds = frame["outcome"].quantile([0.005, 0.995])
    frame["outcome"] = frame["outcome"].clip(*bounds)
    draw = np.random.default_rng(7)
    shares = []
    for _ in range(1_000):
        again = frame.iloc[draw.integers(len(frame), size=len(frame))]
        between = again.groupby("label")["outcome"].transform("mean").var(ddof=0)
        shares.append(between / again["outcome"].var(ddof=0))
    # A standard deviation of 200 draws is known to about 5 %.
    assert error == pytest.approx(np.std(shares), rel=0.15)


def test_usefulness_that_cannot_be_known_is_nan() -> None:
    """199 known rows tell nothing; an outcome that all have alike leaves nothing to explain."""
    labels, outcome = outcome_of()
    few = np.where(np.arange(600) < 199, outcome, np.nan)
    one_more = np.where(np.arange(600) < 200, outcome, np.nan)
    assert all(map(math.isnan, usefulness(labels, few, 1)))
    assert usefulness(labels, one_more, 1)[0] > 0
    nearly_constant = np.where(np.arange(600) == 0, 5.0, 0.0)
    assert usefulness(labels, nearly_constant, 1) == (0.0, 0.0)
    assert all(map(math.isnan, usefulness(labels[:0], outcome[:0], 1)))


MEASURED = [made(2), made(3), made(4, prediction_strength=0.5), made(5)]
USEFUL = {2: (0.150, 0.01), 3: (0.213, 0.01), 4: (0.900, 0.01), 5: (0.220, 0.011)}


def test_the_smallest_k_within_one_error_of_the_best_is_chosen() -> None:
    """k = 4 would explain most but fails the gate; 5 is best and 3 within its error, 2 is not."""
    chosen = choose(MEASURED, USEFUL, (0.182, 0.02), LIMITS, 1_000)
    assert (chosen.status, chosen.k, chosen.eligible) == ("segmented", 3, (2, 3, 5))
    assert chosen.reason == (
        "k = 2, 3 and 5 pass the gate; k = 3 explains 21.3 % of the next quarter's margin "
        "(k = 5: 22.0 % +- 1.1); the rules explain 18.2 %"
    )
    # It is the best one's error that counts: 21.3 % is not within 0.6 of 22.0 %.
    exact = USEFUL | {3: (0.213, 0.5), 5: (0.220, 0.006)}
    assert choose(MEASURED, exact, None, LIMITS, 1_000).k == 5
    assert choose(MEASURED, USEFUL | {3: (0.209, 0.01)}, None, LIMITS, 1_000).k == 3
    assert choose(MEASURED, USEFUL | {3: (0.2089, 0.01)}, None, LIMITS, 1_000).k == 5


def test_rules_that_explain_as_much_are_better() -> None:
    """One error below the chosen k's value the rules serve; below it, or unknown, clusters do."""
    for rules, status in (
        ((0.203, 0.1), "rules_better"),
        ((0.2029, 0.1), "segmented"),
        ((math.nan, math.nan), "segmented"),
        (None, "segmented"),
    ):
        chosen = choose(MEASURED, USEFUL, rules, LIMITS, 1_000)
        assert (chosen.status, chosen.k) == (status, 3)
    served = choose(MEASURED, USEFUL, (0.25, 0.01), LIMITS, 1_000).reason
    assert served.endswith("the rules explain 25.0 %, so they serve as well and are kept")
    unknown = choose(MEASURED, USEFUL, None, LIMITS, 1_000).reason
    assert unknown.endswith("what the rules explain is not known")
    useless = dict.fromkeys(range(2, 6), (0.0, 0.0))
    for rules in ((0.0, 0.0), (-0.01, 0.01), None):
        chosen = choose(MEASURED, useless, rules, LIMITS, 1_000)
        assert (chosen.status, chosen.k) == ("rules_better", 2)


def test_without_known_outcomes_the_smallest_eligible_k_is_chosen() -> None:
    """Nothing is known yet of the quarter after: 2, and the reason says why."""
    unknown = dict.fromkeys(range(2, 6), (math.nan, math.nan))
    for useful in (unknown, {}):
        chosen = choose(MEASURED, useful, (0.5, 0.1), LIMITS, 1_000)
        assert (chosen.status, chosen.k) == ("segmented", 2)
        assert "cannot be checked" in chosen.reason
    # What is known of some counts.
    chosen = choose(MEASURED, unknown | {5: (0.1, 0.01)}, None, LIMITS, 1_000)
    assert chosen.k == 5


def test_without_an_eligible_k_the_reason_names_the_nearest_miss() -> None:
    """The nearest miss fails the fewest criteria; each other k is named with its worst one."""
    measured = [
        made(2, bootstrap_agreement=0.2, prediction_strength=0.5),
        made(3, prediction_strength=0.7999),
        made(4, smallest_row_count=9),
        made(5, seed_agreement=math.nan),
    ]
    chosen = choose(measured, USEFUL, (0.1, 0.1), LIMITS, 1_000)
    assert (chosen.status, chosen.k, chosen.eligible) == ("no_eligible_k", None, ())
    assert chosen.reason == (
        "no k passes the gate; k = 3 comes nearest, with prediction strength 0.79 of 0.80; "
        "the worst of the others: k = 2 agreement of refits 0.20 of 0.80, "
        "k = 4 customers in the smallest group 9 of 100, k = 5 agreement of seeds unknown of 0.95"
    )
    assert "too few customers differ" in choose([], {}, None, LIMITS, 0).reason


def test_knee_needs_three_points() -> None:
    """The knee is where inertia stops falling fast, and None with fewer than three values of k."""
    inertias = (1000, 400, 120, 110, 100, 92, 85)
    measured = [made(k, inertia=inertia) for k, inertia in zip(range(2, 9), inertias, strict=True)]
    assert segment_choice.find_knee(measured) == 4
    assert segment_choice.find_knee(measured[:2]) is None


def test_measures_are_named_as_their_thresholds() -> None:
    """Each threshold stands beside a measure of the same name, and has words of its own."""
    scores = made(3).scores(2_000)
    assert set(LIMITS.thresholds()) == set(segment_choice.CRITERIA) <= set(scores)
    assert scores["smallest_customer_count"] == 400
    assert_allclose(scores["smallest_share"], 0.2)
