"""The command that answers queries."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from clientele.commands.options import json_option, one_line_errors, reads_published
from clientele.production.served import Source


@click.command()
@click.argument("query", required=False)
@reads_published
@click.option(
    "--file", "file", metavar="FILE", type=click.Path(dir_okay=False, allow_dash=True),
    help="Read the query from a file, or with - from standard input.",
)  # fmt: skip
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@json_option
@click.option(
    "--limit", type=click.IntRange(min=1),
    help="Rows to print of each answer.  [default: 100 in a table, else all]",
)  # fmt: skip
def sql(
    query: str | None,
    source: Source,
    file: str | None,
    as_csv: bool,
    as_json: bool,
    limit: int | None,
) -> None:
    """Ask the public tables a query in SQL.

    It reads what is served, where something is, else the developer's warehouse, and nothing else:
    the file is opened read-only, no query reads or writes another file, loads an extension or
    changes a setting. Several queries, with ; between them, are answered one after another. A table
    wider than the terminal is printed row by row. In JSON, keys are texts and null is not known.

    \b
    Examples:
      clientele sql "show all tables"
      clientele sql "from marts.revenue_by_month"
      clientele sql --file questions.sql --csv > answers.csv
      echo "describe marts.campaign_lists" | clientele sql --file - --json
    """  # noqa: D301 (click reads the character, not its name)
    text = _text(query, file)
    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other")

    from clientele import asking
    from clientele.show.printing import plain_console

    if limit is None and not as_csv and not as_json:
        limit = asking.MOST_IN_A_TABLE
    try:
        with one_line_errors(), asking.open_to_read(source.path) as connection:
            if (as_csv or as_json) and len(asking.queries(connection, text)) > 1:
                raise click.UsageError("--csv and --json answer one query at a time")
            console = plain_console()
            for number, answer in enumerate(asking.answers(connection, text, limit)):
                if as_json:
                    asking.print_json(answer, sys.stdout)
                elif as_csv:
                    asking.print_csv(answer, sys.stdout, is_terminal=sys.stdout.isatty())
                else:
                    if number:
                        console.print()
                    asking.print_table(answer, console)
                    continue
                if answer.has_more():
                    click.echo(f"The first {limit:,} rows; there are more.", err=True)
    except asking.QueryError as error:
        raise click.ClickException(str(error)) from error


def _text(query: str | None, file: str | None) -> str:
    if (query is None) == (file is None):
        raise click.UsageError(
            'give one query, as in: clientele sql "from marts.revenue_by_month"; or --file FILE'
        )
    if query is not None:
        return query
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file or "").read_bytes()
        return content.decode("utf-8-sig")
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file} is not UTF-8") from error
