"""The simulated sales transactions are the market's delivered orders, written down by tills."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from click.testing import CliRunner

from clientele.cli import main
from clientele.simulator import landing as landing_module
from clientele.simulator import simulate
from clientele.simulator.mess import DEFECTS
from test_simulator import fingerprint
from warehouse import ROOT

DEMO = ROOT / "demo"
HEADER = (
    "transaction_id", "member_id", "payment_date", "total_amt", "paid_amt", "discount",
    "product_json", "channel", "service_centre",
)  # fmt: skip
TRUTHS = ("truth_customers", "truth_shop", "truth_mess", "truth_gap")
GAP = (date(2025, 1, 1), date(2025, 6, 30))


def make(folder: Path, **arguments: object) -> Path:
    """Simulate sales transactions and return the landing zone."""
    defaults = {"customers": 700, "seed": 4, "mess": 0.0, "gap": None, "shape": "sales_json"}
    simulate(folder, **(defaults | arguments))
    return folder


def frame(landing: Path, query: str) -> pd.DataFrame:
    """Return the result of a query; {sales} and {truth_gap} and the like stand for tables."""
    tables = {name: f"'{landing}/sales_json_truth/{name}/*.parquet'" for name in TRUTHS}
    sales = f"'{landing}/sales_json/sales_transactions/*.parquet'"
    with duckdb.connect() as connection:
        return connection.execute(query.format(sales=sales, **tables)).df()


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sales without mess and gap."""
    return make(tmp_path_factory.mktemp("clean"))


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    """Twice the same, another seed all different, and the size of chunks leaves no trace."""
    one, same, other = (
        fingerprint(make(tmp_path / name, customers=150, mess=0.5, gap=GAP, seed=seed))
        for name, seed in (("one", 1), ("same", 1), ("other", 2))
    )
    assert one == same
    assert set(one) == set(other)
    assert not set(one.values()) & set(other.values())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(landing_module, "FRAME_ROWS", 101)
        chunks = make(tmp_path / "chunks", customers=150, mess=0.5, gap=GAP, seed=1)
    assert fingerprint(chunks) == one


def test_sales_are_the_delivered_orders_of_the_same_market(clean: Path, tmp_path: Path) -> None:
    """Transaction by transaction: member, time, value and products of the order that it was."""
    simulate(tmp_path, customers=700, seed=4, mess=0.0)
    with duckdb.connect() as connection:
        orders = connection.execute(
            f"""
            select 't' || order_id, client_id, checkoutdate, basketvalue, list(
                (product_id, "count") order by _pos::int
            )
            from '{tmp_path}/market/market_order/*.parquet'
            join '{tmp_path}/market/product_detail/*.parquet' using (order_id)
            where deliverdate is not null
            group by all order by all
            """
        ).fetchall()
    columns = "transaction_id, member_id, payment_date, total_amt, product_json"
    sales = frame(clean, f"select {columns} from {{sales}} order by all")
    assert len(sales) == len(orders) > 2_000
    for sale, order in zip(sales.itertuples(index=False), orders, strict=True):
        assert tuple(sale)[:4] == order[:4]
        value = json.loads(sale.product_json)
        if isinstance(value, dict) and "product" not in value:
            value = [{"product": name, "qty": pieces} for name, pieces in value.items()]
        items = value if isinstance(value, list) else [value]
        assert [(item["product"], str(item.get("qty", 1))) for item in items] == [
            (f"part_{int(product[1:]):04d}", pieces) for product, pieces in order[4]
        ]


def test_most_members_settle_on_account(clean: Path) -> None:
    """The till says 0 for most; where it says more, it is the total less the discount."""
    shares = frame(
        clean,
        """
        select
            avg((paid_amt = '0.00')::int) filter (paid_amt is not null) as zero,
            avg((paid_amt is null)::int) as unsaid,
            avg((discount is null)::int) as no_discount,
            count(*) filter (
                paid_amt <> '0.00' and paid_amt::decimal(18, 2)
                <> total_amt::decimal(18, 2) - coalesce(discount::decimal(18, 2), 0)
            ) as broken,
            count(*) filter (discount::decimal(18, 2) > total_amt::decimal(18, 2)) as too_much
        from {sales}
        """,
    ).iloc[0]
    assert shares["zero"] == pytest.approx(0.93, abs=0.02)
    assert shares["unsaid"] == pytest.approx(0.03, abs=0.01)
    assert 0.2 < shares["no_discount"] < 0.6
    assert shares["broken"] == shares["too_much"] == 0


