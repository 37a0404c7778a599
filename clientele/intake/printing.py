"""What a load says when it is done: a table for people, one line elsewhere."""

from __future__ import annotations

from typing import Any

import click

from clientele.safe_text import printable


def print_load(loaded: dict[str, Any], is_terminal: bool) -> None:
    """Print what became of the files of a load, as `load_files` returns it."""
    if is_terminal and (loaded["files"] or loaded["skipped"]):
        _print_table(loaded)
    click.echo(summary(loaded))


def summary(loaded: dict[str, Any]) -> str:
    """Return what became of a load in one line."""
    files, skipped = loaded["files"], loaded["skipped"]
    known = f"{_many(len(skipped), 'file')} skipped, landed before" if skipped else "no files"
    if not files:
        return f"{loaded['source']}: nothing new ({known})"
    counts = [
        f"{_total(files, kind):,} {kind}"
        for kind in ("accepted", "rejected", "erased")
        if kind != "erased" or _total(files, kind)
    ]
    told = (
        f"{loaded['source']}: load {loaded['load']}, {_many(len(files), 'file')}, "
        f"{_many(_total(files, 'records'), 'record')}: {', '.join(counts)}"
    )
    return f"{told}; {len(skipped):,} skipped" if skipped else told


def _print_table(loaded: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("table", "file"):
        table.add_column(name, overflow="fold")
    for name in ("records", "accepted", "rejected"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("note", overflow="fold")
    for file in loaded["files"]:
        notes = [f"{reason} {count:,}" for reason, count in file["reasons"].items()]
        if file["erased"]:
            notes.append(f"erased {file['erased']:,}")
        table.add_row(
            file["table"], Text(printable(file["path"])),
            *(f"{file[kind]:,}" for kind in ("records", "accepted", "rejected")),
            ", ".join(notes),
        )  # fmt: skip
    for file in loaded["skipped"]:
        table.add_row(
            file["table"], Text(printable(file["path"])), "", "", "",
            Text(f"skipped: {printable(file['note'])}"),
        )  # fmt: skip
    Console().print(table)


def _total(files: list[dict[str, Any]], kind: str) -> int:
    return sum(file[kind] for file in files)


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"
