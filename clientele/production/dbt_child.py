"""dbt as the child of a run: it dies with the run, and closes the warehouse when it is done.

A program of its own, run by its path: `dbt_child.py <process id of the run> <arguments of dbt>`.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # prctl(2): the kernel sends a signal when the parent dies


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, however that ends.

    Where the kernel cannot, the lock that the child holds keeps the next run away until it is done.
    """
    try:
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    except (OSError, AttributeError):
        return
    if os.getppid() != parent:
        sys.exit(1)  # it died before it could be watched


def main() -> None:
    """Become dbt."""
    die_with(int(sys.argv[1]))
    # This file's folder would be searched first, and its modules have plain names.
    del sys.path[0]
    sys.argv = ["dbt", *sys.argv[2:]]

    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import cli

    try:
        cli(prog_name="dbt")
    finally:
        DuckDBConnectionManager.close_all_connections()
        sys.stdout.flush()


if __name__ == "__main__":
    main()
