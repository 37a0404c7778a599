"""`clientele show new-customers`: how good those won lately will be, and what to do about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from clientele.safe_text import printable
from clientele.show.printing import WIDE, cell, count, money, percent, plain, say, table, title
from clientele.warehouse_file import WarehouseError, reading, rows

NEEDED = (
    "marts.data_quality",
    "marts.new_customer_playbook",
    "customer.customer_quality_status",
)

SHOPS = """
    select
        shops.source,
        shops.as_of_date,
        coalesce(status.quality_status, 'untrained') as quality_status,
        coalesce(status.reason, 'nothing was fitted by the as-of date') as reason
    from (
        select
            source,
            max(as_of_date) as as_of_date
        from marts.data_quality
        group by source
    ) as shops
    left join customer.customer_quality_status as status
        on
            shops.source = status.source
            and status.is_in_force
    order by shops.source
"""

# Acting is worth it where it brings more than it costs; the others are left alone, so their
# negative values are not what anybody would pay.
STEPS = """
    select
        source,
        situation,
        any_value(next_step) as next_step,
        any_value(channel) as channel,
        any_value(offer) as offer,
        count(*) as customer_count,
        avg(probability) as mean_probability,
        case
            when count(expected_value_of_acting) > 0
                then count(*) filter (where expected_value_of_acting > 0)
        end as worthwhile_count,
        case
            when count(expected_value_of_acting) > 0
                then coalesce(
                    sum(expected_value_of_acting) filter (where expected_value_of_acting > 0), 0
                )
        end as expected_value
    from marts.new_customer_playbook
    group by source, situation
    order by source asc, expected_value desc nulls last, customer_count desc, situation asc
"""

# A key does not fit the numbers of JSON.
MEMBERS = """
    select
        cast(customer_key as varchar) as customer_key,
        probability,
        expected_value_of_acting as expected_value,
        reason_1,
        reason_2,
        reason_3,
        first_order_date
    from marts.new_customer_playbook
    where source = ? and situation = ?
    order by expected_value_of_acting desc nulls last, first_order_date desc, customer_key asc
    limit ?
"""


def read_new_customers(
    warehouse: Path, situation: str | None = None, limit: int = 20
) -> dict[str, Any]:
    """Read how good the new customers of every shop look, by what to do next.

    warehouse: the DuckDB file that `dbt build` wrote; it is opened read-only.
    situation: the one situation of the playbook that is wanted, with its first `limit` customers,
        those first for whom acting is worth most.

    Returns plain values that JSON can carry: `warehouse` and `shops`, each with `source`,
    `as_of_date`, `quality_status` (published: the forecast may be used), `reason` and `steps`: each
    with `situation`, `next_step`, `channel`, `offer`, `customer_count`, `mean_probability`,
    `worthwhile_count` (for how many acting brings more than it costs) and `expected_value` (what it
    brings with them, in the source's currency), null without a forecast. With a situation also
    `members`. Raises WarehouseError, also where nobody is in the situation.
    """
    with reading(warehouse, NEEDED) as connection:
        shops = [plain(shop) for shop in rows(connection, SHOPS)]
        steps = [plain(step) for step in rows(connection, STEPS)]
        if situation is not None:
            known = sorted({step["situation"] for step in steps})
            steps = [step for step in steps if step["situation"] == situation]
            if not steps:
                there_are = f"there {'are' if known else 'is none'} {', '.join(known)}".rstrip()
                raise WarehouseError(
                    printable(f"no new customer is in the situation {situation}; {there_are}")
                )
            for step in steps:
                key = [step["source"], step["situation"], limit]
                step["members"] = [plain(member) for member in rows(connection, MEMBERS, key)]
    for shop in shops:
        shop["steps"] = [
            {name: value for name, value in step.items() if name != "source"}
            for step in steps
            if step["source"] == shop["source"]
        ]
    if situation is not None:
        shops = [shop for shop in shops if shop["steps"]]
    return {"warehouse": str(warehouse), "shops": shops}


def print_new_customers(overview: dict[str, Any], console: Console) -> None:
    """Print what `read_new_customers` returned: a table a shop, or the customers of a situation."""
    if not overview["shops"]:
        say(console, "No source has data, so there is no new customer.")
    for number, shop in enumerate(overview["shops"]):
        if number:
            console.print()
        if shop["as_of_date"] is None:
            say(console, f"{shop['source']}: no orders yet, so there is no new customer.")
            continue
        for step in shop["steps"]:
            if "members" in step:
                _print_members(shop, step, console)
                break
        else:
            _print_steps(shop, console)


def _print_steps(shop: dict[str, Any], console: Console) -> None:
    total = sum(step["customer_count"] for step in shop["steps"])
    if not shop["steps"]:
        say(console, f"{shop['source']}: nobody is new as of {shop['as_of_date']}.")
    else:
        title(console, f"{shop['source']}, {total:,} new customers as of {shop['as_of_date']}")
        is_wide = console.width >= WIDE
        made = table(
            ("Situation", "left"),
            ("Customers", "right"),
            ("Good", "right"),
            ("Worth it", "right"),
            ("Brings", "right"),
            *([("Channel", "left"), ("Offer", "left")] if is_wide else []),
            ("Next step", "left"),
        )
        for step in shop["steps"]:
            made.add_row(
                cell(step["situation"]),
                count(step["customer_count"]),
                percent(step["mean_probability"], 0),
                count(step["worthwhile_count"]),
                money(step["expected_value"]),
                *([cell(step["channel"]), cell(step["offer"])] if is_wide else []),
                cell(step["next_step"]),
            )
        console.print(made)
    say(console, f"Forecast {shop['quality_status']}: {shop['reason']}.")


def _print_members(shop: dict[str, Any], step: dict[str, Any], console: Console) -> None:
    title(console, f"{shop['source']}, {step['situation']}: {step['next_step']}")
    say(console, f"Channel: {step['channel']}")
    say(console, f"Offer: {step['offer']}")
    console.print()
    made = table(
        ("Customer", "left"),
        ("First order", "left"),
        ("Good", "right"),
        ("Brings", "right"),
        ("Why", "left"),
    )
    for member in step["members"]:
        reasons = [member[f"reason_{number}"] for number in (1, 2, 3)]
        made.add_row(
            cell(member["customer_key"]),
            cell(member["first_order_date"]),
            percent(member["probability"], 0),
            money(member["expected_value"]),
            cell("; ".join(reason for reason in reasons if reason) or None),
        )
    console.print(made)
    if len(step["members"]) < step["customer_count"]:
        say(
            console,
            f"{len(step['members']):,} of {step['customer_count']:,}, best first; "
            "--limit shows more, marts.new_customer_playbook holds all.",
        )
