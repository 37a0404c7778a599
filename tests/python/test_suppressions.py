"""Who must not be contacted: untidy lists, people told by hand, and a second reckoning."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from test_edge_shops import order_row, write_shop
from warehouse import NO_TESTS, ROOT, Builder, Warehouse

AS_OF = date(2026, 6, 30)
VARIABLES = {"as_of": str(AS_OF), "contact_sources": ["suppressions", "consents"]}
SELECT = ("+customer_suppressions", "+contact_status", "+row_reconciliation", "+rejected_rows",
          "+duplicate_rows")  # fmt: skip
COLUMNS = {
    "suppressions": ("source", "customer_id", "channel", "reason", "suppressed_at", "ended_at"),
    "consents": ("source", "customer_id", "channel", "has_consent", "changed_at"),
}
HARD = ("no_consent", "unsubscribed", "bounced", "complained", "erased", "staff", "test", "fraud",
        "open_complaint", "other")  # fmt: skip
ORDER = (*HARD, "recent_order", "undelivered_order", "low_rating")
CHANNELS = sorted(set(pd.read_csv(ROOT / "seeds" / "campaigns.csv")["channel"]))
OTHERS = [channel for channel in CHANNELS if channel != "email"]
CROWD = 400

Row = tuple[str | None, ...]


@dataclass(frozen=True)
class Shop:
    """What lands: orders, and the rows of the two lists."""

    orders: list[dict[str, str]]
    suppressions: list[Row]
    consents: list[Row]


def event(client: str, name: str, day: str, **changes: str) -> dict[str, str]:
    """Return an order of a day, delivered and rated on it unless something else is said."""
    return order_row(client, f"{client}-{name}", day) | changes


def told_shop() -> tuple[Shop, dict[tuple[str, str], tuple[str, str | None]]]:
    """Return people with one story each, and what must be known of them: reason and day."""
    orders: list[dict[str, str]] = []
    suppressions: list[Row] = []
    consents: list[Row] = []
    expected: dict[tuple[str, str], tuple[str, str | None]] = {}

    def person(name: str, *, consent: str | None = "2026-01-01") -> None:
        orders.append(event(name, "old", "2026-03-01"))
        if consent:
            consents.append(("market", name, "", "true", consent))

    def held(name: str, channels: list[str], reason: str, day: str | None) -> None:
        expected.update({(name, channel): (reason, day) for channel in channels})

    person("clean")
    person("noword", consent=None)
    held("noword", CHANNELS, "no_consent", None)
    person("withdrew")
    consents.append(("market", "Withdrew ", None, "false", "2026-06-30 23:00:00"))
    held("withdrew", CHANNELS, "no_consent", "2026-06-30")
    person("withdraws_tomorrow")
    consents.append(("market", "withdraws_tomorrow", None, "0", "2026-07-01 00:00:00"))
    person("only_email", consent=None)
    consents.append(("market", "only_email", "E-Mail", "1", "2026-02-01"))
    consents.append(("market", "only_email", "", "false", "2026-01-01"))
    held("only_email", OTHERS, "no_consent", "2026-01-01")
    person("took_back_all", consent=None)
    consents.append(("market", "took_back_all", "email", "1", "2026-01-01"))
    consents.append(("market", "took_back_all", "", "false", "2026-02-01"))
    held("took_back_all", CHANNELS, "no_consent", "2026-02-01")
    person("garbled_yes", consent="30.06.2026")
    held("garbled_yes", CHANNELS, "no_consent", None)
    person("garbled_no")
    consents.append(("market", "garbled_no", "email", "nein", "01.02.2026"))
    held("garbled_no", ["email"], "no_consent", None)

    person(" Shouts ")
    suppressions.append((" MARKET", "  sHOUTS", " e-MAIL ", " Bounced ", "2026-05-01", ""))
    held("shouts", ["email"], "bounced", "2026-05-01")
    person("tomorrow")
    suppressions.append(("market", "tomorrow", "", "fraud", "2026-07-01", ""))
    person("ended")
    suppressions.append(("market", "ended", "", "fraud", "2026-05-01", "2026-06-29"))
    person("last_day")
    suppressions.append(("market", "last_day", "", "fraud", "2026-05-01", "2026-06-30 09:00:00"))
    held("last_day", CHANNELS, "fraud", "2026-05-01")
    person("undated")
    suppressions.append(("market", "undated", None, "erased", "soon", "2026-01-01"))
    held("undated", CHANNELS, "erased", None)
    person("odd_reason")
    suppressions.append(("market", "odd_reason", "", "moved to Mars", "2026-05-01", None))
    held("odd_reason", CHANNELS, "other", "2026-05-01")
    person("two_reasons")
    suppressions.append(("market", "two_reasons", "", "staff", "2026-05-01", None))
    suppressions.append(("market", "two_reasons", "", "complained", "2026-04-01", None))
    held("two_reasons", CHANNELS, "complained", "2026-04-01")
    person("copied")
    suppressions.append(("market", "copied", "", "test", "2026-05-01", None))
    suppressions.append(("Market", "COPIED ", None, "TEST", " 2026-05-01 00:00:00", " "))
    held("copied", CHANNELS, "test", "2026-05-01")

    person("hard_and_soft")
    orders.append(event("hard_and_soft", "new", "2026-06-29"))
    suppressions.append(("market", "hard_and_soft", "email", "bounced", "2026-05-01", None))
    held("hard_and_soft", OTHERS, "recent_order", "2026-06-29")
    held("hard_and_soft", ["email"], "bounced", "2026-05-01")
    person("six_days")
    orders.append(event("six_days", "new", "2026-06-24"))
    held("six_days", CHANNELS, "recent_order", "2026-06-24")
    person("seven_days")
    orders.append(event("seven_days", "new", "2026-06-23"))
    person("orders_tomorrow")
    orders.append(event("orders_tomorrow", "new", "2026-07-01"))
    person("cancelled")
    orders.append(event("cancelled", "new", "2026-06-29", deliverdate="", chargedamount="0.00"))
    person("waiting")
    orders.append(event("waiting", "new", "2026-06-10", deliverdate="2026-07-01 08:00:00"))
    held("waiting", CHANNELS, "undelivered_order", "2026-06-10")
    person("never_arrives")
    orders.append(event("never_arrives", "new", "2026-05-01", deliverdate=""))
    person("angry")
    orders.append(event("angry", "new", "2026-06-01", rating="2"))
    held("angry", CHANNELS, "low_rating", "2026-06-01")
    person("was_angry")
    orders.append(event("was_angry", "new", "2026-05-31", rating="1"))

    suppressions += [
        ("market", "stranger", "", "fraud", "2026-05-01", None),
        ("markt", "clean", "", "fraud", "2026-05-01", None),
        ("market", "clean", "fax", "unsubscribed", "2026-05-01", None),
        ("market", " ", "", "fraud", "2026-05-01", None),
        (None, "clean", "", "fraud", "2026-05-01", None),
    ]
    consents.append(("market", None, "", "true", "2026-05-01"))
    return Shop(orders, suppressions, consents), expected


def crowd(seed: int) -> Shop:
    """Return people with orders and entries drawn at random around the limits."""
    draw = random.Random(seed)

    def day(least: int, most: int) -> str:
        return str(AS_OF - timedelta(days=draw.randint(least, most)))

    orders, suppressions, consents = [], [], []
    for number in range(CROWD):
        name = f"crowd{number}"
        orders.append(event(name, "old", "2026-03-01"))
        for order in range(draw.choice((0, 0, 1, 2))):
            placed = day(-2, 70)
            delivered = draw.choice((placed, "", str(date.fromisoformat(placed) + timedelta(9))))
            changes = {
                "deliverdate": delivered and f"{delivered} 20:00:00",
                "ratedate": f"{day(-2, 34)} 21:00:00" if delivered == placed else "",
                "rating": str(draw.randint(1, 5)),
                "chargedamount": draw.choice(("22.50", "22.50", "22.50", "0.00")),
            }
            orders.append(event(name, str(order), placed, **changes))
        for _ in range(draw.choice((0, 0, 0, 1, 2))):
            began = draw.choice((day(-2, 40), day(-2, 40), "", "01/02/2026"))
            ended = draw.choice(("", "", day(-3, 5), "never"))
            reason = draw.choice((*HARD, "recent_order", "", "no idea"))
            suppressions.append(
                ("market", name.upper(), draw.choice(("", *CHANNELS)), reason, began, ended)
            )
        for _ in range(draw.choice((0, 1, 1, 2, 3))):
            answer = draw.choice((*("true",) * 8, "false", "yes?"))
            answered = draw.choice((day(-2, 4), day(-2, 40), "", "1.2.26"))
            consents.append(("market", name, draw.choice(("", *CHANNELS)), answer, answered))
    return Shop(orders, suppressions, consents)


def read_day(text: str | None) -> date | None:
    """Return the day that a text begins with, none where it is no date."""
    try:
        return date.fromisoformat((text or "").strip()[:10])
    except ValueError:
        return None


def reckoned(shop: Shop) -> dict[tuple[str, str], tuple[str, str | None]]:
    """Return what must be known of people whose ids are plain, one person and channel at a time."""
    people = {row["client_id"] for row in shop.orders}
    found = {}
    for name in people:
        orders = [row for row in shop.orders if row["client_id"] == name]
        entries = [row for row in shop.suppressions if (row[1] or "").lower() == name]
        answers = [row for row in shop.consents if row[1] == name]
        for channel in CHANNELS:
            reasons = soft_reasons(orders) + listed(entries, channel)
            words = [row for row in answers if not row[2] or row[2] == channel]
            consent, day = last_word(words) or (False, None)
            if not consent:
                reasons.append(("no_consent", day))
            if reasons:
                first = min((reason for reason, _ in reasons), key=ORDER.index)
                days = [d for reason, d in reasons if reason == first and d]
                # No answer has no day, even where a list knows one: both are given as one reason.
                found[name, channel] = (first, str(max(days)) if days else None)
    return found


def soft_reasons(orders: list[dict[str, str]]) -> list[tuple[str, date | None]]:
    """Return the reasons that orders give, with their days."""
    reasons: list[tuple[str, date | None]] = []
    for row in orders:
        placed, delivered = read_day(row["checkoutdate"]), read_day(row["deliverdate"])
        rated = read_day(row["ratedate"])
        assert placed is not None
        has_arrived = delivered is not None and delivered <= AS_OF
        age = (AS_OF - placed).days
        if age >= 0 and (has_arrived or row["chargedamount"] != "0.00"):
            if age < 7:
                reasons.append(("recent_order", placed))
            if age < 60 and not has_arrived:
                reasons.append(("undelivered_order", placed))
        if rated and 0 <= (AS_OF - rated).days < 30 and int(row["rating"]) <= 2:
            reasons.append(("low_rating", rated))
    return reasons


def listed(entries: list[Row], channel: str) -> list[tuple[str, date | None]]:
    """Return the reasons of a list that hold for a channel on the date, with their days."""
    reasons = []
    for _, _, entry_channel, reason, began_text, ended_text in entries:
        began, ended = read_day(began_text), read_day(ended_text)
        is_odd = (bool(began_text) and not began) or (bool(ended_text) and not ended)
        if is_odd or (began and ended and ended < began):
            began = ended = None
        if (
            entry_channel in ("", channel)
            and (began or AS_OF) <= AS_OF
            and (ended or AS_OF) >= AS_OF
        ):
            reasons.append((reason if reason in HARD else "other", began))
    return reasons


def last_word(answers: list[Row]) -> tuple[bool, date | None] | None:
    """Return the last answer that was known on the date and, of a no, its day."""
    words = []
    for _, _, _, answer, text in answers:
        day, is_yes = read_day(text), answer == "true"
        if (day and day > AS_OF) or (is_yes and text and not day):
            continue
        words.append((day or (date.min if is_yes else date.max), not is_yes))
    if not words:
        return None
    day, is_no = max(words)
    return not is_no, day if is_no and day != date.max else None


def write(folder: Path, shop: Shop, *, shuffled: int | None = None, files: int = 1) -> Path:
    """Write a shop as a landing zone, its rows in another order and in several files if asked."""
    draw = random.Random(shuffled)

    def mixed(rows: list) -> list:
        return rows if shuffled is None else draw.sample(rows, len(rows))

    landing = write_shop(folder, mixed(shop.orders))
    for table, rows in (("suppressions", shop.suppressions), ("consents", shop.consents)):
        target = landing / "contact" / table
        target.mkdir(parents=True)
        rows = mixed(rows)
        for number in range(files):
            part = pd.DataFrame(rows[number::files], columns=list(COLUMNS[table]), dtype="string")
            listed_columns = ", ".join(f"cast({name} as varchar) as {name}" for name in part)
            with duckdb.connect() as connection:
                connection.register("part", part)
                connection.execute(
                    f"copy (select {listed_columns} from part) "
                    f"to '{target / f'part-{number}.parquet'}'"
                )
    return landing


def build(builder: Builder, landing: Path, *, with_tests: bool = False) -> Warehouse:
    """Build what tells whom to leave alone, with both lists switched on."""
    return builder.build(landing, variables=VARIABLES, select=SELECT, with_tests=with_tests)


def suppressed(warehouse: Warehouse) -> dict[tuple[str, str], tuple[str, str | None]]:
    """Return the reason and its day of each customer and channel."""
    rows = warehouse.query(
        "select customer_id, channel, suppression, cast(suppressed_on as varchar), is_hard "
        "from campaigns.customer_suppressions inner join core.dim_customers using (customer_key)"
    )
    assert all(is_hard == (reason in HARD) for _, _, reason, _, is_hard in rows)
    found = {(name, channel): (reason, day) for name, channel, reason, day, _ in rows}
    assert len(found) == len(rows)
    return found


@pytest.fixture(scope="module")
def shop() -> Shop:
    """The told people and the crowd in one shop."""
    told, many = told_shop()[0], crowd(seed=5)
    return Shop(
        told.orders + many.orders,
        told.suppressions + many.suppressions,
        told.consents + many.consents,
    )


@pytest.fixture(scope="module")
def warehouse(builder: Builder, shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The shop, built with both lists, and with the tests that only run where they are on."""
    return build(builder, write(tmp_path_factory.mktemp("lists"), shop), with_tests=True)


