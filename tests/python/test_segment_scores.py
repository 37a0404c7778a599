"""Segments of a fitted model that the test wrote: assigned, explained, compared with the past."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
import yaml

from warehouse import MARKET_COLUMNS, NO_TESTS, ROOT, Builder, Warehouse, read_market, write_market

# What the segments need and what follows from them; the model itself is the test's.
SEGMENTS = (
    "--select", "segmentation_status+,+segment_history_status",
    "segmentation_status+,+segment_migrations", "segment_lineage", "segment_k_scores",
)  # fmt: skip
SELECTED = (
    "--select", "+segment_history_status", "+segment_migrations", "segment_lineage",
    "segment_k_scores", "customer_feature_history", "--exclude", "segment_kmeans",
)  # fmt: skip
EARLIER = "2026-05-31"
LATER = "2026-06-29"  # the last complete day of the demo shop
FIRST_VERSION = "2026-01-31"
SECOND_VERSION = "2026-06-15"
LEFT_OUT = "distance"
# Lower bound, upper bound, mean and standard deviation of each feature, near those of the shop.
SCALES = {
    "recency": (0.0, 6.6, 4.5, 1.4),
    "frequency": (0.7, 3.2, 1.4, 0.7),
    "average_order_value": (1.5, 4.8, 3.0, 0.6),
    "promo_share": (0.0, 1.0, 0.4, 0.3),
    "own_discount_share": (0.0, 0.4, 0.1, 0.1),
    "rating": (2.8, 4.8, 4.1, 0.4),
    "app_opens_90d": (0.0, 4.5, 1.5, 1.4),
    "app_opens_30d": (0.0, 3.5, 0.9, 1.1),
    "cm2_rate": (0.0, 1.0, 0.9, 0.1),
    "category_breadth": (1.0, 8.0, 3.5, 1.9),
    "predicted_quality": (0.2, 0.9, 0.5, 0.15),
}
FEATURES = list(SCALES)
IDS = {FIRST_VERSION: (2, 5, 9), SECOND_VERSION: (2, 5, 11, 12)}
COLUMNS = (
    "source varchar, model_version varchar, fitted_as_of date, artifact varchar, k bigint, "
    "segment_id bigint, item varchar, detail varchar, lag_days bigint, value double, note varchar"
)


def centroids(version: str) -> np.ndarray:
    """Return the version's centroids, segments x features, drawn at random."""
    return np.random.default_rng(len(IDS[version])).normal(size=(len(IDS[version]), len(FEATURES)))


def artifacts(version: str) -> list[tuple]:
    """Return the rows of a version as the Python model would write them."""
    ids = IDS[version]
    rows = [
        ("status", len(ids), None, "segmented", None, 2_000.0, f"fitted as of {version}"),
        ("fitted_because", None, None, None, None, None, "it was due"),
        ("dropped", None, None, LEFT_OUT, None, None, "its source is absent"),
        ("k_score", len(ids), None, "usefulness", None, 0.2, None),
    ]
    gate = {
        "bootstrap_agreement": 0.8, "cluster_jaccard": 0.75, "prediction_strength": 0.8,
        "smallest_customer_count": 100.0, "smallest_share": 0.01, "seed_agreement": 0.95,
    }  # fmt: skip
    for measure, least in gate.items():
        rows.append(("threshold", None, None, measure, None, least, None))
        rows.append(("k_score", len(ids), None, measure, None, least, None))
    for feature, values in SCALES.items():
        for item, value in zip(
            ("lower", "upper", "mean", "standard_deviation"), values, strict=True
        ):
            rows.append((f"scaling_{item}", None, None, feature, None, value, None))
    for number, centre in zip(ids, centroids(version), strict=True):
        rows.append(("name", len(ids), number, None, None, None, f"segment {number}"))
        for feature, value in zip(FEATURES, centre, strict=True):
            rows.append(("centroid", len(ids), number, feature, None, float(value), None))
    if version == SECOND_VERSION:
        for number, relation, previous, share in (
            (2, "kept", "2", 0.9), (5, "kept", "5", 0.8), (11, "split", "5", 0.7),
            (12, "new", None, None), (None, "ended", "9", None),
        ):  # fmt: skip
            rows.append(("lineage", None, number, relation, previous, share, FIRST_VERSION))
    return [
        ("market", version, version, artifact, k, number, item, detail, None, value, note)
        for artifact, k, number, item, detail, value, note in rows
    ]


