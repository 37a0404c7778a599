"""`clientele show lists`: whom each campaign writes to today, and why not to the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from clientele.safe_text import printable
from clientele.show.printing import WIDE, WIDEST, cell, count, money, plain, say, table, title
from clientele.warehouse_file import WarehouseError, reading, rows

NEEDED = ("marts.campaign_status", "marts.campaign_power", "marts.campaign_lists")
POWER_WORDS = {
    "enough": "enough",
    "pool": "pool runs",
    "too_small": "too small",
    "unknown": "not known",
}

# Versions that others have replaced are left out: their successor is what runs.
LISTS = """
    select
        status.source,
        status.campaign_id,
        status.campaign_version,
        status.campaign_name,
        status.channel,
        offers.offer,
        status.campaign_state,
        status.status_reason,
        power.power_state,
        power.power_reason,
        status.audience_count,
        status.sent_today_count,
        status.sent_count - status.sent_today_count as sent_before_count,
        status.holdout_global_count,
        status.holdout_campaign_count,
        status.suppressed_count,
        status.capped_count,
        status.outranked_count,
        status.as_of_date
    from marts.campaign_status as status
    left join marts.campaign_power as power
        on
            status.source = power.source
            and status.campaign_id = power.campaign_id
            and status.campaign_version = power.campaign_version
    left join (
        select
            source,
            campaign_id,
            campaign_version,
            max(offer) as offer
        from marts.campaign_lists
        group by source, campaign_id, campaign_version
    ) as offers
        on
            status.source = offers.source
            and status.campaign_id = offers.campaign_id
            and status.campaign_version = offers.campaign_version
    where status.campaign_state <> 'superseded'
    order by status.source, status.sent_today_count desc, status.campaign_id
"""

# Best first, as `clientele export` writes them; ids that would tell equals apart are not published.
# A key does not fit the numbers of JSON.
MEMBERS = """
    select
        cast(customer_key as varchar) as customer_key,
        reason,
        offer,
        expected_value
    from marts.campaign_lists
    where source = ? and campaign_id = ? and campaign_version = ?
    order by expected_value desc nulls last, customer_key asc
    limit ?
