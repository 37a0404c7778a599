{#-
    The first date of a window of days that ends at the as-of date, the earliest over all sources,
    as a literal. It only narrows what is read: an engine can skip row groups by a literal and not
    by a joined value. The model that uses it must still filter by the as-of date of each source,
    and must select from int_as_of, so that the table is there.
-#}
{% macro window_start(days) -%}
    {%- set first_date = var("earliest_date") -%}
    {%- if execute and flags.WHICH in ("build", "run", "test") -%}
        {%- set as_of = ref("int_as_of") -%}
        {%- set found = load_relation(as_of) -%}
        {%- if found -%}
            {%- set answer = run_query("select cast(" ~ add_days("min(as_of_date)", 1 - days) ~ " as string) from " ~ as_of) -%}
            {%- set first_date = answer.rows[0][0] or first_date -%}
        {%- endif -%}
    {%- endif -%}
    {{ return("'" ~ first_date ~ "'") }}
{%- endmacro %}
