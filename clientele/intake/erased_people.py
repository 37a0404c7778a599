"""People who were erased: what a load needs to leave their rows out when they are sent again.

The list has no id, only pseudonyms with the erasure key, one JSON object a line:

    {"source": "market", "person": "<pseudonym of the client id>", "key": "<mark of the key>"}
    {"source": "market", "table": "market_order", "reference": "<pseudonym of the order id>"}

A reference is the id by which rows of other tables belong to a row of the person, such as the lines
of an order. Both are `keys.pseudonym(key, source, canonical id)`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from clientele.intake.contracts import Contract
from clientele.intake.errors import IntakeError
from clientele.production.home import Home
from clientele.production.keys import (
    ERASURE,
    KeyFileError,
    canonical_id,
    pseudonym,
    read_key,
    require_key_of,
)

HEXADECIMAL = re.compile("[0-9a-f]{64}")


@dataclass
class ErasedPeople:
    """Pseudonyms of the erased people of a source, and of what refers to their rows."""

    source: str
    key: bytes = b""
    people: set[str] = field(default_factory=set)
    references: dict[str, set[str]] = field(default_factory=dict)  # by table

    def __bool__(self) -> bool:
        return bool(self.people or any(self.references.values()))

    def add_references(self, table: str, pseudonyms: Iterable[str]) -> None:
        """Remember ids by which rows of other tables belong to rows of erased people."""
        self.references.setdefault(table, set()).update(pseudonyms)

    def fingerprint(self) -> str:
        """Return a text that changes with the list."""
        told = [sorted(self.people), sorted((t, sorted(r)) for t, r in self.references.items())]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    def names_in(self, text: str, contract: Contract) -> bool:
        """Say whether a raw record that cannot be taken apart speaks of an erased person.

        Each of its words is looked up, taken apart at delimiters, quotes and blanks.
        """
        if not contract.person or not self:
            return False
        through = contract.person.through
        known = self.references.get(through, set()) if through else self.people
        words = set(re.findall(r"[^\s,;|\"'{}\[\]:]+", text))
        words.update(part.strip("\"' ") for part in text.split(contract.delimiter))
        ids = {canonical_id(word) for word in words} - {None}
        sources = {self.source}
        if contract.person.source_column:
            sources = {each for each in ids if each and len(each) < 100}
        return any(
            pseudonym(self.key, source, each or "") in known for source in sources for each in ids
        )


def read_erased_people(home: Home, contracts: Mapping[str, Contract]) -> ErasedPeople:
    """Return who was erased of a source; of every source, where its lists speak of several.

    Raises IntakeError where the list or the key that it was written with cannot be read: without
    them people would come back.
    """
    first = next(iter(contracts.values()))
    erased = ErasedPeople(first.source)
    marks: set[str] = set()
    of_all = any(each.person and each.person.source_column for each in contracts.values())
    try:
        lines = home.erased.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return erased
    except (OSError, UnicodeDecodeError) as error:
        raise IntakeError(f"{home.erased} cannot be read: {error}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            if entry["source"] != first.source and not of_all:
                continue
            if "person" in entry:
                erased.people.add(_pseudonym(entry["person"]))
                marks.update([str(entry["key"])] if "key" in entry else [])
            else:
                erased.add_references(str(entry["table"]), [_pseudonym(entry["reference"])])
        except (ValueError, KeyError, TypeError) as error:
            raise IntakeError(
                f"{home.erased}, line {number}, is no line of erased people; restore the file"
            ) from error
    if erased:
        try:
            erased.key = read_key(home.keys, ERASURE)
            require_key_of(home.erased, erased.key, marks)
        except KeyFileError as error:
            raise IntakeError(f"people were erased, and {error}") from error
    return erased


def _pseudonym(text: object) -> str:
    if not isinstance(text, str) or not HEXADECIMAL.fullmatch(text):
        raise ValueError(text)
    return text