def write_model(project: Path) -> None:
    """Write both versions where the Python model would."""
    with duckdb.connect(str(project / "warehouse" / "clientele.duckdb")) as connection:
        connection.execute("create schema segments")
        connection.execute(f"create table segments.segment_kmeans ({COLUMNS})")
        connection.executemany(
            f"insert into segments.segment_kmeans values ({', '.join('?' * 11)})",
            [row for version in IDS for row in artifacts(version)],
        )


def change(shop: Warehouse, statement: str) -> None:
    with duckdb.connect(str(shop.path)) as connection:
        connection.execute(statement)


def dbt(builder: Builder, project: Path, *arguments: str) -> None:
    finished = builder.dbt(project, *arguments)
    assert finished.returncode == 0, finished.stdout


@pytest.fixture(scope="module")
def shop(builder: Builder) -> Warehouse:
    """The demo shop at the end of May and then at its end, in one warehouse."""
    project = builder.project(ROOT / "demo")
    write_model(project)
    dbt(builder, project, "build", *NO_TESTS, *SELECTED, "--vars", json.dumps({"as_of": EARLIER}))
    warehouse = Warehouse(project, 0, "")
    assert warehouse.query(
        "select distinct model_version, as_of_date::varchar from segments.customer_segments"
    ) == [(FIRST_VERSION, EARLIER)]
    change(warehouse, "create table segments.earlier_segments as from segments.customer_segments")
    dbt(builder, project, "build", *NO_TESTS, *SELECTED)
    return warehouse


def standardised(frame: pd.DataFrame) -> np.ndarray:
    """Return the features of customers as the stored scales standardise them."""
    lower, upper, mean, deviation = np.array(list(SCALES.values())).T
    return (np.clip(frame[FEATURES].to_numpy(dtype=float), lower, upper) - mean) / deviation


def distances(values: np.ndarray) -> np.ndarray:
    """Return each row's distances to the centroids of the version in force."""
    gaps = values[:, None, :] - centroids(SECOND_VERSION)[None, :, :]
    return np.sqrt((gaps**2).sum(axis=2))


@pytest.fixture(scope="module")
def customers(shop: Warehouse) -> pd.DataFrame:
    """Every customer's features and segment as of the later date."""
    listed = ", ".join(f"features.{name}::double as {name}" for name in FEATURES)
    return shop.frame(
        f"select members.*, {listed}, single_view.rating_count > 0 as knows_rating, "
        "single_view.average_distance_km is not null as knows_distance, "
        "single_view.cm2_rate is not null as knows_cm2_rate, "
        "quality.probability is not null as knows_predicted_quality "
        "from segments.customer_segments as members "
        "inner join customer.customer_features as features using (customer_key) "
        "inner join customer.customer_single_view as single_view using (customer_key) "
        "left join customer.customer_quality as quality using (customer_key) order by 1"
    )


# Assigned


def test_the_two_nearest_centroids_are_found(shop: Warehouse, customers: pd.DataFrame) -> None:
    """For every customer the two nearest centroids, with ids that have gaps, and the margin."""
    assert len(customers) == shop.value(
        "select count(*) from customer.customer_single_view where is_customer"
    )
    found = distances(standardised(customers))
    order = found.argsort(axis=1)
    ids = np.array(IDS[SECOND_VERSION])
    assert (customers["segment_id"] == ids[order[:, 0]]).all()
    assert (customers["second_segment_id"] == ids[order[:, 1]]).all()
    assert (customers["segment_name"] == [f"segment {n}" for n in ids[order[:, 0]]]).all()
    assert (customers["second_segment_name"] == [f"segment {n}" for n in ids[order[:, 1]]]).all()
    first, second = np.sort(found, axis=1)[:, :2].T
    np.testing.assert_allclose(customers["distance_to_centroid"], first, rtol=1e-9)
    np.testing.assert_allclose(customers["distance_to_second"], second, rtol=1e-9)
    np.testing.assert_allclose(customers["margin"], (second - first) / second, atol=1e-9)
    assert (customers["is_borderline"] == (customers["margin"] < 0.1)).all()
    assert 0.05 < customers["is_borderline"].mean() < 0.5
    assert set(customers["segment_id"]) == set(ids)


