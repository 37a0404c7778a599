with products as (

    select
        products.product_key,
        windows.window_number,
        windows.learned_from_date,
        windows.learned_until_date
    from {{ ref('dim_products') }} as products
    inner join {{ ref('recommendation_windows') }} as windows
        on products.source = windows.source

),

window_purchases as (

    select
        purchases.customer_key,
        purchases.product_key,
        products.window_number,
        cast(count(*) as integer) as day_count,
        max(purchases.order_date) as last_order_date
    from {{ ref('recent_purchases') }} as purchases
    inner join products
        on
            purchases.product_key = products.product_key
            and purchases.order_date >= products.learned_from_date
            and purchases.known_date <= products.learned_until_date
    group by purchases.customer_key, purchases.product_key, products.window_number

)

select * from window_purchases
