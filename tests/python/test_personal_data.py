"""What tells of a person, and how far it goes: tags in YAML, and marked values in a small shop."""

from __future__ import annotations

import csv
import hashlib
import hmac
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from clientele.cli import main
from clientele.marts.marts_file import write_marts_file
from clientele.production.home import Home
from clientele.production.keys import key_variable, pseudonym
from clientele.production.pseudonyms import published_key
from clientele.simulator import simulate
from conftest import Once
from dbt_forks import run_dbt
from test_docs import EVERYTHING, UP_TO_INTERMEDIATE, source_tables
from warehouse import NO_TESTS, PROJECT_PARTS, Builder, Warehouse, read_market, write_market

KEY_TEXT = "7e57" * 16
KEY = bytes.fromhex(KEY_TEXT)
RUN = "20260701T040000Z-00ab"
# Unlike any word of the project; the ids are in their canonical form.
CLIENT, ADDRESS, DEVICE, CELL = "qzclient", "Qzaddress", "Qzdevice", "Qzcell"
CONTENTS = (ADDRESS, DEVICE, CELL)
IDENTIFIER, CONTENT = "identifier", "content"
# The one column of a mart that holds rows as they landed, for who repairs them; no reader gets it.
LANDED = ("marts", "rejected_rows", "raw_row")
ROOMS_OF_CONTENT = ("staging", "intermediate", "core")


@dataclass(frozen=True)
class Shop:
    """A shop whose customers are marked, built and published as `clientele run` does it."""

    warehouse: Warehouse
    home: Home
    outputs: Path  # what each command wrote, in a file or folder of its own

    @property
    def published(self) -> Path:
        return self.home.served


def mark_customers(landing: Path) -> Path:
    """Give a landed market the marks: ids of clients, and what tells of them, a value a row."""
    with read_market(landing) as raw:
        raw.execute(f"""
            update market_order set
                client_id = regexp_replace(client_id, '([^ ]+)', '{CLIENT}-\\1'),
                addressname = '{ADDRESS}-' || rowid,
                devicename = devicename || ' {DEVICE}-' || rowid,
                hex_id = '{CELL}-' || rowid
        """)
        raw.execute(
            f"update app_open set client_id = regexp_replace(client_id, '([^ ]+)', '{CLIENT}-\\1')"
        )
        return write_market(landing / "marked", raw)


def publish(warehouse: Warehouse, home: Home) -> None:
    """Lay out what `clientele run` leaves of a build."""
    folder = home.warehouse_folder(RUN)
    folder.mkdir(parents=True)
    shutil.copy2(warehouse.path, home.warehouse(RUN))
    manifest = warehouse.project / "target" / "manifest.json"
    write_marts_file(home.warehouse(RUN), manifest, home.version(RUN), key=KEY)
    home.served.symlink_to(Path("versions") / home.version(RUN).name)


def run(home: Home, *arguments: str) -> str:
    """Run a command on what is served, as somebody who has the key; return what it printed."""
    options = [] if arguments[0] == "completion" else ["--home", str(home.root)]
    result = CliRunner(env={key_variable("publication"): KEY_TEXT}).invoke(
        main, [*arguments, *options]
    )
    assert result.exit_code == 0, (arguments, result.output)
    return result.output


def write_outputs(home: Home, folder: Path) -> None:
    """Let each command that reads write what it has to say."""
    folder.mkdir()
    run(home, "report", "--output", str(folder / "report.html"))
    run(home, "model-card", "--output", str(folder / "cards.html"))
    (folder / "export.json").write_text(
        run(home, "export", "--json", "--root", str(folder / "export"))
    )
    for name in ("segments", "lists", "new-customers", "quality"):
        (folder / f"{name}.json").write_text(run(home, "show", name, "--json"))
        (folder / f"{name}.txt").write_text(run(home, "show", name))
    campaigns = {
        entry["campaign_id"]
        for shop in json.loads((folder / "lists.json").read_text())["shops"]
        for entry in shop["lists"]
    }
    for campaign in sorted(campaigns):
        shown = run(home, "show", "lists", campaign, "--json", "--limit", "1000")
        (folder / f"list-{campaign}.json").write_text(shown)
    (folder / "sql.json").write_text(
        run(home, "sql", "--json", "from customer.customer_single_view")
    )


