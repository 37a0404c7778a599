"""Whose rows are erased, and which tables of the landing zone say whose rows they have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from clientele.intake.contracts import SOURCES
from clientele.production.keys import canonical_id


class ErasureError(Exception):
    """Something cannot be erased or looked at; the message is one line that says what to do."""


class BusyFileError(ErasureError):
    """Another process writes to a file that has to be rewritten."""


@dataclass(frozen=True)
class PersonTable:
    """A raw table whose rows belong to people, as its source's YAML says.

    folder: the folder of the landing zone that it lands in.
    column: holds the client's id or, where `through` names a table of the same folder, what that
        table has in a column of the same name for each of its people.
    source_column: names the shop of each row, where the table lists people of several.
    """

    folder: str
    name: str
    column: str
    through: str | None = None
    source_column: str | None = None


def person_tables(project: Path) -> list[PersonTable]:
    """Return the raw tables with people of all sources, those that others go through last.

    project: the folder of the dbt project. Rows that can only be told through another table are
    thus gone before what tells them, and a rerun after a kill finds what is left.
    Raises ErasureError.
    """
    tables = []
    paths = sorted(project.glob(SOURCES))
    if not paths:
        raise ErasureError(f"{project} is not the dbt project: it has no {SOURCES}")
    for path in paths:
        try:
            for source in yaml.safe_load(path.read_text("utf-8"))["sources"]:
                for table in source["tables"]:
                    person = table.get("config", {}).get("meta", {}).get("person")
                    if person:
                        tables.append(PersonTable(source["name"], table["name"], **person))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
            raise ErasureError(f"{path} does not say whose rows its tables have") from error
    return sorted(tables, key=lambda table: (-_depth(table, tables), table.folder, table.name))


def known_sources(tables: Iterable[PersonTable]) -> list[str]:
    """Return the shops that people can be clients of."""
    return sorted({table.folder for table in tables if table.source_column is None})


def canonical_ids(texts: Iterable[str]) -> list[str]:
    """Return ids in the form that people are told apart by, each once; blank ones are none."""
    return list(dict.fromkeys(found for text in texts if (found := canonical_id(text))))


def _depth(table: PersonTable, tables: list[PersonTable]) -> int:
    by_name = {(other.folder, other.name): other for other in tables}
    depth, at = 0, table
    while at.through:
        if depth > len(tables) or (at.folder, at.through) not in by_name:
            raise ErasureError(f"{table.folder}.{table.name} goes through {at.through} to nobody")
        depth, at = depth + 1, by_name[at.folder, at.through]
    return depth
