"""How intake says that something is wrong: with the data, or with the place."""

from __future__ import annotations


class IntakeError(Exception):
    """Something is not done; the message is one line that says what to do."""


class FileRefused(Exception):
    """One file is not what was agreed; the message says how, without the file's name."""


class LoadRefused(Exception):
    """The load is refused and nothing was changed; the message is at most one screen."""
