"""Production around the dbt project: a folder that holds what is served, and how it came about."""
