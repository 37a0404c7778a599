"""Production around the dbt project: one folder that holds what is served, and how it came about."""
