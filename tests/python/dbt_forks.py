"""Runs dbt in forks of one process that has imported what dbt and the Python models import.

A command of dbt spends seconds on imports before it does anything, and tests run a hundred of
them. A fork is a process of its own all the same: its folder, its environment, its modules of the
project.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT_PATHS = {ROOT / part for part in ("", "python_models", "python_models/lib", "tests/python")}
# Nothing of the project: a build reads the Python models of its own copy.
IMPORTED = [
    "pytest", "dbt.cli.main", "dbt.adapters.duckdb", "dbt.parser.manifest", "dbt.task.build",
    "agate", "duckdb", "kneed", "pandas", "scipy.linalg", "scipy.optimize", "scipy.stats",
    "sklearn.cluster", "sklearn.ensemble", "sklearn.linear_model", "sklearn.metrics",
]  # fmt: skip
SECONDS = 1_800

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(IMPORTED)


def run_dbt(
    project: Path, arguments: list[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run dbt in a project folder and return its exit code and what it printed.

    Raises:
        TimeoutError: if it runs for more than half an hour.
    """
    printed = project / "printed.txt"
    process = _forks.Process(target=_become_dbt, args=(project, arguments, environment, printed))
    process.start()
    process.join(SECONDS)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise TimeoutError(f"dbt {' '.join(arguments)} in {project}\n{printed.read_text()}")
    return subprocess.CompletedProcess(
        ["dbt", *arguments], process.exitcode, printed.read_text(errors="replace")
    )


def _become_dbt(
    project: Path, arguments: list[str], environment: Mapping[str, str], printed: Path
) -> None:
    """Turn this process into the command `dbt`."""
    with printed.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.chdir(project)
    os.environ.clear()
    os.environ.update(environment)
    # What pytest put there would be found before the project's own copy.
    sys.path[:] = [path for path in sys.path if Path(path).resolve() not in PROJECT_PATHS]
    sys.argv = ["dbt", *arguments]

    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import cli

    try:
        cli(arguments, prog_name="dbt")
    finally:
        # A fork ends without what Python does at exit, and the database would keep its log beside.
        DuckDBConnectionManager.close_all_connections()
        sys.stdout.flush()