def test_the_gap_takes_most_sales_of_its_days_and_no_others(clean: Path, tmp_path: Path) -> None:
    """A fragment is left; outside the gap the rows are the same, byte for byte."""
    gapped = make(tmp_path, gap=GAP)
    is_in_gap = f"payment_date between '{GAP[0]}' and '{GAP[1]} 23:59:59'"
    before, after = (
        frame(folder, f"select {is_in_gap} as is_in_gap, * from {{sales}}")
        for folder in (clean, gapped)
    )
    pd.testing.assert_frame_equal(
        *(rows[~rows["is_in_gap"]].reset_index(drop=True) for rows in (before, after))
    )
    ((first, last, kept, missing),) = frame(gapped, "from {truth_gap}").itertuples(index=False)
    assert (first.date(), last.date()) == GAP
    assert kept == after["is_in_gap"].sum()
    assert kept + missing == before["is_in_gap"].sum()
    assert 0.02 < kept / (kept + missing) < 0.12


def test_mess_grows_with_the_dial_and_leaves_the_rows_underneath(
    clean: Path, tmp_path: Path
) -> None:
    """Formats of dates mix in even shares; a row that is not hit says the same as without."""
    messy = make(tmp_path, mess=1.0)
    dates = frame(messy, "select payment_date from {sales} where payment_date is not null")
    patterns = {
        "time": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d",
        "day": r"\d{4}-\d\d-\d\d",
        "day first": r"\d\d/\d\d/\d{4}",
        "day first with time": r"\d\d/\d\d/\d{4} \d\d:\d\d",
        "digits": r"\d{8}",
    }
    for name, pattern in patterns.items():
        found = dates["payment_date"].map(lambda text, form=pattern: bool(re.fullmatch(form, text)))
        assert found.mean() == pytest.approx(0.2, abs=0.04), name
    assert set(frame(clean, "select length(payment_date) from {sales}").iloc[:, 0]) == {19}
    planted = frame(messy, "from {truth_mess}")
    assert list(planted["kind"]) == [kind.kind for kind in DEFECTS["sales_transactions"]]
    rows = len(frame(clean, "from {sales}"))
    for kind in DEFECTS["sales_transactions"]:
        count = planted.set_index("kind")["row_count"][kind.kind]
        assert count == pytest.approx(rows * kind.rate, rel=0.6), kind.kind
    unhit = "select * exclude (payment_date) from {sales}"
    lost = set(frame(clean, unhit).itertuples(index=False, name=None)) - set(
        frame(messy, unhit).itertuples(index=False, name=None)
    )
    assert len(lost) <= planted.loc[planted["effect"] != "copy", "row_count"].sum()


def test_no_customers_give_an_empty_table_with_its_columns(tmp_path: Path) -> None:
    """No sale is a table of no rows, every column text."""
    columns = frame(make(tmp_path, customers=0, mess=1.0, gap=GAP), "describe from {sales}")
    assert tuple(columns["column_name"]) == HEADER
    assert set(columns["column_type"]) == {"VARCHAR"}
    assert frame(tmp_path, "from {sales}").empty


def test_the_demo_is_what_its_command_makes(tmp_path: Path) -> None:
    """The example in the command's help makes the demo of sales_json, and nothing of market."""
    command = ["simulate", str(tmp_path), "--shape", "sales_json", "--customers", "800"]
    result = CliRunner().invoke(main, [*command, "--quiet"])
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sales_json", "sales_json_truth"]
    for table in ("sales", *TRUTHS):
        query = f"from {{{table}}}"
        pd.testing.assert_frame_equal(frame(tmp_path, query), frame(DEMO, query), obj=table)
    assert sum(path.stat().st_size for path in DEMO.glob("sales_json/**/*.parquet")) < 300_000


@pytest.mark.parametrize(
    ("arguments", "word"),
    [({"shape": "till"}, "shape"), ({"gap": (GAP[1], GAP[0])}, "gap")],
)
def test_impossible_sales_are_refused(tmp_path: Path, arguments: dict, word: str) -> None:
    """A shape that is not known and a gap that ends before it begins are named."""
    with pytest.raises(ValueError, match=word):
        make(tmp_path / "landing", **arguments)
    assert not (tmp_path / "landing").exists()
