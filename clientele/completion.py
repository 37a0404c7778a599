"""Completion in bash, zsh and fish: click's own scripts, and names from the warehouse."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

SHELLS = ("bash", "zsh", "fish")
PROGRAM = "clientele"

CAMPAIGNS = """
    select
        campaign_id,
        min(campaign_name)
    from marts.campaign_status
    where campaign_state <> 'superseded'
    group by campaign_id
    order by campaign_id
"""

SITUATIONS = """
    select
        situation,
        min(next_step)
    from marts.new_customer_playbook
    group by situation
    order by situation
"""


def shell_script(command: click.Command, shell: str) -> str:
    """Return the script that a shell runs at its start. shell: one of SHELLS."""
    made = get_completion_class(shell)
    assert made is not None
    return made(command, {}, PROGRAM, f"_{PROGRAM.upper()}_COMPLETE").source()


def complete_campaign(
    context: click.Context, _: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the campaigns of the warehouse that begin so, each with its name in words."""
    return _from_warehouse(context, "marts.campaign_status", CAMPAIGNS, incomplete)


def complete_situation(
    context: click.Context, _: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the situations of new customers that begin so, each with its next step."""
    return _from_warehouse(context, "marts.new_customer_playbook", SITUATIONS, incomplete)


def _from_warehouse(
    context: click.Context, table: str, query: str, incomplete: str
) -> list[CompletionItem]:
    """Return what a query of names and explanations finds; nothing where it cannot be asked.

    Whoever presses a key wants to type on, not to read why a file is missing or in use.
    """
    import duckdb

    from clientele.production.home import DEFAULT_HOME, Home
    from clientele.production.served import published
    from clientele.safe_text import printable
    from clientele.warehouse_file import WarehouseError, open_warehouse

    named, home = context.params.get("warehouse"), context.params.get("home")
    path = published(named, Home(Path(home or DEFAULT_HOME))).path
    try:
        with open_warehouse(path, [table]) as connection:
            found = connection.execute(query).fetchall()
    except (WarehouseError, duckdb.Error):
        return []
    return [
        CompletionItem(printable(name), help=printable(words or ""))
        for name, words in found
        if name.startswith(incomplete)
    ]
