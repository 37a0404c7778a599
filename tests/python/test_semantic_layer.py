"""The semantic layer: each metric, asked through MetricFlow, equals its mart or a plain sum.

All questions are put to one process (answer_metrics.py), which takes seconds to start.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from metric_tables import FAMILIES, UNITS, dimension_table, dimensions_of, metric_table, metrics_of
from warehouse import ROOT, Builder, Warehouse

PAGE = (ROOT / "docs" / "metrics.md").read_text()
EXAMPLE = re.compile(r"^```\nmf query (.*)\n```\n```text\n((?:.*\n)*?)```$", re.MULTILINE)
ASKER = Path(__file__).parent / "answer_metrics.py"

# What each metric is, in plain SQL. `placed` has the orders up to the as-of date; a success counts
# from its delivery.
SUCCESS = "(is_successful and delivered_date <= as_of_date)"
ORDER_METRICS = {
    "orders": "count(*)",
    "successful_orders": f"count(*) filter ({SUCCESS})",
    "cancelled_orders": "count(*) filter (is_cancelled)",
    "promo_orders": f"count(*) filter ({SUCCESS} and has_promo)",
    "items_sold": f"sum(item_count) filter ({SUCCESS})",
    "basket_value": f"sum(basket_value) filter ({SUCCESS})",
    "discount_amount": f"sum(discount_amount) filter ({SUCCESS})",
    "own_discount": f"sum(own_discount) filter ({SUCCESS})",
    "net_revenue": f"sum(net_revenue) filter ({SUCCESS})",
    "cm1": f"sum(cm1) filter ({SUCCESS})",
    "cm2": f"sum(cm2) filter ({SUCCESS})",
    "ordering_customers": f"count(distinct customer_key) filter ({SUCCESS})",
    "average_order_value": f"sum(net_revenue) filter ({SUCCESS}) / count(*) filter ({SUCCESS})",
    "items_per_order": f"sum(item_count) filter ({SUCCESS}) / count(*) filter ({SUCCESS})",
    "orders_per_customer": f"count(*) filter ({SUCCESS} and customer_key is not null) "
    f"/ count(distinct customer_key) filter ({SUCCESS})",
    "cancellation_rate": "count(*) filter (is_cancelled) / count(*)",
    "promo_share": f"count(*) filter ({SUCCESS} and has_promo) / count(*) filter ({SUCCESS})",
    "own_discount_share": f"sum(own_discount) filter ({SUCCESS}) "
    f"/ sum(basket_value) filter ({SUCCESS})",
    "cm2_rate": f"sum(cm2) filter ({SUCCESS}) / sum(net_revenue) filter ({SUCCESS})",
}
PLACED = """
    (
        select fct_orders.*, as_of_date
        from core.fct_orders
        inner join intermediate.int_as_of using (source)
        where order_date <= as_of_date
    )
