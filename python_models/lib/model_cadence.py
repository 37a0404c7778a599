"""When a model that is kept across builds is fitted anew.

A fitted model is rows in a table. Every build scores with the version that was in force on the
as-of date, and adds a version only when one is due.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date


def flag(value: object) -> bool:
    """Return what a var that should be true or false says.

    Raises:
        ValueError: if it says anything else.
    """
    text = str(value).strip().lower()
    if text not in ("true", "false"):
        raise ValueError(f"var refit must be true or false, not {value!r}")
    return text == "true"


def version_in_force(fitted_dates: Iterable[date], as_of: date) -> date | None:
    """Return the latest of the dates of kept versions that is not after `as_of`, or None."""
    return max((fitted for fitted in fitted_dates if fitted <= as_of), default=None)


def refit_reason(
    fitted_dates: Iterable[date], as_of: date, interval_days: int, is_forced: bool
) -> str | None:
    """Return why a model is to be fitted as of `as_of`, or None where the one in force stays.

    fitted_dates: the as-of dates of the kept versions. A refit on a date that has a version
    replaces that version.
    """
    in_force = version_in_force(fitted_dates, as_of)
    if in_force is None:
        return "no version was fitted by this date"
    if is_forced:
        return "a refit was asked for"
    age_days = (as_of - in_force).days
    if age_days >= interval_days:
        return f"the version in force is {age_days} days old, due after {interval_days}"
    return None
