-- An order may have several ratings, each with its own reason.
with orders as (

    select * from {{ ref('known_orders') }}
    where is_known_success

),

order_ratings as (

    select
        ratings.order_key,
        orders.source,
        coalesce(ratings.rating_reason, 'unknown') as rating_reason,
        count(ratings.rating) as rated_count,
        cast(sum(ratings.rating) as bigint) as rating_sum,
        count(*) filter (where ratings.rating <= {{ number_var('low_rating') }}) as low_count,
        count(*) filter (where ratings.is_skipped) as skipped_count,
        min(orders.cm2) as cm2,
        min(orders.as_of_date) as as_of_date
    from {{ ref('fct_ratings') }} as ratings
    inner join orders
        on ratings.order_key = orders.order_key
    where ratings.rated_date <= orders.as_of_date
    group by
        ratings.order_key, orders.source, coalesce(ratings.rating_reason, 'unknown')

)

select * from order_ratings
