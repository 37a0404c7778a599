"""The report's section of the segments: what is chosen, ordered and drawn of the tables."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from clientele.pages.customer_map import axis_words, customer_map, series_colour
from clientele.pages.numbers import Numbers
from clientele.pages.segment_flows import Flow, Node, flow_chart, spread
from clientele.report import segment_moves, segments
from clientele.report.page import section_html
from clientele.report.reading import Query, Row, Tables
from clientele.report.shop import Shop

OVERVIEW = {
    "source": "shop", "currency": "EUR", "customer_count": 0, "segment_count": 0,
    "as_of_date": date(2026, 6, 30),
}  # fmt: skip


def rows_of(query: Query, *rows: dict[str, Any]) -> list[Row]:
    return [Row({"source": "shop", **row}, query.table, query.grain) for row in rows]


def tables_of(**given: list[dict[str, Any]]) -> Tables:
    return {query.key: rows_of(query, *given.get(query.key, [])) for query in segments.QUERIES}


def html_of(tables: Tables, **overview: Any) -> str:
    """Return the section of a shop."""
    about = Row({**OVERVIEW, **overview}, "marts.shop_overview", ())
    return section_html(segments, tables, Shop(about, 1, "en_GB"))


def text_of(html: str) -> str:
    without_drawings = re.sub(r"<(svg|style|script).*?</\1>", "", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", without_drawings).split())


def profile(segment_id: int, name: str, count: int, **more: Any) -> dict[str, Any]:
    unknown = dict.fromkeys(
        ("net_revenue", "net_revenue_share", "cm2", "cm2_share", "cm2_per_customer",
         "clv_365_per_customer", "borderline_share")
    )  # fmt: skip
    return {
        "segment_id": segment_id, "segment_name": name, "customer_count": count,
        "customer_share": Decimal("0.5"), **unknown, **more,
    }  # fmt: skip


def about(segment_id: int, name: str) -> dict[str, Any]:
    return {
        "segment_id": segment_id, "segment_name": name, "who_they_are": "People.",
        "what_to_do": "Write.", "channel": None, "offer": None, "cadence": None,
    }  # fmt: skip


def status(method: str, status: str, reason: str) -> dict[str, Any]:
    return {
        "segmentation_status": status, "segmentation_method": method, "reason": reason,
        "fitted_customer_count": 400,
    }  # fmt: skip


def test_a_shop_of_nobody_says_so() -> None:
    told = status("rules", "unsegmented", "nothing was fitted by the as-of date")
    text = text_of(html_of(tables_of(segmentation_status=[told], segments=[about(104, "New")])))
    assert "There are no customers yet" in text
    assert "Size and value" not in text


def test_one_customer_is_counted_and_not_summarised() -> None:
    told = status("rules", "unsegmented", "fewer than 500 customers")
    scores = {
        "candidate": "rules", "k": None, "usefulness": None, "usefulness_error": None,
        "is_chosen": True,
    }  # fmt: skip
    text = text_of(
        html_of(
            tables_of(
                segmentation_status=[told],
                segments=[about(104, "New customers"), about(113, "Dormant <b>")],
                segment_profiles=[profile(104, "New customers", 1, customer_share=Decimal(1))],
                segment_k_scores=[scores],
            ),
            customer_count=1,
            segment_count=2,
        )
    )
    assert "1 customer " in text
    assert "1 customers" not in text
    assert "Withheld. Clusters could not be fitted" in text
    assert "Fewer than 500 customers." in text
    assert "too few to be summarised" in text
    assert "Nobody is in Dormant &lt;b&gt; today." in text
    assert "no clusters could be fitted, so there are no directions" in text
    assert "the history does not reach back a month" in text
    assert "the history is too short to look" in text


@pytest.mark.parametrize(("months", "shown"), [((1, 3), 3), ((1,), 1)])
def test_moves_are_told_since_three_months_or_since_one(months: tuple[int], shown: int) -> None:
    """Segments stand in the order of the page, those of nobody after them."""
    moved = dict.fromkeys(
        ("stayed_count", "moved_out_count", "left_count", "moved_in_count", "new_count",
         "returned_count", "change_count"),
        0,
    )  # fmt: skip
    balance = [
        {
            "months_back": back, "segment_id": key, "segment_name": str(key), **moved,
            "from_customer_count": 5, "to_customer_count": 5, "from_cm2_365d": None,
            "to_cm2_365d": None, "from_date": date(2026, 3, 31), "to_date": date(2026, 6, 30),
        }
        for back in months for key in (1, 2, 3)
    ]  # fmt: skip
    tables = tables_of(
        segment_balance=balance,
        segment_profiles=[profile(3, "3", 20), profile(1, "1", 20)],
    )
    found, _ = segment_moves.looked_back(tables)
    assert [(row["months_back"], row["segment_id"]) for row in found] == [
        (shown, 3), (shown, 1), (shown, 2),
    ]  # fmt: skip


def test_values_are_the_commonest_and_prices_stand_in_their_order() -> None:
    def value(dimension: str, name: str, share: str) -> dict[str, Any]:
        return {
            "segment_id": 1, "dimension": dimension, "dimension_value": name,
            "segment_share": Decimal(share), "all_customers_share": Decimal(share),
            "index_to_all": Decimal(100),
        }  # fmt: skip

    bands = ["3.36 to 3.93", "5.84 or more", "up to 3.35", "10.5 to 20"]
    rows = tables_of(
        segment_distributions=[
            *(value("city", f"city {number}", f"0.{9 - number}") for number in range(9)),
            *(value("price_band", band, "0.2") for band in bands),
        ]
    )["segment_distributions"]
    found = {
        dimension: [row["dimension_value"] for row, _ in cells]
        for dimension, _, cells in segments._dimensions(rows)
    }
    assert found == {
        "city": [f"city {number}" for number in range(segments.MOST_VALUES)],
        "price_band": ["up to 3.35", "3.36 to 3.93", "5.84 or more", "10.5 to 20"],
    }


def test_a_direction_is_told_by_its_weightiest_features_and_their_signs() -> None:
    axes = [
        {"component": 1, "feature": "promo_share", "loading": -0.9},
        {"component": 1, "feature": "app_opens_30d", "loading": 0.5},
        {"component": 1, "feature": "app_opens_90d", "loading": 0.4},
        {"component": 1, "feature": "something_new", "loading": 0.3},
        {"component": 2, "feature": "distance", "loading": 1.0},
    ]
    assert axis_words(axes, 1, 3) == ["fewer promotions", "more app openings", "more something new"]
    assert axis_words(axes, 2) == ["further away"]


def test_the_map_draws_each_customer_once_where_they_belong() -> None:
    """To the right is more, upwards is more, and both have one scale."""
    dots = [
        {"segment_id": 2, "component_1": 0.0, "component_2": 0.0},
        {"segment_id": 2, "component_1": 4.0, "component_2": 0.0},
        {"segment_id": 7, "component_1": 0.0, "component_2": 2.0},
    ]
    groups = [{"segment_id": 7, "segment_name": "Up"}, {"segment_id": 2, "segment_name": "Down"}]
    axes = [{"component": number, "feature": "rating", "loading": 1.0} for number in (1, 2)]
    drawn = str(customer_map(dots, groups, axes, "map", Numbers()))
    paths = dict(
        re.findall(r'<path d="((?:M[\d,]+h\.1)+)" stroke="([^"]+)"', drawn)
    )  # fmt: skip
    places = {
        colour: [tuple(map(int, place)) for place in re.findall(r"M(\d+),(\d+)h\.1", path)]
        for path, colour in paths.items()
    }
    ((x_up, y_up),) = places[series_colour(0)]
    (x_left, y_left), (x_right, y_right) = places[series_colour(1)]
    assert y_left == y_right > y_up
    assert x_up == x_left < x_right
    assert abs((x_right - x_left) - 2 * (y_left - y_up)) <= 2
    assert customer_map([], groups, axes, "map", Numbers()) == ""


def test_bands_fill_both_ends_and_lie_below_each_other() -> None:
    """The bands of a segment lie side by side, as high together as the segment itself."""
    flows = [
        Flow("a", "a", 60, 60, ""), Flow("a", "b", 20, 20, ""), Flow("new", "b", 20, 20, ""),
        Flow("b", "a", 0.3, 0.3, "too few to be drawn"),
    ]  # fmt: skip
    nodes = [Node("a", "a", "red"), Node("b", "b", "blue"), Node("new", "new")]
    spec = flow_chart(nodes, nodes[:2], flows, ("then", "now"))(340).to_dict()
    bands, blocks = (layer["data"]["values"] for layer in spec["layer"][:2])
    starts = {band["band"]: band for band in bands if band["x"] == min(b["x"] for b in bands)}
    ends = {band["band"]: band for band in bands if band["x"] == max(b["x"] for b in bands)}
    assert set(starts) == {"a\na", "a\nb", "new\nb"}
    assert starts["a\nb"]["y"] == pytest.approx(starts["a\na"]["y2"], abs=0.11)
    left, right = (
        [block for block in blocks if block["x"] == edge]
        for edge in sorted({block["x"] for block in blocks})
    )
    assert starts["a\nb"]["y2"] == pytest.approx(left[0]["y2"], abs=0.11)
    assert ends["a\na"]["y"] == pytest.approx(right[0]["y"], abs=0.11)
    assert ends["new\nb"]["y2"] == pytest.approx(right[1]["y2"], abs=0.11)
    assert starts["new\nb"]["colour"] == "blue"  # of where they go: they come from no segment
    assert max(block["y2"] for block in blocks) <= spec["height"]


def test_labels_move_apart_and_stay_inside() -> None:
    assert spread([10, 11, 50], 16, 0, 100) == [10, 26, 50]
    assert spread([90, 95, 99], 16, 0, 100) == [68, 84, 100]
    assert spread([], 16, 0, 100) == []


def test_a_way_whose_margin_is_kept_back_is_not_drawn_as_none() -> None:
    """Only who came or left has nothing at one end."""

    def way(start: int | None, end: int | None, *money: int | None) -> dict[str, Any]:
        return {
            "from_segment_id": start, "from_segment_name": str(start), "to_segment_id": end,
            "to_segment_name": str(end), "customer_count": 20, "months_back": 3,
            "from_cm2_365d": money[0], "to_cm2_365d": money[1], "movement": "moved",
        }  # fmt: skip

    flows = [way(1, 1, 90, None), way(None, 1, None, 70), way(1, None, 60, None), way(1, 2, 5, 8)]
    balance = [
        {
            "segment_id": key, "segment_name": str(key), "from_customer_count": 40,
            "to_customer_count": 40, "from_cm2_365d": 155, "to_cm2_365d": 78,
            "from_date": date(2026, 3, 31), "to_date": date(2026, 6, 30),
        }
        for key in (1, 2)
    ]  # fmt: skip
    shop = Shop(Row(OVERVIEW, "marts.shop_overview", ()), 1, "en_GB")
    drawn = segment_moves.margin_chart(balance, flows, {}, shop)
    tips = re.findall("<title>([^<]+\N{RIGHTWARDS ARROW}[^<]+)</title>", str(drawn))
    assert sorted(set(tips)) == [
        "1 \N{RIGHTWARDS ARROW} 2: €5 before, €8 after",
        "1 \N{RIGHTWARDS ARROW} None: €60 before, nothing after",
        "None \N{RIGHTWARDS ARROW} 1: €70 after",
    ]
