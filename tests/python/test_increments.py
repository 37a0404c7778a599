"""A build that adds to the last one ends with the same tables as one that makes everything anew."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from replay import FIRST_DELIVERY, Builds, Deliveries, Plan, differences, replay_project, write_shop
from warehouse import Warehouse

# A replay costs most of a minute: CI looks at the same two, CLIENTELE_REPLAYS=20 at others.
REPLAYS = int(os.environ.get("CLIENTELE_REPLAYS", "0"))
PLAIN = Plan(days=(20, 40, 60), seed=4, backfill_at=None, erasure_at=None)
NOBODY_KNOWS = "Full build: no build before it was complete"


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Draw what happens in sixty days."""
    days = draw(st.lists(st.integers(1, 59), min_size=4, max_size=6, unique=True))
    numbers = st.one_of(st.none(), st.integers(2, 5))
    return Plan(
        days=(*days, 60),
        seed=draw(st.integers(0, 10_000)),
        backfill_at=draw(numbers),
        erasure_at=draw(numbers),
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that the shop will ever tell."""
    return write_shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builds]:
    """A project of the models that grow, parsed once."""
    folder = tmp_path_factory.mktemp("replay")
    with Builds(replay_project(folder / "project", folder / "landing")) as running:
        yield running


@pytest.fixture
def landing(builds: Builds) -> Iterator[Path]:
    """The landing zone of the project, empty, and no warehouse."""
    yield builds.landing
    clear(builds)


def clear(builds: Builds) -> None:
    """Take away what the last replay left."""
    for folder in (builds.landing / "market", builds.project / "kept", builds.project / "full"):
        shutil.rmtree(folder, ignore_errors=True)


def require_equal(builds: Builds, kept: Warehouse, *arguments: str) -> None:
    """Require that a warehouse holds what a full build makes of the same landing zone."""
    full, kind = builds.build("full", *arguments)
    assert kind == NOBODY_KNOWS
    assert differences(kept, full) == []
    shutil.rmtree(builds.project / "full")


def replay(builds: Builds, shop: Path, plan: Plan) -> None:
    """Build after each delivery of a plan, and compare before what starts anew and at the end."""
    clear(builds)
    deliveries = Deliveries(shop, builds.landing, plan)
    deliveries.first()
    assert builds.build("kept")[1] == NOBODY_KNOWS
    for number in range(1, len(plan.days) + 1):
        has_changed = deliveries.deliver(number)
        kept, kind = builds.build("kept")
        assert kind.startswith("Full build: a landed file has changed" if has_changed else "Incr")
        if number in (len(plan.days), (plan.erasure_at or 0) - 1):
            require_equal(builds, kept)
    happened = deliveries.happened()
    assert min(happened.values()) > 0, happened


@settings(
    max_examples=REPLAYS or 1,
    derandomize=not REPLAYS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
    # A smaller replay that fails would cost as much to find as the first.
    phases=[Phase.explicit, Phase.generate],
)
@given(plan=plans())
@example(plan=Plan(days=(8, 31, 17, 44, 60), seed=1_033, backfill_at=2, erasure_at=4))
def test_sixty_days_of_increments_are_a_full_build(builds: Builds, shop: Path, plan: Plan) -> None:
    replay(builds, shop, plan)
    clear(builds)


def test_a_date_that_goes_back_and_on_again_is_followed(
    builds: Builds, shop: Path, landing: Path
) -> None:
    deliveries = Deliveries(shop, landing, PLAIN)
    deliveries.first()
    builds.build("kept")
    deliveries.deliver(1)
    past = FIRST_DELIVERY - timedelta(days=33)
    for day in (past, past + timedelta(days=40)):
        kept, kind = builds.build("kept", "--vars", f"{{as_of: {day}}}")
        assert kind.startswith("Increment")
        require_equal(builds, kept, "--vars", f"{{as_of: {day}}}")


def test_a_build_is_full_and_says_why_where_more_than_new_files_came(
    builds: Builds, shop: Path, landing: Path
) -> None:
    deliveries = Deliveries(shop, landing, PLAIN)
    deliveries.first()
    deliveries.deliver(1)
    assert builds.build("kept")[1] == NOBODY_KNOWS
    assert builds.build("kept")[1] == "Increment: 0 new files"
    small = ("--vars", "{largest_amount: 900}")
    assert builds.build("kept", *small)[1] == "Full build: vars have changed"

    lines, *_ = sorted(landing.glob("market/*/product_detail/*.parquet"))
    content, times, name = lines.read_bytes(), lines.stat(), lines.relative_to(landing)
    lines.unlink()
    gone = builds.build("kept", *small)[1]
    assert gone == f"Full build: a landed file is gone: demo/{name}"
    lines.write_bytes(content)
    assert builds.build("kept", *small)[1] == "Increment: 1 new file"
    # Of the same size, at the same time.
    lines.write_bytes(content.replace(b"load=", b"laod="))
    os.utime(lines, ns=(times.st_atime_ns, times.st_mtime_ns))
    changed = builds.build("kept", *small)[1]
    assert changed == f"Full build: a landed file has changed: demo/{name}"
    part = builds.build("kept", *small, "--select", "fct_orders")[1]
    assert part == "Full build: only a part of the models is built"


def test_a_build_that_failed_is_followed_by_a_full_one(
    builds: Builds, shop: Path, landing: Path
) -> None:
    deliveries = Deliveries(shop, landing, PLAIN)
    deliveries.first()
    builds.build("kept")
    deliveries.deliver(1)
    orders = sorted(landing.glob("market/*/market_order/*.parquet"))[-1]
    content = orders.read_bytes()
    orders.write_bytes(b"no Parquet")
    failed, kind = builds.build("kept", must_pass=False)
    assert (failed.exit_code, kind) == (1, "Increment: 4 new files")
    orders.write_bytes(content)
    assert builds.build("kept")[1] == NOBODY_KNOWS


def test_tests_look_at_what_was_made_anew_where_the_rest_has_passed_them(
    builds: Builds, shop: Path, landing: Path
) -> None:
    tested = ("--exclude", "resource_type:unit_test")
    deliveries = Deliveries(shop, landing, PLAIN)
    deliveries.first()
    warehouse, _ = builds.build("kept", *tested)
    broken = warehouse.value("select min_by(order_key, basket_created_at) from core.fct_orders")
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(
            "update core.fct_orders set own_discount = -1 where order_key = $1", [broken]
        )

    deliveries.deliver(1)
    kept, kind = builds.build("kept", *tested)
    assert kind.startswith("Increment")
    changed = {
        key for (key,) in kept.query("select order_key from intermediate.int_changed_orders")
    }
    assert changed
    assert broken not in changed
    test = next((builds.project / "target/compiled").rglob("holds_fct_orders*.sql")).read_text()
    assert "in (select order_key from" in test

    # What a build without tests has made is looked at by the next that has some, and all else.
    builds.build("kept")
    failed, kind = builds.build("kept", *tested, must_pass=False)
    assert (failed.exit_code, kind) == (1, "Increment: 0 new files")
    assert builds.build("kept")[1] == NOBODY_KNOWS
