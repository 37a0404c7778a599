with fct_ratings as (

    select
        {{ hash_key([
            "ratings.source", "cast(ratings.order_key as string)", "ratings.rating_id"
        ]) }} as rating_key,
        ratings.order_key,
        orders.customer_key,
        ratings.source,
        ratings.rating_reason,
        ratings.rating,
        ratings.is_skipped,
        cast(ratings.rated_at as date) as rated_date,
        ratings.rated_at
    from {{ of_changed(ref('int_ratings'), 'order_key') }} as ratings
    inner join {{ of_changed(ref('fct_orders'), 'order_key') }} as orders
        on ratings.order_key = orders.order_key

)

select * from fct_ratings
