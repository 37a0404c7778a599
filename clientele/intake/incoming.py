"""Which files lie in a folder, of which table each is, and what the sender says of them."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clientele.intake.contracts import Contract
from clientele.intake.errors import FileRefused, IntakeError

CSV, JSON_LINES, PARQUET = "csv", "json lines", "parquet"
FORMATS = {
    ".csv": CSV, ".tsv": CSV, ".txt": CSV,
    ".jsonl": JSON_LINES, ".ndjson": JSON_LINES, ".json": JSON_LINES,
    ".parquet": PARQUET,
}  # fmt: skip
GZIP = ".gz"
SENDERS_WORD = (".sha256", ".rows")


@dataclass(frozen=True)
class Incoming:
    """A raw file."""

    name: str  # its path within the folder
    path: Path
    table: str
    format: str
    is_gzip: bool
    size: int
    told_sha256: str | None
    told_rows: int | None


def find_files(
    folder: Path, contracts: Mapping[str, Contract]
) -> tuple[list[Incoming], dict[str, str]]:
    """Return the raw files below a folder by name, and why others are refused, by name.

    Hidden files and folders are nobody's business. Raises IntakeError and OSError.
    """
    root = folder.resolve()
    files: dict[str, Path] = {}
    refused: dict[str, str] = {}

    def stop(error: OSError) -> None:
        raise error

    for parent, folders, names in os.walk(folder, onerror=stop):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in [*folders, *sorted(names)]:
            path = Path(parent, name)
            told = path.relative_to(folder).as_posix()
            if name.startswith("."):
                continue
            try:
                told.encode("utf-8")
            except UnicodeEncodeError:
                refused[told.encode("utf-8", "backslashreplace").decode()] = "its name is no UTF-8"
                continue
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                refused[told] = f"it is a link that leads out of {folder}"
            elif path.is_symlink() and (path.is_dir() or not path.exists()):
                refused[told] = "it is a link to a folder, or to nothing"
            elif name in folders:
                continue
            elif not stat.S_ISREG(path.stat().st_mode):
                refused[told] = "it is no file"
            else:
                files[told] = path
    found = []
    for name, path in files.items():
        try:
            told_of = next((end for end in SENDERS_WORD if name.lower().endswith(end)), None)
            if told_of:
                if name[: -len(told_of)] not in files:
                    raise FileRefused("the file that it speaks of is missing")
                continue
            found.append(_incoming(name, path, files, contracts))
        except FileRefused as error:
            refused[name] = str(error)
    return found, refused


def table_of(name: str, contracts: Mapping[str, Contract]) -> str | None:
    """Return the table that a file is of, by its name, or by the folder that it lies in.

    The name is the table's, or goes on with `.`, `-` or `_`; the longest name of a table counts.
    """
    *folders, base = name.split("/")
    for table in sorted(contracts, key=len, reverse=True):
        if re.fullmatch(re.escape(table) + r"([._-].*)?", base, re.DOTALL):
            return table
    return next((each for each in reversed(folders) if each in contracts), None)


def _incoming(
    name: str, path: Path, files: Mapping[str, Path], contracts: Mapping[str, Contract]
) -> Incoming:
    plain = name.lower()
    is_gzip = plain.endswith(GZIP)
    suffix = Path(plain.removesuffix(GZIP)).suffix
    table, kind = table_of(name, contracts), FORMATS.get(suffix)
    if not kind or (is_gzip and kind == PARQUET):
        raise FileRefused(
            "its format is not known; .csv, .jsonl (both also .gz) and .parquet are expected"
        )
    if not table:
        raise FileRefused(f"its name begins with none of the tables' names: {', '.join(contracts)}")
    told_sha256 = told_rows = None
    if word := files.get(f"{name}.sha256"):
        match = re.match(r"\\?([0-9a-fA-F]{64})(\s|$)", _word(word))
        if not match:
            raise FileRefused(f"{name}.sha256 is not as sha256sum writes it")
        told_sha256 = match[1].lower()
    if word := files.get(f"{name}.rows"):
        match = re.fullmatch(r"\s*([0-9]{1,18})\s*", _word(word))
        if not match:
            raise FileRefused(f"{name}.rows is no number of rows")
        told_rows = int(match[1])
    return Incoming(
        name, path, table, kind, is_gzip, path.stat().st_size, told_sha256, told_rows
    )  # fmt: skip


def _word(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(10_000).decode("utf-8", "replace")
    except OSError as error:
        raise IntakeError(f"{path} cannot be read: {error.strerror or error}") from error
