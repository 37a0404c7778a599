"""What a command costs, and on which machine."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import jinja2
import yaml

ROOT = Path(__file__).resolve().parent.parent
# A small process in between makes the figures those of one command alone, its children included.
WATCHER = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
with open(sys.argv[1], "w") as log:
    code = subprocess.run(sys.argv[2:], stdout=log, stderr=log).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps({"code": code, "cpu": used.ru_utime + used.ru_stime,
                  "wall": time.perf_counter() - start, "peak": used.ru_maxrss * unit / 1e6}))
"""
LAST_LINES = 15


@dataclass(frozen=True)
class Cost:
    """What one run took."""

    cpu: float  # seconds, user and system
    wall: float  # seconds
    peak: float  # MB resident, of the largest process


def measured(command: list[str], environment: dict[str, str], folder: Path, log: Path) -> Cost:
    """Run a command in a folder and return what it took.

    Raises:
        SystemExit: with the end of the command's output, if it fails.
    """
    done = subprocess.run(
        [sys.executable, "-c", WATCHER, str(log), *command],
        env=environment,
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    figures = json.loads(done.stdout)
    if figures.pop("code") != 0:
        tail = "\n".join(log.read_text().splitlines()[-LAST_LINES:])
        raise SystemExit(f"{' '.join(command)} failed:\n{tail}")
    return Cost(**{name: round(value, 3) for name, value in figures.items()})


def machine() -> dict[str, str | int | float]:
    """Return what is known of the machine: its processor, cores, memory, system."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        processor = names[0].split(":", 1)[1].strip() if names else processor
    return {
        "processor": processor,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1,
        "memory_gb": round(memory_bytes() / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "load_before": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else -1.0,
    }  # fmt: skip


def settings() -> dict[str, str | int]:
    """Return what builds are given: DuckDB's memory, its log between checkpoints, dbt's threads."""
    text = jinja2.Template((ROOT / "profiles.yml").read_text()).render(env_var=os.environ.get)
    target = yaml.safe_load(text)["clientele"]["outputs"]["dev"]
    return {
        **{
            name: target["config_options"][name]
            for name in ("memory_limit", "checkpoint_threshold")
        },
        "threads": int(target["threads"]),
    }


def memory_bytes() -> int:
    """Return the memory of the machine, or of the container that this runs in."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text().strip() if limit.exists() else "max"
    return whole if text == "max" else min(whole, int(text))


def versions(rivals: Path) -> dict[str, str]:
    """Return the versions of what is measured; rivals: the Python of pandas and polars."""
    code = (
        "import json, sys\nfrom importlib.metadata import version\n"
        "print(json.dumps({name: version(name) for name in sys.argv[1:]}))"
    )
    found: dict[str, str] = {"python": platform.python_version()}
    for python, names in (
        (sys.executable, ["duckdb", "dbt-core", "dbt-duckdb", "scikit-learn"]),
        (str(rivals), ["polars", "pandas", "pyarrow", "numpy"]),
    ):
        done = subprocess.run(
            [python, "-c", code, *names], check=True, capture_output=True, text=True
        )
        found |= json.loads(done.stdout)
    return found
