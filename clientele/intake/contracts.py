"""What was agreed with a sender: the tables of a source as the sources' YAML declares them.

dbt reads the same files; here they are plain YAML, and the Jinja in values that intake does not
need is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clientele.intake.errors import IntakeError

SOURCES = "models/staging/*/_*__sources.yml"
OWN_COLUMNS = ("_file", "_record", "_ingested_at", "_reject_reasons", "_raw_text")
KEYS = {"delimiter", "quote", "encoding", "minimum_rows", "most_rejected"}


@dataclass(frozen=True)
class Person:
    """Whose rows a table's rows are.

    column: the client id; where `through` names a table, a column of that table, too, and the rows
        belong to whom the row there with the same value belongs to.
    source_column: the column that names the shop of a row, in lists of several shops.
    """

    column: str
    through: str | None = None
    source_column: str | None = None


@dataclass(frozen=True)
class Contract:
    """What a file of a table must look like."""

    source: str
    table: str
    columns: tuple[str, ...]
    delimiter: str
    quote: str
    minimum_rows: int
    most_rejected: float
    formats: Mapping[str, str]  # column: regular expression that a value must match as a whole
    nested: frozenset[str]  # columns that may hold JSON
    person: Person | None
    is_optional: bool  # a shop may do without it

    @property
    def header(self) -> str:
        """The first line of a CSV file."""
        return self.delimiter.join(self.columns)

    @property
    def expected(self) -> str:
        """The shape of a file, for those whose file is refused."""
        return f"Expected of {self.table}:\n  {self.header}"


def read_contracts(project: Path, source: str) -> dict[str, Contract]:
    """Return the contracts of a source by table, in the order of its YAML. Raises IntakeError."""
    import yaml

    known: dict[str, tuple[Path, Mapping[str, Any]]] = {}
    for path in sorted(project.glob(SOURCES)):
        try:
            read = yaml.safe_load(path.read_text("utf-8")) or {}
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise IntakeError(f"{path} cannot be read: {_first_line(error)}") from error
        for each in read.get("sources") or []:
            known[str(each.get("name"))] = (path, each)
    if not known:
        raise IntakeError(f"no {SOURCES} below {project}; go to the project's folder")
    if source not in known:
        raise IntakeError(f"there is no source {source!r}; there are {', '.join(sorted(known))}")
    path, declared = known[source]
    try:
        contracts = [_contract(source, declared, table) for table in declared["tables"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise IntakeError(f"{path}: the contract cannot be read: {error!r}") from error
    by_table = {contract.table: contract for contract in contracts}
    for contract in contracts:
        through = contract.person.through if contract.person else None
        if through and contract.person and contract.person.column not in by_table[through].columns:
            raise IntakeError(f"{path}: {through} has no column {contract.person.column}")
    return by_table


def _contract(source: str, declared: Mapping[str, Any], table: Mapping[str, Any]) -> Contract:
    name, config = str(table["name"]), table.get("config") or {}
    agreed = {**_meta(declared).get("intake", {}), **_meta(table).get("intake", {})}
    if agreed.get("encoding", "utf-8") != "utf-8":
        raise ValueError(f"{name}: the encoding must be utf-8")
    if set(agreed) - KEYS:
        raise ValueError(f"{name}: unknown in intake: {sorted(set(agreed) - KEYS)}")
    delimiter, quote = agreed.get("delimiter", ","), agreed.get("quote", '"')
    if len({delimiter, quote, "\n", "\r", "\0"}) < 5 or not all(
        isinstance(mark, str) and len(mark) == 1 and mark.isascii() for mark in (delimiter, quote)
    ):
        raise ValueError(f"{name}: delimiter and quote must be one ASCII character each")
    columns = [str(column["name"]) for column in table["columns"]]
    if len(set(columns)) < len(columns) or set(columns) & set(OWN_COLUMNS):
        raise ValueError(f"{name}: a column is there twice, or bears a name of intake's own")
    metas = {str(column["name"]): _meta(column) for column in table["columns"]}
    person = _meta(table).get("person")
    return Contract(
        source=source,
        table=name,
        columns=tuple(columns),
        delimiter=delimiter,
        quote=quote,
        minimum_rows=int(agreed.get("minimum_rows", 1)),
        most_rejected=float(agreed.get("most_rejected", 0.1)),
        formats={column: meta["format"] for column, meta in metas.items() if "format" in meta},
        nested=frozenset(column for column, meta in metas.items() if meta.get("nested")),
        person=Person(**person) if person else None,
        # A table with a switch of its own is one that a shop may do without.
        is_optional="enabled" in config,
    )


def _meta(declared: Mapping[str, Any]) -> Mapping[str, Any]:
    return (declared.get("config") or {}).get("meta") or {}


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
