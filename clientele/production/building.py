"""`dbt build` in the private folder of a run, and what it says of each node."""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clientele.production.home import WAREHOUSE
from clientele.production.keys import PURPOSES, key_variable
from clientele.progress import Steps
from clientele.safe_text import printable
from clientele.warehouse_file import memory_limit

CHILD = Path(__file__).with_name("dbt_child.py")
MANIFEST, RESULTS = "manifest.json", "run_results.json"
OUTPUT = "dbt_output.txt"
BUILD_MEGABYTES = 950  # of DuckDB, as in profiles.yml: Python and fits beside it take up to 1 GB
# Unit tests look at code alone, and rules of tables and views are checked where these are written
# (selectors.yml); a project without selectors is built with all its tests.
DAILY = "daily"
SELECTORS = "selectors.yml"
CHECKED_IN_MODEL = ("table", "view")
# dbt puts variables with this beginning into the results: they are then of this run for sure.
RUN_MARK = "DBT_ENV_CUSTOM_ENV_CLIENTELE_RUN"
NODE_BEGINS = re.compile(r"\b(\d+) of (\d+) START (?!hook)")
BUILT = ("model", "seed", "snapshot", "test", "unit_test")
PASSED = ("success", "pass")
NO_SPACE = re.compile(r"No space left on device|File too large|disk quota exceeded", re.IGNORECASE)
NO_MEMORY = re.compile(r"Out of Memory Error|MemoryError|could not allocate", re.IGNORECASE)
NO_MEMORY_SIZE = re.compile(r"Memory must have a|Unknown unit for memory", re.IGNORECASE)
TRACE = re.compile(r"Traceback \(most recent call last\)")
NODES_TOLD = 10
TIME = re.compile(r"^\d\d:\d\d:\d\d\s+")
WHAT = re.compile(r"\w+( \w+)? Error: ")
WHERE = re.compile(r"(Runtime|Compilation|Database) Error( in .*)?$")


class BuildError(Exception):
    """dbt did not build everything; the message is one screen at most."""


@dataclass(frozen=True)
class Build:
    """A finished `dbt build`.

    work: the private folder: the warehouse in it, `target/` and `logs/`.
    """

    work: Path
    run: str
    exit_code: int

    @property
    def manifest(self) -> Path:
        """What dbt knows of the project."""
        return self.work / "target" / MANIFEST

    @property
    def results(self) -> Path:
        """What became of each node."""
        return self.work / "target" / RESULTS


def build(
    work: Path,
    run: str,
    project: Path,
    variables: Mapping[str, Any],
    locks: Sequence[int],
    steps: Steps,
    threads: int | None = None,
) -> Build:
    """Build the whole project into `<work>/clientele.duckdb` and wait for it.

    variables: the vars, `landing` among them.
    locks: descriptors of locks; the child holds them for as long as it lives.
    steps: is told how many nodes are done.

    Raises BuildError where dbt is not installed, and OSError.
    """
    if importlib.util.find_spec("dbt.cli") is None:
        raise BuildError("dbt is not installed beside this command; `make install` installs it")
    for folder in ("target", "logs", "spill"):
        (work / folder).mkdir(exist_ok=True)
    arguments = [
        "--no-use-colors", "build",
        "--project-dir", str(project), "--profiles-dir", str(project),
        "--target-path", str(work / "target"), "--log-path", str(work / "logs"),
        "--vars", json.dumps(variables, sort_keys=True),
    ]  # fmt: skip
    if (project / SELECTORS).is_file():
        arguments += ["--selector", DAILY]
    if threads:
        arguments += ["--threads", str(threads)]
    process = subprocess.Popen(
        [sys.executable, str(CHILD), str(os.getpid()), *arguments],
        cwd=project,
        env=_environment(work, run),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=tuple(locks),
    )
    try:
        with (work / "logs" / OUTPUT).open("w", encoding="utf-8") as output:
            for line in process.stdout or ():
                output.write(line)
                if found := NODE_BEGINS.search(line):
                    steps.within(int(found[1]) - 1, int(found[2]), "nodes")
        return Build(work, run, process.wait())
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def require_whole(build: Build) -> dict[str, Any]:
    """Require that dbt built every enabled node in this run, and every test passed.

    Returns the nodes that were built and tested, counted by type. Raises BuildError.
    """
    if build.exit_code:
        raise BuildError(_failure(build))
    manifest, results = _read(build.manifest), _read(build.results)
    if manifest is None or results is None:
        missing = MANIFEST if manifest is None else RESULTS
        raise BuildError(f"dbt ended well, but wrote no {missing} that can be read")
    problems = unfinished_nodes(manifest, results, build.run)
    if problems:
        raise BuildError(_listed("not every node was built in this run", problems))
    counts: dict[str, int] = {}
    has_unit_tests = results.get("args", {}).get("selector") != DAILY
    for node in _nodes(manifest).values():
        kind = node["resource_type"]
        if kind == "unit_test" and not has_unit_tests:
            continue
        counts[kind] = counts.get(kind, 0) + 1
    return counts


