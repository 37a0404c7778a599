"""A Superset in a private folder, on loopback, that ends with who started it."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

ADMIN = "admin"
SECONDS_TO_START = 120
ROOT = Path(__file__).parents[1]


class SupersetError(Exception):
    """Superset did not do what it was asked; the message is one line."""


class Superset:
    """The REST API of a running Superset, for a user who has logged in."""

    def __init__(self, url: str, password: str, pid: int) -> None:
        self.url = url
        self.password = password
        self.pid = pid
        self._session = requests.Session()
        self._session.trust_env = False  # loopback needs no proxy

    def login(self) -> None:
        """Log in, as everything but the health check needs."""
        token = self.ask(
            "POST",
            "security/login",
            json={"username": ADMIN, "password": self.password, "provider": "db"},
        )["access_token"]
        self._session.headers.update({"Authorization": f"Bearer {token}", "Referer": self.url})
        token = self.ask("GET", "security/csrf_token/")["result"]
        self._session.headers["X-CSRFToken"] = token

    def ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Return the answer of `/api/v1/<path>`; raise SupersetError where it is a refusal."""
        answer = self._session.request(
            method, f"{self.url}/api/v1/{path}", timeout=120, allow_redirects=False, **options
        )
        if answer.status_code not in (200, 201):
            raise SupersetError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()

    def is_up(self) -> bool:
        """Say whether it answers at all."""
        try:
            return self._session.get(f"{self.url}/health", timeout=5).text == "OK"
        except requests.RequestException:
            return False

    def processes(self) -> list[int]:
        """Return the ids of the server's processes, all of which are its group."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if os.getpgid(int(entry.name)) == self.pid:
                        found.append(int(entry.name))
                except ProcessLookupError:
                    continue
        return found

    def open_files(self) -> set[Path]:
        """Return the files that the server's processes have open, by their present paths."""
        found = set()
        for pid in self.processes():
            for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                try:
                    found.add(Path(os.readlink(descriptor)))
                except FileNotFoundError:
                    continue
        return found


@contextmanager
def running_superset(folder: Path) -> Iterator[Superset]:
    """Initialise a Superset in an empty folder, start it, and stop it at the end, whatever happens.

    folder: what lies in it is removed first; logs go to `superset.log` in it. Raises SupersetError.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    password = secrets.token_urlsafe(16)
    (folder / "secret").write_text(secrets.token_urlsafe(48), "utf-8")
    log = folder / "superset.log"
    environment = _environment(folder)
    for arguments in (
        ["db", "upgrade"],
        ["fab", "create-admin", "--username", ADMIN, "--firstname", "-", "--lastname", "-",
         "--email", "admin@localhost", "--password", password],
        ["init"],
    ):  # fmt: skip
        _run(["superset", *arguments], environment, log)
    port = _free_port()
    with log.open("ab") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--workers", "1", "--threads", "8",
             "--timeout", "120", "--bind", f"127.0.0.1:{port}", "superset.app:create_app()"],
            env=environment, cwd=folder, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        superset = Superset(f"http://127.0.0.1:{port}", password, server.pid)
        deadline = time.monotonic() + SECONDS_TO_START
        while not superset.is_up():
            if server.poll() is not None or time.monotonic() > deadline:
                raise SupersetError(f"Superset did not start; {log} says why")
            time.sleep(0.5)
        superset.login()
        yield superset
    finally:
        _stop(server)


def _environment(folder: Path) -> dict[str, str]:
    """Return the variables that Superset sees: none of the user's that could point elsewhere."""
    programs = Path(sys.executable).parent
    return {
        "PATH": f"{programs}{os.pathsep}{os.defpath}",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "SUPERSET_HOME": str(folder),
        "SUPERSET_CONFIG_PATH": str(ROOT / "bi" / "superset_config.py"),
        "SCARF_ANALYTICS": "false",
        "DO_NOT_TRACK": "1",
    }


def _run(command: list[str], environment: dict[str, str], log: Path) -> None:
    program = Path(sys.executable).parent / command[0]
    with log.open("ab") as output:
        done = subprocess.run(
            [program, *command[1:]], env=environment, cwd=log.parent, timeout=300, check=False,
            stdout=output, stderr=output,
        )  # fmt: skip
    if done.returncode:
        raise SupersetError(f"`{' '.join(command[:2])}` failed; {log} says why")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _stop(server: subprocess.Popen[bytes]) -> None:
    """End the server that was started here, with what it started: its own group and no other."""
    if server.poll() is None:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait(20)
