with bounds as (

    select
        min(first_order_date) as first_date,
        max(greatest(last_order_date, as_of_date)) as last_date
    from {{ ref('int_as_of') }}

),

days as (

    select
        {{ day_series('first_date', 'last_date') }} as calendar_date
    from bounds

),

dim_dates as (

    select
        calendar_date,
        cast(date_trunc('month', calendar_date) as date) as calendar_month,
        cast(extract(year from calendar_date) as integer) as calendar_year,
        cast({{ iso_weekday('calendar_date') }} as integer) as weekday_number,
        {{ iso_weekday('calendar_date') }} >= 6 as is_weekend
    from days

)

select * from dim_dates