@pytest.fixture(scope="module")
def shop(builder: Builder, once: Once, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The marked shop; its build and its commands had the key in their environment."""

    def make() -> Shop:
        folder = tmp_path_factory.mktemp("marked")
        simulate(
            folder, customers=150, start=date(2025, 1, 1), end=date(2026, 6, 30), seed=3, mess=0.5
        )
        project = builder.project(mark_customers(folder))
        [[client]] = duckdb.sql(
            f"select max(trim(client_id)) from '{folder}/marked/market/market_order/*.parquet'"
        ).fetchall()
        with (project / "seeds" / "suppressions.csv").open("a") as seed:
            seed.write(f"market,{client},,asked not to be written to,2026-01-01,\n")
        environment = builder._environment() | {key_variable("publication"): KEY_TEXT}
        finished = run_dbt(project, ["--no-use-colors", "build", *NO_TESTS], environment)
        assert finished.returncode == 0, "\n".join(finished.stdout.splitlines()[-60:])
        (project / "logs" / "printed.txt").write_text(finished.stdout)
        warehouse = Warehouse(project, 0, finished.stdout)
        made = Shop(warehouse, Home(folder / "production"), folder / "outputs")
        publish(warehouse, made.home)
        write_outputs(made.home, made.outputs)
        return made

    return once("marked_shop", make)


@pytest.fixture(scope="module")
def every_source(
    builder: Builder, once: Once, tmp_path_factory: pytest.TempPathFactory
) -> Warehouse:
    """One row of each raw table of each source, marked where its column is tagged."""

    def build() -> Warehouse:
        landing = tmp_path_factory.mktemp("one_row")
        for source, table, columns in source_tables():
            folder = landing / source / table
            folder.mkdir(parents=True)
            cells = ", ".join(f"""'{landed(table, name)}' as "{name}\"""" for name in columns)
            duckdb.sql(f"copy (select {cells}) to '{folder}/part.parquet'")
        return builder.build(landing, variables=EVERYTHING, select=UP_TO_INTERMEDIATE)

    return once("every_source_marked", build)


# Values of one order that staging accepts, by what the name of a raw column says.
HEX_CLIENT, SHORT_CLIENT, ZIP = "c11e" * 8, "91818", "91919"
CLIENTS = (CLIENT, HEX_CLIENT, SHORT_CLIENT)
MARKS = (*CLIENTS, *CONTENTS, ZIP)
PLAUSIBLE = {
    r"^client_id$|^member_id$": f"{CLIENT}-1",
    r"^CustomerID$": SHORT_CLIENT,
    r"^customer_unique_id$|^customer_id$": HEX_CLIENT,
    r"^devicename$": f"iPhone {DEVICE}",
    r"^addressname$": ADDRESS,
    r"^hex_id$": CELL,
    r"^review_comment": f"{ADDRESS} words",
    r"zip_code": ZIP,
    r"_lat$": f"-23.{ZIP}",
    r"_lng$": f"-46.{ZIP}",
    r"state": "SP",
    r"status": "delivered",
    r"score|^rating$": "5",
    r"^payment_type$": "voucher",
    r"^source$": "market",
    r"skipped|^has_": "false",
    r"^product_json$": '[{"product": "p1", "quantity": 1, "price": 10.00}]',
    r"date|_at$|timestamp": "2026-01-02 10:00:00",
    r"^InvoiceNo$": "536365",
    r"^StockCode$": "85123A",
    r"quantity|^count$|_pos|sequential|installments|order_item_id": "1",
    r"lenght|qty|_g$|_cm$": "1",
    r"price|amount|value|amt|fee|discount|support|freight|aandm|distance": "10.00",
    r"_id$": "ab" * 16,
}


def landed(table: str, column: str) -> str:
    """Return the value of a raw column in the one row."""
    if (table, column) == ("consents", "customer_id") or table == "suppressions":
        return {"source": "market", "customer_id": f"{CLIENT}-1"}.get(column, "2026-01-02")
    for pattern, value in PLAUSIBLE.items():
        if re.search(pattern, column, re.IGNORECASE):
            return value
    return "x1"


def manifest_of(warehouse: Warehouse) -> dict[str, Any]:
    return json.loads((warehouse.project / "target" / "manifest.json").read_text())


def tags(manifest: dict[str, Any]) -> dict[tuple[str, str, str], str]:
    """Return what is said of each tagged column of models, seeds and snapshots."""
    return {
        (node["schema"], node["alias"], name.lower()): column["config"]["meta"]["personal"]
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed", "snapshot")
        for name, column in node["columns"].items()
        if "personal" in column["config"].get("meta", {})
    }


