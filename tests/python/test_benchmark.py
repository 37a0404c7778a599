"""The benchmark compares exactly, cuts a shop without losing a row, and tells what it measured."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

import measuring
import plots
import run
import telling
from comparing import compare, export_single_view
from measuring import Cost
from simulated_shops import TABLES, cut_last_day

ROOT = Path(__file__).resolve().parents[2]
RIVALS = ROOT / ".venv-benchmark/bin/python"


def write(path: Path, rows: str, names: str = "customer_id, city, net_revenue") -> Path:
    with duckdb.connect() as connection:
        connection.execute(f"copy (from (values {rows}) as t({names})) to '{path}'")
    return path


@pytest.fixture
def ours(tmp_path) -> Path:
    rows = "('a', 'here', 1.2500::decimal(18, 4)), ('b', null, null), ('c', 'there', 3.0)"
    return write(tmp_path / "ours.parquet", rows)


@pytest.mark.parametrize(
    ("rows", "differing", "missing", "added"),
    [
        ("('c', 'there', 3.0::double), ('b', null, null), ('a', 'here', 1.25)", {}, 0, 0),
        ("('a', 'here', 1.25), ('b', '', 0), ('c', 'there', 3)",
         {"city": 1, "net_revenue": 1}, 0, 0),
        ("('a', 'here', 1.2501::double), ('b', null, null), ('d', 'there', 3)",
         {"net_revenue": 1}, 1, 1),
    ],
)  # fmt: skip
def test_what_differs_is_counted_column_by_column(ours, tmp_path, rows, differing, missing, added):
    found = compare(ours, write(tmp_path / "theirs.parquet", rows))
    assert (found.differing, found.missing, found.added) == (differing, missing, added)
    assert found.is_equal == (not (differing or missing or added))
    assert (found.columns, found.customers) == (3, 3)


def test_a_rival_that_lacks_a_column_or_repeats_a_customer_is_refused(ours, tmp_path):
    theirs = write(tmp_path / "few.parquet", "('a', 1)", "customer_id, net_revenue")
    with pytest.raises(ValueError, match="lacks city"):
        compare(ours, theirs)
    twice = write(tmp_path / "twice.parquet", "('a', 'here', 1.25), ('a', 'here', 1.25)")
    with pytest.raises(ValueError, match="1 customers more than once"):
        compare(ours, twice)


@pytest.mark.parametrize("rival", ["pandas", "polars"])
def test_a_rival_is_the_warehouse_value_for_value(rival, demo_warehouse, tmp_path):
    if not RIVALS.exists():
        pytest.skip(".venv-benchmark is missing: `make benchmark` makes it")
    export_single_view(demo_warehouse.path, tmp_path / "ours.parquet")
    script = ROOT / "benchmarks" / f"{rival}_single_view.py"
    theirs = tmp_path / "theirs.parquet"
    subprocess.run([RIVALS, script, ROOT / "demo", theirs], check=True)
    found = compare(tmp_path / "ours.parquet", theirs)
    assert found.is_equal, found
    assert found.columns == 41


def test_a_cut_shop_holds_every_row_and_nothing_of_its_last_day(tmp_path):
    before, day = tmp_path / "before", tmp_path / "day"
    cut_last_day(ROOT / "demo", before, day)
    tables = {
        f"{part}_{table}": f"'{folder}/{table}/*.parquet'"
        for part, folder in (
            ("whole", ROOT / "demo/market"), ("before", before / "market"), ("day", day),
        )
        for table in TABLES
    }  # fmt: skip
    times = ("createdate", "checkoutdate", "deliverdate", "ratedate")
    is_late = "{0} between '2026-06-30 00:00:00' and '2049'"
    late = " or ".join(is_late.format(time) for time in times)
    with duckdb.connect() as connection:

        def value(query: str) -> int:
            return connection.execute(query.format(**tables)).fetchall()[0][0]

        assert value(f"select count(*) from {{before_market_order}} where {late}") == 0
        assert value(f"select count(*) from {{day_market_order}} where not ({late})") == 0
        touched = value(f"select count(*) from {{whole_market_order}} where {late}")
        begun = value(
            "select count(*) from {whole_market_order} where " + is_late.format("createdate")
        )
        assert 0 < begun < touched == value("select count(*) from {day_market_order}")
        whole = value("select count(*) from {whole_market_order}")
        assert value("select count(*) from {before_market_order}") == whole - begun
        for table in ("product_detail", "promo_detail", "app_open"):
            split = [
                value(f"select count(*) from {{{part}_{table}}}") for part in ("before", "day")
            ]
            assert sum(split) == value(f"select count(*) from {{whole_{table}}}"), table
            assert min(split) > 0, table
        # Who was touched and not begun stands in both, and knew less before.
        assert (
            value("""
            select count(*) from {before_market_order} as before
            join {day_market_order} as day using (order_id, client_id, createdate)
            where (before.checkoutdate, before.deliverdate, before.ratedate)
                is not distinct from (day.checkoutdate, day.deliverdate, day.ratedate)
        """)
            == 0
        )


def test_names_beside_lines_do_not_cover_each_other():
    figures = {
        case: {"cpu": 10 + place / 100, "wall": 1.0, "peak": 1.0}
        for place, case in enumerate(plots.NAMES)
    }
    frame = plots.frame_of([(50, figures)], "cpu")
    ends = plots.placed(frame, 1, 20)
    span = plots.math.log(20)
    heights = sorted(plots.math.log(place) / span * plots.HEIGHT for place in ends["place"])
    gaps = [upper - lower for lower, upper in pairwise(heights)]
    assert min(gaps) > plots.LABEL_PIXELS - 0.01
    assert heights[-1] <= plots.HEIGHT + 0.01


def test_medians_goals_and_rounds_are_told(tmp_path):
    def runs(sql: float, floor: float) -> list[dict]:
        return [
            {"round": number, "case": case, "cpu": value + noise, "wall": 1.0, "peak": 1_500.0}
            for number, noise in enumerate((0.0, 50.0, 1.0), start=1)
            for case, value in (("sql", sql), ("floor", floor), ("start", 6 * floor))
        ]

    landing = {"market_order": 1, "product_detail": 1, "app_open": 1, "bytes": 1_000_000}
    result = {
        "sizes": [
            {"customers": 1_000, "runs": runs(10, 1), "landing": landing,
             "skipped": {"pandas": "no"}},
            {"customers": 10_000, "runs": runs(139, 34), "landing": landing, "skipped": {}},
        ]
    }  # fmt: skip
    assert telling.medians(result["sizes"][0])["sql"]["cpu"] == 11
    told = telling.goals(result)
    goal = "| single view with its history, CPU against the floor | at most 4 |"
    assert f"{goal} **5.50** (2.00) | 4.00" in told
    assert "| `sql`: CPU of ten times the customers | at most 11 |  | **12.73** |" in told
    assert "| greatest peak of our cases, GB | at most 2 | 1.50 | 1.50 |" in told
    for size, models in zip(result["sizes"], ({"first": {"a": 1}, "increment": {"b": 2}},
                                              {"first": {"c": 3}}), strict=True):  # fmt: skip
        size["models"] = models
    slowest = " ".join(telling.slowest(result).split())
    assert "`first` of 10,000 customers: `c` 3.0." in slowest
    assert "`increment` of 1,000 customers: `b` 2.0." in slowest
    assert "`a`" not in slowest
    tables = telling.tables(result)
    assert "Not measured: `pandas`, no." in tables[0]
    assert "| 11.0 | 1.0 | 1,500 | 5.50 |" in tables[0]


def test_rounds_are_added_to_those_of_the_same_size():
    def size(customers: int, **cases: float) -> dict:
        return {
            "customers": customers,
            "simulated": None,
            "skipped": {"pandas": "would take about 90 GB of memory"},
            "comparisons": {"sql_now": {}},
            "models": {},
            "runs": [{"round": 1, "case": case, "cpu": cpu} for case, cpu in cases.items()],
        }

    before = [size(1_000, sql=1, floor=2), size(10_000, sql=10)]
    found = run.with_rounds_of(size(1_000, sql=3, pandas=4), before)
    assert [one["customers"] for one in found] == [1_000, 10_000]
    assert [(done["round"], done["case"], done["cpu"]) for done in found[0]["runs"]] == [
        (1, "sql", 1), (1, "floor", 2), (2, "sql", 3), (2, "pandas", 4),
    ]  # fmt: skip
    assert found[0]["skipped"] == {}
    assert telling.rounds_of(found[0]) == 1
    assert found[1] == before[1]
    assert [one["customers"] for one in run.with_rounds_of(size(5_000), before)] == [
        1_000, 5_000, 10_000,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("is_added", "cases"), [(True, ["polars"]), (False, ["sql", "polars"]), (False, ["polars"])]
)
def test_no_time_is_taken_of_what_has_nothing_to_be_compared_with(
    tmp_path, monkeypatch, is_added, cases
):
    measured, compared = [], []
    for name, found in {
        "simulated": None, "described": {}, "prepare": None, "keep": None, "seconds_of_models": {},
    }.items():  # fmt: skip
        monkeypatch.setattr(run, name, lambda *_, found=found, **__: found)
    cost = Cost(cpu=1.0, wall=1.0, peak=1.0)
    monkeypatch.setattr(run, "measured", lambda *_: measured.append(1) or cost)
    monkeypatch.setattr(run, "command_of", lambda *_: [])
    monkeypatch.setattr(run, "equal_or_end", lambda case, place: compared.append(case))
    monkeypatch.setattr(run, "dbt", lambda *_: ["true"])
    left = tmp_path / "50" / "sql.parquet"
    left.parent.mkdir()
    left.touch()
    arguments = argparse.Namespace(cases=cases, rounds=2, add=is_added, landing={}, rivals=tmp_path)
    if is_added or "sql" in cases:
        run.measured_size(50, tmp_path, arguments, [])
        assert compared == ["polars"]
    else:
        with pytest.raises(SystemExit, match="polars need the single view of `sql`"):
            run.measured_size(50, tmp_path, arguments, [])
    # One that other builds left is not compared with.
    assert left.exists() == is_added
    assert bool(measured) == (is_added or "sql" in cases)


@pytest.mark.parametrize("name", ["small.json", "full.json"])
def test_a_result_is_told_on_a_page_of_its_own_but_for_the_published_one(
    tmp_path, monkeypatch, name
):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{telling.BEGIN}\nold\n{telling.END}\nafter\n")
    monkeypatch.setattr(telling, "README", readme)
    monkeypatch.setattr(telling, "PUBLISHED", tmp_path / "results" / "full.json")
    published = json.loads((ROOT / "benchmarks/results/full.json").read_text())
    path = tmp_path / "results" / name
    path.parent.mkdir()
    settings = {"memory_limit": "700MB", "checkpoint_threshold": "64MB", "threads": 1}
    path.write_text(json.dumps(published | {"settings": settings}))
    page = telling.tell(path)
    if name == "full.json":
        assert page == readme
        assert readme.read_text().startswith(f"before\n{telling.BEGIN}\nMeasured on")
        assert readme.read_text().endswith(f"\n{telling.END}\nafter\n")
    else:
        assert page == tmp_path / "results" / "small.md"
        assert "old" in readme.read_text()
    told = page.read_text()
    links = re.findall(r"\]\(([^)]+)\)", told)
    assert len(links) == 4
    assert not [link for link in links if not (page.parent / link).exists()]
    assert "DuckDB within 700MB, with a checkpoint every 64MB" in " ".join(told.split())


def test_settings_are_those_that_builds_are_given(monkeypatch):
    monkeypatch.setenv("CLIENTELE_DBT_THREADS", "3")
    monkeypatch.setenv("CLIENTELE_MEMORY_LIMIT", "700MB")
    assert measuring.settings() == {
        "memory_limit": "700MB", "checkpoint_threshold": "128MB", "threads": 3
    }  # fmt: skip


def test_rounds_of_other_versions_machines_or_builds_are_not_added(tmp_path):
    now = {
        "versions": {"duckdb": "2"}, "machine": {"processor": "x", "cores": 2, "memory_gb": 8},
        "settings": {"memory_limit": "950MB"},
    }  # fmt: skip
    path = tmp_path / "result.json"
    with pytest.raises(SystemExit, match="nothing to add to"):
        run.sizes_before(path, now)
    path.write_text(json.dumps({
        "versions": {"duckdb": "1"}, "machine": now["machine"] | {"cores": 4},
        "settings": {"memory_limit": "1GB"}, "commit": "no_such_commit", "sizes": [],
    }))  # fmt: skip
    differs = r"duckdb 1, now 2; cores 4, now 2; memory_limit 1GB, now 950MB; models.* have changed"
    with pytest.raises(SystemExit, match=differs):
        run.sizes_before(path, now)
