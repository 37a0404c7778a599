{#-
    The strategy `grow` of models that grow with the landing zone: what this build has made anew takes
    the place of what it replaces, in one transaction. What is replaced stands in the model's
    `config.meta.grows`:

        new_rows   nothing, all rows are new
        orphans    rows that waited for their order, judged again
        order_key  the rows of `int_changed_orders`
        same_rows  rows alike in all columns, of which none is null

    arguments: what dbt hands to a strategy
-#}
{% macro get_incremental_grow_sql(arguments) -%}
    {%- set target = arguments.target_relation -%}
    {%- set columns = get_quoted_csv(arguments.dest_columns | map(attribute="name")) -%}
    {%- set grows = model.config.meta.grows -%}
    {%- if grows == "orphans" %}
    delete from {{ target }} where {{ is_orphan() }};
    {%- elif grows == "order_key" %}
    delete from {{ target }}
    where order_key in (select order_key from {{ ref("int_changed_orders") }});
    {%- elif grows == "same_rows" %}
    delete from {{ target }}
    using {{ arguments.temp_relation }} as made
    where
        {%- for column in arguments.dest_columns %}
        {{ target }}.{{ column.name }} = made.{{ column.name }}{{ " and" if not loop.last }}
        {%- endfor %};
    {%- endif %}
    insert into {{ target }} ({{ columns }})
    select {{ columns }} from {{ arguments.temp_relation }}
{%- endmacro %}

{#- Whether a staged row waits for its order. -#}
{% macro is_orphan() -%}
    coalesce('orphan' in string_split(reject_reasons, ';'), false)
{%- endmacro %}
