"""Batches of records as Parquet files in the landing zone, each read back before it counts.

A raw file becomes as many Parquet files as it takes to hold no more than `PART_BYTES` of its text
in memory, whatever its size.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from clientele.intake.contracts import Contract
from clientele.intake.erased_people import ErasedPeople
from clientele.intake.errors import IntakeError
from clientele.intake.records import Batch, Marks, Reject
from clientele.production.keys import hmac_blocks
from clientele.versions import file_sha256
from clientele.warehouse_file import quoted_name, text_literal

PART_BYTES = 64 << 20
MEMORY = "600MB"
# The one form of ids by which people are told apart, as the macro canonical_id has it.
CANONICAL = "nullif(lower(trim({text})), '')"


@dataclass
class Counts:
    """What became of the records of a file."""

    records: int = 0
    accepted: int = 0
    rejected: int = 0
    erased: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    first_reject: Reject | None = None


def connect(spill: Path) -> duckdb.DuckDBPyConnection:
    """Open an in-memory database that reads text as it is and puts what it cannot hold to disk."""
    connection = duckdb.connect(config={"threads": 2, "memory_limit": MEMORY})
    connection.execute(f"set temp_directory = {text_literal(str(spill))}")
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("set enable_progress_bar = false")
    return connection


class PartWriter:
    """Writes the records of one raw file as Parquet.

    folder: the table's folder in the load.
    stem: the beginning of the names of its Parquet files.
    file: what `_file` says.
    keeps_references: other tables' rows belong to rows of this one by this column, where given.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        contract: Contract,
        folder: Path,
        stem: str,
        file: str,
        ingested_at: datetime,
        erased: ErasedPeople,
        keeps_references: str | None = None,
    ) -> None:
        self.counts = Counts()
        self.parts: list[dict[str, Any]] = []
        self.references: set[str] = set()
        self._connection, self._contract, self._erased = connection, contract, erased
        self._folder, self._stem, self._file = folder, stem, file
        self._ingested_at, self._reference_column = ingested_at, keeps_references
        self._marks: Marks | None = None
        self._held_bytes = 0
        self._has_empty = False
        self._octets = self._lines = self._rejects = 0  # what the part must hold
        connection.execute("""
            create or replace table part (record bigint, line varchar, reason varchar, raw varchar)
        """)

    def add(self, batch: Batch) -> None:
        """Take records. Raises OSError, IntakeError and duckdb.Error."""
        marks, count = batch.marks, len(batch.numbers)
        if count:
            if self._marks and (marks.field, marks.empty) != (self._marks.field, self._marks.empty):
                self.flush()
            self._marks = marks
            self._has_empty = self._has_empty or marks.empty in batch.text
            self._insert(batch)
        rejects = list(batch.rejects)
        if count and self._contract.formats:
            rejects += self._not_in_format(batch)
        taken = []
        for reject in sorted(rejects, key=lambda each: each.record):
            if self._erased and self._erased.names_in(reject.raw, self._contract):
                self.counts.erased += 1
                continue
            taken.append(reject)
            self.counts.reasons[reject.reason] += 1
            self._held_bytes += len(reject.raw)
        if taken:
            self._insert_rejects(taken)
            self.counts.first_reject = self.counts.first_reject or taken[0]
        self.counts.records += count + len(batch.rejects)
        self._held_bytes += len(batch.text)
        if self._held_bytes >= PART_BYTES:
            self.flush()

    def _insert(self, batch: Batch) -> None:
        numbers, count = batch.numbers, len(batch.numbers)
        given: list[Any] = [batch.text, batch.marks.record]
        if isinstance(numbers, range):
            given += [numbers.start, numbers.stop]
            of_records = "unnest(range($3::bigint, $4::bigint))"
        else:
            given += [list(numbers)]
            of_records = "unnest($3::bigint[])"
        self._connection.execute(
            f"insert into part select {of_records}, unnest(string_split($1, $2)), null, null",
            given,
        )
        self._octets += len(batch.text.encode()) - count + 1
        self._lines += count

    def _insert_rejects(self, rejects: list[Reject]) -> None:
        # One statement for all: each costs a millisecond.
        self._connection.execute(
            "insert into part select unnest($1::bigint[]), null, unnest($2::varchar[]), "
            "unnest($3::varchar[])",
            [
                [reject.record for reject in rejects],
                [reject.reason for reject in rejects],
                [reject.raw for reject in rejects],
            ],
        )
        self._rejects += len(rejects)
        self.counts.rejected += len(rejects)

    def _not_in_format(self, batch: Batch) -> list[Reject]:
        tests = "\n".join(
            f"when trim({self._value(column)}) <> '' and not "
            f"regexp_full_match({self._value(column)}, {text_literal(form)}) "
            f"then {text_literal(column)}"
            for column, form in self._contract.formats.items()
        )
        found = self._connection.execute(
            f"""
            select record, fault from (
                select record, case {tests} end as fault
                from (select record, {self._fields()} as f from part
                    where record between $1 and $2 and reason is null)
            ) where fault is not null order by record
            """,
            [batch.numbers[0], batch.numbers[-1]],
        ).fetchall()
        if not found:
            return []
        places = {number: place for place, number in enumerate(batch.numbers)}
        (octets,) = self._one(
            """
            select sum(strlen(line)) from part
            where reason is null and record in (select unnest($1::bigint[]))
            """,
            [[record for record, _ in found]],
        )
        self._octets -= octets
        self._lines -= len(found)
        self._connection.execute(
            "delete from part where reason is null and record in (select unnest($1::bigint[]))",
            [[record for record, _ in found]],
        )
        return [
            Reject(
                record, "not_in_format", batch.raw(places[record]), batch.line(places[record]), name
            )
            for record, name in found
        ]

    def flush(self) -> None:
        """Write what is held as a Parquet file. Raises OSError, IntakeError and duckdb.Error."""
        octets, lines, numbers = self._one(
            "select coalesce(sum(strlen(line)), 0), count(line), count(record) from part"
        )
        rows = lines + self._rejects
        if (octets, lines, numbers) != (self._octets, self._lines, rows):
            raise IntakeError(f"{self._file}: text was altered on its way; this is a defect")
        if self._erased and self._contract.person and self._marks:
            self._leave_erased_out()
        rows, accepted, checksum = self._one(
            "select count(*), count(line), sum(hash(record, coalesce(line, raw))) from part"
        )
        self.counts.accepted += accepted
        if rows:
            self._folder.mkdir(parents=True, exist_ok=True)
            name = f"{self._stem}-{len(self.parts) + 1}.parquet"
            self._copy(self._folder / name)
            self._check(self._folder / name, rows, checksum)
            path = self._folder / name
            self.parts.append(
                {
                    "path": f"{self._contract.table}/{name}",
                    "sha256": file_sha256(path),
                    "bytes": path.stat().st_size,
                    "rows": rows,
                }
            )
        self._connection.execute("truncate part")
        self._held_bytes, self._has_empty = 0, False
        self._octets = self._lines = self._rejects = 0

    def _copy(self, path: Path) -> None:
        columns = [
            f"{self._value(column)} as {quoted_name(column)}" for column in self._contract.columns
        ]
        time = self._ingested_at.strftime("%Y-%m-%d %H:%M:%S")
        self._connection.execute(f"""
            copy (
                select {", ".join(columns)},
                    {text_literal(self._file)} as _file, record as _record,
                    timestamp '{time}' as _ingested_at,
                    reason as _reject_reasons, raw as _raw_text
                from (select record, reason, raw, {self._fields()} as f from part)
            ) to {text_literal(str(path))} (format parquet, compression zstd)
        """)

    def _check(self, path: Path, rows: int, checksum: int) -> None:
        """Compare what was written with what was to be written, record by record."""
        field, empty = self._mark_literals()
        texts = ", ".join(
            f"case when {name} = '' then {empty} else coalesce({name}, '') end"
            if self._has_empty
            else f"coalesce({name}, '')"
            for name in map(quoted_name, self._contract.columns)
        )
        values = f"concat_ws({field}, {texts})"
        found = self._one(f"""
            select count(*), sum(hash(_record,
                case when _reject_reasons is null then {values} else _raw_text end))
            from read_parquet({text_literal(str(path))}, hive_partitioning = false)
        """)
        if found != (rows, checksum):
            raise IntakeError(
                f"{path.name} of {self._file} does not hold what was written; check the disk"
            )

    # Erased people

    def _leave_erased_out(self) -> None:
        person = self._contract.person
        assert person
        inner, outer = hmac_blocks(self._erased.key)
        through = person.through
        known = self._erased.references.get(through, set()) if through else self._erased.people
        self._connection.execute("create or replace temp table known (pseudonym varchar)")
        self._connection.execute("insert into known select unnest($1::varchar[])", [sorted(known)])
        shop = text_literal(self._contract.source)
        if person.source_column:
            shop = CANONICAL.format(text=self._value(person.source_column))
        self._connection.execute(
            f"""
            create or replace temp table hit as
            select shop, id from (
                select distinct {shop} as shop,
                    {CANONICAL.format(text=self._value(person.column))} as id
                from (select {self._fields()} as f from part where line is not null)
            )
            where sha256($2::blob || unhex(sha256($1::blob || encode(shop || ':' || id))))
                in (from known)
            """,
            [inner, outer],
        )
        (hits,) = self._one("select count(*) from hit")
        if not hits:
            return
        theirs = f"""
            from (select record, {self._fields()} as f from part where line is not null)
            where ({shop}, {CANONICAL.format(text=self._value(person.column))}) in (from hit)
        """
        if self._reference_column:
            reference = CANONICAL.format(text=self._value(self._reference_column))
            self.references.update(
                pseudonym
                for (pseudonym,) in self._connection.execute(
                    f"""
                    select distinct sha256($2::blob || unhex(sha256($1::blob
                        || encode({text_literal(self._contract.source + ":")} || {reference}))))
                    {theirs} and {reference} is not null
                    """,
                    [inner, outer],
                ).fetchall()
            )
        (erased,) = self._one(f"select count(*) {theirs}")
        self._connection.execute(
            f"delete from part where line is not null and record in (select record {theirs})"
        )
        self.counts.erased += erased

    # Pieces of SQL

    def _mark_literals(self) -> tuple[str, str]:
        marks = self._marks or Marks("\x1f", "\x1e", "\x1d")
        return f"chr({ord(marks.field)})", f"chr({ord(marks.empty)})"

    def _fields(self) -> str:
        return f"string_split(line, {self._mark_literals()[0]})"

    def _value(self, column: str) -> str:
        text = f"f[{self._contract.columns.index(column) + 1}]"
        if not self._has_empty:  # which is so nearly always, and costs less
            return f"nullif({text}, '')"
        empty = self._mark_literals()[1]
        return f"case {text} when '' then null when {empty} then '' else {text} end"

    def _one(self, query: str, given: list[Any] | None = None) -> tuple[Any, ...]:
        return self._connection.execute(query, given or []).fetchone() or ()
