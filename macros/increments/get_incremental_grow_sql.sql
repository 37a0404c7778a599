{#-
    The strategy `grow` of models that grow with the landing zone: what this build has made anew takes
    the place of what it replaces, in one transaction. What is replaced stands in the model's
    `config.meta.grows`:

        new_rows      nothing, all rows are new
        orphans       rows that waited for their order, judged again
        <a column>    rows whose value of the column is among `int_changed_<column>s`
        from_<column> rows from the earliest value of the column on that was made anew

    arguments: what dbt hands to a strategy
-#}
{% macro get_incremental_grow_sql(arguments) -%}
    {%- set target = arguments.target_relation -%}
    {%- set columns = get_quoted_csv(arguments.dest_columns | map(attribute="name")) -%}
    {%- set grows = model.config.meta.grows -%}
    {%- if grows == "orphans" %}
    delete from {{ target }} where {{ is_orphan() }};
    {%- elif grows != "new_rows" %}
    delete from {{ target }} where {{ is_replaced(grows) }};
    {%- endif %}
    insert into {{ target }} ({{ columns }})
    select {{ columns }} from {{ arguments.temp_relation }}
{%- endmacro %}

{#- Whether a staged row waits for its order. -#}
{% macro is_orphan() -%}
    coalesce('orphan' in string_split(reject_reasons, ';'), false)
{%- endmacro %}
