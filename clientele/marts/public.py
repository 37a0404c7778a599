"""What is public of the warehouse, as the manifest of its build says it.

A model with `access: public` leaves, and nothing else, nor a column of it whose `meta` says
`stays_inside`. Columns that tell whose row it is are `customer_key`, those tagged `personal: key`
and those tagged `personal: identifier`; one tagged otherwise is in no public model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clientele.warehouse_file import quoted_name

TEXTS = re.compile(r"'(?:[^']|'')*'")
BRANCHES = re.compile(r"[()]|\b(?:or|case)\b", re.IGNORECASE)
IS_GIVEN = re.compile(r"(\w+)\s+is\s+not\s+null", re.IGNORECASE)
STAYS_INSIDE = "stays_inside"
# What `meta` says of a column that carries something of a person.
PERSONAL = "personal"
KEY, IDENTIFIER = "key", "identifier"
CUSTOMER_KEY = "customer_key"  # a key by its name, in every model


class MartsError(Exception):
    """Nothing was written; the message is one line that says why."""


@dataclass(frozen=True)
class PublicTable:
    """A model that others may read, as the manifest describes it.

    columns: the name of each column and its description, in the order of the contract.
    inside: the columns beside these that the warehouse has and the file must not have.
    keys, identifiers: the columns that hold a customer's key, and a client's id.
    key: the columns that identify a row, as the generic test `holds` names them.
    required: the columns that tests hold to be never null, the key's among them.
    """

    schema: str
    name: str
    description: str
    columns: Mapping[str, str]
    key: tuple[str, ...]
    required: frozenset[str]
    inside: frozenset[str] = frozenset()
    keys: frozenset[str] = field(default=frozenset())
    identifiers: frozenset[str] = field(default=frozenset())

    @property
    def full_name(self) -> str:
        """Schema and name, as people write them."""
        return f"{self.schema}.{self.name}"

    @property
    def path(self) -> str:
        """Schema and name, as SQL takes them."""
        return f"{quoted_name(self.schema)}.{quoted_name(self.name)}"


def public_tables(manifest: Path) -> list[PublicTable]:
    """Return the models with `access: public` of a manifest, by schema and name.

    manifest: the manifest.json that dbt wrote. Raises MartsError where it cannot be read, and where
        a public model has a column that tells of a person.
    """
    try:
        content = json.loads(manifest.read_text("utf-8"))
        nodes = content["nodes"].values()
        models = {
            node["unique_id"]: node
            for node in nodes
            if node["resource_type"] == "model" and node["access"] == "public"
        }
        tests: dict[str, list[dict[str, Any]]] = {name: [] for name in models}
        for node in nodes:
            if node["resource_type"] == "test" and node.get("attached_node") in tests:
                tests[node["attached_node"]].append(node)
        tables = [_public_table(node, tests[name]) for name, node in models.items()]
    except FileNotFoundError as error:
        raise MartsError(f"no manifest at {manifest}; `dbt build` writes it") from error
    except OSError as error:
        raise MartsError(f"{manifest} cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MartsError(
            f"{manifest} is not the manifest of a dbt project; `dbt build` writes it"
        ) from error
    if not tables:
        raise MartsError(f"{manifest} names no public model")
    return sorted(tables, key=lambda table: (table.schema, table.name))


def _public_table(node: Mapping[str, Any], tests: Iterable[Mapping[str, Any]]) -> PublicTable:
    metas = {
        column["name"].lower(): column.get("config", {}).get("meta", {})
        for column in node["columns"].values()
    }
    inside = frozenset(name for name, meta in metas.items() if meta.get(STAYS_INSIDE))
    personal = {
        name: KEY if name == CUSTOMER_KEY else meta.get(PERSONAL)
        for name, meta in metas.items()
        if name not in inside
    }
    for name, kind in personal.items():
        if kind not in (None, KEY, IDENTIFIER):
            raise MartsError(
                f"{node['alias']}.{name} is tagged `{PERSONAL}: {kind}`, which no public model may "
                "have; take the column out of it"
            )
        if kind == IDENTIFIER and "source" not in metas:
            raise MartsError(
                f"{node['alias']}.{name} is a client's id, whose pseudonym needs a column source"
            )
    columns = {
        column["name"].lower(): " ".join(column["description"].split())
        for column in node["columns"].values()
        if column["name"].lower() not in inside
    }
    key: tuple[str, ...] = ()
    required = {
        column["name"].lower()
        for column in node["columns"].values()
        if any(constraint["type"] == "not_null" for constraint in column["constraints"])
    }
    for test in tests:
        settings = test["config"]
        if settings["where"] or settings["severity"].lower() != "error":
            continue  # it does not speak of every row
        metadata = test["test_metadata"] or {"name": None}
        if metadata["name"] == "holds":
            arguments = metadata["kwargs"]
            key = key or tuple(column.lower() for column in arguments["grain"])
            for condition in arguments.get("rules", {}).values():
                required |= _given_columns(condition)
        elif metadata["name"] == "not_null":
            required.add(metadata["kwargs"]["column_name"].lower())
    if not set(key) <= set(columns):
        key = ()  # a grain of expressions is no key of columns
    return PublicTable(
        schema=node["schema"],
        name=node["alias"],
        description=" ".join(node["description"].split()),
        columns=columns,
        key=key,
        required=frozenset((required | set(key)) & set(columns)),
        inside=inside,
        keys=frozenset(name for name, kind in personal.items() if kind == KEY),
        identifiers=frozenset(name for name, kind in personal.items() if kind == IDENTIFIER),
    )


def _given_columns(condition: str) -> set[str]:
    """Columns of which a condition that is true says that they are not null."""
    plain = TEXTS.sub("''", condition)
    if BRANCHES.search(plain):
        return set()
    parts = re.split(r"\band\b", plain, flags=re.IGNORECASE)
    given = (IS_GIVEN.fullmatch(part.strip()) for part in parts)
    return {found[1].lower() for found in given if found}
