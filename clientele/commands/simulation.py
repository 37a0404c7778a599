"""The command that makes a shop."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from clientele.commands.options import quiet_option
from clientele.progress import steps
from clientele.simulator import defaults

DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
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
@click.option(
    "--piece", type=int, default=defaults.DEFAULT_PIECE, show_default=True,
    help="Customers drawn at a time, about 2 GB; more are shops side by side.",
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
    piece: int,
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

    if any((landing / shape).glob("load=*")):
        raise click.ClickException(
            f"{landing / shape} has what `clientele load` took in; LANDING names another folder"
        )
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
                piece=piece,
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
        cost = f"{summary.seconds:.1f} s"
        if summary.peak_megabytes:
            cost += f", {summary.peak_megabytes:,.0f} MB of memory at most"
        click.echo(f"{total:,} rows of {customers:,} customers in {landing} ({cost})")
