{#-
    On an engine that cannot read a landing zone by a source's `external_location`: a schema for each
    source and in it a view for each of its raw tables, made before the first model.
-#}
{% macro source_views() -%}
    {{ return(adapter.dispatch('source_views', 'clientele')()) }}
{%- endmacro %}

{% macro default__source_views() -%}
{%- endmacro %}

{% macro spark__source_views() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'test', 'snapshot') -%}
        {%- for source in graph.sources.values() -%}
            {%- do run_query("create schema if not exists " ~ source.schema) -%}
            {%- do run_query(spark__source_view(source)) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#-
    The view of one raw table over its Parquet files, wherever below the source's folder they lie,
    with the columns that DuckDB's reader gives: those that only loaded files have, the file's name
    and the row in it, counted from 0.
    source: its node in the graph
-#}
{% macro spark__source_view(source) -%}
    {%- set folders = "{name,*/name,*/*/name}" | replace("name", source.name) -%}
    {%- set files = "parquet.`" ~ checked_var("landing") ~ "/" ~ source.source_name ~ "/" ~ folders ~ "/*.parquet`" -%}
    {%- set known = run_query("select * from " ~ files ~ " limit 0").column_names -%}
    {%- set loaded = {
        "_file": "string", "_record": "bigint", "_ingested_at": "timestamp",
        "_reject_reasons": "string", "_raw_text": "string",
    } -%}
    {%- set known_by = checked_var("known_by") | string -%}
    create or replace view {{ source.schema }}.{{ source.identifier }} as
    with landed as (
        select
            *,
            {%- for column, data_type in loaded.items() if column not in known %}
            cast(null as {{ data_type }}) as {{ column }},
            {%- endfor %}
            _metadata.file_path as filename,
            _metadata.row_index as file_row_number
        from {{ files }}
    )
    select * from landed
    {%- if known_by %}
    where coalesce(_ingested_at <= timestamp '{{ known_by }}{{ " 23:59:59.999999" if known_by | length == 10 }}', true)
    {%- endif %}
{%- endmacro %}
