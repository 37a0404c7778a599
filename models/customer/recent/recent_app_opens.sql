-- A source that has sent no app opens by a date says nothing about them: no row, not zero.
with first_opens as (

    select
        source,
        cast(min(opened_at) as date) as first_open_date
    from {{ ref('fct_app_opens') }}
    group by source

),

told as (

    select
        customers.customer_key,
        customers.source,
        dates.lag_days,
        dates.as_of_date
    from {{ ref('recent_sample') }} as customers
    inner join {{ ref('recent_dates') }} as dates
        on customers.source = dates.source
    inner join first_opens
        on
            dates.source = first_opens.source
            and dates.as_of_date >= first_opens.first_open_date

),

opens as (

    select
        app_opens.customer_key,
        cast(app_opens.opened_at as date) as open_date
    from {{ ref('fct_app_opens') }} as app_opens
    inner join {{ ref('recent_sample') }} as customers
        on app_opens.customer_key = customers.customer_key

),

recent_app_opens as (

    select
        told.customer_key,
        told.lag_days,
        cast(
            count(opens.open_date) filter (
                where {{ days_between('opens.open_date', 'told.as_of_date') }} < 30
            ) as integer
        ) as app_opens_30d,
        cast(
            count(opens.open_date) filter (
                where {{ days_between('opens.open_date', 'told.as_of_date') }} < 90
            ) as integer
        ) as app_opens_90d
    from told
    left join opens
        on
            told.customer_key = opens.customer_key
            and told.as_of_date >= opens.open_date
    group by told.customer_key, told.lag_days

)

select * from recent_app_opens
