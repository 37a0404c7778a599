with as_of as (

    select
        source,
        as_of_date,
        cast(date_trunc('month', as_of_date) as date) as as_of_month
    from {{ ref('int_as_of') }}
    where as_of_date is not null

),

-- From the first thing that is known of anybody, however sparse the first months were.
first_months as (

    select
        customers.source,
        min(months.calendar_month) as first_month
    from {{ ref('customer_order_months') }} as months
    inner join {{ ref('dim_customers') }} as customers
        on months.customer_key = customers.customer_key
    group by customers.source

),

-- The app may have been opened before anybody ordered: as many earlier months as a window of 90
-- days can touch.
months as (

    select
        as_of.source,
        as_of.as_of_date,
        as_of.as_of_month,
        first_months.first_month,
        {{ month_series('first_months.first_month - interval 4 month', 'as_of.as_of_month') }}
            as calendar_month
    from as_of
    inner join first_months
        on as_of.source = first_months.source

),

dated as (

    select
        source,
        calendar_month,
        row_number() over months_of_source as as_of_number,
        count(*) over (partition by source) - row_number() over months_of_source as months_back,
        calendar_month >= first_month
        and calendar_month
        >= cast(as_of_month - interval '{{ number_var("history_months") }}' month as date)
            as is_kept,
        calendar_month = as_of_month as is_current,
        least(last_day(calendar_month), as_of_date) as as_of_date
    from months
    window months_of_source as (partition by source order by calendar_month)

),

history_dates as (

    select
        source,
        calendar_month,
        cast(as_of_number as integer) as as_of_number,
        cast(months_back as integer) as months_back,
        is_kept,
        is_current,
        as_of_date,
        lead(as_of_date, 1) over months_of_source as as_of_date_1,
        lead(as_of_date, 2) over months_of_source as as_of_date_2,
        lead(as_of_date, 3) over months_of_source as as_of_date_3
    from dated
    window months_of_source as (partition by source order by calendar_month)

)

select * from history_dates
