"""The dbt model of the segmentation with a small fake dbt: when it fits, and what it writes."""

from __future__ import annotations

import re
from datetime import date

import duckdb
import numpy as np
import pandas as pd
import pytest
import segment_kmeans
import yaml

import segment_artifacts
import segment_inputs
from warehouse import ROOT

DAY = date(2026, 6, 30)
MONTH_ENDS = [date(2025, month, 28) for month in range(7, 13)] + [
    date(2026, month, 28) for month in range(1, 7)
]


class FakeConfig:
    """The part of dbt's config that the model reads."""

    def __init__(self, parameters: dict) -> None:
        self.meta_get = parameters.__getitem__


class FakeDbt:
    """The part of dbt that the model reads: parameters, tables, and what it has kept."""

    this = "kept_versions"

    def __init__(self, parameters: dict, tables: dict[str, pd.DataFrame], kept) -> None:
        self.config = FakeConfig(parameters)
        self.connection = duckdb.connect()
        self._tables = tables
        self.is_incremental = kept is not None
        if kept is not None:
            self.connection.register("kept_frame", kept)
            self.connection.execute("create table kept_versions as from kept_frame")

    def ref(self, name: str) -> duckdb.DuckDBPyRelation:
        return self.connection.from_df(self._tables[name])


def parameters(**changes: object) -> dict:
    """The parameters of the model's YAML, with a smaller least number of customers."""
    text = (ROOT / "python_models" / "segment_kmeans.yml").read_text()
    meta = yaml.safe_load(text)["models"][0]["config"]["meta"]
    decided = {
        "min_customers": 50,
        "k_max": 4,
        "refit": "false",
        "interval_days": 90,
        "resamples": "5",
    }
    return meta | decided | changes


def shop(source: str, customers: int, seed: int = 0) -> pd.DataFrame:
    """Return the features of a shop with two kinds of customers, and what rules need."""
    draw = np.random.default_rng(seed)
    kind = np.arange(customers) % 2
    frame = pd.DataFrame(
        {name: draw.normal(5.0 * kind, 1.0) for name in parameters()["features"]}
    ).round(6)
    return frame.assign(
        source=source,
        customer_key=np.arange(customers),
        sample_key=draw.permutation(customers),
        recency_days=10,
        frequency_score=1,
        net_revenue_365d=20.0,
        is_new=False,
        lifecycle_stage="active",
        cm2_365d=np.where(kind == 1, 9.0, 3.0),
    )


def run(
    features: pd.DataFrame,
    sources: list[str],
    kept: pd.DataFrame | None = None,
    as_of: date = DAY,
    **changes: object,
) -> pd.DataFrame:
    """Run the dbt model on features of some sources, which are alike at all earlier dates."""
    numbers = {day: number for number, day in enumerate(MONTH_ENDS, start=1)}
    history = pd.concat(
        [features.assign(as_of_date=day, as_of_number=number) for day, number in numbers.items()]
    )
    dates = history[["source", "as_of_date", "as_of_number"]].drop_duplicates()
    cells = pd.DataFrame(
        [
            (recency, frequency, monetary, is_new, "loyal")
            for recency in range(1, 6)
            for frequency in range(1, 6)
            for monetary in range(1, 6)
            for is_new in (False, True)
        ],
        columns=["recency_score", "frequency_score", "monetary_score", "is_new", "rfm_segment"],
    )
    tables = {
        "customer_features": features,
        "customer_feature_history": history,
        "customer_next_quarters": history.assign(cm2_next_quarter=history["cm2_365d"]),
        "customer_recent_features": pd.concat([features.assign(lag_days=lag) for lag in (0, 1, 7)]),
        "history_dates": dates.assign(is_kept=True),
        "segment_playbook": pd.read_csv(ROOT / "seeds" / "segment_playbook.csv"),
        "rfm_cells": cells,
        "rfm_status": pd.DataFrame(
            {"source": pd.Series(sources, dtype="string"), "rfm_status": "insufficient_data"}
        ),
        "int_as_of": pd.DataFrame(
            {"source": pd.Series(sources, dtype="string"), "as_of_date": [as_of] * len(sources)}
        ),
    }
    fake = FakeDbt(parameters(**changes), tables, kept)
    return segment_kmeans.model(fake, fake.connection)


def of(rows: pd.DataFrame, artifact: str) -> pd.DataFrame:
    """Return the rows of one artifact."""
    return rows[rows["artifact"] == artifact]


