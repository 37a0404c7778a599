with bounds as (

    select
        min(first_order_date) as first_date,
        max(greatest(last_order_date, as_of_date)) as last_date
    from {{ ref('int_as_of') }}

),

days as (

    select
        cast(unnest(generate_series(first_date, last_date, interval 1 day)) as date)
            as calendar_date
    from bounds

),

dim_dates as (

    select
        calendar_date,
        cast(date_trunc('month', calendar_date) as date) as calendar_month,
        cast(extract(year from calendar_date) as integer) as calendar_year,
        cast(extract(isodow from calendar_date) as integer) as weekday_number,
        extract(isodow from calendar_date) >= 6 as is_weekend
    from days

)

select * from dim_dates
