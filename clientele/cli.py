"""The command `clientele`."""

from __future__ import annotations

import errno
import os
import sys

import click

from clientele import __version__
from clientele.commands import (
    erasure,
    intake,
    leaving,
    pages,
    production,
    reading,
    show,
    simulation,
)
from clientele.commands.options import InOrderOfWork
from clientele.completion import SHELLS, shell_script

INTERRUPTED = "Query interrupted"


class Command(InOrderOfWork):
    """The whole command: Ctrl-C, or a full disk behind standard output, is told in one line."""

    def invoke(self, context: click.Context) -> object:
        """Run what the arguments name."""
        try:
            result = super().invoke(context)
            sys.stdout.flush()
            return result
        except RuntimeError as error:
            # So DuckDB tells of Ctrl-C while it is at work.
            if str(error) != INTERRUPTED:
                raise
            raise click.Abort from error
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise  # a reader that has gone, such as `head`, is click's to end quietly
            # What is left in the buffer would fail once more when Python ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise click.ClickException(f"it cannot be printed: {error.strerror}") from error


@click.group(cls=Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="clientele")
def main() -> None:
    """The commands around the customer-quality warehouse.

    `dbt build` builds the warehouse, one DuckDB file, for whoever develops. In production `load`
    takes raw files in, and `run` builds, judges and publishes. The commands that show, explain and
    carry out read what is served, where something is (production/published/clientele.duckdb), else
    the warehouse, and write to neither; while a build has it open, they say so and end.

    \b
    Examples:
      dbt build                          build the warehouse
      clientele load incoming --source market
                                         take raw files in
      clientele run                      build, judge and publish
      clientele show segments            who the customers are
      clientele show lists               whom to write to today
      clientele report                   the page for those who decide
      clientele export                   write the lists for the channels
      clientele COMMAND --help           options and examples of a command

    \b
    Exit codes:
      0   all is done
      1   something is not done; a line on standard error says what and why
      2   an option or argument is wrong
      65  the data are refused, and nothing is changed; the reasons stand there
      75  another process is at work; try again after it

    \b
    Environment:
      CLIENTELE_WAREHOUSE     the warehouse, where --warehouse is not given
      CLIENTELE_HOME          the folder of production (production)
      CLIENTELE_LANDING       the landing zone of load, run and erase (landing)
      CLIENTELE_MEMORY_LIMIT  memory for DuckDB (2GB; 950MB in a build)
      NO_COLOR                anything: no colours
      CLIENTELE_LOCALE        of numbers and dates in the report (en_GB)
      COLUMNS                 the width of tables, where it is not the terminal's
    """  # noqa: D301 (click reads the character, not its name)


# In the order of work, as the help lists them.
for command in (
    simulation.simulate,
    intake.load,
    show.show,
    pages.report,
    pages.model_card,
    leaving.export,
    leaving.marts,
    production.run,
    production.status,
    production.history,
    production.rollback,
    reading.sql,
    erasure.erase,
    erasure.verify_erasure,
):
    main.add_command(command)


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