@pytest.fixture(scope="module")
def fitted() -> pd.DataFrame:
    """The rows of one shop's first version."""
    return run(shop("a", 300), ["a"])


def test_a_version_is_written_as_one_table(fitted: pd.DataFrame) -> None:
    """Status, reason of the fit, scaling, measures, centroids, names and contract are rows."""
    assert list(fitted.columns) == segment_artifacts.COLUMNS
    assert set(fitted["source"]) == {"a"}
    assert set(fitted["model_version"]) == {"2026-06-30"}
    (status,) = of(fitted, "status").to_dict("records")
    assert (status["item"], status["k"], status["value"]) == ("segmented", 2, 300.0)
    assert list(of(fitted, "fitted_because")["note"]) == ["no version was fitted by this date"]
    kept = len(of(fitted, "scaling_mean"))
    assert kept + len(of(fitted, "dropped")) == len(parameters()["features"])
    assert set(of(fitted, "k_score")["k"].dropna()) == {2, 3, 4}
    assert len(of(fitted, "centroid")) == 2 * kept
    assert list(of(fitted, "name")["segment_id"]) == [1, 2]
    assert of(fitted, "name")["note"].is_unique
    assert list(of(fitted, "lineage")["item"]) == ["new", "new"]
    assert set(of(fitted, "movement")["lag_days"]) == {1, 7}


def test_the_past_is_the_same_read_some_customers_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seven ranges of keys, the last of them short, give the rows that one range gives."""
    read, rows_of = [], segment_inputs.rows_of

    def rows_seen(*arguments: object) -> pd.DataFrame:
        read.append(rows_of(*arguments))
        return read[-1]

    monkeypatch.setattr(segment_inputs, "rows_of", rows_seen)
    run(shop("a", 300), ["a"])
    whole = list(read)
    read.clear()
    monkeypatch.setattr(segment_inputs, "PAST_CUSTOMERS", 43)
    monkeypatch.setattr(segment_inputs, "KEYS", 300)
    run(shop("a", 300), ["a"])
    assert [len(frame) for frame in whole] == [300, 300, 900]  # today, a month-end, recent days
    for one, other in zip(whole, read, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_nothing_is_fitted_before_it_is_due(fitted: pd.DataFrame) -> None:
    """Until the day that the contract names a build adds no rows, whoever has come since."""
    more = shop("a", 400, seed=3)
    contract = of(fitted, "contract").set_index("item")["value"]
    promised = contract["refit_interval_days"]
    interval = 90 if pd.isna(promised) else int(promised)
    eve, due = ((pd.Timestamp(DAY) + pd.Timedelta(days=interval + days)).date() for days in (-1, 0))
    assert run(more, ["a"], fitted, as_of=eve).empty
    assert not run(more, ["a"], fitted, as_of=due).empty
    assert not run(more, ["a"], fitted, as_of=eve, refit="true").empty


def test_a_feature_that_came_or_went_is_a_reason_to_fit(fitted: pd.DataFrame) -> None:
    """A source that stops telling of app opens is segmented anew, and says so."""
    silent = shop("a", 300).assign(app_opens_30d=np.nan, app_opens_90d=np.nan)
    rows = run(silent, ["a"], fitted, as_of=date(2026, 7, 2))
    (why,) = of(rows, "fitted_because")["note"]
    assert why == "features came or went: app_opens_30d, app_opens_90d"


def test_segments_that_live_on_keep_their_ids_and_names(fitted: pd.DataFrame) -> None:
    """Two kinds swap their order and keep their ids; the row of each says where it is from."""
    names = of(fitted, "name").set_index("segment_id")["note"]
    swapped = shop("a", 300, seed=5)
    centre = swapped["recency"].mean()
    swapped["recency"] = 2 * centre - swapped["recency"]
    later = run(swapped, ["a"], fitted, as_of=date(2026, 12, 31), refit="true")
    # Customers whom the kept model puts into a segment are in the same one of the new model.
    model = segment_artifacts.kept_model(fitted)
    again = segment_artifacts.kept_model(later)
    before = np.array(model.segment_ids)[model.assign(swapped)]
    after = np.array(again.segment_ids)[again.assign(swapped)]
    assert (before == after).mean() > 0.99
    assert of(later, "name").set_index("segment_id")["note"].to_dict() == names.to_dict()
    lineage = of(later, "lineage")
    assert set(lineage["item"]) == {"kept"}
    assert list(lineage["detail"].astype(int)) == list(lineage["segment_id"])
    assert set(lineage["note"]) == {"2026-06-30"}


def test_a_second_fit_of_one_day_keeps_the_ids_of_the_first(fitted: pd.DataFrame) -> None:
    """New segments of a day keep their new numbers when that day is fitted again, and again."""
    draw = np.random.default_rng(5)
    third = np.arange(300) % 3
    other = shop("a", 300).assign(cm2_365d=3.0 * third)
    for name in parameters()["features"]:
        other[name] = draw.normal(20.0 + 5.0 * third, 1.0).round(6)
    later = date(2026, 12, 31)
    kept, ids = fitted, []
    for _ in range(3):
        rows = run(other, ["a"], kept, as_of=later, refit="true")
        ids.append(list(of(rows, "name")["segment_id"]))
        kept = pd.concat([fitted, rows])
    assert min(ids[0]) > 2
    assert ids[0] == ids[1] == ids[2]


def test_an_id_never_means_two_things_however_the_date_jumps(fitted: pd.DataFrame) -> None:
    """A build as of an earlier date gives numbers that no later version has used."""
    rows = run(shop("a", 300), ["a"], fitted, as_of=date(2026, 6, 29))
    assert list(of(rows, "name")["segment_id"]) == [3, 4]


def test_sources_are_fitted_each_on_its_own(fitted: pd.DataFrame) -> None:
    """A source's model is the same whether it is fitted alone or beside others."""
    second = shop("b", 200, seed=9)
    both = run(pd.concat([shop("a", 300), second]), ["b", "a"])
    for source, alone in (("a", fitted), ("b", run(second, ["b"]))):
        together = both[both["source"] == source].reset_index(drop=True)
        pd.testing.assert_frame_equal(together, alone, check_exact=True)


