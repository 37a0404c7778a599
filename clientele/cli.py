"""The command `clientele`."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click

# What takes long to load (DuckDB, numpy, rich) is imported by the command that needs it: the help
# and the completion of a word have to be there at once.
from clientele import __version__
from clientele.completion import SHELLS, complete_campaign, complete_situation, shell_script
from clientele.progress import steps
from clientele.simulator import defaults

DAY = click.DateTime(["%Y-%m-%d"])

warehouse_option = click.option(
    "--warehouse", type=click.Path(dir_okay=False, path_type=Path),
    envvar="CLIENTELE_WAREHOUSE", show_envvar=True,
    default=Path("warehouse/clientele.duckdb"), show_default=True,
    help="The DuckDB file that `dbt build` wrote; it is read and never written.",
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
quiet_option = click.option("--quiet", is_flag=True, help="Print nothing but errors.")
limit_option = click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True,
    help="Customers to show, best first.",
)  # fmt: skip


class InOrderOfWork(click.Group):
    """A group whose help lists its commands in the order in which they stand in this file."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the names in that order."""
        return list(self.commands)


class Command(InOrderOfWork):
    """The whole command, which says in one line that a disk behind standard output is full."""

    def invoke(self, context: click.Context) -> object:
        """Run what the arguments name."""
        try:
            result = super().invoke(context)
            sys.stdout.flush()
            return result
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise  # a reader that has gone, such as `head`, is click's to end quietly
            # What is left in the buffer would fail once more when Python ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise click.ClickException(f"it cannot be printed: {error.strerror}") from error


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Tell what is wrong with the warehouse in one line, and end with exit code 1."""
    from clientele.warehouse_file import WarehouseError

    try:
        yield
    except WarehouseError as error:
        raise click.ClickException(str(error)) from error


def refuse_warehouse(output: Path, warehouse: Path) -> None:
    """End with one line, where a page would be written over the warehouse."""
    if output.exists() and warehouse.exists() and output.samefile(warehouse):
        raise click.ClickException(f"{output} is the warehouse itself; --output names another file")


@click.group(cls=Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="clientele")
def main() -> None:
    """The commands around the customer-quality warehouse.

    `dbt build` builds the warehouse, one DuckDB file. The commands below make data to build from,
    show what was built, explain it, and carry the lists out of it. They read the warehouse and
    never write to it; while a build has it open, they say so and end.

    \b
    Examples:
      dbt build                          build the warehouse
      clientele show segments            who the customers are
      clientele show lists               whom to write to today
      clientele report                   the page for those who decide
      clientele export                   write the lists for the channels
      clientele COMMAND --help           options and examples of a command

    \b
    Exit codes:
      0  all is done
      1  something is not done; a line on standard error says what and why
      2  an option or argument is wrong

    \b
    Environment:
      CLIENTELE_WAREHOUSE     the warehouse, where --warehouse is not given
      CLIENTELE_MEMORY_LIMIT  memory for DuckDB in a build and an export (2GB)
      NO_COLOR                anything: no colours
      CLIENTELE_LOCALE        of numbers and dates in the report (en_GB)
      COLUMNS                 the width of tables, where it is not the terminal's
    """  # noqa: D301 (click reads the character, not its name)


@main.command()
@click.argument("landing", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--customers", type=int, default=defaults.DEFAULT_CUSTOMERS, show_default=True,
    help="Customers, each with at least one placed order.",
)  # fmt: skip
@click.option(
    "--start", type=DAY, default=defaults.DEFAULT_START.isoformat(), show_default=True,
    help="First day.",
)  # fmt: skip
@click.option(
    "--end", type=DAY, default=defaults.DEFAULT_END.isoformat(), show_default=True,
    help="Last day, included.",
)  # fmt: skip
@click.option(
    "--seed", type=int, default=defaults.DEFAULT_SEED, show_default=True,
    help="The same seed and options give the same bytes.",
)  # fmt: skip
@click.option(
    "--mess", type=float, default=defaults.DEFAULT_MESS, show_default=True,
    help="Faulty rows, from 0 (clean) to 1 (each kind hits 1-2 % of the rows).",
)  # fmt: skip
@click.option(
    "--contrast", type=float, default=defaults.DEFAULT_CONTRAST, show_default=True,
    help="How unlike the types of customers are; 1: they overlap, 2: well separated.",
)  # fmt: skip
@click.option(
    "--taste", type=float, default=defaults.DEFAULT_TASTE, show_default=True,
    help="How unlike customers are in the categories that they buy; 0: all alike.",
)  # fmt: skip
@click.option("--no-signal", is_flag=True, help="One type of customer; nothing tells the future.")
@click.option("--drift", is_flag=True, help="Behaviour, promotions and prices move midway.")
@click.option("--drift-date", type=DAY, help="First day of the drift.  [default: the midpoint]")
@click.option(
    "--shape", type=click.Choice(defaults.SHAPES), default=defaults.MARKET, show_default=True,
    help="The source whose tables are written.",
)  # fmt: skip
@click.option(
    "--gap", type=DAY, nargs=2, metavar="FIRST LAST",
    default=[day.isoformat() for day in defaults.DEFAULT_GAP], show_default=True,
    help="Days of which sales_json lacks most sales.",
)  # fmt: skip
@click.option("--no-gap", is_flag=True, help="No days are missing.")
@click.option("--overwrite", is_flag=True, help="Replace LANDING/SHAPE if it exists.")
@quiet_option
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

    try:
        with steps("Simulating", quiet=quiet) as watch:

            def report(table: str, rows: int, seconds: float) -> None:
                watch.echo(f"{table:<20}{rows:>12,} rows {seconds:>8.1f} s")

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
                steps=watch,
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


@main.group(cls=InOrderOfWork)
def show() -> None:
    """Show what was built, as tables or as JSON.

    Each command prints what the tables of the warehouse say, shop by shop. On a wide terminal (from
    110 columns on) tables say more. Where something cannot be said, the reason stands in its place.

    \b
    Examples:
      clientele show segments
      clientele show lists winback_at_risk --limit 50
      clientele show quality --json | jq '.shops[].checks[].check_name'
    """  # noqa: D301 (click reads the character, not its name)


@show.command()
@warehouse_option
@json_option
def segments(warehouse: Path, as_json: bool) -> None:
    """Show the segments, what they are worth and what to do.

    Customers and margin (cm2) are shares of the shop. Below each table stands the day by which its
    segments must be renewed, and at the end the places of the marts, the docs and the lists.

    \b
    Examples:
      clientele show segments
      clientele show segments --json | jq '.shops[].segments[].name'
    """  # noqa: D301 (click reads the character, not its name)
    from clientele.show.printing import json_text, plain_console
    from clientele.show.segments import print_segments, read_segments

    with one_line_errors():
        overview = read_segments(warehouse)
    if as_json:
        click.echo(json_text(overview))
    else:
        print_segments(overview, plain_console())


@show.command()
@click.argument("campaign", required=False, shell_complete=complete_campaign)
@warehouse_option
@limit_option
@json_option
def lists(campaign: str | None, warehouse: Path, limit: int, as_json: bool) -> None:
    """Show whom each campaign writes to today.

    Every customer of an audience is on the list of today, was sent it before, or is held out to
    compare with, suppressed, capped (written to lately) or outranked by another campaign; these
    add up to the audience. On a narrow terminal (below 110 columns) "left out" is the sum of sent
    before, suppressed, capped and outranked. Power says whether an effect could show at all. Below
    a table stands why a list is empty.

    With CAMPAIGN it shows the numbers of that campaign and its customers, best first: key, expected
    value (cm2, in the currency of the shop) and why they are on the list.

    \b
    Examples:
      clientele show lists
      clientele show lists winback_at_risk --limit 50
      clientele show lists --json | jq '.shops[].lists[].sent_today_count'
    """  # noqa: D301 (click reads the character, not its name)
    from clientele.show.lists import print_lists, read_lists
    from clientele.show.printing import json_text, plain_console

    with one_line_errors():
        overview = read_lists(warehouse, campaign, limit)
    if as_json:
        click.echo(json_text(overview))
    else:
        print_lists(overview, plain_console())


@show.command("new-customers")
@click.argument("situation", required=False, shell_complete=complete_situation)
@warehouse_option
@limit_option
@json_option
def new_customers(situation: str | None, warehouse: Path, limit: int, as_json: bool) -> None:
    """Show how good new customers look, and what to do next.

    New is who was judged after the first order and whose outcome is still open. "Good" is the mean
    probability of becoming a good customer, "worth it" for how many the next step brings more than
    it costs, "brings" what it brings with these (cm2, in the currency of the shop). The last line
    says whether the forecast may be used, and how good it was.

    With SITUATION it shows the customers in that situation, those first for whom the step is worth
    most.

    \b
    Examples:
      clientele show new-customers
      clientele show new-customers profitable_once --limit 50
      clientele show new-customers --json
    """  # noqa: D301 (click reads the character, not its name)
    from clientele.show.new_customers import print_new_customers, read_new_customers
    from clientele.show.printing import json_text, plain_console

    with one_line_errors():
        overview = read_new_customers(warehouse, situation, limit)
    if as_json:
        click.echo(json_text(overview))
    else:
        print_new_customers(overview, plain_console())


@show.command()
@warehouse_option
@click.option("--all", "all_checks", is_flag=True, help="Also checks that found nothing or inform.")
@json_option
def quality(warehouse: Path, all_checks: bool, as_json: bool) -> None:
    """Show what is wrong with the data.

    Below the checks stands, table by table, what became of every landed row.

    A check fails where more rows fail than are tolerated. "At risk" is the money of the orders that
    fail (in the currency of the shop), "lists" the number of campaign lists that they touch; - is
    not known. It ends with exit code 0 also where checks fail: --json tells a script.

    \b
    Examples:
      clientele show quality
      clientele show quality --all
      clientele show quality --json | jq -e '[.shops[].checks[].is_ok] | all'
    """  # noqa: D301 (click reads the character, not its name)
    from clientele.show.printing import json_text, plain_console
    from clientele.show.quality import print_quality, read_quality

    with one_line_errors():
        overview = read_quality(warehouse)
    if as_json:
        click.echo(json_text(overview))
    else:
        print_quality(overview, plain_console(), all_checks=all_checks)


@main.command()
@warehouse_option
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path),
    default=Path("target/report.html"), show_default=True,
    help="The page to write.",
)  # fmt: skip
@click.option(
    "--locale", envvar="CLIENTELE_LOCALE", show_envvar=True, default="en_GB", show_default=True,
    help="Of numbers and dates, as CLDR names it: en_US, de_DE, pt_BR.",
)  # fmt: skip
@quiet_option
def report(warehouse: Path, output: Path, locale: str, quiet: bool) -> None:
    """Write the report: one page for those who decide.

    Who the customers are and what they are worth, which new ones turn out good, whom to write to
    today and why, what campaigns brought, and when the segments are due. It reads the public tables
    alone, is one file without any outside request, and says where something is withheld and why.
    Money is in the currency that the var `currencies` of dbt gives the source. The path of the page
    is printed.

    \b
    Examples:
      clientele report
      clientele report --locale de_DE --output /srv/pages/customers.html
    """  # noqa: D301 (click reads the character, not its name)
    from clientele.pages.numbers import UnknownLocale
    from clientele.pages.writing import write_page
    from clientele.report import render

    refuse_warehouse(output, warehouse)
    try:
        with one_line_errors(), steps("Report", quiet=quiet) as watch:
            write_page(render(warehouse, locale, watch), output)
    except UnknownLocale as error:
        raise click.BadParameter(str(error), param_hint="--locale") from error
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}") from error
    if not quiet:
        click.echo(output)


@main.command("model-card")
@warehouse_option
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path),
    default=Path("target/model_card.html"), show_default=True,
    help="The page to write.",
)  # fmt: skip
@quiet_option
def model_card(warehouse: Path, output: Path, quiet: bool) -> None:
    """Write the cards of the models as one page.

    What customer quality and lifetime value forecast, on what data they were judged, how good they
    were there and when not to use them; why the segments are as many as they are, who is in them
    and how long they stay good. All of it is read from the tables of the warehouse. The page is one
    file that asks no other for anything; its path is printed.

    \b
    Examples:
      clientele model-card
      clientele model-card --output /srv/pages/models.html
    """  # noqa: D301 (click reads the character, not its name)
    from clientele.model_card import read_shops, render
    from clientele.pages.writing import write_page

    refuse_warehouse(output, warehouse)
    try:
        with one_line_errors(), steps("Model cards", 2, quiet=quiet) as watch:
            watch.step("reading the warehouse")
            shops = read_shops(warehouse)
            watch.step("drawing the page")
            write_page(render(shops, warehouse.name), output)
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}") from error
    if not quiet:
        click.echo(output)


@main.command()
@warehouse_option
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

    try:
        with one_line_errors(), steps("Writing lists", quiet=quiet or as_json) as watch:
            exported = export_lists(warehouse, root, campaigns, keep, watch)
    except ExportError as error:
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
@warehouse_option
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
      clientele marts --output /srv/bi/customers.duckdb --parquet /srv/bi/parquet
    """  # noqa: D301 (click reads the character, not its name)
    from clientele.marts_file import MartsError, print_marts, write_marts_file, write_parquet_files

    try:
        with one_line_errors():
            with steps("Marts", quiet=quiet or as_json) as watch:
                written = write_marts_file(warehouse, manifest, output, steps=watch)
            if parquet:
                with steps("Parquet", quiet=quiet or as_json) as watch:
                    written["parquet"] = write_parquet_files(output, parquet, steps=watch)
    except MartsError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(written, ensure_ascii=False, indent=2))
    elif not quiet and sys.stdout.isatty():
        from rich.console import Console

        print_marts(written, Console())


@main.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the script that makes a shell complete `clientele`.

    Commands, options, their values, and the campaigns of the warehouse are completed with the
    tabulator key; bash 4.4 or later, zsh and fish know how. The script asks `clientele` itself, so
    it stays right when the commands change.

    \b
    Examples, one for the start-up file of each shell:
      eval "$(clientele completion bash)"   in ~/.bashrc
      eval "$(clientele completion zsh)"    in ~/.zshrc, after compinit
      clientele completion fish | source    in ~/.config/fish/config.fish
    """  # noqa: D301 (click reads the character, not its name)
    click.echo(shell_script(main, shell))
