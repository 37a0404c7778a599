{#- Whole days from one date to another (end minus start); times must be cast to dates first. -#}
{% macro days_between(start_date, end_date) -%}
    {{ return(adapter.dispatch('days_between', 'clientele')(start_date, end_date)) }}
{%- endmacro %}

{% macro default__days_between(start_date, end_date) -%}
    date_diff('day', {{ start_date }}, {{ end_date }})
{%- endmacro %}

{#- The date that lies a number of days after a date (before it, where negative). -#}
{% macro add_days(date, days) -%}
    {{ return(adapter.dispatch('add_days', 'clientele')(date, days)) }}
{%- endmacro %}

{% macro default__add_days(date, days) -%}
    ({{ date }} + {{ days }})
{%- endmacro %}

{#- Whole seconds from one time to another (end minus start). -#}
{% macro seconds_between(start_time, end_time) -%}
    {{ return(adapter.dispatch('seconds_between', 'clientele')(start_time, end_time)) }}
{%- endmacro %}

{% macro default__seconds_between(start_time, end_time) -%}
    date_diff('second', {{ start_time }}, {{ end_time }})
{%- endmacro %}

{#- The first days of the months from one month to another, both given by a day, one row each. -#}
{% macro month_series(first_date, last_date) -%}
    {{ return(adapter.dispatch('month_series', 'clientele')(first_date, last_date)) }}
{%- endmacro %}

{% macro default__month_series(first_date, last_date) -%}
    cast(unnest(generate_series(
        cast(date_trunc('month', {{ first_date }}) as timestamp),
        cast({{ last_date }} as timestamp),
        interval 1 month
    )) as date)
{%- endmacro %}
