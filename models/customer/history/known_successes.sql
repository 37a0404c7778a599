with known_successes as (

    select
        orders.customer_key,
        orders.order_key,
        orders.source,
        orders.city,
        orders.state,
        orders.payment_type,
        orders.sales_channel,
        orders.device_class,
        orders.distance_km,
        orders.line_count,
        orders.item_count,
        orders.promo_count,
        orders.lines_value,
        orders.basket_value,
        orders.delivery_fee,
        orders.discount_amount,
        orders.own_discount,
        orders.refund_amount,
        orders.net_revenue,
        orders.cm2,
        orders.has_promo,
        orders.order_date,
        orders.delivered_date,
        -- A success is known from its delivery.
        greatest(orders.order_date, orders.delivered_date) as known_date,
        as_of.as_of_date,
        orders.ordered_at,
        orders.delivered_at
    from {{ ref('fct_orders') }} as orders
    inner join {{ ref('int_as_of') }} as as_of
        on orders.source = as_of.source
    where
        orders.is_successful
        and orders.customer_key is not null
        and orders.order_date <= as_of.as_of_date
        and orders.delivered_date <= as_of.as_of_date

)

select * from known_successes
