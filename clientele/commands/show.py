"""The commands that show what was built."""

from __future__ import annotations

import click

from clientele.commands.options import (
    InOrderOfWork,
    json_option,
    limit_option,
    one_line_errors,
    reads_published,
)
from clientele.completion import complete_campaign, complete_situation
from clientele.production.served import Source


@click.group(cls=InOrderOfWork)
def show() -> None:
    """Show what was built, as tables or as JSON.

    Each command prints what the public tables say, shop by shop: those that are served, where some
    are, else those of the developer's warehouse. On a wide terminal (from
    110 columns on) tables say more. Where something cannot be said, the reason stands in its place.

    \b
    Examples:
      clientele show segments
      clientele show lists winback_at_risk --limit 50
      clientele show quality --json | jq '.shops[].checks[].check_name'
    """  # noqa: D301 (click reads the character, not its name)


@show.command()
@reads_published
@json_option
def segments(source: Source, as_json: bool) -> None:
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
        overview = read_segments(source.path)
    if as_json:
        click.echo(json_text(overview))
    else:
        print_segments(overview, plain_console())


@show.command()
@click.argument("campaign", required=False, shell_complete=complete_campaign)
@reads_published
@limit_option
@json_option
def lists(campaign: str | None, source: Source, limit: int, as_json: bool) -> None:
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
        overview = read_lists(source.path, campaign, limit)
    if as_json:
        click.echo(json_text(overview))
    else:
        print_lists(overview, plain_console())


@show.command("new-customers")
@click.argument("situation", required=False, shell_complete=complete_situation)
@reads_published
@limit_option
@json_option
def new_customers(situation: str | None, source: Source, limit: int, as_json: bool) -> None:
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
        overview = read_new_customers(source.path, situation, limit)
    if as_json:
        click.echo(json_text(overview))
    else:
        print_new_customers(overview, plain_console())


@show.command()
@reads_published
@click.option("--all", "all_checks", is_flag=True, help="Also checks that found nothing or inform.")
@json_option
def quality(source: Source, all_checks: bool, as_json: bool) -> None:
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
        overview = read_quality(source.path)
    if as_json:
        click.echo(json_text(overview))
    else:
        print_quality(overview, plain_console(), all_checks=all_checks)
