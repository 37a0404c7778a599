-- Eight weeks and a day: the last known day, and what is usual on its weekday and in a week.
with as_of as (

    select * from {{ ref('int_as_of') }}

),

orders as (

    select
        source,
        'orders' as volume,
        order_date as volume_date,
        count(*) as row_count,
        sum(net_revenue) filter (where is_known_success) as net_revenue
    from {{ ref('known_orders') }}
    where order_date >= {{ add_days('as_of_date', -56) }}
    group by source, order_date

),

app_opens as (

    select
        opens.source,
        'app_opens' as volume,
        cast(opens.opened_at as date) as volume_date,
        count(*) as row_count,
        cast(null as decimal(38, 4)) as net_revenue
    from {{ ref('fct_app_opens') }} as opens
    inner join as_of
        on
            opens.source = as_of.source
            and opens.opened_at >= {{ add_days('as_of.as_of_date', -56) }}
            and opens.opened_at < {{ add_days('as_of.as_of_date', 1) }}
    group by opens.source, cast(opens.opened_at as date)

),

volumes as (

    select * from orders
    union all
    select * from app_opens

),

daily_volumes as (

    select
        volumes.source,
        volumes.volume,
        cast({{ days_between('volumes.volume_date', 'as_of.as_of_date') }} as integer) as days_ago,
        volumes.row_count,
        cast(volumes.net_revenue as decimal(38, 4)) as net_revenue,
        volumes.volume_date,
        as_of.first_order_date <= {{ add_days('as_of.as_of_date', -56) }} as has_eight_weeks
    from volumes
    inner join as_of
        on volumes.source = as_of.source

)

select * from daily_volumes
