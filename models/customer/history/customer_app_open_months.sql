{%- set changed_months = ref('changed_months') if model.resource_type != 'unit_test' -%}
with opens as (

    select
        app_opens.customer_key,
        app_opens.source,
        cast(date_trunc('month', app_opens.opened_at) as date) as calendar_month,
        cast(app_opens.opened_at as date) as open_date
    from {{ ref('fct_app_opens') }} as app_opens
    inner join {{ ref('int_as_of') }} as as_of
        on app_opens.source = as_of.source
    {%- if is_incremental() %}
    inner join {{ changed_months }} as changed_months
        on
            app_opens.source = changed_months.source
            and app_opens.opened_at >= changed_months.from_month - interval 3 month
    {%- endif %}
    where cast(app_opens.opened_at as date) <= as_of.as_of_date

),

-- Windows end at the as-of date of the opening's month or at one of the next ones: up to the 1st of
-- March, say, 7 days touch two months, 30 days three and 90 days four. Counted here once, the parts
-- are only added up afterwards.
customer_app_open_months as (

    select
        opens.customer_key,
        opens.source,
        opens.calendar_month,
        min(dates.as_of_number) as as_of_number,
        cast(count(*) as integer) as app_open_count,
        {%- for days, months in [(7, 2), (30, 3), (90, 4)] %}
        {%- for month in range(months) %}
        {%- set date = 'dates.as_of_date' ~ ('_' ~ month if month else '') %}
        cast(
            count(*) filter (where {{ days_between('opens.open_date', date) }} < {{ days }})
            as integer
        ) as opens_{{ days }}d_{{ month }},
        {%- endfor %}
        {%- endfor %}
        max(opens.open_date) as last_open_date
    from opens
    left join {{ ref('history_dates') }} as dates
        on
            opens.source = dates.source
            and opens.calendar_month = dates.calendar_month
    group by opens.customer_key, opens.source, opens.calendar_month

)

select * from customer_app_open_months
