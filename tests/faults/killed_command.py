"""Runs `clientele` in this process, notes the steps that it announces, and dies at one of them.

    python killed_command.py <file for the steps> <step to die at, from 1; 0: none> ARGUMENT...

SIGKILL takes effect before the step begins: what came before it is done, and nothing is tidied up.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from clientele import progress
from clientele.cli import main


def watch_steps(notes: Path, last: int) -> None:
    """Let every step be noted, and the process end at the step number `last`."""
    count = 0

    def step(self: progress.Steps, name: str) -> None:
        nonlocal count
        count += 1
        with notes.open("a") as file:
            file.write(f"{name}\n")
        if count == last:
            os.kill(os.getpid(), signal.SIGKILL)

    progress.Steps.step = step  # type: ignore[method-assign]


if __name__ == "__main__":
    watch_steps(Path(sys.argv[1]), int(sys.argv[2]))
    main(sys.argv[3:], prog_name="clientele")
