"""The command `clientele`."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path

import click

from clientele import __version__
from clientele.simulator import plan

DAY = click.DateTime(["%Y-%m-%d"])


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="clientele")
def main() -> None:
    """The command around the customer-quality warehouse."""


@main.command()
@click.argument("landing", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--customers", type=int, default=plan.DEFAULT_CUSTOMERS, show_default=True,
    help="Customers, each with at least one placed order.",
)  # fmt: skip
@click.option(
    "--start", type=DAY, default=plan.DEFAULT_START.isoformat(), show_default=True,
    help="First day.",
)  # fmt: skip
@click.option(
    "--end", type=DAY, default=plan.DEFAULT_END.isoformat(), show_default=True,
    help="Last day, included.",
)  # fmt: skip
@click.option(
    "--seed", type=int, default=plan.DEFAULT_SEED, show_default=True,
    help="The same seed and options give the same bytes.",
)  # fmt: skip
@click.option(
    "--mess", type=float, default=plan.DEFAULT_MESS, show_default=True,
    help="Faulty rows, from 0 (clean) to 1 (each kind hits 1-2 % of the rows).",
)  # fmt: skip
@click.option(
    "--contrast", type=float, default=plan.DEFAULT_CONTRAST, show_default=True,
    help="How unlike the types of customers are; 1: they overlap, 2: well separated.",
)  # fmt: skip
@click.option(
    "--taste", type=float, default=plan.DEFAULT_TASTE, show_default=True,
    help="How unlike customers are in the categories that they buy; 0: all alike.",
)  # fmt: skip
@click.option("--no-signal", is_flag=True, help="One type of customer; nothing tells the future.")
@click.option("--drift", is_flag=True, help="Behaviour, promotions and prices move midway.")
@click.option("--drift-date", type=DAY, help="First day of the drift.  [default: the midpoint]")
@click.option(
    "--shape", type=click.Choice(plan.SHAPES), default=plan.MARKET, show_default=True,
    help="The source whose tables are written.",
)  # fmt: skip
@click.option(
    "--gap", type=DAY, nargs=2, metavar="FIRST LAST",
    default=[day.isoformat() for day in plan.DEFAULT_GAP], show_default=True,
    help="Days of which sales_json lacks most sales.",
)  # fmt: skip
@click.option("--no-gap", is_flag=True, help="No days are missing.")
@click.option("--overwrite", is_flag=True, help="Replace LANDING/SHAPE if it exists.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def simulate(
    landing: Path,
    customers: int,
    start: datetime,
    end: datetime,
    seed: int,
    mess: float,
    contrast: float,
    taste: float,
    no_signal: bool,
    drift: bool,
    drift_date: datetime | None,
    shape: str,
    gap: tuple[datetime, datetime],
    no_gap: bool,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Simulate a shop with known truth into LANDING.

    Writes LANDING/market (orders, app opens, promotions and products as Parquet, all text) and
    LANDING/market_truth (what tests may know); with --shape sales_json the same shop as sales
    transactions with products as JSON, LANDING/sales_json and its truth. The first example makes
    the demo of market, the second that of sales_json.

    \b
    Examples:
      clientele simulate demo --contrast 1.6 --overwrite
      clientele simulate demo --shape sales_json --customers 800 --overwrite
      clientele simulate landing --customers 578000 --mess 0 --seed 1
    """  # noqa: D301 (click reads the character, not its name)
    from clientele.simulator.simulation import simulate as simulate_shop  # numpy is slow to load

    def report(table: str, rows: int, seconds: float) -> None:
        click.echo(f"{table:<20}{rows:>12,} rows {seconds:>8.1f} s")

    try:
        summary = simulate_shop(
            landing,
            customers=customers,
            start=start.date(),
            end=end.date(),
            seed=seed,
            mess=mess,
            contrast=contrast,
            taste=taste,
            no_signal=no_signal,
            drift=drift,
            drift_date=drift_date.date() if drift_date else None,
            shape=shape,
            gap=None if no_gap else (gap[0].date(), gap[1].date()),
            overwrite=overwrite,
            progress=None if quiet else report,
        )
    except FileExistsError as error:
        raise click.ClickException(f"{error}; --overwrite replaces it") from error
    except (ValueError, NotADirectoryError) as error:
        raise click.ClickException(str(error)) from error
    if not quiet:
        total = sum(summary.rows.values())
        click.echo(
            f"{total:,} rows of {customers:,} customers in {landing} ({summary.seconds:.1f} s)"
        )


@main.group()
def show() -> None:
    """Show what was built."""


