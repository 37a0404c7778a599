-- A rating that came after the decision is news of a later day.
with first_order_ratings as (

    select
        ratings.order_key,
        {{ to_decimal('avg(ratings.rating)', 18, 6) }} as rating
    from {{ ref('fct_ratings') }} as ratings
    inner join {{ ref('customer_first_orders') }} as first_orders
        on ratings.order_key = first_orders.order_key
    where
        not ratings.is_skipped
        and ratings.rated_at
        <= first_orders.ordered_at + interval '{{ number_var("decision_days") }}' day
    group by ratings.order_key

)

select * from first_order_ratings
