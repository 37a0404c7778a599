"""Going back: a version that was served before is served again."""

from __future__ import annotations

from typing import Any

from clientele.production import journal, keeping
from clientele.production.home import Home
from clientele.production.keeping import VersionError
from clientele.production.locks import holding
from clientele.progress import SILENT, Steps

WORK = "clientele rollback"


def roll_back(home: Home, run: str | None = None, steps: Steps = SILENT) -> dict[str, Any]:
    """Serve a version that was served before, and return the event of the journal.

    run: the version; None for the one that was served before the present one.

    The next run begins from it, and is measured against it. Raises BusyError, VersionError and
    OSError; what is served is then what it was.
    """
    home = Home(home.root.resolve())
    steps.expect(4)
    steps.step("lock")
    if not home.root.is_dir():
        raise VersionError(f"nothing is served at {home.root}; `clientele run` publishes")
    with holding(home.lock, WORK):
        keeping.heal(home)
        served = home.served_run()
        if served is None:
            raise VersionError(f"nothing is served at {home.root}; `clientele run` publishes")
        # An empty name is one that a script failed to fill in, and not a wish to go back by one.
        run = keeping.former(home, served) if run is None else run
        if run is None:
            raise VersionError(f"no version that was served before {served} is kept")
        if run == served:
            raise VersionError(f"{run} is served already")
        if run not in keeping.promoted(journal.read(home.journal)):
            raise VersionError(f"no version {run} is kept; `clientele status` lists them")
        steps.step("check")
        keeping.require_whole(home, run)
        steps.step("swap")
        keeping.point_to(home, run)
        steps.step("journal")
        return journal.append(home.journal, journal.ROLLED_BACK, run=run, served_before=served)
