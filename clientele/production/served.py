"""What commands read where nobody names a file: what is served, else what the developer built."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from clientele.production.home import Home

DEVELOPED = Path("warehouse/clientele.duckdb")


@dataclass(frozen=True)
class Source:
    """A DuckDB file to read.

    home: the folder of production beside which it was looked for.
    served_run: the run whose version is served, where the file is of that run.
    """

    path: Path
    home: Home
    served_run: str | None = None


def published(named: Path | None, home: Home) -> Source:
    """Return the file with the public tables.

    named: what the option or the environment names, which wins. Else the served version, if there
    is one, through the link that readers open; else the developer's warehouse. A link that leads
    nowhere is returned, too: whoever opens it says so, rather than show what nobody published.
    """
    if named is None and os.path.lexists(home.served):
        return Source(home.served, home, home.served_run())
    return Source(named or DEVELOPED, home)


def behind(named: Path | None, home: Home) -> Source:
    """Return the file with all tables: as `published`, but the warehouse behind what is served."""
    run = home.served_run() if named is None else None
    if run is not None:
        return Source(home.warehouse(run), home, run)
    return Source(named or DEVELOPED, home)
