{#-
    Snapshots on Spark, in the place of dbt-spark's materialization, which asks for Delta, Iceberg or
    Hudi. Tables of those formats are merged into as it does; a table of Parquet is written anew, with
    the rows that end today and those that begin, and takes the old one's place.
-#}
{% materialization snapshot, adapter='spark' %}
    {%- set file_format = config.get("file_format") or "parquet" -%}
    {%- set exists, target_relation = get_or_create_relation(
        database=none, schema=model.schema, identifier=model.alias, type="table"
    ) -%}
    {%- if not target_relation.is_table -%}
        {%- do exceptions.relation_wrong_type(target_relation, "table") -%}
    {%- endif -%}
    {{ run_hooks(pre_hooks) }}
    {%- set strategy = strategy_dispatch(config.get("strategy"))(
        model, "snapshotted_data", "source_data", model["config"], exists
    ) -%}
    {%- if exists -%}
        {%- set columns = config.get("snapshot_table_column_names") or get_snapshot_table_column_names() -%}
        {%- do adapter.valid_snapshot_target(target_relation, columns) -%}
        {%- set changes = spark_build_snapshot_staging_table(strategy, sql, target_relation) -%}
        {%- do create_columns(target_relation, adapter.get_missing_columns(changes, target_relation)
            | rejectattr("name", "in", ["dbt_change_type", "dbt_unique_key"]) | list) -%}
        {%- if file_format in ["delta", "iceberg", "hudi"] -%}
            {%- set final_sql = snapshot_merge_sql(target_relation, changes, []) -%}
        {%- else -%}
            {%- set final_sql = spark_snapshot_rewrite(target_relation, changes, columns) -%}
        {%- endif -%}
    {%- else -%}
        {%- set final_sql = create_table_as(
            False, target_relation, build_snapshot_table(strategy, model["compiled_code"])
        ) -%}
    {%- endif -%}
    {%- call statement("main") -%}
        {{ final_sql }}
    {%- endcall -%}
    {%- if changes is defined -%}
        {%- do post_snapshot(changes) -%}
    {%- endif -%}
    {%- do persist_docs(target_relation, model) -%}
    {{ run_hooks(post_hooks) }}
    {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}

{#-
    Writes a snapshot's table anew and returns the last statement of doing so.
    target: the snapshot's table
    changes: rows that begin (insert), and rows of the table that end (update, delete)
    columns: how the snapshot's own columns are named
-#}
{% macro spark_snapshot_rewrite(target, changes, columns) -%}
    {%- set new_rows -%}
        select
            {%- for column in adapter.get_columns_in_relation(target) %}
            {%- if column.name == columns.dbt_valid_to %}
            coalesce(kept.{{ column.name }}, ended.{{ column.name }}) as {{ column.name }}
            {%- else %}
            kept.{{ column.quoted }}
            {%- endif %}{{ "," if not loop.last }}
            {%- endfor %}
        from {{ target }} as kept
        left join {{ changes }} as ended
            on
                kept.{{ columns.dbt_scd_id }} = ended.{{ columns.dbt_scd_id }}
                and ended.dbt_change_type in ('update', 'delete')
        union all
        select {{ adapter.get_columns_in_relation(target) | map(attribute="quoted") | join(", ") }}
        from {{ changes }}
        where dbt_change_type = 'insert'
    {%- endset -%}
    {{ return(spark_replace_table(target, new_rows)) }}
{%- endmacro %}
