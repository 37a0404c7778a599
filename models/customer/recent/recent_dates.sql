{%- set lags = [0, 1, 7, 14, 30] -%}
with lags as (
    {% for days in lags %}
    select {{ days }} as lag_days
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

recent_dates as (

    select
        as_of.source,
        lags.lag_days,
        {{ add_days('as_of.as_of_date', '-lags.lag_days') }} as as_of_date
    from {{ ref('int_as_of') }} as as_of
    cross join lags
    where as_of.as_of_date is not null

)

select * from recent_dates
