{#-
    The strategy delete+insert on Spark, which dbt-spark does not know, for tables of Parquet, which
    have no delete: what stays and what is new become a new table, which takes the old one's place.
    Kept tables are small, since they hold models and not customers. Between two renamings the table
    is away; a build that is killed just then has left what it was in `<table>__dbt_old`.

    The first two macros replace dbt-spark's of the same name.
-#}
{% macro dbt_spark_validate_get_incremental_strategy(raw_strategy, file_format) -%}
    {%- set known = ["append", "delete+insert", "insert_overwrite", "merge", "microbatch"] -%}
    {%- if raw_strategy not in known -%}
        {{ exceptions.raise_compiler_error(
            "there is no incremental strategy " ~ raw_strategy ~ " on Spark: one of " ~ known | join(", ")
        ) }}
    {%- endif -%}
    {%- if raw_strategy == "merge" and file_format not in ["delta", "iceberg", "hudi"] -%}
        {{ exceptions.raise_compiler_error("merge needs tables of Delta, Iceberg or Hudi") }}
    {%- endif -%}
    {{ return(raw_strategy) }}
{%- endmacro %}

{% macro dbt_spark_get_incremental_sql(strategy, source, target, existing, unique_key, incremental_predicates) -%}
    {%- if strategy == "delete+insert" -%}
        {{ spark_delete_and_insert(source, target, unique_key) }}
    {%- elif strategy == "append" -%}
        {{ get_insert_into_sql(source, target) }}
    {%- elif strategy == "merge" -%}
        {{ get_merge_sql(target, source, unique_key, none, incremental_predicates) }}
    {%- else -%}
        {{ get_insert_overwrite_sql(source, target, existing) }}
    {%- endif -%}
{%- endmacro %}

{#-
    source, target: the new rows and the table that they go into
    unique_key: the columns by which rows of the table are replaced
-#}
{% macro spark_delete_and_insert(source, target, unique_key) -%}
    {%- set keys = [unique_key] if unique_key is string else unique_key -%}
    {%- set columns = adapter.get_columns_in_relation(target) | map(attribute="quoted") | join(", ") -%}
    {%- set rows -%}
        select {{ columns }} from {{ target }} as kept
        left anti join {{ source }} as replacing
            on {% for key in keys %}kept.{{ key }} = replacing.{{ key }}{{ " and " if not loop.last }}{% endfor %}
        union all
        select {{ columns }} from {{ source }}
    {%- endset -%}
    {{ spark_replace_table(target, rows) }}
{%- endmacro %}

{#-
    Puts rows in the place of a table that they are read from, and returns the last statement of it.
    target: the table
    rows: a select, which may read the table
-#}
{% macro spark_replace_table(target, rows) -%}
    {%- set file_format = config.get("file_format") or "parquet" -%}
    {%- set new, old = target ~ "__dbt_new", target ~ "__dbt_old" -%}
    {%- for statement in [
        "drop table if exists " ~ new,
        "drop table if exists " ~ old,
        "create table " ~ new ~ " using " ~ file_format ~ " as " ~ rows,
        "alter table " ~ target ~ " rename to " ~ old,
        "alter table " ~ new ~ " rename to " ~ target,
    ] -%}
        {%- do run_query(statement) -%}
    {%- endfor -%}
    {{ return("drop table if exists " ~ old) }}
{%- endmacro %}
