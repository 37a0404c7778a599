"""Commands as processes: run them, kill them, and look at what they leave."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clientele.production.home import RUN_NAME
from warehouse import ROOT

HERE = Path(__file__).parent
TRACEBACK = "Traceback (most recent call last)"
PATIENCE_SECONDS = 900


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    exit_code: int
    out: str
    err: str
    seconds: float


def environment(**given: str) -> dict[str, str]:
    """Return the environment of the tests without the user's settings of dbt and clientele."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DBT_", "CLIENTELE_")) and name != "PYTHONDONTWRITEBYTECODE"
    }
    programs = Path(sys.executable).parent
    kept["PATH"] = os.pathsep.join([str(programs), kept.get("PATH", os.defpath)])
    kept["PYTHONPATH"] = str(ROOT)
    return {**kept, **given}


def command(
    arguments: Sequence[str],
    project: Path = ROOT,
    *,
    before: Callable[[], object] | None = None,
    user: int | None = None,
    **variables: str,
) -> Ended:
    """Run `clientele` in a project folder and wait for its end; a traceback fails the test.

    before: is called in the child before it begins, to set limits.
    user: the id of the user whom the command runs as.
    """
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "clientele", *arguments],
        cwd=project,
        env=environment(**variables),
        preexec_fn=before,
        user=user,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert TRACEBACK not in done.stdout + done.stderr, done.stdout + done.stderr
    return Ended(done.returncode, done.stdout, done.stderr, time.monotonic() - begun)


def killed(
    arguments: Sequence[str],
    project: Path,
    notes: Path,
    *,
    step: int = 0,
    seconds: float | None = None,
    **variables: str,
) -> Ended:
    """Run `clientele` until it announces its step number `step`, or for some seconds, then kill it.

    Neither given: it runs to its end. The names of its steps are in `notes` afterwards.
    """
    notes.unlink(missing_ok=True)
    notes.touch()
    begun = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, str(HERE / "killed_command.py"), str(notes), str(step), *arguments],
        cwd=project,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    try:
        out, err = process.communicate(timeout=PATIENCE_SECONDS if seconds is None else seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        out, err = process.communicate()
    assert TRACEBACK not in out + err, out + err
    return Ended(process.returncode, out, err, time.monotonic() - begun)


def left_behind(folder: Path, patience: float = 3.0) -> list[str]:
    """Return the processes that still name a folder in their arguments; they get a moment to go."""
    until = time.monotonic() + patience
    while True:
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            if process.name == str(os.getpid()):
                continue
            with contextlib.suppress(OSError):
                arguments = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if str(folder) in arguments and "reader.py" not in arguments:
                    found.append(f"{process.name}: {arguments[:200]}")
        if not found or time.monotonic() > until:
            return found
        time.sleep(0.1)


def names(folder: Path) -> set[str]:
    """Return all paths in a folder; names of runs are written alike."""
    return {
        RUN_NAME.sub("<run>", path.relative_to(folder).as_posix()) for path in folder.rglob("*")
    }


def contents(folder: Path) -> dict[str, str]:
    """Return all files of a folder with their hashes, links with where they lead."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_dir():
            found[name] = "folder"
        elif not path.name.endswith(".lock"):  # it says who held it last
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


class Reader:
    """The process of reader.py, and what it has seen in all rounds together."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "reader.py")],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.polls = 0
        self.torn: list[str] = []
        self.errors: list[str] = []

    @contextlib.contextmanager
    def watching(self, wanted: Mapping[str, Path]) -> Iterator[None]:
        """Let it poll while the block runs."""
        assert self._process.stdin
        assert self._process.stdout
        self._send({kind: str(path) for kind, path in wanted.items()})
        try:
            yield
        finally:
            self._send({})
            seen = json.loads(self._process.stdout.readline())
            self.polls += seen["polls"]
            self.torn += seen["torn"]
            self.errors += seen["errors"]

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=30)

    def _send(self, wanted: Mapping[str, str]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()


def one_line(ended: Ended, *words: str) -> str:
    """Require a failure that is told in one line with these words, and return the line."""
    lines = [line for line in ended.err.splitlines() if line.strip()]
    assert ended.exit_code != 0, ended.out
    assert len(lines) == 1, ended.err
    assert lines[0].startswith("Error: "), lines[0]
    for word in words:
        assert re.search(word, lines[0], re.IGNORECASE), lines[0]
    return lines[0]