def test_told_people_are_held_back_for_their_reason_and_no_one_else(warehouse: Warehouse) -> None:
    """Each story by name: ids in any case, dates around the limits, hard before soft."""
    found = {key: value for key, value in suppressed(warehouse).items() if "crowd" not in key[0]}
    assert found == told_shop()[1]


def test_a_crowd_is_held_back_as_reckoned_from_its_raw_rows(
    warehouse: Warehouse, shop: Shop
) -> None:
    """One person and channel at a time in Python, without the warehouse's tables."""
    found = {key: value for key, value in suppressed(warehouse).items() if "crowd" in key[0]}
    expected = reckoned(crowd(seed=5))
    assert {reason for reason, _ in expected.values()} == set(ORDER)
    assert found == expected


def test_every_landed_row_is_accounted_for(warehouse: Warehouse, shop: Shop) -> None:
    """Only rows that name nobody are rejected, only copies are set aside."""
    counts = {
        table: numbers
        for table, *numbers in warehouse.query(
            "select source_table, landed_count, rejected_count, unexplained_count "
            "from marts.row_reconciliation where source = 'contact'"
        )
    }
    assert counts == {
        "suppressions": [len(shop.suppressions), 2, 0],
        "consents": [len(shop.consents), 1, 0],
    }
    rejected = warehouse.query(
        "select source_table, reject_reasons, raw_row ->> 'customer_id' "
        "from marts.rejected_rows where source = 'contact' order by all"
    )
    assert rejected == [
        ("consents", "customer_id_missing", None),
        ("suppressions", "customer_id_missing", " "),
        ("suppressions", "source_missing", "clean"),
    ]
    copies = warehouse.query(
        "select source_file, source_record from marts.duplicate_rows "
        "where source = 'contact' and source_table = 'suppressions'"
    )
    first = next(n for n, row in enumerate(shop.suppressions) if row[1] == "copied")
    # Told people come before the crowd, whose entries are alike only by chance.
    assert [copy for copy in copies if copy[1] <= first + 2] == [("part-0.parquet", first + 2)]


