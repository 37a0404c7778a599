"""`clientele model-card`: what it says is what the tables say, and when not to use a model."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from vl_convert import vegalite_to_svg

import quality
import quality_verdict
from clientele.cli import main
from clientele.model_card import cautions, page, segments
from clientele.pages import charts, writing
from clientele.pages.rounding import Estimate, decimals, number, percent, rate
from clientele.pages.writing import SHARED
from warehouse import Warehouse

DRAWN: dict[str, str] = {}
VOID = {"meta", "br", "hr", "img", "link", "input"}

TABLES = """
    create schema intermediate;
    create schema customer;
    create table intermediate.int_as_of (source varchar, as_of_date date);
    create table customer.customer_quality_status (
        source varchar, model_version varchar, quality_status varchar, reason varchar,
        model_name varchar, fitted_because varchar, train_customer_count bigint,
        test_customer_count bigint, train_rate double, test_rate double, is_in_force boolean,
        fitted_as_of date, known_until_date date, train_from_date date, train_until_date date,
        test_from_date date, test_until_date date
    );
    create table customer.customer_quality_heads (
        source varchar, model_version varchar, head varchar, model_name varchar,
        quality_status varchar, reason varchar, train_rate double, test_rate double
    );
    create table customer.customer_quality_evaluation (
        source varchar, model_version varchar, head varchar, model_name varchar,
        slice_kind varchar, slice varchar, metric varchar, value double, lower_value double,
        upper_value double, customer_count bigint
    );
    create table customer.customer_quality_coefficients (
        source varchar, model_version varchar, head varchar, feature varchar,
        dropped_because varchar, coefficient double, is_used boolean
    );
    create table customer.customer_quality_deciles (
        source varchar, model_version varchar, decile integer, lower_probability double,
        upper_probability double
    );
    create table customer.customer_quality (
        source varchar, model_version varchar, is_in_training boolean, first_order_date date,
        decision_date date
    );
    create table customer.clv_status (
        source varchar, model_version varchar, clv_method varchar, reason varchar,
        fitted_customer_count bigint, history_days integer, fitted_date date
    );
    create table customer.clv_evaluation (
        source varchar, model_version varchar, clv_method varchar, metric varchar,
        metric_value double, lower_value double, upper_value double, customer_count bigint,
        holdout_days integer, calibration_date date
    );
    create table customer.clv_parameters (
        source varchar, model_version varchar, fitted_to varchar, r double, alpha double,
        a double, b double, p double, q double, gamma double, bg_nbd_convergence varchar,
        gamma_gamma_convergence varchar, non_positive_share double, customer_count bigint,
        is_converged boolean
    );
    create table customer.model_refits (
        source varchar, predictive_model varchar, model_version varchar,
        refit_interval_days integer, is_overdue boolean, refit_due_date date
    );
    create schema segments;
    create table segments.segmentation_status (
        source varchar, model_version varchar, segmentation_status varchar,
        segmentation_method varchar, reason varchar, candidate_k integer,
        fitted_customer_count bigint, fitted_as_of date
    );
    create table segments.segment_k_scores (
        source varchar, candidate varchar, k integer, bootstrap_agreement double,
        min_bootstrap_agreement double, is_bootstrap_agreement_met boolean, cluster_jaccard double,
        min_cluster_jaccard double, is_cluster_jaccard_met boolean, prediction_strength double,
        min_prediction_strength double, is_prediction_strength_met boolean,
        smallest_customer_count double, min_smallest_customer_count double,
        is_smallest_customer_count_met boolean, smallest_share double, min_smallest_share double,
        is_smallest_share_met boolean, seed_agreement double, min_seed_agreement double,
        is_seed_agreement_met boolean, usefulness double, usefulness_error double, inertia double,
        silhouette double, calinski_harabasz double, davies_bouldin double, gap double,
        gap_error double, is_eligible boolean, is_knee boolean, is_chosen boolean
    );
    create table segments.segments (
        source varchar, segment_id integer, who_they_are varchar, what_to_do varchar,
        channel varchar, offer varchar, cadence varchar
    );
    create table segments.segment_profiles (
        source varchar, segment_id integer, segment_name varchar, customer_count bigint,
        customer_share decimal(18, 6), net_revenue_share decimal(18, 6), cm2_share decimal(18, 6),
        borderline_share decimal(18, 6)
    );
    create table segments.segment_profile_metrics (
        source varchar, segment_id integer, metric varchar, unit varchar,
        metric_value decimal(18, 6), all_customers_value decimal(18, 6),
        index_to_all decimal(18, 2)
    );
    create table segments.segment_projection (
        source varchar, segment_id integer, component_1 double, component_2 double
    );
    create table segments.segment_projection_axes (
        source varchar, component integer, feature varchar, loading double,
        explained_variance_share double
    );
    create table segments.segment_stability (
        source varchar, origin_date date, lag_days integer, rho double, phi double
    );
    create table segments.segment_stability_lags (
        source varchar, lag_days integer, origin_count integer, low_rho double, median_rho double,
        high_phi double, median_phi double, is_judged boolean
    );
    create table segments.segment_movement (
        source varchar, lag_days integer, customer_share double, cm2_share double
    );
    create table segments.segment_feature_drift (
        source varchar, feature varchar, psi double, is_drifting boolean
    );
    create table segments.segment_maintenance (
        source varchar, contract_status varchar, maintenance_state varchar, evidence varchar,
        refit_interval_days integer, applied_interval_days integer, assign_interval_days integer,
        model_age_days integer, origin_count integer, ceiling double, next_refit_date date,
        next_assignment_date date
    );
