"""The commands around what is served: run, status, history, rollback."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

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

CHECK_NAME = re.compile(r"[a-z][a-z0-9_]*")


def read_vars(context: click.Context, option: click.Parameter, text: str) -> dict[str, Any]:
    """Read vars as dbt does: YAML, of which JSON is a part."""
    import yaml

    try:
        variables = yaml.safe_load(text) if text.strip() else {}
    except yaml.YAMLError as error:
        raise click.BadParameter("it is not YAML, such as '{as_of: 2026-06-30}'") from error
    if not isinstance(variables, dict):
        raise click.BadParameter("it must be names and values, such as '{as_of: 2026-06-30}'")
    if "landing" in variables:
        raise click.BadParameter("the landing zone is named by --landing")
    return json.loads(json.dumps(variables, default=str))  # dates are text, as dbt wants them


def check_names(
    context: click.Context, option: click.Parameter, names: tuple[str, ...]
) -> tuple[str, ...]:
    """Require names that a check can have."""
    for name in names:
        if not CHECK_NAME.fullmatch(name):
            raise click.BadParameter(f"{name!r} is no name of a check")
    return names


@click.command()
@home_option
@landing_option
@click.option(
    "--project-dir", type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(), show_default=True, help="The folder of the dbt project.",
)  # fmt: skip
@click.option(
    "--vars", "variables", metavar="YAML", default="", callback=read_vars,
    help="Vars for dbt, such as '{sources: [market, olist]}'.",
)  # fmt: skip
@click.option(
    "--accept", "accepted", metavar="CHECK", multiple=True, callback=check_names,
    help="Let this check of the gate fail this once; may be repeated.",
)  # fmt: skip
@click.option(
    "--keep", type=click.IntRange(min=1), default=5, show_default=True,
    help="Versions that stay; the served one always does.",
)  # fmt: skip
@click.option("--threads", type=click.IntRange(min=1), help="Threads of dbt.")
@json_option
@quiet_option
def run(
    home: Path,
    landing: Path,
    project_dir: Path,
    variables: dict[str, Any],
    accepted: tuple[str, ...],
    keep: int,
    threads: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Build, judge and publish what landed.

    Builds in HOME/work, from a copy of the warehouse behind what is served. Where dbt ends well,
    every node is built, every test passes and the gate finds nothing beyond its limits, the public
    tables become HOME/published/clientele.duckdb, which is a link that is swapped in one step.
    Otherwise what is served stays, the private folder goes, and the next run begins anew.

    The gate lays the measures of marts.gate_measures beside those of what is served; the limits
    are the vars gate_*. A refusal ends with exit code 65 and names the checks.

    \b
    Examples:
      clientele run --landing /srv/landing --home /srv/clientele
      clientele run --accept net_revenue_28d    it was a quiet month, really
      clientele run --quiet && clientele export
    """  # noqa: D301 (click reads the character, not its name)
    from clientele.production.home import Home
    from clientele.production.locks import BusyError
    from clientele.production.run import GateRefusal, Run, RunError
    from clientele.production.run import run as run_once

    asked = Run(Home(home), landing, project_dir, variables, accepted, keep, threads)
    try:
        with steps("Run", quiet=quiet or as_json) as watch:
            record = run_once(asked, watch)
    except BusyError as error:
        raise BusyCommand(str(error)) from error
    except GateRefusal as error:
        raise RefusedError(str(error)) from error
    except RunError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(record, ensure_ascii=False, indent=2))
    elif not quiet:
        dates = ", ".join(f"{name} as of {day}" for name, day in record["as_of"].items())
        click.echo(f"{record['run']} is served: {dates or 'no source tells a date'}")
        for check in sorted({failure["check"] for failure in record["accepted"]}):
            click.echo(f"accepted this once: {check}")


@click.command()
@home_option
@landing_option
@click.option(
    "--max-age", "most_hours", metavar="HOURS", type=click.FloatRange(min=0),
    help="Exit code 1 where the run that is served began longer ago.",
)  # fmt: skip
@json_option
@quiet_option
def status(home: Path, landing: Path, most_hours: float | None, as_json: bool, quiet: bool) -> None:
    """Tell what is served, and whether all is well.

    Exit code 0: something is served, it is there, and it is not older than --max-age. Otherwise 1,
    with a line for each thing that is wrong. Nothing is changed and no lock is taken, so it
    answers while a run is at work.

    \b
    Examples:
      clientele status
      clientele status --max-age 26 --quiet    for monitoring
    """  # noqa: D301 (click reads the character, not its name)
    from clientele.production.home import Home
    from clientele.production.status import print_status
    from clientele.production.status import status as stand

    try:
        found = stand(Home(home), landing, most_hours)
    except OSError as error:
        raise click.ClickException(f"{home} cannot be read: {error.strerror or error}") from error
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    elif not quiet:
        from rich.console import Console

        print_status(found, Console())
    for problem in found["problems"]:
        click.echo(f"Error: {problem}", err=True)
    if found["problems"]:
        sys.exit(1)


@click.command()
@home_option
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True,
    help="Events to show, the latest.",
)  # fmt: skip
@json_option
def history(home: Path, limit: int, as_json: bool) -> None:
    """Show what happened, from the journal.

    Events: promoted, refused, failed, rolled_back, removed (by retention), erasing (begun) and
    erased. A run that was killed has none.

    \b
    Examples:
      clientele history
      clientele history --limit 1000 --json
    """  # noqa: D301 (click reads the character, not its name)
    from clientele.production.home import Home
    from clientele.production.status import history as latest
    from clientele.production.status import print_history

    try:
        events = latest(Home(home), limit)
    except OSError as error:
        raise click.ClickException(f"{home} cannot be read: {error.strerror or error}") from error
    if as_json:
        click.echo(json.dumps(events, ensure_ascii=False, indent=2))
    elif events:
        from rich.console import Console

        print_history(events, Console())
    else:
        click.echo(f"Nothing has happened at {home} yet.", err=True)


@click.command()
@home_option
@click.argument("version", required=False)
@json_option
@quiet_option
def rollback(home: Path, version: str | None, as_json: bool, quiet: bool) -> None:
    """Serve a version that was served before.

    VERSION is a run that `clientele status` lists as kept; without it, the version that was served
    before the present one. Its files are read whole first. The next run begins from it and is
    measured against it, as if what came after had not been.

    \b
    Examples:
      clientele rollback
      clientele rollback 20260630T041500Z-1f2e
    """  # noqa: D301 (click reads the character, not its name)
    from clientele.production.home import Home
    from clientele.production.keeping import VersionError
    from clientele.production.locks import BusyError
    from clientele.production.rollback import roll_back

    try:
        with steps("Rollback", quiet=quiet or as_json) as watch:
            event = roll_back(Home(home), version, watch)
    except BusyError as error:
        raise BusyCommand(str(error)) from error
    except VersionError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{home}: {error.strerror or error}") from error
    if as_json:
        click.echo(json.dumps(event, ensure_ascii=False, indent=2))
    elif not quiet:
        click.echo(f"{event['run']} is served again, instead of {event['served_before']}")