"""


def read_lists(warehouse: Path, campaign: str | None = None, limit: int = 20) -> dict[str, Any]:
    """Read the lists of today of every shop.

    warehouse: the DuckDB file that `dbt build` wrote; it is opened read-only.
    campaign: id of the one campaign that is wanted, with its first `limit` members, best first.

    Returns plain values that JSON can carry: `warehouse` and `shops`, each with `source`,
    `as_of_date` and `lists`: the columns of `marts.campaign_status`, the offer (null where the list
    is empty), `power_state` and `power_reason`; `sent_count` is taken apart into
    `sent_today_count` and `sent_before_count`. With a campaign also `members`, each with
    `customer_key`, `reason`, `offer` and `expected_value` (cm2, in the source's currency). Raises
    WarehouseError, also where no shop has the campaign.
    """
    with reading(warehouse, NEEDED) as connection:
        lists = [plain(entry) for entry in rows(connection, LISTS)]
        if campaign is not None:
            known = sorted({entry["campaign_id"] for entry in lists})
            lists = [entry for entry in lists if entry["campaign_id"] == campaign]
            if not lists:
                there_are = f"there {'are' if known else 'is none'} {', '.join(known)}".rstrip()
                raise WarehouseError(printable(f"there is no campaign {campaign}; {there_are}"))
            for entry in lists:
                key = [entry[name] for name in ("source", "campaign_id", "campaign_version")]
                entry["members"] = [
                    plain(member) for member in rows(connection, MEMBERS, [*key, limit])
                ]
    shops: dict[str, dict[str, Any]] = {}
    for entry in lists:
        source, day = entry.pop("source"), entry.pop("as_of_date")
        shop = shops.setdefault(source, {"source": source, "as_of_date": day, "lists": []})
        shop["lists"].append(entry)
    return {"warehouse": str(warehouse), "shops": list(shops.values())}


def print_lists(overview: dict[str, Any], console: Console) -> None:
    """Print what `read_lists` returned: a table a shop, or the members of one campaign."""
    if not overview["shops"]:
        say(console, "There is no campaign, so there is no list.")
    for number, shop in enumerate(overview["shops"]):
        if number:
            console.print()
        if "members" in shop["lists"][0]:
            for entry in shop["lists"]:
                _print_list(shop, entry, console)
        else:
            _print_shop(shop, console)


def _print_shop(shop: dict[str, Any], console: Console) -> None:
    if shop["as_of_date"] is None:
        say(console, f"{shop['source']}: no orders yet, so nobody is on a list.")
        return
    lists = shop["lists"]
    today = sum(entry["sent_today_count"] for entry in lists)
    about = f"{shop['source']}, {today:,} people on {len(lists)} lists as of {shop['as_of_date']}"
    title(console, about)
    if console.width >= WIDE:
        _print_wide(lists, console)
    else:
        _print_narrow(lists, console)
    for entry in lists:
        if not entry["sent_today_count"]:
            say(console, f"{entry['campaign_id']}: {entry['status_reason']}")


def _print_wide(lists: list[dict[str, Any]], console: Console) -> None:
    has_offers = console.width >= WIDEST
    made = table(
        ("List", "left"),
        ("Channel", "left"),
        ("Audience", "right"),
        ("Today", "right"),
        ("Before", "right"),
        ("Held out", "right"),
        ("Suppressed", "right"),
        ("Capped", "right"),
        ("Outranked", "right"),
        ("Power", "left"),
        *([("Offer", "left")] if has_offers else []),
    )
    for entry in lists:
        made.add_row(
            cell(entry["campaign_id"]),
            cell(entry["channel"]),
            count(entry["audience_count"]),
            count(entry["sent_today_count"]),
            count(entry["sent_before_count"]),
            count(_held_out(entry)),
            count(entry["suppressed_count"]),
            count(entry["capped_count"]),
            count(entry["outranked_count"]),
            cell(_power(entry)),
            *([cell(entry["offer"])] if has_offers else []),
        )
    console.print(made)


def _print_narrow(lists: list[dict[str, Any]], console: Console) -> None:
    made = table(
        ("List", "left"),
        ("Channel", "left"),
        ("Audience", "right"),
        ("Today", "right"),
        ("Held out", "right"),
        ("Left out", "right"),
        ("Power", "left"),
    )
    for entry in lists:
        made.add_row(
            cell(entry["campaign_id"]),
            cell(entry["channel"]),
            count(entry["audience_count"]),
            count(entry["sent_today_count"]),
            count(_held_out(entry)),
            count(_left_out(entry)),
            cell(_power(entry)),
        )
    console.print(made)
    sums = {
        words: sum(entry[f"{state}_count"] for entry in lists)
        for state, words in (
            ("sent_before", "sent to before"),
            ("suppressed", "suppressed"),
            ("capped", "capped"),
            ("outranked", "outranked"),
        )
    }
    say(console, "Left out: " + ", ".join(f"{words} {number:,}" for words, number in sums.items()))


def _print_list(shop: dict[str, Any], entry: dict[str, Any], console: Console) -> None:
    title(
        console,
        f"{shop['source']}.{entry['campaign_id']}.v{entry['campaign_version']}: "
        f"{entry['campaign_name']}",
    )
    say(console, entry["status_reason"])
    facts = [
        ("Channel", entry["channel"]),
        ("Offer", entry["offer"]),
        (
            "Audience",
            f"{entry['audience_count']:,} = {entry['sent_today_count']:,} today"
            f" + {entry['sent_before_count']:,} before"
            f" + {entry['holdout_global_count']:,} held out of all campaigns"
            f" + {entry['holdout_campaign_count']:,} held out of this one"
            f" + {entry['suppressed_count']:,} suppressed"
            f" + {entry['capped_count']:,} capped"
            f" + {entry['outranked_count']:,} outranked",
        ),
        ("Power", f"{_power(entry)}: {entry['power_reason']}" if entry["power_state"] else None),
    ]
    for label, fact in facts:
        if fact:
            say(console, f"{label}: {fact}")
    members = entry["members"]
    if not members:
        return
    console.print()
    made = table(("Customer", "left"), ("Expected value", "right"), ("Why", "left"))
    for member in members:
        made.add_row(
            cell(member["customer_key"]), money(member["expected_value"]), cell(member["reason"])
        )
    console.print(made)
    if len(members) < entry["sent_today_count"]:
        say(
            console,
            f"The best {len(members):,} of {entry['sent_today_count']:,}; --limit shows more, "
            "`clientele export` writes all.",
        )


def _held_out(entry: dict[str, Any]) -> int:
    return entry["holdout_global_count"] + entry["holdout_campaign_count"]


def _left_out(entry: dict[str, Any]) -> int:
    states = ("sent_before", "suppressed", "capped", "outranked")
    return sum(entry[f"{state}_count"] for state in states)


def _power(entry: dict[str, Any]) -> str | None:
    state = entry["power_state"]
    return POWER_WORDS.get(state, state)
