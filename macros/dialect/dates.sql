{#- Whole days from one date to another (end minus start); times must be cast to dates first. -#}
{% macro days_between(start_date, end_date) -%}
    {{ return(adapter.dispatch('days_between', 'clientele')(start_date, end_date)) }}
{%- endmacro %}

{% macro default__days_between(start_date, end_date) -%}
    date_diff('day', {{ start_date }}, {{ end_date }})
{%- endmacro %}

{% macro spark__days_between(start_date, end_date) -%}
    cast(datediff({{ end_date }}, {{ start_date }}) as bigint)
{%- endmacro %}

{#- The date that lies a number of days after a date (before it, where negative). -#}
{% macro add_days(date, days) -%}
    {{ return(adapter.dispatch('add_days', 'clientele')(date, days)) }}
{%- endmacro %}

{% macro default__add_days(date, days) -%}
    ({{ date }} + {{ days }})
{%- endmacro %}

{% macro spark__add_days(date, days) -%}
    date_add({{ date }}, cast({{ days }} as int))
{%- endmacro %}

{#- Whole seconds from one time to another (end minus start). -#}
{% macro seconds_between(start_time, end_time) -%}
    {{ return(adapter.dispatch('seconds_between', 'clientele')(start_time, end_time)) }}
{%- endmacro %}

{% macro default__seconds_between(start_time, end_time) -%}
    date_diff('second', {{ start_time }}, {{ end_time }})
{%- endmacro %}

{% macro spark__seconds_between(start_time, end_time) -%}
    (
        unix_seconds(cast({{ end_time }} as timestamp))
        - unix_seconds(cast({{ start_time }} as timestamp))
    )
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

{% macro spark__month_series(first_date, last_date) -%}
    {#- A sequence that would run backwards is an error, not empty. #}
    explode(
        case when cast({{ last_date }} as date) >= cast(date_trunc('month', {{ first_date }}) as date)
            then sequence(
                cast(date_trunc('month', {{ first_date }}) as date),
                cast({{ last_date }} as date),
                interval 1 month
            ) end
    )
{%- endmacro %}

{#- The days from one date to another, one row each. -#}
{% macro day_series(first_date, last_date) -%}
    {{ return(adapter.dispatch('day_series', 'clientele')(first_date, last_date)) }}
{%- endmacro %}

{% macro default__day_series(first_date, last_date) -%}
    cast(unnest(generate_series({{ first_date }}, {{ last_date }}, interval 1 day)) as date)
{%- endmacro %}

{% macro spark__day_series(first_date, last_date) -%}
    explode(
        case when {{ last_date }} >= {{ first_date }}
            then sequence({{ first_date }}, {{ last_date }}, interval 1 day) end
    )
{%- endmacro %}

{#- The day of the week of a date, from 1 on Monday to 7 on Sunday. -#}
{% macro iso_weekday(date) -%}
    {{ return(adapter.dispatch('iso_weekday', 'clientele')(date)) }}
{%- endmacro %}

{% macro default__iso_weekday(date) -%}
    extract(isodow from {{ date }})
{%- endmacro %}

{% macro spark__iso_weekday(date) -%}
    extract(dayofweek_iso from {{ date }})
{%- endmacro %}
