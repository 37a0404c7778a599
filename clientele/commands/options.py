"""What commands share: their options, and how they end when something is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

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


def refuse_warehouse(output: Path, warehouse: Path) -> None:
    """End with one line, where a page would be written over the warehouse."""
    if output.exists() and warehouse.exists() and output.samefile(warehouse):
        raise click.ClickException(f"{output} is the warehouse itself; --output names another file")
