"""Runs `clientele` under a clock that is some days off: python other_clock.py DAYS ARGUMENT..."""

from __future__ import annotations

import datetime as clock
import sys

OFF = clock.timedelta(days=int(sys.argv[1]))


class OtherTime(clock.datetime):
    """The time, some days off."""

    @classmethod
    def now(cls, tz: clock.tzinfo | None = None) -> clock.datetime:  # type: ignore[override]
        return super().now(tz) + OFF


clock.datetime = OtherTime  # type: ignore[misc]

from clientele.cli import main  # noqa: E402 (it takes the clock when it is imported)

if __name__ == "__main__":
    main(sys.argv[2:], prog_name="clientele")
