with orders as (

    select
        orders.customer_key,
        orders.source,
        orders.order_date,
        lag(orders.order_date) over (
            partition by orders.customer_key
            order by orders.order_date
        ) as previous_order_date
    from {{ ref('fct_orders') }} as orders
    inner join {{ ref('int_as_of') }} as as_of
        on orders.source = as_of.source
    where
        orders.is_successful
        and orders.order_date <= as_of.as_of_date
        and orders.delivered_date <= as_of.as_of_date

),

gaps as (

    select
        customer_key,
        source,
        {{ days_between('previous_order_date', 'order_date') }} as gap_days
    from orders
    where previous_order_date is not null

),

usual_gaps as (

    select
        source,
        median(gap_days) as median_gap_days
    from gaps
    group by source

),

customer_gaps as (

    select
        customer_key,
        source,
        count(*) as gap_count,
        sum(gap_days) as gap_days
    from gaps
    group by customer_key, source

),

customer_cadence as (

    select
        customers.customer_key,
        cast(coalesce(customer_gaps.gap_count, 0) as integer) as gap_count,
        -- A customer with few gaps is taken to be like the others: two usual gaps are added.
        cast(
            (coalesce(customer_gaps.gap_days, 0) + 2 * usual_gaps.median_gap_days)
            / (coalesce(customer_gaps.gap_count, 0) + 2)
            as decimal(9, 2)
        ) as expected_gap_days
    from {{ ref('customer_order_totals') }} as customers
    left join customer_gaps
        on customers.customer_key = customer_gaps.customer_key
    left join usual_gaps
        on customers.source = usual_gaps.source
    where customers.successful_order_count > 0

)

select * from customer_cadence
