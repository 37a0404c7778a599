"""What writing alone costs: each table of a warehouse copied into another, with nothing computed.

python benchmarks/copies.py WAREHOUSE.duckdb TARGET.duckdb
"""

from __future__ import annotations

import sys

import duckdb


def main() -> None:
    """Copy, table by table; a copy is dropped at once, so that it takes the room of one table."""
    warehouse, target = sys.argv[1:]
    with duckdb.connect(target, config={"preserve_insertion_order": False}) as connection:
        connection.execute(f"attach '{warehouse}' as built (read_only)")
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'built'"
        ).fetchall()
        for schema, table in tables:
            connection.execute(f'create table copy as from built."{schema}"."{table}"')
            connection.execute("checkpoint")
            connection.execute("drop table copy")


if __name__ == "__main__":
    main()
