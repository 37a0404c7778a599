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

firsts as (

    select orders.*
    from orders
    inner join first_times
        on
            orders.customer_key = first_times.customer_key
            and orders.counts_as_placed_at = first_times.counts_as_placed_at

),

-- Few have several at the same second, and only these are sorted.
several as (

    select customer_key
    from firsts
    group by customer_key
    having count(*) > 1

),

-- Of several what they say decides, not what they are called.
ranked as (

    select
        firsts.order_key,
        row_number() over (
            partition by firsts.customer_key
            order by
                firsts.ordered_at asc, firsts.delivered_at asc nulls last,
                firsts.basket_value desc, firsts.discount_amount asc nulls last,
                firsts.net_revenue desc, firsts.item_count desc,
                firsts.distance_km asc nulls last, firsts.city asc nulls last,
                firsts.state asc nulls last, firsts.device_class asc nulls last,
                firsts.payment_type asc nulls last, firsts.order_key asc
        ) as order_rank
    from firsts
    inner join several
        on firsts.customer_key = several.customer_key

),

customer_first_orders as (

    select
        firsts.customer_key,
        firsts.order_key,
        firsts.source,
        firsts.city,
        firsts.state,
        firsts.payment_type,
        firsts.sales_channel,
        firsts.device_class,
        firsts.distance_km,
        firsts.line_count,
        firsts.item_count,
        firsts.promo_count,
        firsts.basket_value,
        firsts.delivery_fee,
        firsts.discount_amount,
        firsts.own_discount,
        firsts.refund_amount,
        firsts.net_revenue,
        firsts.cm2,
        firsts.has_promo,
        firsts.order_date,
        firsts.delivered_date,
        greatest(
            {{ add_days('firsts.order_date', number_var('late_delivery_days')) }},
            firsts.delivered_date
        ) as settled_date,
        firsts.as_of_date,
        firsts.ordered_at,
        firsts.delivered_at
    from firsts
    left join ranked
        on firsts.order_key = ranked.order_key
    where coalesce(ranked.order_rank, 1) = 1

)

select * from customer_first_orders
