with as_of as (

    select * from {{ ref('int_as_of') }}

),

orders as (

    select
        fct_orders.*,
        as_of.as_of_date,
        -- A delivery counts from the day on which it was known.
        fct_orders.is_successful
        and fct_orders.order_date <= as_of.as_of_date
        and fct_orders.delivered_date <= as_of.as_of_date as is_success,
        fct_orders.order_date > {{ add_days('as_of.as_of_date', '-365') }} as is_within_365d
    from {{ ref('fct_orders') }} as fct_orders
    inner join as_of
        on fct_orders.source = as_of.source
    where cast(fct_orders.basket_created_at as date) <= as_of.as_of_date

),

customer_order_totals as (

    select
        customer_key,
        min(source) as source,
        min(as_of_date) as as_of_date,
        count(*) filter (where order_date <= as_of_date) as order_count,
        count(*) filter (where is_success) as successful_order_count,
        -- Charged nothing and delivered only later: as of the day it was a cancelled order.
        count(*) filter (
            where order_date <= as_of_date
            and (is_cancelled or (charged_amount = 0 and delivered_date > as_of_date))
        ) as cancelled_order_count,
        count(*) filter (where is_success and has_promo) as promo_order_count,
        count(*) filter (where is_success and is_within_365d) as successful_orders_365d,
        cast(sum(basket_value) filter (where is_success) as decimal(18, 4)) as basket_value,
        cast(sum(discount_amount) filter (where is_success) as decimal(18, 4)) as discount_amount,
        cast(sum(own_discount) filter (where is_success) as decimal(18, 4)) as own_discount,
        cast(sum(net_revenue) filter (where is_success) as decimal(18, 4)) as net_revenue,
        cast(sum(cm1) filter (where is_success) as decimal(18, 4)) as cm1,
        cast(sum(cm2) filter (where is_success) as decimal(18, 4)) as cm2,
        cast(sum(net_revenue) filter (where is_success and is_within_365d) as decimal(18, 4))
            as net_revenue_365d,
        cast(sum(cm2) filter (where is_success and is_within_365d) as decimal(18, 4)) as cm2_365d,
        cast(avg(distance_km) filter (where is_success) as decimal(9, 3)) as average_distance_km,
        min(order_date) filter (where is_success) as first_order_date,
        max(order_date) filter (where is_success) as last_order_date,
        max(ordered_at) filter (where is_success) as last_ordered_at
    from orders
    group by customer_key

)

select * from customer_order_totals
