"""The pure functions of the segmentation, and the dbt model around them with a small fake dbt."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import segment_kmeans
import yaml
from numpy.testing import assert_allclose, assert_array_equal

import segmentation

ROOT = Path(__file__).parents[2]


def test_scaling_winsorises_and_standardises() -> None:
    """Values beyond the 0.5 and 99.5 % quantiles are pulled in; then mean 0 and spread 1."""
    values = np.arange(1_001, dtype=float)[:, None]
    values[-1] = 1e9
    scaling = segmentation.fit_scaling(values)
    assert (scaling.lower[0], scaling.upper[0]) == (5.0, 995.0)
    scaled = scaling.apply(values)
    assert scaled.max() == scaling.apply(np.array([[995.0]]))[0, 0]
    assert_allclose([scaled.mean(), scaled.std()], [0, 1], atol=1e-12)


def test_features_without_information_are_left_out_with_the_reason() -> None:
    """Absent, constant and twin features go, each with its reason; of twins the first stays."""
    draw = np.random.default_rng(2)
    first = draw.normal(size=500)
    frame = pd.DataFrame(
        {
            "first": first,
            "absent": np.where(np.arange(500) == 7, np.nan, draw.normal(size=500)),
            "constant": 3.0,
            "nearly_constant": np.where(np.arange(500) == 0, 9.0, 3.0),
            "twin": np.exp(first),
            "opposite": -first,
            "other": draw.normal(size=500),
        }
    )
    reasons = segmentation.select_features(frame, list(frame))
    assert reasons == {
        "first": "",
        "absent": "its source is absent",
        "constant": "it is alike for nearly all customers",
        "nearly_constant": "it is alike for nearly all customers",
        "twin": "it moves together with first",
        "opposite": "it moves together with first",
        "other": "",
    }
    assert segmentation.select_features(frame, ["twin", "first"])["first"] != ""


def test_centroids_have_a_canonical_order() -> None:
    """Whatever order centroids come in, they are numbered alike: greatest coordinates first."""
    centroids = np.array([[1.0, 2.0], [1.0, 3.0], [-1.0, 9.0], [1.0 + 1e-9, 1.0]])
    expected = [[1.0, 3.0], [1.0, 2.0], [1.0 + 1e-9, 1.0], [-1.0, 9.0]]
    for seed in range(5):
        mixed = np.random.default_rng(seed).permutation(centroids)
        assert_array_equal(mixed[segmentation.canonical_order(mixed)], expected)


PLAYBOOK = pd.DataFrame(
    {
        "archetype": ["easterners", "northerners", "silent"],
        "expected_east": [1.4, -0.7, np.nan],
        "expected_north": [-0.7, 1.4, np.nan],
    }
)


def test_archetypes_are_matched_one_to_one() -> None:
    """Each centroid gets the archetype nearest to it, each archetype at most one centroid."""
    centroids = np.array([[-0.7, 1.4], [1.4, -0.7], [1.3, -0.6]])
    for playbook in (PLAYBOOK, PLAYBOOK[::-1]):
        names = segmentation.match_archetypes(centroids, ["east", "north"], playbook)
        assert names == ["northerners", "easterners", None]


def test_far_centroids_match_nothing() -> None:
    """A centroid further than 1.6 deviations from every archetype is not forced into one."""
    centroids = np.array([[9.0, 9.0]])
    assert segmentation.match_archetypes(centroids, ["east", "north"], PLAYBOOK) == [None]


def test_an_archetype_without_expectations_matches_nothing() -> None:
    """An archetype that says nothing about the kept features is no match for anything."""
    centroids = np.array([[1.4, -0.7], [-0.7, 1.4], [1.0, 1.0]])
    names = segmentation.match_archetypes(centroids, ["east", "north"], PLAYBOOK)
    assert names == ["easterners", "northerners", None]


def test_a_group_close_to_the_average_gets_no_archetype() -> None:
    """A centroid that is as near to the average customer as to an archetype is not named by it."""
    near, toward = np.array([[0.2, 0.1]]), np.array([[0.9, -0.4]])
    assert segmentation.match_archetypes(near, ["east", "north"], PLAYBOOK) == [None]
    assert segmentation.match_archetypes(toward, ["east", "north"], PLAYBOOK) == ["easterners"]
    assert segmentation.describe_centroid(near[0], ["east", "north"]) == "average customers"


def test_unmatched_segments_are_described_and_unique() -> None:
    """A segment without archetype is named by the two features that set it apart most."""
    name = segmentation.describe_centroid(np.array([0.1, -2.0, 1.0]), ["east", "far_north", "up"])
    assert name == "low far north, high up"
    assert segmentation.unique_names(["a", "b", "a", "a"]) == ["a", "b", "a (2)", "a (3)"]


class FakeConfig:
    """The part of dbt's config that the model reads."""

    def __init__(self, parameters: dict) -> None:
        self.meta_get = parameters.__getitem__