"""
MONTH_METRICS = ("net_revenue_growth", "net_revenue_to_date")
CUSTOMER_METRICS = {
    "people": "count(*)",
    "customers": "count(*) filter (is_customer)",
    "prospects": "count(*) filter (not is_customer)",
    "active_customers": "count(*) filter (successful_orders_365d > 0)",
    "overdue_customers": "count(*) filter (is_overdue)",
    "repeat_customers": "count(*) filter (successful_order_count >= 2)",
    "net_revenue_365d": "sum(net_revenue_365d)",
    "cm2_365d": "sum(cm2_365d)",
    "repeat_rate": "count(*) filter (successful_order_count >= 2)"
    " / nullif(count(*) filter (is_customer), 0)",
    "active_share": "count(*) filter (successful_orders_365d > 0)"
    " / nullif(count(*) filter (is_customer), 0)",
    "cm2_per_active_customer": "sum(cm2_365d)"
    " / nullif(count(*) filter (successful_orders_365d > 0), 0)",
}
# The metric and the column of campaign_status that it equals.
CAMPAIGN_COUNTS = {
    "audience": "audience_count",
    "sent_entries": "sent_count",
    "list_entries": "sent_today_count",
    "holdout_global_entries": "holdout_global_count",
    "holdout_campaign_entries": "holdout_campaign_count",
    "suppressed_entries": "suppressed_count",
    "capped_entries": "capped_count",
    "outranked_entries": "outranked_count",
}
CAMPAIGN_PEOPLE = {
    "people_in_audiences": "count(distinct customer_key)",
    "people_contacted": "count(distinct customer_key) filter (state = 'sent')",
    "holdout_people": "count(distinct customer_key) filter (starts_with(state, 'holdout'))",
    "contact_share": "count(*) filter (state = 'sent') / count(*)",
}


def readme_commands() -> list[list[str]]:
    """Return the arguments of each `mf query` that the README shows."""
    lines = re.findall(r"^mf query (.*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


def page_examples() -> list[tuple[list[str], str]]:
    """Return the arguments of each `mf query` of docs/metrics.md and the answer below it."""
    return [(shlex.split(command), answer) for command, answer in EXAMPLE.findall(PAGE)]


@pytest.fixture(scope="module")
def semantic_manifest(demo_warehouse: Warehouse) -> dict[str, Any]:
    """What dbt made of models/semantic/."""
    return json.loads((demo_warehouse.project / "target" / "semantic_manifest.json").read_text())


@pytest.fixture(scope="module")
def answers(
    builder: Builder,
    demo_warehouse: Warehouse,
    semantic_manifest: dict[str, Any],
    manifest: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    """The answers to all questions, by name."""
    month = "metric_time__month"
    questions: dict[str, dict[str, Any]] = {
        "orders": {
            "metrics": [*ORDER_METRICS, *MONTH_METRICS],
            "group_by": ["order__source", month],
        },
        "customers": {"metrics": [*CUSTOMER_METRICS], "group_by": ["customer__lifecycle_stage"]},
        "new customers": {"metrics": ["new_customers"], "group_by": ["customer__source", month]},
        "revenue by segment": {
            "metrics": ["net_revenue"],
            "group_by": ["customer__segment_name", "customer__rfm_segment", "order__city"],
        },
        "campaigns": {
            "metrics": [*CAMPAIGN_COUNTS],
            "group_by": ["campaign_entry__campaign_id", "campaign__campaign_name"],
        },
        "people in campaigns": {"metrics": [*CAMPAIGN_PEOPLE]},
    }
    for query in semantic_manifest["saved_queries"]:
        questions[f"saved {query['name']}"] = {"saved_query": query["name"]}
    for metric, entities in {
        "orders": {"order", "customer"},
        "people": {"customer"},
        "audience": {"campaign_entry", "campaign", "customer"},
    }.items():
        questions[f"dimensions of {metric}"] = {
            "metrics": [metric],
            "group_by": sorted(
                f"{entity}__{dimension['name']}"
                for model in semantic_manifest["semantic_models"]
                for entity in entities
                if entity == primary_entity(model)
                for dimension in model["dimensions"]
            ),
            "limit": 1,
        }
    for number, command in enumerate(readme_commands()):
        questions[f"readme {number}"] = {"command": command}
    for number, (command, _) in enumerate(page_examples()):
        questions[f"page {number}"] = {"command": command}
    for family in FAMILIES:
        metrics = [metric["name"] for metric in metrics_of(manifest, family)]
        questions[f"asked by {family}"] = {"dimensions_of": metrics}
    folder = tmp_path_factory.mktemp("questions")
    asked, answered = folder / "asked.json", folder / "answered.json"
    asked.write_text(json.dumps(list(questions.values())))
    finished = builder.run(demo_warehouse.project, "python", str(ASKER), str(asked), str(answered))
    assert finished.returncode == 0, finished.stdout[-4000:]
    return dict(zip(questions, json.loads(answered.read_text()), strict=True))


def primary_entity(model: Mapping[str, Any]) -> str:
    """Return the entity that a row of a semantic model is."""
    named = [entity["name"] for entity in model["entities"] if entity["type"] == "primary"]
    return named[0] if named else model["primary_entity"]


def by_key(answer: list[list[str | None]], *keys: str) -> dict[tuple, dict[str, str | None]]:
    """Return the rows of an answer under the columns named, as column and text."""
    header, *rows = answer
    found = {}
    for row in rows:
        cells = dict(zip(header, row, strict=True))
        key = tuple(re.sub("[T ]00:00:00$", "", str(cells.pop(name))) for name in keys)
        assert key not in found
        found[key] = cells
    return found


def assert_equal(
    asked: Mapping[tuple, Mapping[str, str | None]], expected: Sequence[Sequence], keys: int
) -> None:
    """Compare answers with rows: a header, then keys and values; counts and money exactly."""
    header, *rows = expected
    assert {tuple(str(cell) for cell in row[:keys]) for row in rows} == set(asked)
    for row in rows:
        found = asked[tuple(str(cell) for cell in row[:keys])]
        for name, value in zip(header[keys:], row[keys:], strict=True):
            if value is None:
                assert found[name] is None, (row[:keys], name)
            elif isinstance(value, float):
                assert float(found[name] or "nan") == pytest.approx(value, rel=1e-12), (row, name)
            else:
                assert float(found[name] or "nan") == float(value), (row[:keys], name)


def test_every_metric_is_held_to_something(semantic_manifest: dict[str, Any]) -> None:
    tested = {
        *ORDER_METRICS, *MONTH_METRICS, *CUSTOMER_METRICS, *CAMPAIGN_COUNTS, *CAMPAIGN_PEOPLE,
        "new_customers",
    }  # fmt: skip
    metrics = {metric["name"]: metric for metric in semantic_manifest["metrics"]}
    assert set(metrics) == tested
    assert all(metric["description"] and metric["label"] for metric in metrics.values())


def test_metrics_of_orders_equal_the_orders_month_by_month(
    demo_warehouse: Warehouse, answers: dict[str, Any]
) -> None:
    selected = ", ".join(f"{sql} as {name}" for name, sql in ORDER_METRICS.items())
    expected = demo_warehouse.answer(
        f"select source, cast(date_trunc('month', order_date) as date) as order_month, {selected} "
        f"from {PLACED} group by source, order_month"
    )
    asked = by_key(answers["orders"], "order__source", "metric_time__month")
    assert len(expected) > 20
    assert_equal(asked, expected, 2)


def test_metrics_of_orders_equal_revenue_by_month(
    demo_warehouse: Warehouse, answers: dict[str, Any]
) -> None:
    expected = demo_warehouse.answer(
        "select source, calendar_month, order_count as orders, "
        "successful_order_count as successful_orders, cancelled_order_count as cancelled_orders, "
        "item_count as items_sold, customer_count as ordering_customers, basket_value, "
        "discount_amount, own_discount, net_revenue, cm1, cm2 from marts.revenue_by_month"
    )
    assert_equal(by_key(answers["orders"], "order__source", "metric_time__month"), expected, 2)


def test_margins_are_summed_each_from_its_own_column(semantic_manifest: dict[str, Any]) -> None:
    """Delivery costs nothing in the demo: cm1 and cm2 are alike there, and hide a mix-up."""
    measures = {
        measure["name"]: measure["expr"]
        for model in semantic_manifest["semantic_models"]
        for measure in model["measures"]
    }
    assert (measures["cm1_total"], measures["cm2_total"]) == ("cm1", "cm2")


def test_growth_and_the_year_to_date_look_back_over_months(
    demo_warehouse: Warehouse, answers: dict[str, Any]
) -> None:
    expected = demo_warehouse.answer(
        """
        select
            source,
            calendar_month,
            net_revenue / lag(net_revenue) over months - 1 as net_revenue_growth,
            sum(net_revenue) over (
                partition by source, extract(year from calendar_month) order by calendar_month
            ) as net_revenue_to_date
        from marts.revenue_by_month
        window months as (partition by source order by calendar_month)
        order by calendar_month
        """
    )
    asked = by_key(answers["orders"], "order__source", "metric_time__month")
    _, first, *rows = expected
    assert first[2] is None
    for source, month, growth, to_date in rows:
        found = asked[source, str(month)]
        assert float(found["net_revenue_growth"]) == pytest.approx(growth, abs=1e-9)
        assert float(found["net_revenue_to_date"]) == float(to_date)


def test_metrics_of_customers_equal_the_single_view(
    demo_warehouse: Warehouse, answers: dict[str, Any]
) -> None:
    selected = ", ".join(f"{sql} as {name}" for name, sql in CUSTOMER_METRICS.items())
    expected = demo_warehouse.answer(
        f"select lifecycle_stage, {selected} from customer.customer_single_view group by 1"
    )
    asked = by_key(answers["customers"], "customer__lifecycle_stage")
    assert len(asked) >= 4
    # Where no row passes a metric's filter its answer is null, which for a count is 0.
    for row in asked.values():
        row.update({name: text or "0" for name, text in row.items()})
    assert_equal(asked, [[cell or 0 for cell in row] for row in expected], 1)


def test_new_customers_equal_the_month_of_the_first_order_and_the_mart(
    demo_warehouse: Warehouse, answers: dict[str, Any]
) -> None:
    asked = by_key(answers["new customers"], "customer__source", "metric_time__month")
    single_view = demo_warehouse.answer(
        "select source, cast(date_trunc('month', first_order_date) as date) as m, "
        "count(*) as new_customers from customer.customer_single_view where is_customer "
        "group by 1, 2"
    )
    assert_equal(asked, single_view, 2)
    mart = demo_warehouse.query(
        "select source, calendar_month, new_customer_count from marts.revenue_by_month"
    )
    assert {(s, str(m)): n for s, m, n in mart if n} == {
        key: int(row["new_customers"]) for key, row in asked.items()
    }


def test_customers_and_revenue_by_segment_equal_the_profiles(
    demo_warehouse: Warehouse, answers: dict[str, Any]
) -> None:
    sizes = demo_warehouse.answer(
        "select source, segment_name, customer_count as customers from segments.segment_profiles"
    )
    assert len(sizes) > 2
    asked = by_key(
        answers["saved customers_by_segment"], "customer__source", "customer__segment_name"
    )
    assert_equal(asked, sizes, 2)
    money = demo_warehouse.answer(
        "select source, segment_name, net_revenue, cm2 from segments.segment_profiles"
    )
    revenue = by_key(answers["saved revenue_by_segment"], "order__source", "customer__segment_name")
    revenue.pop(("market", "None"), None)  # people without a successful order are in no segment
    assert_equal(revenue, money, 2)


def test_no_join_to_customers_or_places_multiplies_revenue(
    demo_warehouse: Warehouse, answers: dict[str, Any]
) -> None:
    _, *rows = answers["revenue by segment"]
    total = demo_warehouse.value("select sum(net_revenue) from marts.revenue_by_month")
    assert len(rows) > 20
    assert sum(float(row[-1] or 0) for row in rows) == pytest.approx(float(total), abs=0.001)


def test_metrics_of_campaigns_equal_their_status_and_the_ledger(
    demo_warehouse: Warehouse, answers: dict[str, Any]
) -> None:
    columns = ", ".join(f"{column} as {name}" for name, column in CAMPAIGN_COUNTS.items())
    expected = demo_warehouse.answer(
        f"select campaign_id, campaign_name, {columns} from marts.campaign_status "
        "where audience_count > 0"
    )
    assert len(expected) > 3
    assert_equal(
        by_key(answers["campaigns"], "campaign_entry__campaign_id", "campaign__campaign_name"),
        expected,
        2,
    )
    selected = ", ".join(f"{sql} as {name}" for name, sql in CAMPAIGN_PEOPLE.items())
    people = demo_warehouse.answer(f"select {selected} from marts.campaign_ledger")
    assert_equal(by_key(answers["people in campaigns"]), people, 0)


def test_every_saved_query_answers(
    semantic_manifest: dict[str, Any], answers: dict[str, Any]
) -> None:
    for query in semantic_manifest["saved_queries"]:
        header, *rows = answers[f"saved {query['name']}"]
        assert query["description"]
        assert set(query["query_params"]["metrics"]) <= set(header)
        assert rows, query["name"]


def test_every_dimension_can_be_asked_for(answers: dict[str, Any]) -> None:
    for metric in ("orders", "people", "audience"):
        header, *rows = answers[f"dimensions of {metric}"]
        assert len(header) > 10
        assert len(rows) == 1


def test_the_queries_of_the_readme_run(answers: dict[str, Any]) -> None:
    commands = readme_commands()
    assert len(commands) >= 3
    for number, command in enumerate(commands):
        exit_code, output = answers[f"readme {number}"]
        assert exit_code == 0, (command, output)
        assert len(output.splitlines()) > 3, (command, output)


def test_the_answers_of_the_page_are_those_of_the_demo(answers: dict[str, Any]) -> None:
    examples = page_examples()
    assert len(examples) == PAGE.count("mf query --") >= 4
    for number, (command, shown) in enumerate(examples):
        exit_code, output = answers[f"page {number}"]
        assert exit_code == 0, (command, output)
        lines = [line.rstrip() for line in re.split(r"[\r\n]", output) if line.strip()]
        rule = next(place for place, line in enumerate(lines) if re.fullmatch("-[- ]+", line))
        assert lines[rule - 1 :] == shown.splitlines(), command


def test_the_page_has_every_metric_and_dimension_with_its_meaning(
    manifest: dict[str, Any],
) -> None:
    """Rows are compared, not their order: that of a manifest depends on what was parsed before."""
    entities = {entity for listed in FAMILIES.values() for entity in listed}
    expected = [metric_table(manifest, family) for family in FAMILIES]
    expected += [dimension_table(manifest, entity) for entity in entities]
    rows = {line for line in PAGE.splitlines() if line.startswith("| `")}
    assert rows == {row for table in expected for row in table.splitlines()[2:]}
    assert len(rows) > len(manifest["metrics"])


def test_every_metric_has_a_unit_and_begins_from_one_semantic_model(
    manifest: dict[str, Any],
) -> None:
    of_families = [metric for family in FAMILIES for metric in metrics_of(manifest, family)]
    assert len(of_families) == len(manifest["metrics"])
    assert {metric["config"]["meta"]["unit"] for metric in of_families} == UNITS


def test_metrics_can_be_asked_by_what_the_page_says(
    manifest: dict[str, Any], answers: dict[str, Any]
) -> None:
    """MetricFlow also knows longer ways to the same columns, over further entities."""
    for family, entities in FAMILIES.items():
        named = {name for entity in entities for name, _ in dimensions_of(manifest, entity)}
        asked = set(answers[f"asked by {family}"]) - {"metric_time"}
        assert len(named) > 10
        assert named == {name for name in asked if name.count("__") == 1}


@pytest.fixture(scope="module")
def manifest(demo_warehouse: Warehouse) -> dict[str, Any]:
    """What dbt made of the whole project."""
    return json.loads((demo_warehouse.project / "target" / "manifest.json").read_text())


def test_every_public_model_stands_behind_an_exposure_or_a_metric(manifest: dict[str, Any]) -> None:
    measured = {
        node
        for model in manifest["semantic_models"].values()
        for node in model["depends_on"]["nodes"]
    }
    exposed = {
        node
        for exposure in manifest["exposures"].values()
        for node in exposure["depends_on"]["nodes"]
    }
    public = {
        name
        for name, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and node["access"] == "public"
    }
    assert len(public) > 10
    assert public - measured - exposed == set()


def test_bi_tools_may_open_every_public_model_and_no_other(manifest: dict[str, Any]) -> None:
    public = {
        name
        for name, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and node["access"] == "public"
    }
    bi_tools = manifest["exposures"]["exposure.clientele.bi_tools"]
    assert set(bi_tools["depends_on"]["nodes"]) == public


def test_every_exposure_says_who_answers_for_it_and_where_it_is(manifest: dict[str, Any]) -> None:
    exposures = manifest["exposures"].values()
    assert all(exposure["owner"]["name"] and exposure["owner"]["email"] for exposure in exposures)
    urls = [exposure["url"] for exposure in exposures]
    assert all(re.fullmatch(r"https://[\w./-]+", url) for url in urls)
    assert len(set(urls)) == len(urls)