def test_who_is_on_a_list_in_vain_is_counted(warehouse: Warehouse) -> None:
    """Strangers, channels that no campaign uses, and a source that does not exist."""
    status = {row[0]: row[1:] for row in warehouse.query(
        "select source, suppression_count, unmatched_count, other_channel_count, is_consent_asked, "
        "as_of_date, reason from campaigns.contact_status"
    )}  # fmt: skip
    assert set(status) == {"market", "markt"}
    assert status["market"][1:5] == (1, 1, True, AS_OF)
    assert status["markt"][:5] == (1, 1, 0, False, None)
    assert "No source of this name" in status["markt"][5]


def test_the_order_of_rows_and_files_changes_nothing(
    builder: Builder, warehouse: Warehouse, shop: Shop, tmp_path: Path
) -> None:
    """Rows in another order and in three files: the same people for the same reasons."""
    other = build(builder, write(tmp_path, shop, shuffled=1, files=3))
    tables = ("campaigns.customer_suppressions", "campaigns.contact_status",
              "intermediate.int_suppressions", "intermediate.int_consents")  # fmt: skip
    assert other.fingerprints(tables) == warehouse.fingerprints(tables)


def test_empty_lists_build_and_hold_nobody_back(
    builder: Builder, shop: Shop, tmp_path: Path
) -> None:
    """Without a single answer nobody is asked for consent; what orders tell is as before."""
    empty = build(builder, write(tmp_path, Shop(shop.orders, [], [])))
    assert {reason for reason, _ in suppressed(empty).values()} == set(ORDER) - set(HARD)
    assert empty.query(
        "select landed_count, unexplained_count from marts.row_reconciliation "
        "where source = 'contact'"
    ) == [(0, 0), (0, 0)]


