with days as (

    select
        source,
        cast(coalesce(ordered_at, basket_created_at) as date) as order_date,
        count(*) as order_count
    from {{ ref('int_orders') }}
    group by source, order_date

),

int_order_weeks as (

    select
        source,
        order_date,
        sum(order_count) over (
            partition by source
            order by order_date
            range between interval 6 days preceding and current row
        ) as week_order_count
    from days

)

select * from int_order_weeks