def unfinished_nodes(
    manifest: Mapping[str, Any], results: Mapping[str, Any], run: str
) -> list[str]:
    """Say of each enabled node that is not fresh and passed what is wrong with it.

    A node may end in `warn` where its severity is no more than that. A daily build has no results
    of unit tests, nor of tests whose rules their model has checked.
    """
    metadata = results.get("metadata", {})
    if metadata.get("invocation_id") != manifest.get("metadata", {}).get("invocation_id"):
        return [f"{RESULTS} is of another invocation of dbt than {MANIFEST}"]
    if metadata.get("env", {}).get("CLIENTELE_RUN") != run:
        return [f"{RESULTS} is of another run"]
    became = {result["unique_id"]: result["status"] for result in results.get("results", [])}
    nodes = _nodes(manifest)
    is_daily = results.get("args", {}).get("selector") == DAILY
    problems = []
    for name, node in sorted(nodes.items()):
        if is_daily and name not in became and _is_left_out(node, nodes):
            continue
        status = became.get(name, "missing in the results")
        severity = str(node.get("config", {}).get("severity") or "error").lower()
        if status not in PASSED and not (status == "warn" and severity == "warn"):
            problems.append(f"{node['resource_type']} {node['name']}: {status}")
    return problems


def _nodes(manifest: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Nodes that a build runs, by their id; what is switched off is not among them."""
    nodes = {**manifest.get("nodes", {}), **manifest.get("unit_tests", {})}
    return {
        name: node
        for name, node in nodes.items()
        if node["resource_type"] in BUILT
        and node.get("config", {}).get("enabled", True)
        and node.get("config", {}).get("materialized") != "ephemeral"
    }


def _is_left_out(node: Mapping[str, Any], nodes: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a daily build leaves a node out, as selectors.yml says it.

    The rules of a model that failed are not asked for: the model is a problem itself.
    """
    if node["resource_type"] == "unit_test":
        return True
    model = nodes.get(node.get("attached_node") or "", {})
    return (
        (node.get("test_metadata") or {}).get("name") == "holds"
        and str(node.get("config", {}).get("severity")).lower() == "error"
        and model.get("resource_type") == "model"
        and model.get("config", {}).get("materialized") in CHECKED_IN_MODEL
    )


def _failure(build: Build) -> str:
    """Say in one screen why dbt failed."""
    results = _read(build.results) or {}
    failed = [
        (result["unique_id"], first_line(result.get("message") or result["status"]))
        for result in results.get("results", [])
        if result["status"] in ("error", "fail", "runtime error")
    ]
    output = _output(build)
    told = "\n".join(
        [output, *(result.get("message") or "" for result in results.get("results", []))]
    )
    if NO_SPACE.search(told):
        return no_space(build.work.parent)
    limit = os.environ.get("CLIENTELE_MEMORY_LIMIT", "the default limit")
    if NO_MEMORY_SIZE.search(told):
        return f"CLIENTELE_MEMORY_LIMIT is {limit!r}; it must be a size, such as 2GB"
    if NO_MEMORY.search(told):
        node = next((name for name, message in failed if NO_MEMORY.search(message)), None)
        place = f"{_short(node)} needs" if node else "dbt needs"
        return f"{place} more memory than {limit}; CLIENTELE_MEMORY_LIMIT sets a higher one"
    if build.exit_code < 0:
        why = (
            " for want of memory; CLIENTELE_MEMORY_LIMIT sets a limit"
            if build.exit_code == -9
            else ""
        )
        return f"dbt was ended by signal {-build.exit_code}" + (f", perhaps{why}" if why else "")
    if failed:
        return _listed("dbt build failed", [f"{_short(name)}: {why}" for name, why in failed])
    errors = [TIME.sub("", line.strip()) for line in output.splitlines() if line.strip()]
    begin = next((i for i, line in enumerate(errors) if "Encountered an error" in line), -3)
    # Where in dbt it happened is in the log.
    lines = list(itertools.takewhile(lambda line: not TRACE.match(line), errors[begin:]))
    return _listed("dbt build failed", lines)


def no_space(folder: Path) -> str:
    """Say that nothing more could be written to a folder, and what to do."""
    return f"the disk of {folder} is full, or a file-size limit is reached; free space, run again"


def _short(unique_id: str) -> str:
    kind, _, *name = unique_id.split(".")
    return f"{kind} {name[0] if name else ''}"


def _listed(title: str, lines: Sequence[str]) -> str:
    more = len(lines) - NODES_TOLD
    told = [*lines[:NODES_TOLD], *([f"and {more} more"] if more > 0 else [])]
    return "\n".join([title + ":", *(f"  {line}" for line in told)])


def first_line(message: str) -> str:
    """Line of a message of dbt that says what happened: those before say where."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    told = [line for line in lines if WHAT.match(line)] or [
        line for line in lines if not WHERE.match(line)
    ]
    return printable((told or lines or [""])[0])[:200]


def _output(build: Build) -> str:
    try:
        return (build.work / "logs" / OUTPUT).read_text("utf-8", "replace")
    except OSError:
        return ""


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _environment(work: Path, run: str) -> dict[str, str]:
    """Return the environment of dbt: without keys, and without settings of the user's own dbt."""
    keys = {key_variable(purpose) for purpose in PURPOSES}
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in keys and (not name.startswith("DBT_") or name.startswith("DBT_ENV_"))
    }
    return {
        **environment,
        "CLIENTELE_WAREHOUSE": str(work / WAREHOUSE),
        "CLIENTELE_TEMP": str(work / "spill"),
        "CLIENTELE_MEMORY_LIMIT": memory_limit(BUILD_MEGABYTES),
        RUN_MARK: run,
        "DBT_PARTIAL_PARSE": "true",
    }