def test_reasons_are_what_tells_most_between_the_two(customers: pd.DataFrame) -> None:
    """The three features that add most to the distance of the second, in words of its side."""
    words = pd.read_csv(ROOT / "seeds" / "segment_reasons.csv").set_index("feature")
    values = standardised(customers)
    order = distances(values).argsort(axis=1)
    own, second = (centroids(SECOND_VERSION)[order[:, place]] for place in (0, 1))
    pulls = (values - second) ** 2 - (values - own) ** 2
    # What is not known of a customer is the shop's mean, and no reason.
    for index, feature in enumerate(FEATURES):
        if f"knows_{feature}" in customers:
            pulls[~customers[f"knows_{feature}"].to_numpy(dtype=bool), index] = 0.0
    strongest = np.argsort(-pulls, axis=1, kind="stable")
    for place in range(3):
        expected = []
        for row, index in enumerate(strongest[:, place]):
            is_above = values[row, index] > (own[row, index] + second[row, index]) / 2
            text = words.loc[FEATURES[index], "above_words" if is_above else "below_words"]
            expected.append(text if pulls[row, index] > 0 else None)
        found = customers[f"reason_{place + 1}"]
        assert [text if isinstance(text, str) else None for text in found] == expected


def test_words_and_segments_stand_where_they_are_needed() -> None:
    """Each feature has words, each rule has a segment, and SQL knows as many centroids as k."""
    text = (ROOT / "python_models" / "segment_kmeans.yml").read_text()
    parameters = yaml.safe_load(text)["models"][0]["config"]["meta"]
    words = pd.read_csv(ROOT / "seeds" / "segment_reasons.csv")
    assert set(words["feature"]) == set(parameters["features"]) == {*FEATURES, LEFT_OUT}
    macro = (ROOT / "macros" / "most_segments.sql").read_text()
    assert f"return({parameters['k_max']})" in macro
    rules = pd.read_csv(ROOT / "seeds" / "rule_segment_playbook.csv")
    rfm = (ROOT / "macros" / "rfm_segment.sql").read_text()
    scored = rules[rules["applies_to"] != "unscored"]["rule_segment"]
    assert all(f"'{rule}'" in rfm for rule in scored if rule != "dormant")
    assert rfm.count("then '") + rfm.count("else '") == len(scored) - 1


def test_a_served_k_is_chosen_and_its_values_stand_beside_thresholds(shop: Warehouse) -> None:
    assert shop.query(
        "select candidate, is_eligible, is_chosen, reason, min_seed_agreement, usefulness "
        "from segments.segment_k_scores order by candidate"
    ) == [
        ("k = 4", True, True, f"fitted as of {SECOND_VERSION}", 0.95, 0.2),
        ("rules", None, False, None, None, None),
    ]


def test_lineage_names_both_sides(shop: Warehouse) -> None:
    assert shop.query(
        "select segment_name, relation, previous_segment_name, overlap_share "
        "from segments.segment_lineage order by segment_id nulls last"
    ) == [
        ("segment 2", "kept", "segment 2", 0.9),
        ("segment 5", "kept", "segment 5", 0.8),
        ("segment 11", "split", "segment 5", 0.7),
        ("segment 12", "new", None, None),
        (None, "ended", "segment 9", None),
    ]


# Compared with the past


def past_labels(shop: Warehouse) -> pd.DataFrame:
    """Return each customer of each slice with the segment that the centroids of today give."""
    listed = ", ".join(f"{name}::double as {name}" for name in FEATURES)
    frame = shop.frame(
        "select history.customer_key, dates.months_back, history.cm2_365d::double as cm2, "
        f"history.lifecycle_stage <> 'dormant' as is_in_base, {listed} "
        "from customer.customer_feature_history as history "
        "inner join customer.history_dates as dates using (source, as_of_number) "
        "where dates.months_back in (0, 1, 3, 12)"
    )
    nearest = distances(standardised(frame)).argmin(axis=1)
    return frame.assign(label=np.array(IDS[SECOND_VERSION])[nearest])


