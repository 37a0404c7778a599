{%- set horizons = quality_horizons() -%}
-- Only what had been delivered when a horizon matured: an outcome that is known stays as it is.
-- Until then the counts are what is known so far.
-- Successes come from the orders, not from known_successes: behind its join with the as-of date
-- DuckDB guesses a thousandth of them, and hashes all orders where it could hash the customers.
with orders as (

    select
        first_orders.customer_key,
        orders.cm2,
        {%- for horizon in horizons %}
        orders.ordered_at <= first_orders.ordered_at + interval '{{ horizon }}' day
        and orders.delivered_date
        <= {{ add_days('first_orders.order_date', outcome_days(horizon)) }}
            as is_within_{{ horizon }}d,
        {%- endfor %}
        orders.ordered_at > first_orders.ordered_at + interval '24' hour as is_repeat,
        first_orders.as_of_date
    from {{ ref('fct_orders') }} as orders
    inner join {{ ref('customer_first_orders') }} as first_orders
        on orders.customer_key = first_orders.customer_key
    where
        orders.is_successful
        and orders.order_date <= first_orders.as_of_date
        and orders.delivered_date <= first_orders.as_of_date
        and orders.ordered_at >= first_orders.ordered_at
        and orders.ordered_at
        <= first_orders.ordered_at + interval '{{ horizons | max }}' day

),

customer_outcomes as (

    select
        customer_key,
        {%- for horizon in horizons %}
        cast(count(*) filter (where is_repeat and is_within_{{ horizon }}d) as integer)
            as repeat_orders_{{ horizon }}d,
        {%- endfor %}
        {%- for horizon in horizons %}
        cast(coalesce(sum(cm2) filter (where is_within_{{ horizon }}d), 0) as decimal(18, 4))
            as cm2_{{ horizon }}d,
        {%- endfor %}
        as_of_date
    from orders
    group by customer_key, as_of_date

)

select * from customer_outcomes