def test_a_list_that_is_switched_on_and_not_there_is_named(
    builder: Builder, shop: Shop, tmp_path: Path
) -> None:
    """The build fails with the path at which nothing lies, as it does for the shops' tables."""
    landing = write_shop(tmp_path, shop.orders[:3])
    failed = builder.build(
        landing, variables=VARIABLES, select=["stg_contact__suppressions"], must_pass=False
    )
    assert failed.exit_code != 0
    assert "contact/**/suppressions/*.parquet" in failed.output


def test_seeds_count_without_any_list_that_lands(builder: Builder, tmp_path: Path) -> None:
    """By default: a suppression of the seed holds, and a consent of the seed asks for consents."""
    names = ("anna", "ben", "carl")
    project = builder.project(write_shop(tmp_path, [event(n, "old", "2026-03-01") for n in names]))
    variables = json.dumps({"as_of": str(AS_OF)})
    seeds = project / "seeds"
    (seeds / "suppressions.csv").write_text(
        (seeds / "suppressions.csv").read_text().splitlines()[0]
        + "\nMarket, ANNA,e-mail,bounced,2026-06-30,\nmarket,carl,,fraud,,2026-06-29\n"
    )
    (seeds / "consents.csv").write_text(
        (seeds / "consents.csv").read_text().splitlines()[0]
        + "\nmarket,anna,,true,\nmarket,BEN,,true,2026-07-01\nmarket,carl,email,true,2026-06-30\n"
    )
    finished = builder.dbt(
        project, "build", "--select", "+customer_suppressions", *NO_TESTS, "--vars", variables
    )
    assert finished.returncode == 0, finished.stdout
    assert suppressed(Warehouse(project, 0, finished.stdout)) == {
        ("anna", "email"): ("bounced", "2026-06-30"),
        **{("ben", channel): ("no_consent", None) for channel in CHANNELS},
        **{("carl", channel): ("no_consent", None) for channel in OTHERS},
    }
