-- An order that arrives very late is looked at as if it had been placed `late_delivery_days` before
-- it arrived: else news of an old order could replace a first order that was judged long ago.
with orders as (

    select
        *,
        greatest(
            ordered_at,
            delivered_at - interval '{{ number_var("late_delivery_days") }}' day
        ) as counts_as_placed_at
    from {{ ref('known_successes') }}

),

first_times as (

    select
        customer_key,
        min(counts_as_placed_at) as counts_as_placed_at
    from orders
    group by customer_key

),

-- Of several at the same second what they say decides, not what they are called.
ranked as (

    select
        orders.*,
        row_number() over (
            partition by orders.customer_key
            order by
                orders.ordered_at asc, orders.delivered_at asc nulls last,
                orders.basket_value desc, orders.discount_amount asc nulls last,
                orders.net_revenue desc, orders.item_count desc,
                orders.distance_km asc nulls last, orders.city asc nulls last,
                orders.state asc nulls last, orders.device_class asc nulls last,
                orders.payment_type asc nulls last, orders.order_key asc
        ) as order_rank
    from orders
    inner join first_times
        on
            orders.customer_key = first_times.customer_key
            and orders.counts_as_placed_at = first_times.counts_as_placed_at

),

customer_first_orders as (

    select
        customer_key,
        order_key,
        source,
        city,
        state,
        payment_type,
        sales_channel,
        device_class,
        distance_km,
        line_count,
        item_count,
        promo_count,
        basket_value,
        delivery_fee,
        discount_amount,
        own_discount,
        refund_amount,
        net_revenue,
        cm2,
        has_promo,
        order_date,
        delivered_date,
        greatest(
            {{ add_days('order_date', number_var('late_delivery_days')) }}, delivered_date
        ) as settled_date,
        as_of_date,
        ordered_at,
        delivered_at
    from ranked
    where order_rank = 1

)

select * from customer_first_orders