def test_order_of_rows_does_not_change_the_model(fitted: pd.DataFrame) -> None:
    """The model's table is the same, bit for bit, when customers come in another order."""
    mixed = shop("a", 300).sample(frac=1, random_state=4)
    pd.testing.assert_frame_equal(fitted, run(mixed, ["a"]), check_exact=True)


@pytest.mark.parametrize(
    ("features", "words"),
    [
        (shop("a", 49), "49 customers are fewer than the 50"),
        (shop("a", 0), "0 customers are fewer than the 50"),
        (
            shop("a", 60).assign(**dict.fromkeys(parameters()["features"], 1.0)),
            "alike in every feature",
        ),
    ],
)
def test_what_cannot_be_segmented_says_why_and_is_tried_again(
    features: pd.DataFrame, words: str
) -> None:
    """No version is made of too little: the next build tries again, due or not."""
    rows = run(features, ["a"])
    assert set(rows["model_version"]) == {"untrained"}
    (status,) = of(rows, "status").to_dict("records")
    assert status["item"] == "unsegmented"
    assert words in status["note"]
    again = run(shop("a", 300), ["a"], rows, as_of=date(2026, 7, 1))
    assert set(again["model_version"]) == {"2026-07-01"}


def test_a_table_of_before_there_were_versions_counts_for_nothing(fitted: pd.DataFrame) -> None:
    """Its rows have no version: the build fits as if there were none."""
    old = fitted[["source", "artifact", "k", "segment_id", "item", "value", "note"]]
    pd.testing.assert_frame_equal(run(shop("a", 300), ["a"], old), fitted, check_exact=True)


def test_types_do_not_depend_on_what_there_is(fitted: pd.DataFrame) -> None:
    """The table has the same column types with a model, without one, and without any source."""
    features = shop("a", 300)
    for rows in (run(features.head(3), ["a"]), run(features.head(0), [])):
        assert list(rows.dtypes) == list(fitted.dtypes)


def test_python_sql_and_playbook_name_the_same_features() -> None:
    """The list stands in YAML for Python, in a macro for SQL and as columns of the playbook."""
    in_macro = re.findall(r'"([a-z0-9_]+)"', (ROOT / "macros/feature_names.sql").read_text())
    header = (ROOT / "seeds/segment_playbook.csv").read_text().splitlines()[0].split(",")
    expected = [name for name in header if name.startswith("expected_")]
    in_playbook = [name.removeprefix("expected_") for name in expected]
    assert parameters()["features"] == in_macro
    assert sorted(in_playbook) == sorted(in_macro)