"""

# A shop whose quality model nothing speaks against.
VERSION = "2026-06-30"
STATUS = {
    "source": "shop", "model_version": VERSION, "quality_status": "published",
    "reason": "logistic: AUC 0.700", "model_name": "logistic", "fitted_because": "it was due",
    "train_customer_count": 9000, "test_customer_count": 3000, "train_rate": 0.3,
    "test_rate": 0.31, "is_in_force": True, "fitted_as_of": date(2026, 6, 30),
    "known_until_date": date(2025, 12, 31), "train_from_date": date(2025, 1, 1),
    "train_until_date": date(2025, 9, 11), "test_from_date": date(2026, 1, 1),
    "test_until_date": date(2026, 3, 11),
}  # fmt: skip
MEASURES = {
    "auc": (0.70, 0.68, 0.72),
    "average_precision": (0.5, 0.47, 0.53),
    "lift_top_10_percent": (1.8, 1.6, 2.0),
    "brier_skill": (0.1, 0.08, 0.12),
    "calibration_slope": (1.0, 0.9, 1.1),
}
CLV = {
    "source": "shop", "model_version": VERSION, "clv_method": "bg_nbd", "reason": "it is better",
    "fitted_customer_count": 5000, "history_days": 900, "fitted_date": date(2026, 6, 30),
}  # fmt: skip
CLV_MEASURES = {
    "mae": (20, 19, 21),
    "normalised_gini": (0.6, 0.5, 0.7),
    "total_ratio": (1, 0.9, 1.1),
}
SEGMENTATION = {
    "model_version": VERSION, "segmentation_status": "segmented", "segmentation_method": "clusters",
    "reason": "k = 2 explains most", "candidate_k": 2, "fitted_customer_count": 4000,
    "fitted_as_of": date(2026, 6, 30),
}  # fmt: skip
GATE = {
    "bootstrap_agreement": (0.9, 0.8), "cluster_jaccard": (0.85, 0.75),
    "prediction_strength": (0.82, 0.8), "smallest_customer_count": (900.0, 100.0),
    "smallest_share": (0.225, 0.01), "seed_agreement": (0.99, 0.95),
}  # fmt: skip
CONTRACT = {
    "contract_status": "established", "maintenance_state": "keep",
    "evidence": "The segments held for 122 days.", "refit_interval_days": 91,
    "applied_interval_days": 91, "assign_interval_days": 7, "model_age_days": 0,
    "origin_count": 7, "ceiling": 0.96, "next_refit_date": date(2026, 9, 29),
    "next_assignment_date": date(2026, 7, 7),
}  # fmt: skip


class Page(HTMLParser):
    """The parts of a page that tests look at."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text
        self.words: list[str] = []
        self.figures: dict[str, list[tuple[str, str]]] = {}
        self.headings: list[tuple[int, str]] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self._figure: tuple[str, str] | None = None
        self.feed(text)
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.attributes.append((tag, found))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "data":
            self._figure = (found["data-key"], found["value"])
        if re.fullmatch("h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"{tag} closes what is not open"

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.words.append(data)
        if self.open and self.open[-1] == "data" and self._figure:
            key, value = self._figure
            self.figures.setdefault(key, []).append((value, data))
            self._figure = None
        if self.headings and any(re.fullmatch("h[1-6]", tag) for tag in self.open):
            level, words = self.headings.pop()
            self.headings.append((level, words + data))

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def value(self, key: str) -> float:
        """Return the number of a key, which stands for the same wherever it is shown."""
        values = {float(value) for value, _ in self.figures[key]}
        assert len(values) == 1, (key, values)
        return values.pop()


@pytest.fixture(autouse=True)
def each_chart_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most cards here have the same charts, and drawing them is most of what a card costs."""

    def draw_once(spec, **locale) -> str:
        key = json.dumps([spec, locale], sort_keys=True)
        if key not in DRAWN:
            DRAWN[key] = vegalite_to_svg(spec, **locale)
        return DRAWN[key]

    monkeypatch.setattr(charts.vl_convert, "vegalite_to_svg", draw_once)


def write_card(warehouse: Path, output: Path):
    arguments = ["model-card", "--warehouse", str(warehouse), "--output", str(output)]
    return CliRunner().invoke(main, arguments)


def insert(connection: duckdb.DuckDBPyConnection, table: str, *rows: dict) -> None:
    for row in rows:
        marks = ", ".join("?" for _ in row)
        connection.execute(
            f"insert into {table} ({', '.join(row)}) values ({marks})", list(row.values())
        )


def make(
    path: Path,
    *,
    status: dict | None = None,
    measures: dict | None = None,
    heads: list[dict] | None = None,
    dropped: dict | None = None,
    scored: list[dict] | None = None,
    clv: dict | None = None,
    clv_measures: dict | None = None,
    parameters: dict | None = None,
    holdout_days: int = 330,
    is_overdue: bool = False,
    segmentation: dict | None = None,
    scores: list[dict] | None = None,
    groups: list[dict] | None = None,
    contract: dict | None = None,
    source: str = "shop",
) -> Path:
    """Write a warehouse of one source; each argument changes what speaks for its models."""
    about = {"source": source, "model_version": VERSION}
    found = STATUS | (status or {}) | {"source": source}
    with duckdb.connect(str(path)) as connection:
        connection.execute(TABLES)
        insert(
            connection, "intermediate.int_as_of",
            {"source": source, "as_of_date": date(2026, 6, 30)},
        )  # fmt: skip
        insert(connection, "customer.customer_quality_status", found)
        if found["quality_status"] != "insufficient_data":
            of_head = about | {"head": "good", "model_name": found["model_name"]}
            insert(
                connection, "customer.customer_quality_evaluation",
                *(
                    of_head
                    | {"slice_kind": "all", "slice": "all", "metric": metric, "value": value}
                    | {"lower_value": lower, "upper_value": upper, "customer_count": 3000}
                    for metric, (value, lower, upper) in (MEASURES | (measures or {})).items()
                ),
            )  # fmt: skip
            insert(
                connection, "customer.customer_quality_coefficients",
                about | {"head": "good", "feature": "rating", "coefficient": 0.5, "is_used": True},
                *(
                    about
                    | {"head": "good", "feature": feature, "dropped_because": why, "is_used": False}
                    for feature, why in (dropped or {}).items()
                ),
            )  # fmt: skip
        insert(
            connection, "customer.customer_quality_heads", *(about | head for head in heads or [])
        )
        insert(connection, "customer.customer_quality", *(about | row for row in scored or []))
        insert(connection, "customer.clv_status", CLV | (clv or {}) | {"source": source})
        insert(
            connection, "customer.clv_evaluation",
            *(
                about
                | {"clv_method": (clv or CLV).get("clv_method", "bg_nbd"), "metric": metric}
                | {"metric_value": value, "lower_value": lower, "upper_value": upper}
                | {"customer_count": 4000, "holdout_days": holdout_days}
                | {"calibration_date": date(2025, 6, 30)}
                for metric, (value, lower, upper) in (
                    CLV_MEASURES if clv_measures is None else clv_measures
                ).items()
            ),
        )  # fmt: skip
        fitted = {
            "fitted_to": "current", "r": 0.2, "alpha": 40.0, "a": 0.8, "b": 2.4, "p": 6.0,
            "q": 4.0, "gamma": 15.0, "bg_nbd_convergence": "converged",
            "gamma_gamma_convergence": "converged", "non_positive_share": 0.0,
            "customer_count": 5000, "is_converged": True,
        }  # fmt: skip
        insert(connection, "customer.clv_parameters", about | fitted | (parameters or {}))
        insert(
            connection, "customer.model_refits",
            *(
                about
                | {"predictive_model": model, "refit_interval_days": 90, "is_overdue": is_overdue}
                | {"refit_due_date": date(2026, 6, 29) if is_overdue else date(2026, 9, 28)}
                for model in ("customer_quality", "customer_lifetime_value")
            ),
        )  # fmt: skip
        write_segments(connection, source, segmentation, scores, groups, contract)
    return path


def gate_row(k: int, *, unmet: tuple[str, ...] = (), **changes) -> dict:
    """Return the row of a number of segments that passes the gate but for `unmet`."""
    row = {"candidate": f"k = {k}", "k": k, "is_eligible": not unmet, "is_knee": False}
    for measure, (value, least) in GATE.items():
        missed = measure in unmet
        row |= {
            measure: least / 2 if missed else value,
            f"min_{measure}": least,
            f"is_{measure}_met": not missed,
        }
    row |= {"usefulness": 0.2, "usefulness_error": 0.01, "inertia": 100.0 / k, "silhouette": 0.3}
    return row | {"is_chosen": False} | changes


def write_segments(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    segmentation: dict | None,
    scores: list[dict] | None,
    groups: list[dict] | None,
    contract: dict | None,
) -> None:
    """Write what the tables say of the segments of a source: two of them, kept well."""

    def put(table: str, *found: dict) -> None:
        insert(connection, f"segments.{table}", *({"source": source} | row for row in found))

    put("segmentation_status", SEGMENTATION | (segmentation or {}))
    rules = {"candidate": "rules", "usefulness": 0.15, "usefulness_error": 0.01, "is_knee": False}
    put(
        "segment_k_scores",
        *(scores or [gate_row(2, is_chosen=True), gate_row(3, unmet=("prediction_strength",))]),
        rules | {"is_chosen": False},
    )
    for number_, group in enumerate(groups or [{}, {}], start=1):
        own = {"segment_id": number_}
        put(
            "segment_profiles",
            own
            | {"segment_name": f"Segment {number_}", "customer_count": 2000}
            | {"customer_share": 0.5, "cm2_share": 0.9 if number_ == 1 else 0.1}
            | {"net_revenue_share": 0.5, "borderline_share": 0.1}
            | group,
        )
        put("segments", own | {"who_they_are": "People.", "what_to_do": "Write to them."})
        put(
            "segment_profile_metrics",
            *(
                own
                | {"metric": metric, "unit": unit, "metric_value": index / 100}
                | {"all_customers_value": 1, "index_to_all": index}
                for metric, unit, index in (
                    ("orders_per_customer", "orders", 150),
                    ("net_revenue_per_customer", "currency", 900),
                    ("promo_share", "share", 20),
                    ("mean_rating", "stars", 101),
                    ("median_recency_days", "days", 50),
                    ("cm2_per_customer", "currency", 200),
                    ("average_order_value", "currency", 300),
                )
            ),
        )
        put(
            "segment_projection",
            *(own | {"component_1": number_ + n / 100, "component_2": n % 7} for n in range(50)),
        )
    put(
        "segment_projection_axes",
        *(
            {"component": component, "feature": feature, "loading": loading}
            | {"explained_variance_share": 0.4 / component}
            for component, feature, loading in (
                (1, "recency", -0.6), (1, "frequency", 0.8), (2, "recency", 0.8),
                (2, "frequency", 0.6),
            )
        ),
    )  # fmt: skip
    put(
        "segment_stability",
        *(
            {"origin_date": date(2025, 6, day), "lag_days": 30, "rho": 0.9, "phi": 0.05}
            for day in (1, 2, 3)
        ),
    )
    put(
        "segment_stability_lags",
        {"lag_days": 30, "origin_count": 3, "low_rho": 0.9, "high_phi": 0.05, "is_judged": True},
    )
    put("segment_movement", {"lag_days": 7, "customer_share": 0.031, "cm2_share": 0.02})
    put("segment_feature_drift", {"feature": "recency", "psi": 0.123, "is_drifting": True})
    put("segment_maintenance", CONTRACT | (contract or {}))


def card_of(folder: Path, **changes) -> Page:
    warehouse = make(folder / "shop.duckdb", **changes)
    result = write_card(warehouse, folder / "card.html")
    assert result.exit_code == 0, result.output
    return Page((folder / "card.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def demo_card(demo_warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Page:
    output = tmp_path_factory.mktemp("card") / "folder" / "card.html"
    result = write_card(demo_warehouse.path, output)
    assert result.exit_code == 0, result.output
    assert result.output == f"{output}\n"
    assert [path.name for path in output.parent.iterdir()] == [output.name]
    return Page(output.read_text(encoding="utf-8"))


# The true page.


def test_every_measure_on_the_page_is_the_tables(
    demo_card: Page, demo_warehouse: Warehouse
) -> None:
    expected = {
        f"{source}/good/{model}/{metric}": value
        for source, model, metric, value in demo_warehouse.query(
            "select source, model_name, metric, value from customer.customer_quality_evaluation "
            "where head = 'good' and slice_kind = 'all' and value is not null"
        )
    } | {
        f"{source}/{method}/{metric}": value
        for source, method, metric, value in demo_warehouse.query(
            "select source, clv_method, metric, metric_value from customer.clv_evaluation "
            "where metric in ('mae', 'normalised_gini', 'total_ratio', 'mae_gain', "
            "'normalised_gini_gain') and metric_value is not null"
        )
    }

    assert len(expected) > 30
    assert {key: demo_card.value(key) for key in expected} == expected


def test_coefficients_slices_and_parameters_are_the_tables(
    demo_card: Page, demo_warehouse: Warehouse
) -> None:
    expected = {
        f"market/good/coefficient/{feature}": value
        for feature, value in demo_warehouse.query(
            "select feature, coefficient from customer.customer_quality_coefficients "
            "where head = 'good' and is_used and feature <> 'intercept'"
        )
    } | {
        f"market/good/{kind}/{slice_.lstrip('0') if kind == 'decile' else slice_}/{metric}": value
        for kind, slice_, metric, value in demo_warehouse.query(
            "select evaluation.slice_kind, slice, metric, value "
            "from customer.customer_quality_evaluation as evaluation "
            "inner join customer.customer_quality_status using (source, model_version, model_name) "
            "where evaluation.head = 'good' and slice_kind <> 'all' and value is not null "
            "and (slice_kind = 'decile' or metric in ('auc', 'observed_rate', 'mean_forecast'))"
        )
    }
    for name in ("r", "alpha", "a", "b", "p", "q", "gamma"):
        for fitted_to, value in demo_warehouse.query(
            f"select fitted_to, {name} from customer.clv_parameters"
        ):
            expected[f"market/parameter/{fitted_to}/{name}"] = value

    assert len(expected) > 60
    assert {key: demo_card.value(key) for key in expected} == expected


def test_what_is_shown_is_the_number_rounded(demo_card: Page) -> None:
    checked = 0
    for key, found in demo_card.figures.items():
        for value, shown in found:
            if key.endswith("/intercept"):
                continue  # shown as the probability that it stands for
            text = shown.replace("\N{MINUS SIGN}", "-").replace(",", "").strip()
            scale = 100 if text.endswith("%") else 1
            text = text.rstrip("%").strip()
            places = len(text.partition(".")[2])
            assert abs(float(value) * scale - float(text)) <= 0.5 * 10**-places + 1e-9, (key, shown)
            checked += 1
    assert checked > 120


def test_base_rates_and_deciles_agree_with_the_customers_themselves(
    demo_card: Page, demo_warehouse: Warehouse
) -> None:
    known_until = "(select known_until_date from customer.customer_quality_status)"
    [(test_count, test_rate)] = demo_warehouse.query(
        "select count(*), avg(cast(is_good_customer as integer)) "
        f"from customer.customer_quality_features where is_good_customer is not null "
        f"and first_order_date > {known_until}"
    )
    [(train_count, train_rate)] = demo_warehouse.query(
        "select count(*), avg(cast(is_good_customer as integer)) "
        f"from customer.customer_quality_features where maturity_date <= {known_until}"
    )
    assert demo_card.value("market/good/test_customer_count") == test_count
    assert demo_card.value("market/good/train_customer_count") == train_count
    assert demo_card.value("market/good/test_rate") == pytest.approx(test_rate, abs=1e-12)
    assert demo_card.value("market/good/train_rate") == pytest.approx(train_rate, abs=1e-12)

    deciles = demo_warehouse.query(
        "select decile, avg(probability), avg(cast(is_good_customer as integer)) "
        "from customer.customer_quality "
        "inner join customer.customer_quality_features using (customer_key) "
        f"where is_good_customer is not null "
        f"and customer_quality_features.first_order_date > {known_until} "
        "group by decile"
    )
    assert len(deciles) == 10
    for decile, forecast, observed in deciles:
        key = f"market/good/decile/{decile}"
        assert demo_card.value(f"{key}/mean_forecast") == pytest.approx(forecast, abs=1e-6)
        assert demo_card.value(f"{key}/observed_rate") == pytest.approx(observed, abs=1e-12)


def test_cautions_of_the_demo_count_its_customers(
    demo_card: Page, demo_warehouse: Warehouse
) -> None:
    [(scored, learned, after)] = demo_warehouse.query(
        "select count(*), count(*) filter (where is_in_training), "
        "count(*) filter (where first_order_date > (select test_until_date "
        "from customer.customer_quality_status)) from customer.customer_quality"
    )
    assert f"{after:,} of {scored:,} scored customers came after" in demo_card.text
    assert f"{learned:,} scored customers were in the training" in demo_card.text
    [(due,)] = demo_warehouse.query(
        "select cast(fitted_as_of + 90 as varchar) from customer.customer_quality_status"
    )
    assert f"due again on {due}" in demo_card.text


def test_the_page_asks_nothing_of_the_network(demo_card: Page) -> None:
    # Names of XML are no addresses, and a place of the page itself is no request.
    source = re.sub(r'xmlns(:xlink)?="[^"]*"|url\(#', "", demo_card.source)
    assert not re.search(r"https?:|//[a-z]|url\(|@import|<script|<link|<img", source)
    for tag, attributes in demo_card.attributes:
        assert "src" not in attributes, tag
        assert not any(name.startswith("on") for name in attributes), tag
        if "href" in attributes:
            assert attributes["href"].startswith("#")


def test_headings_ids_and_pictures_can_be_told(demo_card: Page) -> None:
    levels = [level for level, _ in demo_card.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert all(words.strip() for _, words in demo_card.headings)

    ids = Counter(found["id"] for _, found in demo_card.attributes if "id" in found)
    assert max(ids.values()) == 1
    for _, found in demo_card.attributes:
        assert found.get("href", "#").removeprefix("#") in {"", *ids}
        for name in (found.get("aria-labelledby") or "").split():
            assert name in ids

    pictures = [found for tag, found in demo_card.attributes if tag == "svg"]
    # Five of the forecasts, the map, three curves over k, and two of ageing where it was judged.
    assert len(pictures) in (9, 11)
    assert all(found["role"] == "img" and found["aria-label"] for found in pictures)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_stands_out_from_its_ground(theme: int) -> None:
    style = (SHARED / "page.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", style.split(":root")[1 + theme]))

    def luminance(name: str) -> float:
        parts = [int(colours[name][at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    grounds = {"sheet", "ground", "good-ground", "care-ground", "stop-ground", "plain-ground"}
    pairs = [(ink, ground) for ink in ("text", "muted") for ground in grounds]
    pairs += [(ink, f"{ink}-ground") for ink in ("good", "care", "stop", "plain")]
    pairs += [("accent", "sheet"), ("accent", "ground")]
    for ink, ground in pairs:
        darker, lighter = sorted((luminance(ink), luminance(ground)))
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (ink, ground)


def test_the_same_warehouse_gives_the_same_bytes(
    demo_card: Page, demo_warehouse: Warehouse, tmp_path: Path
) -> None:
    before = demo_warehouse.path.read_bytes()
    assert write_card(demo_warehouse.path, tmp_path / "card.html").exit_code == 0

    assert (tmp_path / "card.html").read_text(encoding="utf-8") == demo_card.source
    assert demo_warehouse.path.read_bytes() == before


# What is not served says so.


@pytest.mark.parametrize(
    ("status", "badge", "words"),
    [
        ("withheld", "Withheld", "AUC 0.52 is below 0.55: hardly better than a coin"),
        ("suspected_leak", "Suspected leak, withheld", "AUC 0.97 is above 0.90"),
        ("insufficient_data", "Insufficient data", "120 customers are fewer than the 500 needed"),
    ],
)
def test_a_model_that_is_not_published_says_so_and_why(
    tmp_path: Path, status: str, badge: str, words: str
) -> None:
    changes = {"quality_status": status, "reason": words}
    if status == "insufficient_data":
        changes |= {
            name: None for name in STATUS if name.startswith(("train_", "test_", "known_"))
        } | {"model_version": "untrained", "model_name": "base_rate"}
    card = card_of(tmp_path, status=changes)

    assert badge in card.text
    assert f"No score is served. {words}." in card.text
    assert "No customer has a probability, a decile or a quadrant" in card.text
    assert "it ranks the good one higher" not in card.text
    assert [found.get("class") for _, found in card.attributes].count("stop") >= 2


def test_a_lifetime_value_that_was_never_judged_says_so(tmp_path: Path) -> None:
    card = card_of(
        tmp_path,
        clv={"clv_method": "last_365_days", "reason": "the history is too short"},
        clv_measures={},
    )

    assert "Served: Last 365 days again" in card.text
    assert "could not be judged. The history is too short." in card.text
    assert "It was never judged" in card.text


def test_a_source_without_orders_has_no_card(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.execute(TABLES)
        insert(connection, "intermediate.int_as_of", {"source": "empty", "as_of_date": None})
    assert write_card(tmp_path / "shop.duckdb", tmp_path / "card.html").exit_code == 0

    card = Page((tmp_path / "card.html").read_text(encoding="utf-8"))
    assert "There are no orders yet, so nothing was fitted" in card.text
    assert not card.figures


def test_boosting_that_serves_says_whose_coefficients_are_shown(tmp_path: Path) -> None:
    card = card_of(
        tmp_path,
        status={"model_name": "boosting"},
        measures={"average_precision_gain": (0.05, 0.03, 0.07)},
    )

    assert "Gradient boosting is served" in card.text
    assert "these are of the logistic regression" in card.text
    assert card.value("shop/good/boosting/average_precision_gain") == 0.05


# Segments.


def test_sizes_indices_and_gate_on_the_page_are_the_tables(
    demo_card: Page, demo_warehouse: Warehouse
) -> None:
    expected = {
        f"{source}/segments/{segment_id}/{name}": float(value)
        for source, segment_id, count, share, cm2_share in demo_warehouse.query(
            "select source, segment_id, customer_count, customer_share, cm2_share "
            "from segments.segment_profiles where cm2_share is not null"
        )
        for name, value in (
            ("customer_count", count), ("customer_share", share), ("cm2_share", cm2_share),
        )
    }  # fmt: skip
    assert len(expected) >= 6
    gate = demo_warehouse.query(
        "select source, candidate, bootstrap_agreement, usefulness from segments.segment_k_scores "
        "where k is not null"
    )
    assert len(gate) >= 3
    for source, candidate, agreement, usefulness in gate:
        expected[f"{source}/segments/{candidate}/bootstrap_agreement"] = agreement
        if usefulness is not None:
            expected[f"{source}/segments/{candidate}/usefulness"] = usefulness
    assert {key: demo_card.value(key) for key in expected} == expected
    for (evidence,) in demo_warehouse.query("select evidence from segments.segment_maintenance"):
        assert evidence in demo_card.text


def test_the_map_shows_every_sampled_customer_and_weighs_little(
    demo_card: Page, demo_warehouse: Warehouse
) -> None:
    dots = [
        found["d"]
        for tag, found in demo_card.attributes
        if tag == "path" and found.get("stroke", "").startswith("var(--series")
    ]
    customers = demo_warehouse.value("select count(*) from segments.segment_projection")
    assert len(dots) == demo_warehouse.value("select count(*) from segments.segment_profiles")
    assert sum(path.count("M") for path in dots) == customers
    assert sum(len(path) for path in dots) < 12 * customers
    explained = demo_warehouse.value(
        "select sum(explained_variance_share) from (select distinct component, "
        "explained_variance_share from segments.segment_projection_axes)"
    )
    shown_share = percent(explained).replace("\N{NO-BREAK SPACE}", " ")
    assert f"directions hold {shown_share} of what tells customers apart" in demo_card.text


def test_what_is_most_telling_is_twice_as_much_or_half_as_much(tmp_path: Path) -> None:
    """By times or parts of all customers; of metrics that tell the same, one."""
    card = card_of(tmp_path)
    shown = [key.rpartition("/")[2] for key in card.figures if key.startswith("shop/segments/1/")]
    assert shown == [
        "customer_count", "customer_share", "cm2_share", "promo_share", "average_order_value",
        "cm2_per_customer", "median_recency_days", "orders_per_customer",
    ]  # fmt: skip
    nothing = {"metric": "promo_share", "unit": "share", "index_to_all": 0.0}
    much = {"metric": "mean_rating", "unit": "stars", "index_to_all": 9000.0}
    unknown = {"metric": "cm2_per_customer", "unit": "currency", "index_to_all": None}
    assert [row["metric"] for row in segments.telling([much, unknown, nothing])] == [
        "promo_share", "mean_rating",
    ]  # fmt: skip


def test_the_gate_says_what_is_met_in_words(tmp_path: Path) -> None:
    card = card_of(tmp_path)
    assert "2 clusters are served, fitted to 4,000 customers. k = 2 explains most." in card.text
    assert card.text.count("✗ not met") == 1
    assert card.text.count("✓ met") == 2 * len(GATE) - 1
    assert "2 (served) ✓ eligible" in card.text
    assert "3 ✗ not eligible" in card.text
    assert "at least 0.80" in card.text


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("rules_better", "Rules are served: they explain as much"),
        ("no_eligible_k", "Rules are served: no clusters passed"),
        ("unsegmented", "Rules are served: nothing was fitted"),
    ],
)
def test_rules_that_are_served_say_why(tmp_path: Path, status: str, words: str) -> None:
    changes = {"segmentation_status": status, "segmentation_method": "rules", "reason": "of this"}
    card = card_of(tmp_path, segmentation=changes)
    assert words in card.text
    assert "2 rule segments are served; k-means was tried on 4,000 customers." in card.text
    assert "Of this." in card.text


def test_the_contract_is_told_in_words(tmp_path: Path) -> None:
    text = card_of(tmp_path).text
    assert "Today: Keep" in text
    assert "The segments held for 122 days." in text
    assert "every 91 days promised by the backtest" in text
    assert "2026-09-29" in text
    assert "every 7 days" in text
    assert "drifts" in text
    assert "Nothing in the tables speaks against these segments." in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"contract": {"maintenance_state": "redesign"}}, "They do not last"),
        (
            {"contract": {"contract_status": "not_established", "refit_interval_days": None}},
            "assumed: the backtest promises nothing",
        ),
        ({"groups": [{"borderline_share": 0.26}, {"borderline_share": 0.26}]}, "on the border"),
        ({"groups": [{}, {"customer_count": 9, "cm2_share": None}]}, "10 customers: Segment 2."),
    ],
)
def test_what_speaks_against_segments_is_said(tmp_path: Path, changes: dict, words: str) -> None:
    text = card_of(tmp_path, **changes).text
    assert words in text
    assert "Nothing in the tables speaks against these segments." not in text


# When not to use it.


def test_nothing_is_said_against_a_model_that_nothing_speaks_against(tmp_path: Path) -> None:
    text = card_of(tmp_path).text

    assert text.count("The tables say nothing against this version.") == 2
    assert text.count("A forecast is not a cause") == 2
    assert text.count("An assumed uplift is no measurement") == 2
    assert text.count("refuse service") == 2


TRAINED = {"is_in_training": True, "first_order_date": date(2025, 3, 1)}
NEWER = {"is_in_training": False, "first_order_date": date(2026, 3, 12)}
NOT_NEWER = {"is_in_training": False, "first_order_date": date(2026, 3, 11)}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"measures": {"calibration_slope": (0.79, 0.7, 0.9)}}, "Trust the order, not the level"),
        ({"measures": {"calibration_slope": (1.26, 1.1, 1.4)}}, "calibration slope is 1.26"),
        ({"measures": {"lift_top_10_percent": (1.2, 0.9, 1.5)}}, "best tenth may be no better"),
        ({"measures": {"auc": (0.58, 0.53, 0.63)}}, "may hardly rank better than a coin"),
        ({"status": {"test_customer_count": 999}}, "Judged by few customers"),
        ({"status": {"test_rate": 0.36}}, "The base rate has moved"),
        ({"scored": [TRAINED, TRAINED]}, "2 scored customers were in the training"),
        ({"scored": [NEWER, NOT_NEWER]}, "1 of 2 scored customers came after 2026-03-11"),
        ({"dropped": {"city_size": "its source is absent"}}, "1 of 2 features were left out"),
        ({"is_overdue": True}, "This version is stale"),
        (
            {"heads": [{"head": "profit", "quality_status": "insufficient_data", "reason": "all"}]},
            "No forecast of earning",
        ),
        ({"clv_measures": {"total_ratio": (0.8, 0.7, 0.9)}}, "It adds up to too little"),
        ({"clv_measures": {"total_ratio": (1.3, 1.2, 1.4)}}, "It adds up to too much"),
        (
            {"clv": {"clv_method": "segment_mean", "reason": "BG/NBD is no better"}},
            "A baseline is served, not the model BG/NBD is no better.",
        ),
        ({"holdout_days": 329}, "Judged on less than the year it forecasts"),
        ({"parameters": {"bg_nbd_convergence": "ended at a limit"}}, "BG/NBD at its limits"),
        ({"parameters": {"non_positive_share": 0.2}}, "Customers at a loss"),
    ],
)  # fmt: skip
def test_a_rule_speaks_where_the_tables_do(tmp_path: Path, changes: dict, words: str) -> None:
    text = card_of(tmp_path, **changes).text

    assert words in text
    assert text.count("The tables say nothing against this version.") == (
        0 if changes == {"is_overdue": True} else 1
    )


def test_limits_are_those_of_the_model_itself() -> None:
    assert cautions.CALIBRATED_SLOPES == quality_verdict.CALIBRATED_SLOPES
    assert cautions.LEAST_AUC == quality_verdict.LEAST_AUC
    assert page.LEAST_PRECISION_GAIN == quality.LEAST_PRECISION_GAIN
    assert {quality.BASE_RATE, quality.RULE, quality.LOGISTIC, quality.BOOSTING} <= set(page.MODELS)
    assert set(quality.HEADS) == set(page.HEADS)


# Names, numbers, files.


def test_what_stands_in_the_tables_is_text_and_never_markup(tmp_path: Path) -> None:
    name = "<script>alert('x')</script>\"&"
    card = card_of(
        tmp_path,
        source=name,
        status={"reason": "<b>bold</b>"},
        dropped={"<i>feature": "<u>why"},
    )

    assert "<script" not in card.source
    assert "<b>bold" not in card.source
    assert "<u>" not in card.source
    assert "<i>feature" not in card.source
    assert name in card.text
    assert card.value(f"{name}/good/logistic/auc") == 0.70


@pytest.mark.parametrize(
    ("estimate", "digits"),
    [
        (Estimate(0.7816, 0.7428, 0.8134), 2),
        (Estimate(1.0231, 0.8387, 1.1845), 2),
        (Estimate(33.046, 30.568, 35.738), 1),
        (Estimate(1250.0, 1100.0, 1400.0), 0),
        (Estimate(0.50004, 0.50001, 0.50007), 4),
        (Estimate(0.5, 0.5, 0.5), 3),
        (Estimate(1.0, 1.0 - 1e-12, 1.0 + 1e-12), 3),
        (Estimate(0.5), 3),
    ],
)
def test_a_number_has_the_digits_that_its_interval_carries(estimate: Estimate, digits: int) -> None:
    assert decimals(estimate, default=3) == digits


def test_numbers_have_separators_units_and_a_true_minus() -> None:
    assert number(1234567.0) == "1,234,567"
    assert number(-1234.5, 1) == "\N{MINUS SIGN}1,234.5"
    assert number(-0.001, 2) == "0.00"
    assert number(None) == "not known"
    assert percent(0.4758, 1) == "47.6\N{NO-BREAK SPACE}%"


def test_the_interval_of_a_rate_is_wilsons() -> None:
    # 81 of 263, the example of Newcombe (1998), Statistics in Medicine 17, table I.
    found = rate(81 / 263, 263)
    assert (round(found.lower, 4), round(found.upper, 4)) == (0.2553, 0.3662)
    assert rate(0.0, 10).lower == 0
    assert rate(None, 10).value is None


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (None, "no warehouse at"),
        ("drop schema customer cascade", "is not built yet (customer.customer_quality_status"),
        ("alter table customer.clv_status drop column reason", "was built by another version"),
    ],
)
def test_what_is_missing_is_said_in_one_line(
    tmp_path: Path, statement: str | None, words: str
) -> None:
    warehouse = tmp_path / "shop.duckdb"
    if statement:
        make(warehouse)
        with duckdb.connect(str(warehouse)) as connection:
            connection.execute(statement)

    result = write_card(warehouse, tmp_path / "card.html")

    assert result.exit_code == 1
    [line] = result.output.splitlines()
    assert line.startswith("Error: ")
    assert words in line
    assert not (tmp_path / "card.html").exists()


@pytest.mark.parametrize("command", ["model-card", "report"])
def test_a_page_is_never_written_over_the_warehouse(tmp_path: Path, command: str) -> None:
    warehouse = make(tmp_path / "shop.duckdb")
    before = warehouse.read_bytes()
    (tmp_path / "link.html").symlink_to(warehouse)

    for output in (warehouse, tmp_path / "link.html"):
        result = CliRunner().invoke(
            main, [command, "--warehouse", str(warehouse), "--output", str(output)]
        )
        assert result.exit_code == 1
        assert result.output == (
            f"Error: {output} is the warehouse itself; --output names another file\n"
        )
    assert warehouse.read_bytes() == before


def test_a_page_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = make(tmp_path / "shop.duckdb")
    output = tmp_path / "pages" / "card.html"
    output.parent.mkdir()
    output.write_text("the old page")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(writing.os, "replace", refuse)
    result = write_card(warehouse, output)

    assert result.exit_code == 1
    assert result.output.splitlines() == [f"Error: {output} cannot be written: Permission denied"]
    assert output.read_text() == "the old page"
    assert [path.name for path in output.parent.iterdir()] == ["card.html"]
