"""The command that takes raw files in."""

from __future__ import annotations

import json
import os
import re
import sys
from datetime import datetime
from pathlib import Path

import click

from clientele.commands.options import (
    BusyCommand,
    RefusedError,
    home_option,
    json_option,
    landing_option,
    quiet_option,
)
from clientele.progress import steps


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--source", required=True, metavar="NAME", help="The source that the files are of.")
@landing_option
@home_option
@click.option(
    "--project", type=click.Path(file_okay=False, path_type=Path), default=Path(),
    help="The folder of the dbt project, where the contracts are.  [default: this one]",
)  # fmt: skip
@click.option(
    "--ingested-at", type=click.DateTime(["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"]),
    help="When the files count as ingested, in UTC.  [default: now]",
)  # fmt: skip
@click.option(
    "--allow-missing", is_flag=True,
    help="Load although a table of the source has never landed.",
)  # fmt: skip
@json_option
@quiet_option
def load(
    folder: Path,
    source: str,
    landing: Path,
    home: Path,
    project: Path,
    ingested_at: datetime | None,
    allow_missing: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Load the raw files of DIR into the landing zone.

    Takes CSV and JSON lines (also .gz) and Parquet. A file is of the table that its name begins
    with, such as orders-2026-07-01.csv, or whose folder it lies in; the tables' columns stand in
    models/staging/*/_*__sources.yml. Records that are not as declared land as rejected, with their
    raw text; a file of too many, or with another header, is refused, and then nothing lands.
    FILE.sha256 and FILE.rows beside a file are checked. What had landed before is skipped. A load
    that was killed is healed by the same command.

    \b
    Examples:
      clientele load incoming/2026-07-01 --source market
      clientele load backfill --source market --ingested-at 2026-06-01
    """  # noqa: D301 (click reads the character, not its name)
    import duckdb

    from clientele.intake.errors import IntakeError, LoadRefused
    from clientele.intake.load import load_files
    from clientele.production.home import Home
    from clientele.production.locks import BusyError

    try:
        with steps("Loading", quiet=quiet or as_json) as watch:
            loaded = load_files(
                folder, source, landing, Home(home), project=project, ingested_at=ingested_at,
                allow_missing=allow_missing, steps=watch,
            )  # fmt: skip
    except LoadRefused as error:
        raise RefusedError(str(error)) from error
    except BusyError as error:
        raise BusyCommand(str(error)) from error
    except IntakeError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        place = error.filename if error.filename else landing
        raise click.ClickException(
            f"{place}: {error.strerror or error}; nothing was loaded"
        ) from error
    except duckdb.Error as error:
        raise click.ClickException(f"{_told(error, landing)}; nothing was loaded") from error
    if as_json:
        click.echo(json.dumps(loaded, ensure_ascii=False, indent=2))
    elif not quiet:
        from clientele.intake.printing import print_load

        print_load(loaded, sys.stdout.isatty())


def _told(error: Exception, landing: Path) -> str:
    """Say in one line what the database says in its own words, such as that a disk is full."""
    number = re.search(r'"errno":\s*"([0-9]+)"', str(error))
    return f"{landing}: {os.strerror(int(number[1]))}" if number else str(error).splitlines()[0]