@show.command()
@click.option(
    "--warehouse", type=click.Path(dir_okay=False, path_type=Path),
    envvar="CLIENTELE_WAREHOUSE", show_envvar=True,
    default=Path("warehouse/clientele.duckdb"), show_default=True,
    help="The DuckDB file that `dbt build` wrote.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def segments(warehouse: Path, as_json: bool) -> None:
    """Show the segments: who, how many, what they are worth and what to do.

    Customers and margin (cm2) are shares of the shop. Below stand the places of the marts, the
    docs and the lists.
    """
    from clientele.show import print_overview, read_overview
    from clientele.warehouse_file import WarehouseError

    try:
        overview = read_overview(warehouse)
    except WarehouseError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(overview, ensure_ascii=False, indent=2))
        return
    from rich.console import Console

    print_overview(overview, Console())


@main.command("model-card")
@click.option(
    "--warehouse", type=click.Path(dir_okay=False, path_type=Path),
    envvar="CLIENTELE_WAREHOUSE", show_envvar=True,
    default=Path("warehouse/clientele.duckdb"), show_default=True,
    help="The DuckDB file that `dbt build` wrote.",
)  # fmt: skip
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path),
    default=Path("target/model_card.html"), show_default=True,
    help="The page to write.",
)  # fmt: skip
def model_card(warehouse: Path, output: Path) -> None:
    """Write the cards of the models as one page.

    What customer quality and lifetime value forecast, on what data they were judged, how good they
    were there and when not to use them; why the segments are as many as they are, who is in them
    and how long they stay good. All of it is read from the tables of the warehouse.
    """
    from clientele.model_card import read_shops, render, write_page
    from clientele.warehouse_file import WarehouseError

    try:
        write_page(render(read_shops(warehouse), warehouse.name), output)
    except WarehouseError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}") from error
    click.echo(output)


@main.command()
@click.option(
    "--warehouse", type=click.Path(dir_okay=False, path_type=Path),
    envvar="CLIENTELE_WAREHOUSE", show_envvar=True,
    default=Path("warehouse/clientele.duckdb"), show_default=True,
    help="The DuckDB file that `dbt build` wrote.",
)  # fmt: skip
@click.option(
    "--root", type=click.Path(path_type=Path), default=Path("exports"), show_default=True,
    help="The folder that is written to, and no other.",
)  # fmt: skip
@click.option(
    "--list", "campaigns", metavar="CAMPAIGN", multiple=True,
    help="Only the list of this campaign; may be repeated.  [default: all that run]",
)  # fmt: skip
@click.option(
    "--keep", type=click.IntRange(min=1), default=5, show_default=True,
    help="Versions that stay in the folder, the new one included.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as JSON for machines.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def export(
    warehouse: Path,
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

    \b
    Examples:
      clientele export
      clientele export --list winback_at_risk --root /srv/lists --keep 30
    """  # noqa: D301 (click reads the character, not its name)
    from clientele.export import ExportError, export_lists, print_export, refusals
    from clientele.warehouse_file import WarehouseError

    try:
        exported = export_lists(warehouse, root, campaigns, keep)
    except (ExportError, WarehouseError) as error:
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


@main.command()
@click.option(
    "--warehouse", type=click.Path(dir_okay=False, path_type=Path),
    envvar="CLIENTELE_WAREHOUSE", show_envvar=True,
    default=Path("warehouse/clientele.duckdb"), show_default=True,
    help="The DuckDB file that `dbt build` wrote.",
)  # fmt: skip
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
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def marts(
    warehouse: Path,
    manifest: Path,
    output: Path,
    parquet: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write the public tables as one file that BI tools open.

    A build needs the warehouse for itself, so tools read this file: every model with `access:
    public` under its own name, with keys and descriptions. DuckDB 1.1 and later read it. It is
    replaced whole, while tools have it open; they see the new one when they connect anew.

    \b
    Examples:
      clientele marts
      clientele marts --output /srv/bi/clientele_marts.duckdb --parquet /srv/bi/parquet
    """  # noqa: D301 (click reads the character, not its name)
    from clientele.marts_file import MartsError, print_marts, write_marts_file, write_parquet_files
    from clientele.warehouse_file import WarehouseError

    try:
        written = write_marts_file(warehouse, manifest, output)
        if parquet:
            written["parquet"] = write_parquet_files(output, parquet)
    except (MartsError, WarehouseError) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(written, ensure_ascii=False, indent=2))
    elif not quiet and sys.stdout.isatty():
        from rich.console import Console

        print_marts(written, Console())
