-- Goods at their price before discounts: what a customer saves is told by promo_share. The lines'
-- own value and not the basket's, which holds items too whose lines are not known.
with orders as (

    select * from {{ ref('known_successes') }}
    where item_count > 0

),

totals as (

    select
        customer_key,
        source,
        sum(item_count) as item_count,
        sum(lines_value) as lines_value
    from orders
    group by customer_key, source

),

-- To the cent, so that the bounds of a band can be read and everybody lies within one.
customer_item_prices as (

    select
        customer_key,
        source,
        cast(item_count as bigint) as item_count,
        {{ to_decimal('cast(lines_value as double) / item_count', 18, 2) }} as average_item_price
    from totals

)

select * from customer_item_prices
