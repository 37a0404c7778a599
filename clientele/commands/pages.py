"""The commands that write pages for people."""

from __future__ import annotations

from pathlib import Path

import click

from clientele.commands.options import (
    one_line_errors,
    quiet_option,
    reads_behind,
    reads_published,
    refuse_page,
)
from clientele.production.served import Source
from clientele.progress import steps


@click.command()
@reads_published
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
def report(source: Source, output: Path, locale: str, quiet: bool) -> None:
    """Write the report: one page for those who decide.

    Who the customers are and what they are worth, which new ones turn out good, whom to write to
    today and why, what campaigns brought, and when the segments are due. It reads the public tables
    alone, is one file without any outside request, and says where something is withheld and why.
    Money is in the currency that the var `currencies` of dbt gives the source. The path of the page
    is printed. It is written of what is served, where something is.

    \b
    Examples:
      clientele report
      clientele report --locale de_DE --output /srv/pages/customers.html
    """  # noqa: D301 (click reads the character, not its name)
    from clientele.pages.numbers import UnknownLocale
    from clientele.pages.writing import write_page
    from clientele.report import render

    refuse_page(output, source)
    try:
        with one_line_errors(), steps("Report", quiet=quiet) as watch:
            write_page(render(source.path, locale, watch), output)
    except UnknownLocale as error:
        raise click.BadParameter(str(error), param_hint="--locale") from error
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}") from error
    if not quiet:
        click.echo(output)


@click.command("model-card")
@reads_behind
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path),
    default=Path("target/model_card.html"), show_default=True,
    help="The page to write.",
)  # fmt: skip
@quiet_option
def model_card(source: Source, output: Path, quiet: bool) -> None:
    """Write the cards of the models as one page.

    What customer quality and lifetime value forecast, on what data they were judged, how good they
    were there and when not to use them; why the segments are as many as they are, who is in them
    and how long they stay good. All of it is read from the tables of the warehouse: the one behind
    what is served, where something is. The page is one file that asks no other for anything; its
    path is printed.

    \b
    Examples:
      clientele model-card
      clientele model-card --output /srv/pages/models.html
    """  # noqa: D301 (click reads the character, not its name)
    from clientele.model_card import read_shops, render
    from clientele.pages.writing import write_page

    refuse_page(output, source)
    try:
        with one_line_errors(), steps("Model cards", 2, quiet=quiet) as watch:
            watch.step("reading the warehouse")
            shops = read_shops(source.path)
            watch.step("drawing the page")
            write_page(render(shops, source.path.name), output)
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}") from error
    if not quiet:
        click.echo(output)
