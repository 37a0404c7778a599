"""Answers metrics in the dbt project that is the working directory, as `mf query` would.

Several requests share one process, since MetricFlow takes seconds to start. The first
argument names a file of JSON, a list of requests; each is either {"metrics", "group_by", "where",
"limit", "saved_query"}, any of them left out, or {"command": [...]}, the arguments of `mf query`,
or {"dimensions_of": [...]}, metrics. The answers go as JSON to the file that the second argument
names: rows as lists of texts below the names of the columns, or what the command printed, or the
names by which all of the metrics can be asked.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from dbt_metricflow.cli.cli_configuration import CLIConfiguration
from dbt_metricflow.cli.main import query
from metricflow.engine.metricflow_engine import MetricFlowQueryRequest


def answer(configuration: CLIConfiguration, request: dict[str, Any]) -> Any:
    """Return the answer to one request: rows, names, or the exit code and output of a command."""
    if "command" in request:
        # The command is called past `mf` itself, which asks PyPI for newer versions.
        finished = CliRunner().invoke(query, request["command"], obj=configuration)
        return [finished.exit_code, finished.output]
    if "dimensions_of" in request:
        found = configuration.mf.simple_dimensions_for_metrics(request["dimensions_of"])
        return sorted(dimension.granularity_free_dunder_name for dimension in found)
    result = configuration.mf.query(
        MetricFlowQueryRequest.create(
            saved_query_name=request.get("saved_query"),
            metric_names=request.get("metrics"),
            group_by_names=request.get("group_by"),
            where_constraints=request.get("where"),
            limit=request.get("limit"),
        )
    ).result_df
    rows = [[None if cell is None else str(cell) for cell in row] for row in result.rows]
    return [list(result.column_names), *rows]


def main() -> None:
    """Read requests, answer them and write the answers."""
    configuration = CLIConfiguration()
    configuration.setup(configure_file_logging=False)
    requests = json.loads(Path(sys.argv[1]).read_text())
    answers = [answer(configuration, request) for request in requests]
    Path(sys.argv[2]).write_text(json.dumps(answers))


if __name__ == "__main__":
    main()
