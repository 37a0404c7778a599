with window_purchases as (

    select
        purchases.customer_key,
        purchases.product_key,
        purchases.source,
        windows.window_number,
        cast(sum(purchases.order_count) as integer) as order_count,
        max(purchases.order_date) as last_order_date
    from {{ ref('recent_purchases') }} as purchases
    inner join {{ ref('recommendation_windows') }} as windows
        on
            purchases.source = windows.source
            and purchases.order_date >= windows.learned_from_date
            and purchases.known_date <= windows.learned_until_date
    group by
        purchases.customer_key, purchases.product_key, purchases.source, windows.window_number

)

select * from window_purchases
