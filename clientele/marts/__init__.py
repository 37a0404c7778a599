"""What leaves the warehouse for other tools: what is public, as DuckDB and as Parquet."""