def check_migrations(shop: Warehouse, labels: pd.DataFrame) -> None:
    """Compare every row of segment_migrations with counts of labels made elsewhere."""
    today = labels[labels["months_back"] == 0].set_index("customer_key")
    found = shop.frame(
        "select * replace (from_cm2_365d::double as from_cm2_365d, "
        "to_cm2_365d::double as to_cm2_365d) from segments.segment_migrations"
    )
    assert set(found["months_back"]) == {1, 3, 12}
    for months, rows in found.groupby("months_back"):
        past = labels[labels["months_back"] == months].set_index("customer_key")
        both = past.add_suffix("_then").join(today.add_suffix("_now"), how="outer")
        base_then = both["is_in_base_then"].fillna(False).astype(bool)
        base_now = both["is_in_base_now"].fillna(False).astype(bool)
        names = pd.DataFrame(
            {
                "then": both["label_then"].where(base_then, 0).astype(int),
                "now": both["label_now"].where(base_now, 0).astype(int),
                "was_customer": both["is_in_base_then"].notna(),
            }
        )
        counted = names[base_then | base_now].value_counts()
        expected = {
            (then, now, "new" if not then and not was else "returned" if not then
             else "left" if not now else "stayed" if then == now else "moved"): count
            for (then, now, was), count in counted.items()
        }  # fmt: skip
        numbers = rows.fillna({"from_segment_id": 0, "to_segment_id": 0})
        keys = zip(
            numbers["from_segment_id"].astype(int),
            numbers["to_segment_id"].astype(int),
            numbers["movement"],
            strict=True,
        )
        assert dict(zip(keys, rows["customer_count"], strict=True)) == expected
        inside_then, inside_now = rows["from_segment_id"].notna(), rows["to_segment_id"].notna()
        assert rows[inside_then]["customer_count"].sum() == base_then.sum()
        assert rows[inside_now]["customer_count"].sum() == base_now.sum()
        assert rows["from_cm2_365d"].sum() == pytest.approx(both["cm2_then"][base_then].sum())
        assert rows["to_cm2_365d"].sum() == pytest.approx(both["cm2_now"][base_now].sum())
        assert float(rows["share_of_from_base"].sum()) == pytest.approx(1, abs=1e-4)
        shares = rows[inside_then].astype({"share_of_from_segment": float})
        sums = shares.groupby("from_segment_id")["share_of_from_segment"].sum()
        np.testing.assert_allclose(sums, 1, atol=1e-4)


def test_migrations_of_clusters_add_up_to_the_base(shop: Warehouse) -> None:
    check_migrations(shop, past_labels(shop))
    assert set(shop.query("select distinct movement from segments.segment_migrations")) == {
        (name,) for name in ("stayed", "moved", "left", "new", "returned")
    }


def test_past_dates_are_ends_of_months(shop: Warehouse) -> None:
    assert shop.query(
        "select distinct months_back, from_date, to_date from segments.segment_migrations "
        "order by months_back"
    ) == [
        (1, date(2026, 5, 31), date.fromisoformat(LATER)),
        (3, date(2026, 3, 31), date.fromisoformat(LATER)),
        (12, date(2025, 6, 30), date.fromisoformat(LATER)),
    ]


# Kept


def test_history_closes_where_customers_moved(shop: Warehouse) -> None:
    """One row a customer and segment; those who moved have two that meet at the later date."""
    history = shop.frame(
        "select customer_key, segment_id, dbt_valid_from::date::varchar as begins, "
        "dbt_valid_to::date::varchar as ends from segments.customer_segment_history"
    )
    earlier = dict(shop.query("select customer_key, segment_id from segments.earlier_segments"))
    later = dict(shop.query("select customer_key, segment_id from segments.customer_segments"))
    expected = {
        (key, number, EARLIER, None if later[key] == number else LATER)
        for key, number in earlier.items()
    } | {(key, number, LATER, None) for key, number in later.items() if earlier.get(key) != number}
    found = {tuple(None if value != value else value for value in row) for row in history.values}
    assert found == expected
    assert len(history) == len(found)
    moved = sum(earlier[key] != later[key] for key in earlier)
    assert 0 < moved < len(earlier)
    assert len(later) > len(earlier)


def test_history_holds_no_time_of_the_clock(shop: Warehouse) -> None:
    columns = ("dbt_updated_at", "dbt_valid_from", "dbt_valid_to", "valid_from", "as_of_date")
    days = {
        value
        for column in columns
        for (value,) in shop.query(
            f"select distinct {column}::timestamp::varchar from segments.customer_segment_history"
        )
    }
    assert days == {f"{EARLIER} 00:00:00", f"{LATER} 00:00:00", None}


# These come last, since they change the warehouse


def history_status(builder: Builder, shop: Warehouse) -> tuple:
    """Run the snapshot and what tells of it, and return the status and its reason."""
    dbt(builder, shop.project, "build", "--select", "customer_segment_history+")
    (row,) = shop.query("select history_status, reason from segments.segment_history_status")
    return row