def where_found(warehouse: Warehouse, marks: tuple[str, ...]) -> dict[str, set[tuple[str, ...]]]:
    """Return for each mark the columns, `schema, table, column`, of which a value holds it."""
    found: dict[str, set[tuple[str, ...]]] = {mark: set() for mark in marks}
    columns: dict[tuple[str, str], list[str]] = {}
    for schema, table, column in warehouse.query(
        "select table_schema, table_name, column_name from information_schema.columns"
    ):
        columns.setdefault((schema, table), []).append(column)
    for (schema, table), names in columns.items():
        cells = [
            f"""count_if(contains(lower(cast("{name}" as varchar)), '{mark.lower()}'))"""
            for name in names
            for mark in marks
        ]
        [counts] = warehouse.query(f'select {", ".join(cells)} from "{schema}"."{table}"')
        pairs = [(name, mark) for name in names for mark in marks]
        for (name, mark), count in zip(pairs, counts, strict=True):
            if count:
                found[mark].add((schema, table, name.lower()))
    return found


# Tags.


def test_each_tagged_word_is_known_and_marts_have_no_content(every_source: Warehouse) -> None:
    manifest = manifest_of(every_source)
    tagged = tags(manifest)
    raw = [
        column["config"]["meta"]["personal"]
        for table in manifest["sources"].values()
        for column in table["columns"].values()
        if "personal" in column["config"].get("meta", {})
    ]

    assert len(tagged) > 60
    assert sorted(set(raw)) == [CONTENT, IDENTIFIER]
    assert set(tagged.values()) == {CONTENT, IDENTIFIER, "key"}
    rooms = {
        (node["schema"], node["alias"]): Path(node["original_file_path"]).parts[1]
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed", "snapshot")
    }
    content = [place for place, kind in tagged.items() if kind == CONTENT and place != LANDED]
    assert [place for place in content if rooms[place[:2]] not in ROOMS_OF_CONTENT] == []
    public = {
        (node["schema"], node["alias"]): node["columns"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["access"] == "public"
    }
    assert public[LANDED[:2]]["raw_row"]["config"]["meta"]["stays_inside"]
    assert [place for place in content if place[:2] in public] == []


def test_an_id_has_the_same_tag_wherever_it_stands(every_source: Warehouse) -> None:
    manifest = manifest_of(every_source)
    tagged = tags(manifest)
    columns = {
        (node["schema"], node["alias"], name.lower())
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed", "snapshot")
        for name in node["columns"]
    }

    by_name: dict[str, set[str | None]] = {}
    for place in columns:
        by_name.setdefault(place[2], set()).add(tagged.get(place))
    mixed = {name for name, kinds in by_name.items() if len(kinds) > 1}
    # The zip of a seller's shop is no person's, and an audience has an id, too.
    assert mixed == {"zip_prefix", "id"}
    assert by_name["customer_id"] == {IDENTIFIER}
    assert by_name["raw_row"] == {CONTENT}


def test_failing_rows_are_not_kept(every_source: Warehouse) -> None:
    """A table of rows that failed a test would be a copy that nobody thinks of."""
    kept = [
        name
        for name, node in manifest_of(every_source)["nodes"].items()
        if node["resource_type"] == "test" and node["config"].get("store_failures")
    ]
    assert kept == []


def test_values_of_every_source_are_where_they_are_tagged(every_source: Warehouse) -> None:
    tagged = tags(manifest_of(every_source))
    found = where_found(every_source, MARKS)

    for mark, places in found.items():
        assert places or mark == CELL, mark  # no model reads the cell of an accepted row
        kinds = (IDENTIFIER, CONTENT) if mark in CLIENTS else (CONTENT,)
        # It is the zip of the shop of a seller, too.
        untagged = {place for place in places if tagged.get(place) not in kinds}
        assert untagged <= {("staging", "stg_olist__sellers", "zip_prefix")}, mark
    accepted = {
        table for mark in CLIENTS for _, table, column in found[mark] if column == "customer_id"
    }
    assert {
        "int_market__orders", "int_olist__orders", "int_online_retail__orders",
        "int_sales_json__orders", "int_suppressions", "int_consents",
    } <= accepted  # fmt: skip


# Values.


def test_contents_stop_before_the_marts_and_ids_stand_where_they_are_tagged(shop: Shop) -> None:
    tagged = tags(manifest_of(shop.warehouse))
    found = where_found(shop.warehouse, (CLIENT, *CONTENTS))

    for mark in CONTENTS:
        assert LANDED in found[mark]  # the marks are there, and rejected rows with them
        for place in found[mark] - {LANDED}:
            assert place[0] in ROOMS_OF_CONTENT, place
            assert tagged.get(place) == CONTENT, place
    assert ("staging", "stg_market__market_order", "device_name") in found[DEVICE]
    assert len(found[CLIENT]) > 20
    for place in found[CLIENT]:
        assert tagged.get(place) in (IDENTIFIER, CONTENT), place


def files(folder: Path) -> Iterator[Path]:
    """Give the files of a folder, without those that a link leads to."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and "demo" not in path.parts:
            yield path


def test_target_and_logs_tell_of_nobody_and_hold_no_key(shop: Shop) -> None:
    project = shop.warehouse.project
    scanned = [*files(project / "target"), *files(project / "logs")]

    assert {"manifest.json", "run_results.json", "dbt.log", "printed.txt"} <= {
        path.name for path in scanned
    }
    for path in scanned:
        content = path.read_bytes().lower()
        for mark in (CLIENT, *CONTENTS, KEY_TEXT):
            assert mark.lower().encode() not in content, path
    # What a build leaves beside: no spilled rows, no copy of a seed.
    for path in files(project):
        if path != shop.warehouse.path and path.relative_to(project).parts[0] not in PROJECT_PARTS:
            assert CLIENT.encode() not in path.read_bytes().lower(), path


def published_values(path: Path) -> dict[tuple[str, str, str], set[str]]:
    """Return the values of every column of every table of a file, as text."""
    with duckdb.connect(str(path), read_only=True) as connection:
        columns = connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns() where not internal"
        ).fetchall()
        return {
            (schema, table, column): {
                value
                for (value,) in connection.execute(
                    f'select distinct cast("{column}" as varchar) from "{schema}"."{table}"'
                ).fetchall()
            }
            for schema, table, column in columns
        }


def test_what_is_published_tells_of_nobody(shop: Shop) -> None:
    """Neither a mark, nor an inner key, nor the key: as values, and as bytes of the file."""
    inner = {str(key) for (key,) in shop.warehouse.query(
        "select customer_key from core.dim_customers"
    )}  # fmt: skip
    assert len(inner) > 100

    values = published_values(shop.published)

    assert len({place[:2] for place in values}) > 60
    # They are unkeyed hashes of ids: those of two campaigns tell a client among 100 million.
    assert not {place for place in values if place[2] in ("bucket", "global_bucket")}
    for place, found in values.items():
        assert not found & inner, place
        text = "\n".join(value for value in found if value).lower()
        for mark in (CLIENT, *CONTENTS, KEY_TEXT):
            assert mark.lower() not in text, place
    content = shop.published.read_bytes()
    for mark in (CLIENT, *CONTENTS, KEY_TEXT):
        assert mark.encode() not in content
    assert KEY not in content
    for pad in (0x36, 0x5C):  # the blocks that DuckDB was lent
        assert bytes(byte ^ pad for byte in KEY) not in content


def test_pseudonyms_are_hmacs_that_the_key_s_holder_can_make(shop: Shop) -> None:
    customers = shop.warehouse.query(
        "select customer_key, source, customer_id from customer.customer_single_view"
    )
    expected = {
        (
            int(hmac.digest(KEY, str(key).encode(), "sha256").hex()[:16], 16) >> 1,
            hmac.new(KEY, f"{source}:{client}".encode(), hashlib.sha256).hexdigest(),
        )
        for key, source, client in customers
    }
    with duckdb.connect(str(shop.published), read_only=True) as connection:
        found = connection.execute(
            "select customer_key, customer_id from customer.customer_single_view"
        ).fetchall()
        kinds = connection.execute(
            "select distinct column_name, data_type from duckdb_columns() "
            "where column_name in ('customer_key', 'customer_id') order by all"
        ).fetchall()
        comments = connection.execute(
            "select distinct comment from duckdb_columns() "
            "where column_name in ('customer_key', 'customer_id', 'person_id')"
        ).fetchall()
    assert set(found) == expected
    assert len(found) == len(expected) == len(customers)
    assert kinds == [("customer_id", "VARCHAR"), ("customer_key", "BIGINT")]
    assert all("pseudonym" in comment for (comment,) in comments)
    key, source, client = customers[0]
    assert (published_key(KEY, key), pseudonym(KEY, source, client)) in expected


def test_published_tables_join_as_those_of_the_warehouse(shop: Shop) -> None:
    """Each pair of tables with customers in them has as many pairs of rows in both files."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{shop.warehouse.path}' as inside (read_only)")
        connection.execute(f"attach '{shop.published}' as outside (read_only)")
        tables = [
            table
            for (table,) in connection.execute(
                "select distinct schema_name || '.' || table_name from duckdb_columns() "
                "where database_name = 'outside' and column_name = 'customer_key' order by all"
            ).fetchall()
        ]
        assert len(tables) >= 8
        joins = {
            table: f"{{0}}.{table} as rows inner join {{0}}.customer.customer_single_view as "
            "customers on rows.customer_key = customers.customer_key"
            for table in tables
        } | {
            "people": "{0}.marts.people as people inner join {0}.marts.campaign_lists as lists "
            "on people.id = cast(lists.customer_key as varchar) "
            "and people.customer_id = lists.customer_id",
            "memberships": "{0}.marts.audience_memberships as members "
            "inner join {0}.marts.people as people on members.person_id = people.id",
        }
        for name, join in joins.items():
            inside, outside = (
                connection.execute(f"select count(*) from {join.format(database)}").fetchone()
                for database in ("inside", "outside")
            )
            assert inside == outside, name


