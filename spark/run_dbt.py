"""Runs dbt where Spark's session is: in this process, several commands one after the other.

    run_dbt.py build --target spark
    run_dbt.py build --target spark --vars 'as_of: 2026-03-20' --then build --target spark

`--then` stands between two commands: what Spark's own catalog in memory knows is forgotten with the
session, so what builds on it runs here. The first that fails is the last.
"""

from __future__ import annotations

import sys
import time

from dbt.cli.main import dbtRunner


def commands(arguments: list[str]) -> list[list[str]]:
    """Return the arguments of each dbt command."""
    found: list[list[str]] = [[]]
    for argument in arguments:
        if argument == "--then":
            found.append([])
        else:
            found[-1].append(argument)
    return found


def main() -> int:
    """Run the commands; return 0 if all succeed."""
    for command in commands(sys.argv[1:]):
        begin = time.monotonic()
        result = dbtRunner().invoke(command)
        print(f"\ndbt {command[0]} took {time.monotonic() - begin:.0f} s\n", flush=True)
        if not result.success:
            if result.exception:
                print(result.exception, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
