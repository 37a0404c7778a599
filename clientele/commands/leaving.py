"""The commands that write what leaves the warehouse: lists and marts."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from clientele.commands.options import (
    home_option,
    json_option,
    one_line_errors,
    quiet_option,
    reads_behind,
    refuse_output,
    warehouse_option,
)
from clientele.completion import complete_campaign
from clientele.production.home import Home
from clientele.production.keys import PUBLICATION, KeyFileError, key_if_any, read_key
from clientele.production.served import DEVELOPED, Source
from clientele.progress import steps


@click.command()
@reads_behind
@click.option(
    "--root", type=click.Path(path_type=Path), default=Path("exports"), show_default=True,
    help="The folder that is written to, and no other.",
)  # fmt: skip
@click.option(
    "--list", "campaigns", metavar="CAMPAIGN", multiple=True,
    shell_complete=complete_campaign,
    help="Only the list of this campaign; may be repeated.  [default: all that run]",
)  # fmt: skip
@click.option(
    "--keep", type=click.IntRange(min=1), default=5, show_default=True,
    help="Versions that stay in the folder, the new one included.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as JSON for machines.")
@quiet_option
def export(
    source: Source,
    root: Path,
    campaigns: tuple[str, ...],
    keep: int,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write today's lists for the channels.

    Writes a version under ROOT and points ROOT/current to it: a CSV file a list, the tables
    audiences, people and audience_memberships as Parquet, the kept arms of all campaigns, and
    manifest.json with the rows and sha256 of each file. Until all of it is there, ROOT/current is
    the former version. A list whose ledger does not add up is left out, one line says why, and the
    exit code is 1.

    Where something is served, the lists are of the warehouse behind it: manifest.json names the
    version, and people have the keys that they have in it. Channels need the clients' own ids, so
    they are in the lists and in people.

    \b
    Examples:
      clientele export
      clientele export --list winback_at_risk --root /srv/lists --keep 30
    """  # noqa: D301 (click reads the character, not its name)
    from clientele.export import ExportError, export_lists, print_export, refusals

    refuse_output(root, source.home, "--root")
    try:
        key = read_key(source.home.keys, PUBLICATION) if source.served_run else None
        with one_line_errors(), steps("Writing lists", quiet=quiet or as_json) as watch:
            exported = export_lists(
                source.path, root, campaigns, keep, watch, served_version=source.served_run, key=key
            )
    except (ExportError, KeyFileError) as error:
        raise click.ClickException(str(error)) from error
    manifest = exported["manifest"]
    if as_json:
        click.echo(json.dumps(exported, ensure_ascii=False, indent=2))
    elif not quiet and sys.stdout.isatty():
        from rich.console import Console

        print_export(exported, Console())
    if not manifest["lists"] and not quiet:
        click.echo("No campaign runs today, so there is no list.", err=True)
    for line in refusals(manifest):
        click.echo(f"Error: {line}", err=True)
    if refusals(manifest):
        sys.exit(1)


@click.command()
@warehouse_option
@home_option
@click.option(
    "--manifest", type=click.Path(dir_okay=False, path_type=Path),
    default=Path("target/manifest.json"), show_default=True,
    help="The manifest of that build, which says what is public.",
)  # fmt: skip
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path),
    default=Path("warehouse/clientele_marts.duckdb"), show_default=True,
    help="The DuckDB file to write.",
)  # fmt: skip
@click.option(
    "--parquet", metavar="DIR", type=click.Path(file_okay=False, path_type=Path),
    help="Write the same tables as Parquet files, too.",
)  # fmt: skip
@json_option
@quiet_option
def marts(
    warehouse: Path | None,
    home: Path,
    manifest: Path,
    output: Path,
    parquet: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write the public tables as one file that BI tools open.

    A build needs the warehouse for itself, so tools read this file: every model with `access:
    public` under its own name, with keys and descriptions. DuckDB 1.1 and later read it. It is
    replaced whole, while tools have it open; they see the new one when they connect anew. Without
    --warehouse it is of warehouse/clientele.duckdb.

    With the key of production (CLIENTELE_PUBLICATION_KEY, or HOME/keys/publication.key) customers
    have pseudonyms for keys and ids; without it their keys are those of the warehouse, and their
    ids are left out.

    \b
    Examples:
      clientele marts
      clientele marts --output /srv/bi/customers.duckdb --parquet /srv/bi/parquet
    """  # noqa: D301 (click reads the character, not its name)
    from clientele.marts.marts_file import print_marts, write_marts_file
    from clientele.marts.parquet import write_parquet_files
    from clientele.marts.public import MartsError

    refuse_output(output, Home(home))
    if parquet:
        refuse_output(parquet, Home(home), "--parquet")
    try:
        key = key_if_any(Home(home).keys, PUBLICATION)
        with one_line_errors():
            with steps("Marts", quiet=quiet or as_json) as watch:
                written = write_marts_file(
                    warehouse or DEVELOPED, manifest, output, steps=watch, key=key
                )
            if parquet:
                with steps("Parquet", quiet=quiet or as_json) as watch:
                    written["parquet"] = write_parquet_files(output, parquet, steps=watch)
    except (MartsError, KeyFileError) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(written, ensure_ascii=False, indent=2))
    elif not quiet and sys.stdout.isatty():
        from rich.console import Console

        print_marts(written, Console())
