"""A terminal of one's own: runs a command on it and returns what it was told to show."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

CHUNK = 65_536


class Terminal:
    """A pseudo-terminal of some columns, its output read as it comes."""

    def __init__(self, columns: int = 80) -> None:
        self._ours, self.theirs = pty.openpty()
        size = struct.pack("HHHH", 24, columns, 0, 0)
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, size)
        self.shown = ""

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._ours, text.encode())

    def read_for(self, seconds: float, until: str | None = None) -> str:
        """Read for some seconds, or until a text has come; return all that came since the start."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not (until and until in self.shown):
            ready, _, _ = select.select([self._ours], [], [], min(left, 0.05))
            if not ready:
                continue
            try:
                self.shown += os.read(self._ours, CHUNK).decode(errors="replace")
            except OSError:  # the last who had it open has closed it
                break
        return self.shown

    def close(self) -> None:
        """Close it; whoever runs on it is told."""
        os.close(self.theirs)
        os.close(self._ours)


def run_on_terminal(
    command: Sequence[str],
    folder: Path,
    *,
    columns: int = 80,
    environment: Mapping[str, str] | None = None,
    pipes: str = "",
) -> tuple[int, str, str]:
    """Run a command in a folder on a terminal; return its exit code, screen and piped output.

    pipes: `stdout` or `stderr` goes into a pipe instead. The screen is what was sent to it, escape
    codes and all.
    """
    terminal = Terminal(columns)
    given = {**os.environ, "TERM": "xterm-256color", **(environment or {})}
    given.pop("COLUMNS", None)
    streams = dict.fromkeys(("stdout", "stderr"), terminal.theirs)
    if pipes:
        streams[pipes] = subprocess.PIPE
    process = subprocess.Popen(
        list(command), cwd=folder, env=given, stdin=terminal.theirs, text=True, **streams
    )
    try:
        while process.poll() is None:
            terminal.read_for(0.1)
        terminal.read_for(0.2)
        pipe = getattr(process, pipes) if pipes else None
        return process.returncode, terminal.shown, pipe.read() if pipe else ""
    finally:
        process.kill()
        process.wait()
        if pipes:
            getattr(process, pipes).close()
        terminal.close()
