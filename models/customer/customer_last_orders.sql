with last_orders as (

    select
        orders.customer_key,
        max(orders.order_key) as order_key
    from {{ ref('fct_orders') }} as orders
    inner join {{ ref('customer_order_totals') }} as totals
        on
            orders.customer_key = totals.customer_key
            and orders.ordered_at = totals.last_ordered_at
    where orders.is_successful
    group by orders.customer_key

),

customer_last_orders as (

    select
        orders.customer_key,
        orders.order_key as last_order_key,
        orders.city,
        orders.state,
        orders.device_class,
        orders.payment_type
    from {{ ref('fct_orders') }} as orders
    inner join last_orders
        on orders.order_key = last_orders.order_key

)

select * from customer_last_orders
