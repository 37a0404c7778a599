with first_orders as (

    select * from {{ ref('customer_first_orders') }}
    where city is not null

),

-- A customer is counted from the day on which no later news can change the first order, and is
-- looked up by those whose first order is of a later day.
events as (

    select
        source,
        city,
        settled_date as event_date,
        1 as event_order,
        count(*) as customer_count
    from first_orders
    group by source, city, settled_date
    union all
    select
        source,
        city,
        order_date as event_date,
        0 as event_order,
        0 as customer_count
    from first_orders
    group by source, city, order_date

),

running as (

    select
        source,
        city,
        event_date,
        event_order,
        sum(customer_count) over (
            partition by source, city
            order by event_date asc, event_order asc
            rows between unbounded preceding and current row
        ) as city_size
    from events

),

city_sizes as (

    select
        source,
        city,
        event_date as first_order_date,
        cast(city_size as integer) as city_size
    from running
    where event_order = 0

)

select * from city_sizes