@pytest.mark.parametrize(
    ("statement", "status", "words"),
    [
        (
            "update segments.customer_segments set segment_id = 12, as_of_date = '2026-06-28'",
            "earlier_date",
            "knows a later date, 2026-06-29",
        ),
        (
            "delete from segments.customer_segments where rowid * 2 >= "
            "(select count(*) - 2 from segments.customer_segments); "
            "update segments.customer_segments set segment_id = 12, as_of_date = '2026-07-31'",
            "collapsed",
            "are less than half of the",
        ),
    ],
    ids=["earlier_date", "collapsed"],
)
def test_history_stays_as_it_is_and_says_why(
    builder: Builder, shop: Warehouse, statement: str, status: str, words: str
) -> None:
    """An earlier date and a shop that lost more than half of its customers write nothing."""
    before = shop.fingerprint("segments.customer_segment_history")
    change(shop, "create table segments.kept as from segments.customer_segments")
    change(shop, statement)
    found, reason = history_status(builder, shop)
    change(shop, "create or replace table segments.customer_segments as from segments.kept")
    change(shop, "drop table segments.kept")
    assert (found, words in reason) == (status, True)
    assert shop.fingerprint("segments.customer_segment_history") == before


def test_where_rules_are_better_they_are_served(builder: Builder, shop: Warehouse) -> None:
    """Every customer has the rule segment, today and in the past, and its facts as a reason."""
    change(
        shop,
        "update segments.segment_kmeans set item = 'rules_better' where artifact = 'status'; "
        "delete from segments.segment_kmeans where artifact in ('centroid', 'name')",
    )
    dbt(builder, shop.project, "build", *SEGMENTS, "--exclude", "resource_type:unit_test")
    numbers = dict(
        pd.read_csv(ROOT / "seeds" / "rule_segment_playbook.csv")[["rule_segment", "segment_id"]]
        .itertuples(index=False)
    )  # fmt: skip
    members = shop.frame(
        "select members.*, coalesce(rfm_segment, lifecycle_stage) as rule, recency_score, "
        "frequency_score, monetary_score, recency_days from customer.customer_rfm as rfm "
        "left join segments.customer_segments as members using (customer_key) "
        "where lifecycle_stage <> 'prospect'"
    )
    assert (members["segment_id"] == members["rule"].map(numbers)).all()
    assert members["rule"].nunique() == 11
    for row in members.sample(200, random_state=1).itertuples():
        assert row.reason_1 == (
            f"no order for {row.recency_days} days"
            if row.rule == "dormant"
            else f"recency {row.recency_score:.0f}, frequency {row.frequency_score:.0f}, "
            f"monetary {row.monetary_score:.0f} of 5"
        )
    served = shop.query("select segment_id from segments.segments order by 1")
    assert served == [(number,) for number in sorted(set(members["segment_id"]))]
    labels = shop.frame(
        "select rfm.customer_key, rfm.months_back, history.cm2_365d::double as cm2, "
        "rfm.lifecycle_stage <> 'dormant' as is_in_base, "
        "coalesce(rfm.rfm_segment, rfm.lifecycle_stage) as rule "
        "from customer.customer_rfm_history as rfm "
        "inner join customer.customer_history as history using (customer_key, as_of_number) "
        "where rfm.lifecycle_stage <> 'prospect' and rfm.months_back in (0, 1, 3, 12)"
    )
    check_migrations(shop, labels.assign(label=labels["rule"].map(numbers)))
    assert shop.query("select candidate from segments.segment_k_scores where is_chosen") == [
        ("rules",)
    ]


def test_an_empty_landing_leaves_history_as_it_is(
    builder: Builder, shop: Warehouse, tmp_path: Path
) -> None:
    """The build finishes without a customer, warns, and the history has all its rows."""
    with read_market(ROOT / "demo") as raw:
        empty = write_market(
            tmp_path, raw, {table: f"from {table} limit 0" for table in MARKET_COLUMNS}
        )
    before = shop.fingerprint("segments.customer_segment_history")
    (shop.project / "demo").unlink()
    (shop.project / "demo").symlink_to(empty)
    dbt(builder, shop.project, "build", *NO_TESTS, *SELECTED)
    assert shop.value("select count(*) from segments.customer_segments") == 0
    assert shop.value("select count(*) from segments.segment_migrations") == 0
    assert shop.fingerprint("segments.customer_segment_history") == before
    finished = builder.dbt(shop.project, "test", "--select", "segment_history_status")
    assert finished.returncode == 0
    assert "WARN 1 segments_went_into_the_history" in finished.stdout
    ((status, reason),) = shop.query(
        "select history_status, reason from segments.segment_history_status"
    )
    assert status == "collapsed"
    assert reason.startswith("0 customers are less than half of the ")
