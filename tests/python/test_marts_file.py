"""`clientele marts`: what is in the file for readers, and that it is whole or not there."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from clientele.cli import main
from clientele.marts import marts_file
from clientele.marts.marts_file import write_marts_file
from clientele.marts.private_folder import PRIVATE
from clientele.marts.public import MartsError, public_tables
from warehouse import ROOT, Warehouse

NAME = "clientele_marts.duckdb"
KEY = bytes(range(100, 132))
PEOPLE = {
    "person_key": ("bigint", "Integer key of a person."),
    "name": ("varchar", "What the person's called."),
    "spent": ("decimal(18, 4)", "Money, not known for some."),
    "first_date": ("date", "Day of the first order."),
}
VISITS = {
    "person_key": ("bigint", "Integer key of a person."),
    "visit_number": ("integer", "Place of the visit\namong the person's, from 1."),
    "place": ("varchar", "Where it was."),
}
SECRETS = {"person_key": ("bigint", "Key."), "address": ("varchar", "Where the person lives.")}


def node(schema: str, name: str, columns: dict[str, tuple[str, str]], access: str) -> dict:
    return {
        "unique_id": f"model.shop.{name}",
        "resource_type": "model",
        "access": access,
        "schema": schema,
        "alias": name,
        "description": f"One row per {name}.",
        "columns": {
            column: {"name": column, "description": text, "constraints": []}
            for column, (_, text) in columns.items()
        },
    }


def holds(model: str, grain: list[str], rules: dict[str, str] | None = None, **config: str) -> dict:
    return {
        "unique_id": f"test.shop.holds_{model}",
        "resource_type": "test",
        "attached_node": f"model.shop.{model}",
        "config": {"where": None, "severity": "ERROR"} | config,
        "test_metadata": {"name": "holds", "kwargs": {"grain": grain, "rules": rules or {}}},
    }


NODES = [
    node("marts", "people", PEOPLE, "public"),
    node("customer", "visits", VISITS, "public"),
    node("core", "secrets", SECRETS, "protected"),
    holds("people", ["person_key"], {"named": "name is not null and name <> ''"}),
    holds("visits", ["person_key", "visit_number"]),
    holds("secrets", ["person_key"]),
]


def write_manifest(path: Path, nodes: list[dict] | None = None) -> Path:
    content = {"nodes": {entry["unique_id"]: entry for entry in nodes or NODES}}
    path.write_text(json.dumps(content))
    return path


def write_warehouse(path: Path, *changes: str) -> Path:
    with duckdb.connect(str(path)) as connection:
        for schema, name, columns in (
            ("marts", "people", PEOPLE),
            ("customer", "visits", VISITS),
            ("core", "secrets", SECRETS),
        ):
            connection.execute(f"create schema {schema}")
            listed = ", ".join(f"{column} {kind}" for column, (kind, _) in columns.items())
            connection.execute(f"create table {schema}.{name} ({listed})")
        connection.execute(
            "insert into marts.people values (3, 'Zoë', null, null), (1, 'Ana', 12.5, "
            "'2026-01-31'), (2, 'Bo''', -0.0001, '2025-12-01')"
        )
        connection.execute(
            "insert into customer.visits select key, number, 'here' "
            "from range(3, 0, -1) as keys (key), range(4, 0, -1) as numbers (number)"
        )
        connection.execute("insert into core.secrets values (1, 'Elm Street 1')")
        for change in changes:
            connection.execute(change)
    return path


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with a warehouse of three tables, two of them public, and its manifest."""
    write_warehouse(tmp_path / "shop.duckdb")
    write_manifest(tmp_path / "manifest.json")
    return tmp_path


def marts(shop: Path, *options: str, output: Path | None = None) -> Result:
    return CliRunner().invoke(main, [
        "marts", "--warehouse", str(shop / "shop.duckdb"),
        "--manifest", str(shop / "manifest.json"),
        "--output", str(output or shop / "bi" / NAME), *options,
    ])  # fmt: skip


