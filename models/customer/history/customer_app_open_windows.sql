{%- set changed_months = ref('changed_months') if model.resource_type != 'unit_test' -%}
with parts as (

    select
        customer_key,
        source,
        as_of_number,
        opens_7d_0 as app_opens_7d,
        opens_30d_0 as app_opens_30d,
        opens_90d_0 as app_opens_90d
    from {{ ref('customer_app_open_months') }}
    {% for month in range(1, 4) %}
    union all

    select
        customer_key,
        source,
        as_of_number + {{ month }} as as_of_number,
        {{ 'opens_7d_1' if month == 1 else '0' }} as app_opens_7d,
        {{ 'opens_30d_' ~ month if month < 3 else '0' }} as app_opens_30d,
        opens_90d_{{ month }} as app_opens_90d
    from {{ ref('customer_app_open_months') }}
    where opens_90d_{{ month }} > 0
    {% endfor %}
),

customer_app_open_windows as (

    select
        parts.customer_key,
        parts.source,
        parts.as_of_number,
        cast(sum(parts.app_opens_7d) as integer) as app_opens_7d,
        cast(sum(parts.app_opens_30d) as integer) as app_opens_30d,
        cast(sum(parts.app_opens_90d) as integer) as app_opens_90d
    from parts
    inner join {{ ref('history_dates') }} as dates
        on
            parts.source = dates.source
            and parts.as_of_number = dates.as_of_number
    {%- if is_incremental() %}
    inner join {{ changed_months }} as changed_months
        on
            dates.source = changed_months.source
            and dates.calendar_month >= changed_months.from_month
    {%- endif %}
    where dates.is_kept
    group by parts.customer_key, parts.source, parts.as_of_number

)

select * from customer_app_open_windows
