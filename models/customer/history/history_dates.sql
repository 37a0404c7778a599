with as_of as (

    select
        source,
        as_of_date,
        cast(date_trunc('month', as_of_date) as date) as as_of_month,
        cast(date_trunc('month', first_order_date) as date) as first_month
    from {{ ref('int_as_of') }}
    where as_of_date is not null

),

calendar_months as (

    select distinct calendar_month from {{ ref('dim_dates') }}

),

-- The app may have been opened before anybody ordered: as many earlier months as a window of 90
-- days can touch.
lead_months as (
    {% for months in range(1, 5) %}
    select
        source,
        cast(first_month - interval {{ months }} month as date) as calendar_month
    from as_of
    union all
    {% endfor %}
    select
        as_of.source,
        calendar_months.calendar_month
    from as_of
    inner join calendar_months
        on calendar_months.calendar_month between as_of.first_month and as_of.as_of_month

),

dated as (

    select
        months.source,
        months.calendar_month,
        row_number() over (partition by months.source order by months.calendar_month)
            as as_of_number,
        row_number() over (partition by months.source order by months.calendar_month desc) - 1
            as months_back,
        months.calendar_month >= as_of.first_month as has_orders,
        least(last_day(months.calendar_month), as_of.as_of_date) as as_of_date
    from lead_months as months
    inner join as_of
        on months.source = as_of.source

),

history_dates as (

    select
        source,
        calendar_month,
        cast(as_of_number as integer) as as_of_number,
        has_orders and months_back <= {{ number_var('history_months') }} as is_kept,
        months_back = 0 as is_current,
        as_of_date,
        lead(as_of_date, 1) over months_of_source as as_of_date_1,
        lead(as_of_date, 2) over months_of_source as as_of_date_2,
        lead(as_of_date, 3) over months_of_source as as_of_date_3
    from dated
    window months_of_source as (partition by source order by calendar_month)

)

select * from history_dates