def read(path: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


# What is in it.


def test_what_is_public_is_there_sorted_by_its_key_and_nothing_else(shop: Path) -> None:
    result = marts(shop)

    assert (result.exit_code, result.output) == (0, "")
    file = shop / "bi" / NAME
    assert read(file, "select schema_name, table_name from duckdb_tables() order by all") == [
        ("customer", "visits"),
        ("marts", "people"),
    ]
    assert read(file, "select person_key, name, spent::varchar from marts.people") == [
        (1, "Ana", "12.5000"),
        (2, "Bo'", "-0.0001"),
        (3, "Zoë", None),
    ]
    assert read(file, "select person_key, visit_number from customer.visits") == [
        (person, visit) for person in (1, 2, 3) for visit in (1, 2, 3, 4)
    ]
    assert b"Elm Street" not in file.read_bytes()


def test_a_column_that_stays_inside_is_not_in_the_file(shop: Path) -> None:
    people = node("marts", "people", PEOPLE, "public")
    people["columns"]["name"]["config"] = {"meta": {"stays_inside": True}}
    write_manifest(shop / "manifest.json", [people, *NODES[3:4]])

    assert marts(shop, "--parquet", str(shop / "parquet")).exit_code == 0

    file = shop / "bi" / NAME
    columns = "select column_name from duckdb_columns() where table_name = 'people'"
    assert read(file, f"{columns} order by column_index") == [
        ("person_key",), ("spent",), ("first_date",),
    ]  # fmt: skip
    assert read(file, "select person_key, first_date is null from marts.people") == [
        (1, False), (2, False), (3, True),
    ]  # fmt: skip
    for written in (file, shop / "parquet" / "marts.people.parquet"):
        assert "Zoë".encode() not in written.read_bytes()


def tagged(kinds: dict[str, str]) -> list[dict]:
    """Return the nodes with what `meta` says of some columns of people."""
    people = node("marts", "people", PEOPLE | {"source": ("varchar", "Shop.")}, "public")
    for name, kind in kinds.items():
        people["columns"][name]["config"] = {"meta": {"personal": kind}}
    visits = node("customer", "visits", VISITS, "public")
    visits["columns"]["person_key"]["config"] = {"meta": {"personal": "key"}}
    return [people, visits, *NODES[3:]]


@pytest.fixture
def tagged_shop(shop: Path) -> Path:
    """The shop, whose people have a key and a name that tell who they are."""
    with duckdb.connect(str(shop / "shop.duckdb")) as connection:
        connection.execute("alter table marts.people add column source varchar")
        connection.execute("update marts.people set source = 'shop'")
        connection.execute("insert into customer.visits values (4, 1, 'there')")
    write_manifest(shop / "manifest.json", tagged({"person_key": "key", "name": "identifier"}))
    return shop


def test_with_a_key_people_are_told_by_pseudonyms_in_every_table(tagged_shop: Path) -> None:
    written = write_marts_file(
        tagged_shop / "shop.duckdb", tagged_shop / "manifest.json", tagged_shop / NAME, key=KEY
    )

    def own(number: int) -> int:
        return int(hmac.digest(KEY, str(number).encode(), "sha256").hex()[:16], 16) >> 1

    def called(name: str) -> str:
        return hmac.digest(KEY, f"shop:{name}".encode(), "sha256").hex()

    file = tagged_shop / NAME
    assert [table["rows"] for table in written["tables"]] == [13, 3]
    names = {own(1): called("Ana"), own(2): called("Bo'"), own(3): called("Zoë")}
    people = read(file, "select person_key, name from marts.people")
    assert people == sorted(names.items())
    visits = read(file, "select person_key, visit_number from customer.visits")
    assert visits == sorted([(own(person), visit) for person in (1, 2, 3) for visit in (1, 2, 3, 4)]
                            + [(own(4), 1)])  # fmt: skip
    assert len(read(file, "from duckdb_constraints() where constraint_type = 'PRIMARY KEY'")) == 2
    comments = dict(read(file, "select column_name, comment from duckdb_columns() "
                               "where table_name = 'people'"))  # fmt: skip
    assert comments["name"].startswith("What the person's called. A pseudonym:")
    assert comments["spent"] == "Money, not known for some."
    for told in (b"Ana", "Zoë".encode(), KEY, KEY.hex().encode()):
        assert told not in file.read_bytes()


def test_a_pseudonym_hangs_on_the_key_alone(tagged_shop: Path) -> None:
    def people(key: bytes) -> list[tuple]:
        arguments = tagged_shop / "shop.duckdb", tagged_shop / "manifest.json", tagged_shop / NAME
        write_marts_file(*arguments, key=key)
        return read(tagged_shop / NAME, "from marts.people")

    first = people(KEY)
    with duckdb.connect(str(tagged_shop / "shop.duckdb")) as connection:
        connection.execute("delete from customer.visits where person_key > 2")
        connection.execute("delete from marts.people where person_key = 2")
    assert [row for row in first if row in people(KEY)] == people(KEY)
    assert not {row[0] for row in first} & {row[0] for row in people(bytes(80))}


def test_without_a_key_ids_stay_inside_and_keys_are_the_warehouse_s(tagged_shop: Path) -> None:
    assert marts(tagged_shop).exit_code == 0

    assert read(tagged_shop / "bi" / NAME, "from marts.people order by person_key")[0] == (
        1, Decimal("12.5000"), date(2026, 1, 31), "shop"
    )  # fmt: skip


def test_the_command_takes_the_key_of_production(
    tagged_shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tagged_shop / "home"
    expected = int(hmac.digest(KEY, b"1", "sha256").hex()[:16], 16) >> 1
    query = f"select count(*) from marts.people where person_key = {expected}"
    monkeypatch.setenv("CLIENTELE_PUBLICATION_KEY", KEY.hex())
    assert marts(tagged_shop, "--home", str(home)).exit_code == 0
    assert read(tagged_shop / "bi" / NAME, query) == [(1,)]
    monkeypatch.delenv("CLIENTELE_PUBLICATION_KEY")
    assert marts(tagged_shop, "--home", str(home)).exit_code == 0
    assert read(tagged_shop / "bi" / NAME, query) == [(0,)]
    (home / "keys").mkdir(parents=True)
    (home / "keys" / "publication.key").write_text(KEY.hex())
    (home / "keys" / "publication.key").chmod(0o600)
    assert marts(tagged_shop, "--home", str(home)).exit_code == 0
    assert read(tagged_shop / "bi" / NAME, query) == [(1,)]
    (home / "keys" / "publication.key").chmod(0o644)
    assert "can be read by others" in complaint(marts(tagged_shop, "--home", str(home)))


def test_a_public_model_with_what_tells_of_a_person_is_refused(shop: Path) -> None:
    for kind, because in (("content", "no public model may have"), ("nonsense", "no public model")):
        write_manifest(shop / "manifest.json", tagged({"name": kind}))
        assert because in complaint(marts(shop))
    people = node("marts", "people", PEOPLE, "public")
    people["columns"]["name"]["config"] = {"meta": {"personal": "identifier"}}
    write_manifest(shop / "manifest.json", [people])
    assert "needs a column source" in complaint(marts(shop))
    assert not (shop / "bi").exists()


def test_a_key_that_is_no_number_has_no_pseudonym_and_nothing_is_written(tagged_shop: Path) -> None:
    write_manifest(tagged_shop / "manifest.json", tagged({"name": "key"}))

    with pytest.raises(MartsError) as raised:
        write_marts_file(
            tagged_shop / "shop.duckdb", tagged_shop / "manifest.json", tagged_shop / NAME, key=KEY
        )
    assert "marts.people.name has a value without a pseudonym" in str(raised.value)
    assert "Zoë" not in str(raised.value)
    assert not (tagged_shop / NAME).exists()


def test_a_model_that_is_no_longer_public_leaves_the_file(shop: Path) -> None:
    marts(shop, "--parquet", str(shop / "parquet"))
    (shop / "parquet" / "notes.txt").write_text("mine")
    write_manifest(shop / "manifest.json", [node("marts", "people", PEOPLE, "public")])

    assert marts(shop, "--parquet", str(shop / "parquet")).exit_code == 0

    tables = read(shop / "bi" / NAME, "select table_name from duckdb_tables()")
    assert tables == [("people",)]
    assert sorted(path.name for path in (shop / "parquet").iterdir()) == [
        "marts.json", "marts.people.parquet", "notes.txt",
    ]  # fmt: skip


def test_keys_and_columns_that_are_never_null_are_declared(shop: Path) -> None:
    marts(shop)

    constraints = read(
        shop / "bi" / NAME,
        "select table_name, constraint_type, constraint_column_names from duckdb_constraints() "
        "order by all",
    )
    assert constraints == [
        ("people", "NOT NULL", ["name"]),
        ("people", "NOT NULL", ["person_key"]),
        ("people", "PRIMARY KEY", ["person_key"]),
        ("visits", "NOT NULL", ["person_key"]),
        ("visits", "NOT NULL", ["visit_number"]),
        ("visits", "PRIMARY KEY", ["person_key", "visit_number"]),
    ]


@pytest.mark.parametrize(
    ("condition", "given"),
    [
        ("name is not null", {"name"}),
        ("name is not null and spent IS NOT NULL and spent > 0", {"name", "spent"}),
        ("name is not null or spent is not null", set()),
        ("spent <> 'x or y' and name is not null", {"name"}),
        ("name <> 'a and spent is not null and b'", set()),
        ("(name is not null) = (spent = 0 and spent is not null)", set()),
        ("case when spent = 0 and name is not null and spent = 1 then true end", set()),
        ("unknown_column is not null", set()),
    ],
)
def test_a_rule_says_that_a_column_is_given_only_where_it_must_be(
    shop: Path, condition: str, given: set[str]
) -> None:
    nodes = [node("marts", "people", PEOPLE, "public"),
             holds("people", ["person_key"], {"rule": condition})]  # fmt: skip
    [table] = public_tables(write_manifest(shop / "manifest.json", nodes))

    assert table.required == given | {"person_key"}


def test_a_test_that_only_warns_or_looks_at_some_rows_declares_nothing(shop: Path) -> None:
    for config in ({"severity": "warn"}, {"where": "spent > 0"}):
        nodes = [node("marts", "people", PEOPLE, "public"),
                 holds("people", ["person_key"], **config)]  # fmt: skip
        [table] = public_tables(write_manifest(shop / "manifest.json", nodes))
        assert (table.key, table.required) == ((), frozenset())


def test_a_table_too_large_for_an_index_names_its_key_in_words(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marts_file, "MOST_KEYED_ROWS", 3)

    assert marts(shop).exit_code == 0

    file = shop / "bi" / NAME
    comments = dict(read(file, "select table_name, comment from duckdb_tables()"))
    assert comments["visits"] == "One row per visits. Key: person_key, visit_number."
    assert comments["people"] == "One row per people."
    keyed = "select table_name from duckdb_constraints() where constraint_type = 'PRIMARY KEY'"
    assert read(file, keyed) == [("people",)]
    nullable = (
        "select column_name from duckdb_columns() where table_name = 'visits' and is_nullable"
    )
    assert read(file, nullable) == [("place",)]
    assert read(file, "select visit_number from customer.visits limit 5") == [
        (1,), (2,), (3,), (4,), (1,),
    ]  # fmt: skip


def test_rows_do_not_depend_on_the_order_in_the_warehouse(shop: Path) -> None:
    marts(shop)
    tables = ("marts.people", "customer.visits")
    before = [read(shop / "bi" / NAME, f"from {table}") for table in tables]
    with duckdb.connect(str(shop / "shop.duckdb")) as connection:
        for table in tables:
            connection.execute(f"create temp table former as from {table} order by all desc")
            connection.execute(f"delete from {table}")
            connection.execute(f"insert into {table} from former")
            connection.execute("drop table former")

    marts(shop)

    assert [read(shop / "bi" / NAME, f"from {table}") for table in tables] == before


def test_readers_of_duckdb_1_1_and_later_know_the_format(shop: Path) -> None:
    marts(shop)

    header = (shop / "bi" / NAME).read_bytes()[:20]
    assert header[8:12] == b"DUCK"
    # 64 is what 1.0 and 1.1 read and all since; `make bi` opens such a file with 1.5.
    assert int.from_bytes(header[12:20], "little") == 64


def test_it_is_one_file_that_nobody_opens_to_write(shop: Path) -> None:
    marts(shop)

    assert [path.name for path in (shop / "bi").iterdir()] == [NAME]
    assert stat.S_IMODE((shop / "bi" / NAME).stat().st_mode) & 0o222 == 0


# What tools see of it.


def test_sqlalchemy_reflects_columns_keys_and_comments(shop: Path) -> None:
    import sqlalchemy
    from sqlalchemy.pool import NullPool

    marts(shop)
    engine = sqlalchemy.create_engine(
        f"duckdb:///{shop / 'bi' / NAME}",
        connect_args={"read_only": True, "config": {"enable_external_access": "false"}},
        poolclass=NullPool,
    )
    people = sqlalchemy.Table("people", sqlalchemy.MetaData(), schema="marts", autoload_with=engine)

    assert people.comment == "One row per people."
    assert [column.name for column in people.primary_key] == ["person_key"]
    assert {column.name: (column.nullable, column.comment) for column in people.columns} == {
        "person_key": (False, "Integer key of a person."),
        "name": (False, "What the person's called."),
        "spent": (True, "Money, not known for some."),
        "first_date": (True, "Day of the first order."),
    }
    kinds = {column.name: column.type for column in people.columns}
    assert isinstance(kinds["person_key"], sqlalchemy.BigInteger)
    assert isinstance(kinds["first_date"], sqlalchemy.Date)
    assert (kinds["spent"].precision, kinds["spent"].scale) == (18, 4)
    with engine.connect() as connection:
        total = connection.execute(sqlalchemy.select(sqlalchemy.func.sum(people.c.spent))).scalar()
    assert str(total) == "12.4999"


# As a database browser asks: what there is, then a table's columns with remarks, then its key.
BROWSER = {
    "select table_schema, table_name, table_type, table_comment from information_schema.tables "
    "order by all": [
        ("customer", "visits", "BASE TABLE", "One row per visits."),
        ("marts", "people", "BASE TABLE", "One row per people."),
    ],
    "select column_name, data_type, is_nullable, column_comment from information_schema.columns "
    "where table_name = 'visits' order by ordinal_position": [
        ("person_key", "BIGINT", "NO", "Integer key of a person."),
        ("visit_number", "INTEGER", "NO", "Place of the visit among the person's, from 1."),
        ("place", "VARCHAR", "YES", "Where it was."),
    ],
    "select usage.column_name from information_schema.table_constraints as constraints "
    "inner join information_schema.key_column_usage as usage using (constraint_schema, "
    "constraint_name) where constraints.constraint_type = 'PRIMARY KEY' "
    "and constraints.table_name = 'visits' order by usage.ordinal_position": [
        ("person_key",), ("visit_number",),
    ],
    "select unnest(constraint_column_names) from duckdb_constraints() "
    "where constraint_type = 'PRIMARY KEY' and table_name = 'people'": [("person_key",)],
    "select namespace.nspname, class.relname, description.description "
    "from pg_catalog.pg_class as class "
    "inner join pg_catalog.pg_namespace as namespace on class.relnamespace = namespace.oid "
    "left join pg_catalog.pg_description as description "
    "on class.oid = description.objoid and description.objsubid = 0 "
    "where class.relkind = 'r' order by all": [
        ("customer", "visits", "One row per visits."),
        ("marts", "people", "One row per people."),
    ],
    "select attribute.attname, description.description from pg_catalog.pg_attribute as attribute "
    "inner join pg_catalog.pg_class as class on attribute.attrelid = class.oid "
    "inner join pg_catalog.pg_description as description on class.oid = description.objoid "
    "and attribute.attnum = description.objsubid "
    "where class.relname = 'visits' order by attribute.attnum": [
        ("person_key", "Integer key of a person."),
        ("visit_number", "Place of the visit among the person's, from 1."),
        ("place", "Where it was."),
    ],
}  # fmt: skip


def test_catalog_queries_of_a_database_browser_find_names_comments_and_keys(shop: Path) -> None:
    marts(shop)

    for sql, expected in BROWSER.items():
        assert read(shop / "bi" / NAME, sql) == expected, sql


def test_parquet_files_hold_the_same_rows(shop: Path) -> None:
    printed = json.loads(marts(shop, "--json", "--parquet", str(shop / "parquet")).output)

    for file in printed["parquet"]["files"]:
        path = shop / "parquet" / file["path"]
        table = file["path"].removesuffix(".parquet")
        assert duckdb.sql(f"from '{path}'").fetchall() == read(shop / "bi" / NAME, f"from {table}")
        assert file["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert {file["path"]: file["rows"] for file in printed["parquet"]["files"]} == {
        "customer.visits.parquet": 12, "marts.people.parquet": 3,
    }  # fmt: skip


def test_json_is_for_machines_and_a_table_for_people(shop: Path) -> None:
    from rich.console import Console

    printed = json.loads(marts(shop, "--json").output)
    content = (shop / "bi" / NAME).read_bytes()
    assert printed["sha256"] == hashlib.sha256(content).hexdigest()
    assert printed["bytes"] == len(content)
    assert printed["tables"] == [
        {"name": "customer.visits", "rows": 12, "columns": 3,
         "key": ["person_key", "visit_number"]},
        {"name": "marts.people", "rows": 3, "columns": 4, "key": ["person_key"]},
    ]  # fmt: skip
    assert marts(shop, "--quiet").output == ""
    console = Console(width=100, file=io.StringIO())
    marts_file.print_marts(printed, console)
    [line] = [line for line in console.file.getvalue().splitlines() if "visits" in line]
    assert [cell.strip() for cell in line.strip("│ ").split("│")] == [
        "customer.visits", "12", "person_key, visit_number",
    ]  # fmt: skip


# Whole, or not at all.


def test_a_reader_keeps_its_file_and_the_next_one_sees_the_new(shop: Path) -> None:
    marts(shop)
    with duckdb.connect(str(shop / "bi" / NAME), read_only=True) as reader:
        with duckdb.connect(str(shop / "shop.duckdb")) as connection:
            connection.execute("delete from marts.people where person_key = 1")
        assert marts(shop).exit_code == 0

        assert reader.execute("select count(*) from marts.people").fetchone() == (3,)
    assert read(shop / "bi" / NAME, "select count(*) from marts.people") == [(2,)]


def test_a_log_that_a_writer_of_the_former_file_left_does_no_harm(shop: Path) -> None:
    marts(shop)
    with duckdb.connect(str(shop / "other.duckdb")) as connection:
        connection.execute("set checkpoint_threshold = '1GB'")
        connection.execute("pragma disable_checkpoint_on_shutdown")
        connection.execute("create table left_behind (number integer)")
    (shop / "other.duckdb.wal").rename(shop / "bi" / f"{NAME}.wal")

    assert marts(shop).exit_code == 0

    assert [path.name for path in (shop / "bi").iterdir()] == [NAME]
    assert read(shop / "bi" / NAME, "select count(*) from marts.people") == [(3,)]


def test_a_kill_before_the_rename_leaves_the_former_file(shop: Path) -> None:
    marts(shop)
    former = (shop / "bi" / NAME).read_bytes()
    with duckdb.connect(str(shop / "shop.duckdb")) as connection:
        connection.execute("delete from marts.people where person_key = 1")
    killed = subprocess.run(
        [sys.executable, "-c",
         "import os, signal, sys\n"
         "from pathlib import Path\n"
         "from clientele.marts import marts_file\n"
         "def die(*_): os.kill(os.getpid(), signal.SIGKILL)\n"
         "Path.replace = die\n"
         "marts_file.write_marts_file(*map(Path, sys.argv[1:]))",
         shop / "shop.duckdb", shop / "manifest.json", shop / "bi" / NAME],
        cwd=ROOT, check=False,
    )  # fmt: skip

    assert killed.returncode == -signal.SIGKILL
    assert (shop / "bi" / NAME).read_bytes() == former
    [debris] = [path for path in (shop / "bi").iterdir() if path.name.startswith(PRIVATE)]
    assert (debris / NAME).exists()
    assert marts(shop).exit_code == 0
    assert [path.name for path in (shop / "bi").iterdir()] == [NAME]
    assert read(shop / "bi" / NAME, "select count(*) from marts.people") == [(2,)]


@pytest.fixture
def refused(shop: Path) -> Iterator[Path]:
    """A shop whose marts were written; whatever is tried next must leave them as they are."""
    marts(shop)
    former = (shop / "bi" / NAME).read_bytes()
    yield shop
    assert (shop / "bi" / NAME).read_bytes() == former
    assert [path.name for path in (shop / "bi").iterdir()] == [NAME]


def complaint(result: Result) -> str:
    """Return the one line that a refusal is."""
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    [line] = result.output.splitlines()
    return line.removeprefix("Error: ")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no manifest at"),
        ("{", "is not the manifest of a dbt project"),
        ("[]", "is not the manifest of a dbt project"),
        ('{"nodes": {"a": {"resource_type": "model"}}}', "is not the manifest of a dbt project"),
        ('{"nodes": {}}', "names no public model"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_one_line(
    refused: Path, content: str | None, words: str
) -> None:
    (refused / "manifest.json").unlink()
    if content is not None:
        (refused / "manifest.json").write_text(content)

    assert words in complaint(marts(refused))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("drop table customer.visits", "is not built yet (customer.visits is missing)"),
        ("alter table marts.people drop column spent", "marts.people was built otherwise"),
        ("alter table marts.people add column more int", "(column more); `dbt build` builds it"),
        (
            "insert into marts.people select * from marts.people",
            "marts.people breaks what its tests hold",
        ),
        ("update marts.people set name = null", "NOT NULL constraint failed"),
    ],
)
def test_a_warehouse_that_is_not_what_the_manifest_says_is_one_line(
    refused: Path, change: str, words: str
) -> None:
    with duckdb.connect(str(refused / "shop.duckdb")) as connection:
        connection.execute(change)

    assert words in complaint(marts(refused))


def test_no_warehouse_and_one_that_is_none_are_one_line(refused: Path) -> None:
    (refused / "shop.duckdb").write_text("no database")
    assert "cannot be opened" in complaint(marts(refused))
    (refused / "shop.duckdb").unlink()
    assert "no warehouse at" in complaint(marts(refused))


def test_a_warehouse_that_a_build_has_open_is_one_line(refused: Path) -> None:
    build = subprocess.Popen(
        [sys.executable, "-c",
         "import duckdb, sys\n"
         "connection = duckdb.connect(sys.argv[1])\n"
         "print('open', flush=True)\n"
         "sys.stdin.read()", refused / "shop.duckdb"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert build.stdout.readline() == b"open\n"
        assert "is in use by another process" in complaint(marts(refused))
    finally:
        build.communicate()


def test_another_writer_at_work_is_one_line(refused: Path) -> None:
    folder = os.open(refused / "bi", os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        assert "another `clientele marts` is writing to" in complaint(marts(refused))
    finally:
        os.close(folder)


def test_places_that_cannot_be_written_are_one_line(refused: Path) -> None:
    assert "cannot be written" in complaint(marts(refused, output=Path("/proc") / NAME))
    below_a_file = refused / "manifest.json" / NAME
    assert "cannot be written" in complaint(marts(refused, output=below_a_file))
    if os.geteuid() != 0:
        (refused / "bi").chmod(0o500)
        try:
            assert "Permission denied" in complaint(marts(refused))
        finally:
            (refused / "bi").chmod(0o700)


def test_files_that_are_not_marts_are_left_alone(refused: Path) -> None:
    assert "is the warehouse itself" in complaint(marts(refused, output=refused / "shop.duckdb"))
    (refused / "notes.duckdb").write_text("not a database")
    assert "is left as it is" in complaint(marts(refused, output=refused / "notes.duckdb"))
    assert (refused / "notes.duckdb").read_text() == "not a database"
    # `marts.people` would be ambiguous in a file of that name.
    assert "has the name of a schema" in complaint(marts(refused, output=refused / "Marts.duckdb"))


def test_rows_lost_on_the_way_are_seen(refused: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = marts_file._write_tables

    def lose(*arguments: object) -> dict[str, int]:
        counts = written(*arguments)
        return counts | {'"marts"."people"': 4}

    monkeypatch.setattr(marts_file, "_write_tables", lose)

    assert "4 rows in the warehouse, and 3 when read back" in complaint(marts(refused))


# The shop that ships with the project.


@pytest.fixture(scope="module")
def demo_marts(demo_warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("marts") / NAME
    manifest = demo_warehouse.project / "target" / "manifest.json"
    started = time.monotonic()
    write_marts_file(demo_warehouse.path, manifest, output)
    assert time.monotonic() - started < 30
    return output


def test_the_marts_of_the_demo_are_the_warehouse_s(
    demo_warehouse: Warehouse, demo_marts: Path
) -> None:
    nodes = json.loads((demo_warehouse.project / "target/manifest.json").read_text())["nodes"]
    public = {
        f"{entry['schema']}.{entry['name']}"
        for entry in nodes.values()
        if entry["resource_type"] == "model" and entry["config"]["access"] == "public"
    }
    found = {f"{schema}.{table}" for schema, table in read(
        demo_marts, "select schema_name, table_name from duckdb_tables()"
    )}  # fmt: skip
    assert found == public
    assert {"marts.campaign_lists", "customer.customer_single_view"} <= found
    inside = {
        f"{entry['schema']}.{entry['name']}": f"exclude ({', '.join(sorted(hidden))})"
        for entry in nodes.values()
        if (hidden := {
            name
            for name, column in entry.get("columns", {}).items()
            if column["config"].get("meta", {}).get("stays_inside")
            or column["config"].get("meta", {}).get("personal") == "identifier"
        })
    }  # fmt: skip
    assert inside["marts.rejected_rows"] == "exclude (raw_row)"
    assert inside["marts.campaign_lists"] == "exclude (customer_id)"
    with duckdb.connect() as connection:
        connection.execute(f"attach '{demo_warehouse.path}' as warehouse (read_only)")
        connection.execute(f"attach '{demo_marts}' as file (read_only)")
        for table in sorted(found):
            built = f"select * {inside.get(table, '')} from warehouse.{table}"
            differing = connection.execute(
                f"({built} except all from file.{table}) "
                f"union all (from file.{table} except all {built})"
            ).fetchall()
            assert differing == [], table


def test_no_place_device_or_label_of_a_landed_row_is_in_the_file(
    demo_warehouse: Warehouse, demo_marts: Path
) -> None:
    landed = [f"raw_row ->> '{name}'" for name in ("hex_id", "devicename", "addressname")]
    personal = {
        value
        for (value,) in demo_warehouse.query(
            f"select distinct unnest([{', '.join(landed)}]) from marts.rejected_rows"
        )
        if value and value != "web"  # which is also a class of devices
    }
    assert len(personal) > 20
    texts = read(
        demo_marts,
        "select schema_name || '.' || table_name, column_name from duckdb_columns() "
        "where data_type = 'VARCHAR' and not internal",
    )
    assert len(texts) > 100
    for table, column in texts:
        found = {value for (value,) in read(demo_marts, f"select distinct {column} from {table}")}
        assert not found & personal, (table, column)
        assert not any("{" in value for value in found if value), (table, column)


def test_sqlalchemy_knows_every_table_of_the_demo_by_key_and_words(demo_marts: Path) -> None:
    import sqlalchemy
    from sqlalchemy.pool import NullPool

    engine = sqlalchemy.create_engine(
        f"duckdb:///{demo_marts}", connect_args={"read_only": True}, poolclass=NullPool
    )
    inspector = sqlalchemy.inspect(engine)
    tables = read(demo_marts, "select schema_name, table_name from duckdb_tables() order by all")
    for schema, table in tables:
        columns = inspector.get_columns(table, schema)
        key = inspector.get_pk_constraint(table, schema)["constrained_columns"]
        nullable = {column["name"] for column in columns if column["nullable"]}
        assert key, table
        assert not nullable & set(key), table
        assert inspector.get_table_comment(table, schema)["text"].startswith("One row per "), table
        assert all(column["comment"] for column in columns), table
    people = inspector.get_columns("people", "marts")
    assert [column["name"] for column in people if column["nullable"]] == []


def test_the_page_names_tables_that_are_there_and_its_python_runs(demo_marts: Path) -> None:
    page = (ROOT / "docs" / "connect_your_bi_tool.md").read_text("utf-8")
    found = {f"{schema}.{table}" for schema, table in read(
        demo_marts, "select schema_name, table_name from duckdb_tables()"
    )}  # fmt: skip
    named = set(re.findall(r"`((?:marts|customer)\.\w+)`", page)) - {"marts.duckdb"}
    assert len(named) > 10
    assert named <= found
    [first, second] = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    exec(first.replace("production/published/clientele.duckdb", str(demo_marts)), {})
    made: dict[str, object] = {}
    exec(second.replace("/srv/shop/production/published/clientele.duckdb", str(demo_marts)), made)
    with made["engine"].connect() as connection:
        [rows] = connection.exec_driver_sql("select count(*) from marts.people").fetchone()
    assert [(rows,)] == read(demo_marts, "select count(*) from marts.people")


def test_the_dashboard_shows_columns_that_are_there(demo_marts: Path) -> None:
    yaml = pytest.importorskip("yaml")
    tables = dict(read(
        demo_marts,
        "select schema_name || '.' || table_name, list(column_name) from duckdb_columns() "
        "group by all",
    ))  # fmt: skip
    paths = sorted((ROOT / "bi" / "superset" / "charts").glob("*.yaml"))
    assert len(paths) >= 8
    for path in paths:
        text = path.read_text("utf-8")
        [table] = re.findall(r"^dataset_uuid: \S+  # (\S+)$", text, re.MULTILINE)
        chart = yaml.safe_load(text)
        assert chart["dataset_uuid"] == str(
            uuid.uuid5(uuid.NAMESPACE_URL, f"clientele:dataset:{table}")
        )
        drawn = chart["params"]
        grouped = drawn.get("groupby", [])
        columns = {drawn.get("x_axis"), *([grouped] if isinstance(grouped, str) else grouped)}
        columns |= set(drawn.get("all_columns", []))
        columns |= {part["subject"] for part in drawn["adhoc_filters"]}
        columns |= {
            metric["column"]["column_name"]
            for metric in drawn.get("metrics", [])
            if "column" in metric
        }
        assert columns - {None} <= set(tables[table]), path.name
