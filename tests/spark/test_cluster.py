"""The cluster of `make spark` starts, says what stands in its way, and always stops."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster import ClusterError, environment, free_port, java, running_cluster, write_settings

ROOT = Path(__file__).resolve().parents[2]

# Stands in for Spark's own program: a master that counts workers, and workers with a child each.
SPARK_CLASS = """\
#!{python}
import http.server, json, pathlib, subprocess, sys, time
arguments = dict(zip(sys.argv[2::2], sys.argv[3::2]))
here = pathlib.Path({folder!r})
if sys.argv[1].endswith("Worker"):
    {worker}
    child = subprocess.Popen(["sleep", "600"])
    (here / f"{{child.pid}}.pid").touch()
    time.sleep(600)

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        count = len(list(here.glob("*.pid")))
        self.wfile.write(json.dumps({{"aliveworkers": count}}).encode())

http.server.HTTPServer(("127.0.0.1", int(arguments["--webui-port"])), Page).serve_forever()
"""


@pytest.fixture
def fake_spark(tmp_path: Path) -> Callable[..., Path]:
    """Return a maker of a folder that looks like an installed Spark."""

    def make(worker: str = "pass") -> Path:
        program = tmp_path / "home" / "bin" / "spark-class"
        program.parent.mkdir(parents=True)
        program.write_text(
            SPARK_CLASS.format(python=sys.executable, folder=str(tmp_path), worker=worker)
        )
        program.chmod(0o755)
        return tmp_path / "home"

    return make


def alive(pid: int) -> bool:
    """Return whether a process runs; one that has ended and is not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def children(folder: Path) -> list[int]:
    return [int(path.stem) for path in folder.glob("*.pid")]


def ended(pids: list[int]) -> bool:
    deadline = time.monotonic() + 20
    while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(alive(pid) for pid in pids)


@pytest.mark.parametrize("failure", [None, ValueError, KeyboardInterrupt])
def test_what_was_started_is_stopped_with_its_children(
    tmp_path: Path, fake_spark: Callable[..., Path], failure: type[BaseException] | None
) -> None:
    home, ports = fake_spark(), (free_port(), free_port())
    settings = write_settings(tmp_path, f"spark://127.0.0.1:{ports[0]}", 2)
    expected = pytest.raises(failure) if failure else contextlib.nullcontext()
    with expected, running_cluster(home, settings, tmp_path, ports, 2):
        started = children(tmp_path)
        assert len(started) == 2
        assert all(alive(pid) for pid in started)
        if failure:
            raise failure
    assert ended(started)
    free_port(ports[1])  # the master has left its port


def test_a_worker_that_ends_is_named_with_its_log(
    tmp_path: Path, fake_spark: Callable[..., Path]
) -> None:
    home, ports = fake_spark(worker="sys.exit('no memory')"), (free_port(), free_port())
    settings = write_settings(tmp_path, "spark://127.0.0.1:1", 2)
    with (
        pytest.raises(ClusterError, match=r"the worker-\d ended; .*worker-\d.log says why"),
        running_cluster(home, settings, tmp_path, ports, 2),
    ):
        pass
    assert "no memory" in (tmp_path / "worker-1.log").read_text()
    free_port(ports[1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_proof_stops_all_when_it_is_interrupted(
    tmp_path: Path, fake_spark: Callable[..., Path], number: signal.Signals
) -> None:
    warehouse = tmp_path / "clientele.duckdb"
    warehouse.touch()
    program = tmp_path / "proof.py"
    program.write_text(
        "import pathlib, sys, time\n"
        f"sys.path[:0] = [{str(ROOT / 'spark')!r}]\n"
        "import prove_spark as proof\n"
        f"proof.FOLDER = pathlib.Path({str(tmp_path / 'target')!r})\n"
        f"proof.spark_home = lambda: pathlib.Path({str(fake_spark())!r})\n"
        "proof.java = lambda: None\n"
        "proof.dbt_build = lambda *_: (print('building', flush=True), time.sleep(600))\n"
        f"sys.argv[1:] = ['--warehouse', {str(warehouse)!r}]\n"
        "sys.exit(proof.main())\n"
    )
    proof = subprocess.Popen(
        [sys.executable, program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert proof.stdout is not None
    while "building" not in (line := proof.stdout.readline()):
        assert line, proof.communicate()[1]
    started = children(tmp_path)
    assert len(started) == 2
    proof.send_signal(number)
    _, said = proof.communicate(timeout=60)
    assert proof.returncode == 130
    assert said == "spark: interrupted; what was started is stopped\n"
    assert ended(started)


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ClusterError, match=f"port {port} is taken"):
            free_port(port)


@pytest.mark.parametrize(
    ("version", "problem"),
    [
        ('openjdk version "17.0.15" 2025-04-15', None),
        ('openjdk version "25" 2025-09-16', None),
        ('java version "1.8.0_402"', "is 8"),
        ('openjdk version "11.0.2"', "is 11"),
        ("what?", "is unknown"),
    ],
)
def test_java_must_be_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, problem: str | None
) -> None:
    program = tmp_path / "bin" / "java"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho '{version}' >&2\n")
    program.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    if problem is None:
        assert java() == str(program)
    else:
        with pytest.raises(ClusterError, match=f"Java 17 or later, and .*{problem}"):
            java()


def test_without_java_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClusterError, match="no java on the PATH"):
        java()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(ClusterError, match="does not run"):
        java()


def test_the_secret_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    settings = write_settings(tmp_path, "local[2]", 2)
    assert settings.stat().st_mode & 0o077 == 0
    first = (settings / "spark-defaults.conf").read_text()
    second = (write_settings(tmp_path / "other", "local[2]", 2) / "spark-defaults.conf").read_text()
    secrets = [
        line.split()[1]
        for text in (first, second)
        for line in text.splitlines()
        if line.startswith("spark.authenticate.secret ")
    ]
    assert len(set(secrets)) == 2
    assert all(len(secret) >= 32 for secret in secrets)


def test_settings_of_the_user_do_not_lead_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SPARK_MASTER_HOST", "PYSPARK_SUBMIT_ARGS", "HADOOP_CONF_DIR", "DBT_TARGET"):
        monkeypatch.setenv(name, "elsewhere")
    found = environment(tmp_path / "home", tmp_path / "conf")
    assert "elsewhere" not in found.values()
    assert found["SPARK_LOCAL_IP"] == "127.0.0.1"
    assert found["PATH"] == os.environ["PATH"]


def run_proof(*arguments: str, **environment_of: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "spark" / "prove_spark.py", *arguments],
        capture_output=True, text=True, timeout=60, check=False, env=os.environ | environment_of,
    )  # fmt: skip


def test_without_a_warehouse_the_proof_says_what_to_do(tmp_path: Path) -> None:
    done = run_proof("--warehouse", str(tmp_path / "none.duckdb"))
    assert done.returncode == 1
    assert done.stderr == (
        f"spark: there is no warehouse {tmp_path / 'none.duckdb'} to compare with; "
        "`make spark` builds it\n"
    )
