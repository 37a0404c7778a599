"""The commands that erase people, and look whether anything still tells of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from clientele.commands.options import BusyCommand, home_option, json_option, landing_option
from clientele.progress import steps

people_arguments = (
    click.argument("client_ids", metavar="CLIENT_ID...", nargs=-1),
    click.option("--source", required=True, help="The shop whose clients they are."),
    click.option(
        "--file", "file", type=click.File(encoding="utf-8"),
        help="A file with one id a line, or - for standard input.",
    ),
    home_option,
    landing_option,
    click.option(
        "--warehouse", type=click.Path(dir_okay=False, path_type=Path),
        envvar="CLIENTELE_WAREHOUSE", show_envvar=True,
        default=Path("warehouse/clientele.duckdb"), show_default=True,
        help="The DuckDB file that `dbt build` writes.",
    ),
    click.option(
        "--exports", metavar="DIR", type=click.Path(path_type=Path), multiple=True,
        help="A root of `clientele export`; may be repeated.  [default: exports]",
    ),
    click.option(
        "--also", metavar="PATH", type=click.Path(path_type=Path), multiple=True,
        help="Another folder or file, such as marts as Parquet; may be repeated.",
    ),
    json_option,
)  # fmt: skip


def about_people(command: Any) -> Any:
    """Give a command the options of whom to look for and where."""
    for option in reversed(people_arguments):
        command = option(command)
    return command


@click.command()
@about_people
def erase(as_json: bool, **asked: Any) -> None:
    """Erase clients from every file that the project wrote.

    Each file that tells of a client is written anew without them and takes the place of the old one
    in one rename: Parquet of the landing zone, warehouses with their state tables and snapshots,
    published versions, exports, logs and pages; what was spilled is removed. Their pseudonyms go on
    HOME/erased.jsonl, and `clientele load` leaves them out from then on. A receipt of counts is
    printed and kept in HOME/erasures; no id is in it.

    Who has an old file open keeps reading it until they connect anew. Raw files that a sender keeps
    are the sender's. After a kill the same command does what is left.

    \b
    Examples:
      clientele erase 18342126 --source market
      clientele erase --source market --file ids.txt
      clientele erase --source market --file - --also /srv/bi/parquet < ids.txt
    """  # noqa: D301 (click reads the character, not its name)
    from clientele.erasure.erase import erase as erase_people

    scope, source, ids = _scope(asked)
    with _one_line_errors(), steps("Erasing", quiet=as_json) as watch:
        receipt = erase_people(scope, source, ids, watch)
    if as_json:
        click.echo(json.dumps(receipt, ensure_ascii=False, indent=2))
        return
    count = len(receipt["people"])
    if not any(place["rows"] for place in receipt["places"]):
        click.echo(f"Found nowhere, and on the list of erased people: {count:,}")
    else:
        _print_receipt(receipt)
    for line in receipt["by_hand"]:
        click.echo(f"Do it yourself: {line} names them; it is a file that people keep.")
    for note in receipt["notes"]:
        click.echo(note)
    click.echo(f"Receipt: {scope.home.root / 'erasures' / receipt['receipt']}")


@click.command("verify-erasure")
@about_people
def verify_erasure(as_json: bool, **asked: Any) -> None:
    """Look whether any file still tells of clients.

    Looks in every place that `clientele erase` rewrites: by value in each table and file, and by
    bytes, also in blocks of a database file that are free. It reads and writes nothing. Exit code 0
    says that nothing was found; 1 that something was, which is named.

    \b
    Examples:
      clientele verify-erasure 18342126 --source market
      clientele verify-erasure --source market --file ids.txt --json
    """  # noqa: D301 (click reads the character, not its name)
    from clientele.erasure.verify import verify

    scope, source, ids = _scope(asked)
    with _one_line_errors(), steps("Looking", quiet=as_json) as watch:
        looked = verify(scope, source, ids, watch)
    if as_json:
        click.echo(json.dumps(looked, ensure_ascii=False, indent=2))
    else:
        for entry in looked["found"]:
            click.echo(f"{entry['place']}: {entry['file']}: {_described(entry)}")
        for line in looked["by_hand"]:
            click.echo(f"seeds: {line}")
        if not looked["found"] and not looked["by_hand"]:
            click.echo(f"Nothing found in {looked['files']:,} files.")
        for path in looked["not_looked_into"]:
            click.echo(f"Not looked into, since it is packed: {path}")
        if not looked["bytes_looked_for"]:
            click.echo("Short ids are looked for by value; in bytes it is their keys alone.")
        if looked["on_the_list"] < looked["people"]:
            missing = looked["people"] - looked["on_the_list"]
            click.echo(f"Not on the list of erased people: {missing:,}")
    if looked["found"] or looked["by_hand"]:
        sys.exit(1)


def _scope(asked: dict[str, Any]) -> tuple[Any, str, list[str]]:
    """Return where to look, the shop and the canonical ids."""
    from clientele.erasure.people import canonical_ids, person_tables
    from clientele.erasure.places import Scope
    from clientele.production.home import Home

    lines = asked["file"].read().splitlines() if asked["file"] else []
    ids = canonical_ids([*asked["client_ids"], *lines])
    if not ids:
        raise click.UsageError("Whom? Give ids, or --file with one id a line.")
    with _one_line_errors():
        tables = tuple(person_tables(Path()))
    scope = Scope(
        home=Home(asked["home"]),
        landing=asked["landing"],
        warehouse=asked["warehouse"],
        exports=asked["exports"] or (Path("exports"),),
        also=asked["also"],
        tables=tables,
    )
    return scope, asked["source"].strip().lower(), ids


@contextmanager
def _one_line_errors() -> Iterator[None]:
    from clientele.erasure.people import BusyFileError, ErasureError
    from clientele.production.keys import KeyFileError
    from clientele.production.locks import BusyError

    try:
        yield
    except (BusyError, BusyFileError) as error:
        raise BusyCommand(str(error)) from error
    except (ErasureError, KeyFileError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        place = error.filename or "a file"
        message = f"{place} cannot be read or written: {error.strerror or error}"
        raise click.ClickException(message) from error


def _print_receipt(receipt: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("Place")
    for name in ("Rows", "Files rewritten", "Files removed"):
        table.add_column(name, justify="right")
    for place in receipt["places"]:
        counts = (f"{place[name]:,}" for name in ("rows", "rewritten", "removed"))
        table.add_row(place["place"], *counts)
    Console().print(table)


def _described(entry: dict[str, Any]) -> str:
    parts = [f"{count:,} in {table}" for table, count in entry["rows"].items()]
    if entry["byte_marks"]:
        parts.append(f"{entry['byte_marks']:,} ids or keys in its bytes")
    return ", ".join(parts)