def test_without_a_key_ids_of_clients_stay_inside(shop: Shop, tmp_path: Path) -> None:
    manifest = shop.warehouse.project / "target" / "manifest.json"
    write_marts_file(shop.warehouse.path, manifest, tmp_path / "bi.duckdb")

    values = published_values(tmp_path / "bi.duckdb")

    assert "customer_id" not in {column for _, _, column in values}
    assert ("marts", "people", "id") in values
    for place, found in values.items():
        assert CLIENT not in "\n".join(value for value in found if value).lower(), place


def test_pages_and_views_tell_of_nobody(shop: Shop) -> None:
    written = [path for path in files(shop.outputs) if "export" not in path.parts]
    names = {path.name for path in written}
    assert {"report.html", "cards.html", "lists.txt", "quality.json", "sql.json"} <= names
    assert any(name.startswith("list-") for name in names)
    inner = [str(key) for (key,) in shop.warehouse.query(
        "select customer_key from core.dim_customers"
    )]  # fmt: skip
    for path in written:
        content = path.read_text().lower()
        for mark in (CLIENT, *CONTENTS, KEY_TEXT, *inner):
            assert mark.lower() not in content, (path, mark)


def test_an_export_has_ids_of_clients_where_channels_need_them(shop: Shop) -> None:
    current = shop.outputs / "export" / "current"
    found: dict[str, set[str]] = {}
    for path in sorted(current.rglob("*")):
        if path.suffix == ".csv":
            with path.open(encoding="utf-8-sig", newline="") as lines:
                rows = list(csv.DictReader(lines))
        elif path.suffix == ".parquet":
            rows = duckdb.sql(f"from '{path}'").df().to_dict("records")
        else:
            if path.is_file():
                assert CLIENT not in path.read_text().lower()
            continue
        for row in rows:
            text = {name: str(value).lower() for name, value in row.items()}
            assert not [mark for mark in CONTENTS if mark.lower() in " ".join(text.values())]
            kind = "lists" if path.parent.name == "lists" else path.name
            found.setdefault(kind, set()).update(
                name for name, value in text.items() if CLIENT in value
            )
    assert found.pop("lists") == {"customer_id"}
    assert found == {
        "audiences.parquet": set(),
        "audience_memberships.parquet": set(),
        "people.parquet": {"customer_id"},
        "campaign_assignments.parquet": {"customer_id"},
    }


def test_an_export_joins_with_what_is_served_and_names_it(shop: Shop) -> None:
    current = shop.outputs / "export" / "current"
    assert json.loads((current / "manifest.json").read_text())["served_version"] == RUN
    exported = duckdb.sql(
        f"select id, source, customer_id from '{current}/activation/people.parquet' order by id"
    ).fetchall()
    members = duckdb.sql(
        f"from '{current}/activation/audience_memberships.parquet' order by all"
    ).fetchall()
    with duckdb.connect(str(shop.published), read_only=True) as connection:
        served = connection.execute("from marts.people order by id").fetchall()
        served_members = connection.execute(
            "from marts.audience_memberships order by all"
        ).fetchall()

    assert len(exported) > 5
    assert [
        (person, source, pseudonym(KEY, source, client)) for person, source, client in exported
    ] == served
    assert members == served_members
