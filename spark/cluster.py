"""A Spark cluster of this machine alone: a standalone master and its workers, on loopback.

It keeps all that it writes in a folder of its own, picks free ports, lets nobody in without its
secret, and ends with the program that started it.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

LOOPBACK = "127.0.0.1"
OLDEST_JAVA = 17
SECONDS_TO_START = 120
SECONDS_TO_STOP = 15

# For small tables: compiling queries, and machine code well, costs more there than it saves.
QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"

LOGGING = """\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex
"""


class ClusterError(Exception):
    """What stands in the way, in one line."""


def java() -> str:
    """Return the program java that Spark will use; raise ClusterError where none fits."""
    home = os.environ.get("JAVA_HOME")
    program = str(Path(home, "bin", "java")) if home else shutil.which("java")
    needed = f"Spark needs Java {OLDEST_JAVA} or later"
    if program is None:
        raise ClusterError(f"{needed}, and there is no java on the PATH")
    try:
        said = subprocess.run([program, "-version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ClusterError(f"{needed}, and {program} does not run: {error}") from error
    found = re.search(r'version "(?:1\.)?(\d+)', said.stderr + said.stdout)
    if found is None or int(found[1]) < OLDEST_JAVA:
        raise ClusterError(f"{needed}, and {program} is {found[1] if found else 'unknown'}")
    return program


def free_port(wanted: int = 0) -> int:
    """Return a port of loopback that is free: the wanted one, or any for 0. Raises ClusterError."""
    with socket.socket() as probe:
        # What was just closed does not take a port, as for the programs that will listen there.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, wanted))
        except OSError as error:
            raise ClusterError(f"port {wanted} is taken; leave it out to take any") from error
        return probe.getsockname()[1]


def write_settings(folder: Path, master: str, cores: int) -> Path:
    """Write Spark's settings for applications and the cluster; return their folder.

    folder: where tables and temporary files will lie. What tables there are is known as long as
    the session lasts: a metastore in a file (Derby) is slow, and takes no view of more than 32,700
    letters.
    """
    settings = folder / "conf"
    settings.mkdir(parents=True, mode=0o700, exist_ok=True)
    for name in ("local", "tables"):
        (folder / name).mkdir(exist_ok=True)
    values = {
        "spark.master": master,
        "spark.app.name": "clientele",
        "spark.authenticate": "true",
        "spark.authenticate.secret": secrets.token_urlsafe(32),
        "spark.driver.host": LOOPBACK,
        "spark.driver.bindAddress": LOOPBACK,
        "spark.driver.memory": "2g",
        "spark.executor.memory": "1g",
        "spark.driver.extraJavaOptions": QUICK_JAVA,
        "spark.executor.extraJavaOptions": QUICK_JAVA,
        "spark.ui.enabled": "false",
        "spark.ui.killEnabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": cores,
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.warehouse.dir": folder / "tables",
        "spark.local.dir": folder / "local",
        "spark.sql.catalogImplementation": "in-memory",
    }
    lines = "".join(f"{name} {value}\n" for name, value in values.items())
    (settings / "spark-defaults.conf").write_text(lines, "utf-8")
    (settings / "log4j2.properties").write_text(LOGGING, "utf-8")
    return settings


def environment(spark_home: Path, settings: Path) -> dict[str, str]:
    """Return the variables of Spark's programs: none of the user's that point elsewhere."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SPARK_", "PYSPARK_", "HADOOP_", "HIVE_", "DBT_"))
    }
    return kept | {
        "SPARK_HOME": str(spark_home),
        "SPARK_CONF_DIR": str(settings),
        "SPARK_LOCAL_IP": LOOPBACK,
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": QUICK_JAVA,
    }


@contextmanager
def running(command: list[str | Path], **options: object) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program, and end it and all that it started when the block ends, however it ends."""
    program = subprocess.Popen(command, start_new_session=True, **options)  # type: ignore[call-overload]
    try:
        yield program
    finally:
        end_group(program)


def end_group(program: subprocess.Popen[bytes]) -> None:
    """End the processes of a program's own group, whether it is still among them or not."""
    deadline = time.monotonic() + SECONDS_TO_STOP
    number = signal.SIGTERM
    while True:
        try:
            os.killpg(program.pid, number)
        except ProcessLookupError:
            return
        if time.monotonic() > deadline:
            number = signal.SIGKILL
        program.poll()
        time.sleep(0.1)


@contextmanager
def running_cluster(
    spark_home: Path, settings: Path, folder: Path, ports: tuple[int, int], workers: int
) -> Iterator[None]:
    """Start a master and workers of one core each; stop them at the end, whatever happens.

    ports: of the master and of its page. Logs go to `folder`. Raises ClusterError.
    """
    port, page = ports
    variables = environment(spark_home, settings)
    spark_class = [spark_home / "bin" / "spark-class"]
    with ExitStack() as stack:

        def start(name: str, *arguments: str) -> subprocess.Popen[bytes]:
            log = stack.enter_context((folder / f"{name}.log").open("wb"))
            command = [*spark_class, *arguments]
            return stack.enter_context(
                running(command, env=variables, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
            )

        started = {
            "master": start(
                "master", "org.apache.spark.deploy.master.Master",
                "--host", LOOPBACK, "--port", str(port), "--webui-port", str(page),
            )
        }  # fmt: skip
        _wait_for_workers(0, page, started, folder)
        for number in range(1, workers + 1):
            started[f"worker-{number}"] = start(
                f"worker-{number}", "org.apache.spark.deploy.worker.Worker",
                "--host", LOOPBACK, "--webui-port", "0", "--cores", "1", "--memory", "1g",
                "--work-dir", str(folder / f"worker-{number}"), f"spark://{LOOPBACK}:{port}",
            )  # fmt: skip
        _wait_for_workers(workers, page, started, folder)
        yield


def _wait_for_workers(
    count: int, page: int, started: dict[str, subprocess.Popen[bytes]], folder: Path
) -> None:
    """Wait until the master answers that it has so many workers."""
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        for name, program in started.items():
            if program.poll() is not None:
                raise ClusterError(f"the {name} ended; {folder / f'{name}.log'} says why")
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{page}/json/", timeout=5) as answer:
                if json.load(answer)["aliveworkers"] >= count:
                    return
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise ClusterError(f"the cluster did not start in {SECONDS_TO_START} s; see {folder}")
        time.sleep(0.3)
