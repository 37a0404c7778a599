"""Progress of commands that take long: a bar on standard error, for people and nobody else."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

DELAY_SECONDS = 1.0  # a bar that flashes up and goes tells nothing


class Steps:
    """Work in steps. This one shows nothing; `steps` gives the one that does.

    Functions take it as an argument with `SILENT` as default, and need not know who watches.
    """

    def expect(self, total: int) -> None:
        """Say how many steps there are, once that is known."""

    def step(self, name: str) -> None:
        """Begin a step; the one before it is done."""

    def within(self, done: int, total: int, unit: str = "rows") -> None:
        """Say how much of the step is done, such as 2,000,000 of 16,000,000 rows."""

    def echo(self, line: str) -> None:
        """Print a line on standard output, above the bar."""
        click.echo(line)


SILENT = Steps()


class _Bar(Steps):
    """Steps as a bar, from `DELAY_SECONDS` on: what is done, how many of how many, how long."""

    def __init__(self, title: str, total: int | None) -> None:
        # Here, since rich takes a while to load and nobody else needs it.
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._lock = threading.RLock()
        self._total, self._begun, self._shown = total, 0, False
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[count]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("{task.fields[now]}", markup=False, style="dim"),
            console=Console(stderr=True),
            transient=True,
            redirect_stdout=False,  # what is piped must reach the pipe
        )
        self._task = self._progress.add_task(title, total=total, count="", now="")
        self._timer = threading.Timer(DELAY_SECONDS, self._show)
        self._timer.daemon = True
        self._timer.start()

    def expect(self, total: int) -> None:
        with self._lock:
            self._total = total
            self._update(self._begun - 1, "")

    def step(self, name: str) -> None:
        with self._lock:
            self._begun += 1
            self._name = name
            self._update(self._begun - 1, name)

    def within(self, done: int, total: int, unit: str = "rows") -> None:
        with self._lock:
            part = min(done / total, 1) if total else 1
            now = f"{self._name}, {done:,} of {total:,} {unit}"
            self._update(self._begun - 1 + part, now)

    def echo(self, line: str) -> None:
        with self._lock:
            if self._shown:
                self._progress.stop()
            click.echo(line)
            if self._shown:
                self._progress.start()

    def close(self) -> None:
        self._timer.cancel()
        with self._lock:
            self._timer.cancel()
            if self._shown:
                self._progress.stop()
            self._closed = True

    _name = ""
    _closed = False

    def _show(self) -> None:
        with self._lock:
            if not self._closed:
                self._shown = True
                self._progress.start()

    def _update(self, completed: float, now: str) -> None:
        count = f"{max(self._begun, 1)} of {self._total}" if self._total else ""
        fields: dict[str, Any] = {"count": count, "now": now}
        self._progress.update(self._task, completed=max(completed, 0), total=self._total, **fields)


@contextmanager
def steps(title: str, total: int | None = None, *, quiet: bool = False) -> Iterator[Steps]:
    """Show progress while the block runs, if somebody is there to see it.

    title: what is done, such as "Writing lists".
    total: number of steps, where it is known; until it is (see `Steps.expect`) the bar pulses.
    quiet: show nothing; give it `quiet or as_json`.

    The bar is on standard error, begins after `DELAY_SECONDS` and is gone in the end. Nothing is
    shown where standard error is not a terminal that can move its cursor.
    """
    if quiet or not _is_watched():
        yield SILENT
        return
    bar = _Bar(title, total)
    try:
        yield bar
    finally:
        bar.close()


def _is_watched() -> bool:
    from os import environ

    return sys.stderr.isatty() and environ.get("TERM", "").lower() not in ("", "dumb", "unknown")