class FakeDbt:
    """The part of dbt that the model reads: parameters, and tables as DuckDB relations."""

    def __init__(self, parameters: dict, tables: dict[str, pd.DataFrame]) -> None:
        self.config = FakeConfig(parameters)
        self._tables = tables
        self.connection = duckdb.connect()

    def ref(self, name: str) -> duckdb.DuckDBPyRelation:
        return self.connection.from_df(self._tables[name])


def parameters() -> dict:
    """The parameters of the model's YAML, with a smaller least number of customers."""
    text = (ROOT / "python_models" / "segment_kmeans.yml").read_text()
    return yaml.safe_load(text)["models"][0]["config"]["meta"] | {"min_customers": 50}


def shop(source: str, customers: int, seed: int = 0) -> pd.DataFrame:
    """Return the features of a shop with two kinds of customers."""
    draw = np.random.default_rng(seed)
    kind = np.arange(customers) % 2
    frame = pd.DataFrame(
        {name: draw.normal(3.0 * kind, 1.0) for name in parameters()["features"]}
    ).round(6)
    return frame.assign(source=source, sample_key=draw.permutation(customers))


def run_model(features: pd.DataFrame, sources: list[str]) -> pd.DataFrame:
    """Run the dbt model on features of some sources."""
    tables = {
        "customer_features": features,
        "segment_playbook": pd.read_csv(ROOT / "seeds" / "segment_playbook.csv"),
        "int_as_of": pd.DataFrame({"source": pd.Series(sources, dtype="string")}),
    }
    fake = FakeDbt(parameters(), tables)
    return segment_kmeans.model(fake, fake.connection)


def test_the_model_writes_itself_as_one_table() -> None:
    """Status, scaling of each kept feature, scores, a name and centroid per segment are rows."""
    rows = run_model(shop("a", 300), ["a"])
    assert list(rows.columns) == segment_kmeans.COLUMNS
    assert set(rows["source"]) == {"a"}
    by_artifact = rows.groupby("artifact").size()
    status = rows[rows["artifact"] == "status"]
    assert list(status["item"]) == ["segmented"]
    assert list(status["value"]) == [300.0]
    kept = by_artifact["scaling_mean"]
    assert kept + by_artifact.get("dropped", 0) == len(parameters()["features"])
    assert by_artifact["k_score"] == 7 * 5
    assert by_artifact["centroid"] == by_artifact["name"] * kept
    assert rows.loc[rows["artifact"] == "name", "note"].is_unique


def test_sources_are_fitted_each_on_its_own() -> None:
    """A source's model is the same whether it is fitted alone or beside others."""
    first, second = shop("a", 300), shop("b", 200, seed=9)
    both = run_model(pd.concat([first, second]), ["b", "a"])
    for source, features in (("a", first), ("b", second)):
        alone = run_model(features, [source])
        together = both[both["source"] == source].reset_index(drop=True)
        pd.testing.assert_frame_equal(together, alone, check_exact=True)


def test_order_of_rows_does_not_change_the_model() -> None:
    """The model's table is the same, bit for bit, when customers come in another order."""
    features = shop("a", 300)
    mixed = features.sample(frac=1, random_state=4)
    pd.testing.assert_frame_equal(
        run_model(features, ["a"]), run_model(mixed, ["a"]), check_exact=True
    )


def test_a_shop_too_small_has_a_status_and_no_segments() -> None:
    """Below the least number of customers there is one row: unsegmented, and why."""
    rows = run_model(shop("a", 49), ["a"])
    assert list(rows["artifact"]) == ["status"]
    assert list(rows["item"]) == ["unsegmented"]
    assert "fewer than the 50" in rows["note"][0]


def test_types_do_not_depend_on_what_there_is() -> None:
    """The table has the same column types with a model, without one, and without any source."""
    features = shop("a", 300)
    full = run_model(features, ["a"]).dtypes
    assert list(run_model(features.head(3), ["a"]).dtypes) == list(full)
    assert list(run_model(features.head(0), []).dtypes) == list(full)


def test_python_sql_and_playbook_name_the_same_features() -> None:
    """The list stands in YAML for Python, in a macro for SQL and as columns of the playbook."""
    in_yaml = yaml.safe_load((ROOT / "python_models/segment_kmeans.yml").read_text())["models"][0]
    in_macro = re.findall(r'"([a-z0-9_]+)"', (ROOT / "macros/feature_names.sql").read_text())
    header = (ROOT / "seeds/segment_playbook.csv").read_text().splitlines()[0].split(",")
    expected = [name for name in header if name.startswith("expected_")]
    in_playbook = [name.removeprefix("expected_") for name in expected]
    assert in_yaml["config"]["meta"]["features"] == in_macro
    assert sorted(in_playbook) == sorted(in_macro)
