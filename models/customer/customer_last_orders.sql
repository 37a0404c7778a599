with orders as (

    select
        orders.customer_key,
        orders.order_key,
        orders.city,
        orders.state,
        orders.device_class,
        orders.payment_type,
        orders.basket_value
    from {{ ref('fct_orders') }} as orders
    inner join {{ ref('customer_order_totals') }} as totals
        on
            orders.customer_key = totals.customer_key
            and orders.ordered_at = totals.last_ordered_at
            and orders.delivered_date <= totals.as_of_date
    where orders.is_successful

),

-- Of several at the same second what they say decides, not what they are called.
ranked as (

    select
        *,
        row_number() over (
            partition by customer_key
            order by
                basket_value desc, city asc, state asc, device_class asc, payment_type asc,
                order_key asc
        ) as order_rank
    from orders

),

customer_last_orders as (

    select
        customer_key,
        order_key as last_order_key,
        city,
        state,
        device_class,
        payment_type
    from ranked
    where order_rank = 1

)

select * from customer_last_orders
