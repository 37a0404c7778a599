"""What commands share: their options, and how they end when something is wrong."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from clientele.production.home import Home
from clientele.production.served import Source, behind, published

warehouse_option = click.option(
    "--warehouse", type=click.Path(dir_okay=False, path_type=Path),
    envvar="CLIENTELE_WAREHOUSE", show_envvar=True,
    help="The DuckDB file to read; it is never written.  "
    "[default: what is served, else warehouse/clientele.duckdb]",
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
quiet_option = click.option("--quiet", is_flag=True, help="Print nothing but errors.")
limit_option = click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True,
    help="Customers to show, best first.",
)  # fmt: skip

home_option = click.option(
    "--home", type=click.Path(file_okay=False, path_type=Path),
    envvar="CLIENTELE_HOME", show_envvar=True,
    default=Path("production"), show_default=True,
    help="The folder of production: what is served, and all that it was made from.",
)  # fmt: skip
landing_option = click.option(
    "--landing", type=click.Path(file_okay=False, path_type=Path),
    envvar="CLIENTELE_LANDING", show_envvar=True,
    default=Path("landing"), show_default=True,
    help="The landing zone: <source>/<table>/*.parquet, or what `clientele load` wrote.",
)  # fmt: skip


class RefusedError(click.ClickException):
    """The data are not what was agreed: nothing was changed."""

    exit_code = 65  # EX_DATAERR of sysexits.h


class BusyCommand(click.ClickException):
    """Another process is at work: try again after it."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h


class InOrderOfWork(click.Group):
    """A group whose help lists its commands in the order in which they were added."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the names in that order."""
        return list(self.commands)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Tell what is wrong with the warehouse in one line, and end with exit code 1."""
    from clientele.warehouse_file import WarehouseError

    try:
        yield
    except WarehouseError as error:
        raise click.ClickException(str(error)) from error


Command = TypeVar("Command", bound=Callable[..., Any])


def reads_published(command: Command) -> Command:
    """Give a command `--warehouse`, `--home` and as `source` the file with the public tables."""
    return _reads(published, command)


def reads_behind(command: Command) -> Command:
    """Give a command `--warehouse`, `--home` and as `source` the file with all tables."""
    return _reads(behind, command)


def _reads(choose: Callable[[Path | None, Home], Source], command: Command) -> Command:
    """The file is chosen once, when the command begins, and by `clientele.production.served`."""

    @warehouse_option
    @home_option
    @functools.wraps(command)
    def with_source(*, warehouse: Path | None, home: Path, **others: Any) -> object:
        return command(source=choose(warehouse, Home(home)), **others)

    return cast(Command, with_source)


def refuse_output(output: Path, home: Home, option: str = "--output") -> None:
    """End with one line, where what is written would lie in a folder of production or landing.

    Nothing but `clientele run` and its like may change what is served; links are followed first.
    Such a folder is known by its lock, too: a command may have been called without its `--home`.
    """
    place = output.resolve()
    if place.is_relative_to(home.root.resolve()):
        raise click.ClickException(
            f"{output} lies in {home.root}, the folder of production; {option} names another place"
        )
    for folder in (place, *place.parents):
        if os.path.exists(folder / home.lock.name):
            raise click.ClickException(
                f"{output} lies in {folder}, a folder of production or a landing zone; {option} "
                "names another place"
            )


def refuse_page(output: Path, source: Source) -> None:
    """End with one line, where a page would be written over data or into production."""
    refuse_output(output, source.home)
    if not output.is_file():
        return
    place, magic = slice(8, 12), b"DUCK"
    try:
        is_warehouse = source.path.exists() and output.samefile(source.path)
        with output.open("rb") as file:
            is_database = file.read(place.stop)[place] == magic
    except OSError:
        return  # whoever writes it says what is wrong
    if is_warehouse or is_database:
        what = "the warehouse itself" if is_warehouse else "a DuckDB file"
        raise click.ClickException(f"{output} is {what}; --output names another file")
