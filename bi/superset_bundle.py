"""The dashboard as Superset imports it: a zip of the YAML in `bi/superset/` and of the data sets.

Data sets are made from the file of marts, one for each table in it, so that no list of tables has
to be kept: its columns with their descriptions, its main date, its description. What a chart asks
for is derived from how it is drawn, since Superset's API answers from the first and its page from
the second.

    python bi/superset_bundle.py MARTS ZIP     # for the import in a Superset of your own
"""

from __future__ import annotations

import json
import sys
import uuid
import zipfile
from pathlib import Path
from typing import Any

import duckdb
import yaml

PARTS = Path(__file__).parent / "superset"
DATABASE = "databases/clientele_marts.yaml"
TEMPORAL = ("DATE", "TIMESTAMP")
SETTLED = "as_of_date"  # in nearly every table, and one day in all of its rows


def dataset_uuid(full_name: str) -> str:
    """Return the identity of the data set of a table, `schema.name`: the same everywhere."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"clientele:dataset:{full_name}"))


def connect(marts: Path) -> duckdb.DuckDBPyConnection:
    """Open a file of marts as a BI tool should: to read it, and nothing else."""
    settings = {"enable_external_access": "false", "lock_configuration": "true"}
    return duckdb.connect(str(marts), read_only=True, config=settings)


def charts() -> dict[str, dict[str, Any]]:
    """Return the charts of the dashboard as they stand in the repository, by the file's name."""
    return {path.stem: _read(path) for path in sorted((PARTS / "charts").glob("*.yaml"))}


def datasets(marts: Path) -> dict[str, dict[str, Any]]:
    """Return a data set for each table of a file of marts, by `schema.name`."""
    database = _read(PARTS / DATABASE)
    with connect(marts) as connection:
        tables = connection.execute(
            "select schema_name, table_name, comment from duckdb_tables() order by all"
        ).fetchall()
        return {
            f"{schema}.{table}": {
                "version": "1.0.0",
                "uuid": dataset_uuid(f"{schema}.{table}"),
                "database_uuid": database["uuid"],
                "schema": schema,
                "table_name": table,
                "description": comment,
                "main_dttm_col": _main_date(columns),
                "columns": columns,
                "metrics": [{"metric_name": "count", "expression": "count(*)"}],
            }
            for schema, table, comment in tables
            for columns in [_columns(connection, schema, table)]
        }


def write_bundle(marts: Path, output: Path) -> None:
    """Write the zip that makes Superset know a file of marts, its tables and the dashboard."""
    database = _read(PARTS / DATABASE) | {"sqlalchemy_uri": f"duckdb:///{marts.resolve()}"}
    files = {
        "metadata.yaml": _read(PARTS / "metadata.yaml"),
        DATABASE: database,
        **{f"datasets/{name}.yaml": content for name, content in datasets(marts).items()},
        **{
            f"charts/{name}.yaml": chart | {"query_context": json.dumps(_query_context(chart))}
            for name, chart in charts().items()
        },
        "dashboards/clientele.yaml": _read(PARTS / "dashboards/clientele.yaml"),
    }
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in files.items():
            bundle.writestr(f"clientele/{name}", yaml.safe_dump(content, sort_keys=False))


def _read(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text("utf-8"))


def _columns(
    connection: duckdb.DuckDBPyConnection, schema: str, table: str
) -> list[dict[str, Any]]:
    return [
        {
            "column_name": name,
            "type": kind,
            "description": comment,
            "is_dttm": kind in TEMPORAL,
            "groupby": True,
            "filterable": True,
        }
        for name, kind, comment in connection.execute(
            "select column_name, data_type, comment from duckdb_columns() "
            "where schema_name = ? and table_name = ? order by column_index",
            [schema, table],
        ).fetchall()
    ]


def _main_date(columns: list[dict[str, Any]]) -> str | None:
    """Return the first date that differs between rows, else the day that all of them are of."""
    dates = [column["column_name"] for column in columns if column["is_dttm"]]
    return next((date for date in dates if date != SETTLED), dates[0] if dates else None)


def _query_context(chart: dict[str, Any]) -> dict[str, Any]:
    """Return what the page would ask for to draw a chart.

    Only for the kinds of charts and the settings that stand in `bi/superset/charts/`.
    """
    drawn = chart["params"]
    metrics = drawn.get("metrics") or [drawn[name] for name in ("metric",) if name in drawn]
    grouped = drawn.get("groupby") or []
    columns: list[Any] = [grouped] if isinstance(grouped, str) else list(grouped)
    if drawn.get("query_mode") == "raw":
        columns = drawn["all_columns"]
    if "time_grain_sqla" in drawn:
        date = drawn["x_axis"]
        axis = {
            "label": date,
            "sqlExpression": date,
            "expressionType": "SQL",
            "columnType": "BASE_AXIS",
            "timeGrain": drawn["time_grain_sqla"],
        }
        columns = [axis, *columns]
    elif "x_axis" in drawn:
        columns = [drawn["x_axis"], *columns]
    query = {
        "columns": columns,
        "metrics": metrics,
        "filters": [
            {
                "col": part["subject"],
                "op": part["operator"],
                **({"val": part["comparator"]} if "comparator" in part else {}),
            }
            for part in drawn["adhoc_filters"]
        ],
        "orderby": [json.loads(part) for part in drawn.get("order_by_cols", [])],
        "row_limit": drawn.get("row_limit"),
        "is_timeseries": False,
    }
    return {
        "datasource": {"id": 0, "type": "table"},  # the import fills it in
        "force": True,
        "queries": [query],
        "form_data": drawn,
        "result_format": "json",
        "result_type": "full",
    }


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python bi/superset_bundle.py MARTS ZIP")
    write_bundle(Path(sys.argv[1]), Path(sys.argv[2]))
