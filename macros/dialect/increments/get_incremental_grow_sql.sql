{#-
    The strategy `grow` of models that grow with the landing zone: what this build has made anew takes
    the place of what it replaces, in one transaction. What is replaced stands in the model's
    `config.meta.grows`:

        new_rows   nothing, all rows are new
        orphans    rows that waited for their order, judged again
        order_key, customer_key
                   the rows of keys that something new was told of (`of_changed`)
        people     rows of the people whom the build has made a row of
        months     months from three before that of `changed_months` on, which windows of 90 days touch
        order_months
                   months from that of `changed_order_months` on
        windows    windows that end in that month or later, and those that are kept no more
        same_rows  rows alike in all columns, of which none is null

    arguments: what dbt hands to a strategy
-#}
{% macro get_incremental_grow_sql(arguments) -%}
    {%- set target = arguments.target_relation -%}
    {%- set columns = get_quoted_csv(arguments.dest_columns | map(attribute="name")) -%}
    {%- set grows = model.config.meta.grows -%}
    {%- if grows == "orphans" %}
    delete from {{ target }} where {{ is_orphan() }};
    {%- elif grows in ["order_key", "customer_key"] %}
    delete from {{ target }}
    where {{ grows }} in (select {{ grows }} from {{ ref(changed_keys(grows)) }});
    {%- elif grows == "people" %}
    delete from {{ target }}
    where customer_key in (select customer_key from {{ arguments.temp_relation }});
    {%- elif grows == "months" %}
    delete from {{ target }}
    using {{ ref("changed_months") }} as changed
    where
        {{ target }}.source = changed.source
        and {{ target }}.calendar_month >= changed.from_month - interval 3 month;
    {%- elif grows == "order_months" %}
    delete from {{ target }}
    using {{ ref("changed_order_months") }} as changed
    where
        {{ target }}.source = changed.source
        and {{ target }}.calendar_month >= changed.from_month;
    {%- elif grows == "windows" %}
    delete from {{ target }}
    where (source, as_of_number) not in (
        select dates.source, dates.as_of_number
        from {{ ref("history_dates") }} as dates
        inner join {{ ref("changed_months") }} as changed
            on dates.source = changed.source
        where dates.is_kept and dates.calendar_month < changed.from_month
    );
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
