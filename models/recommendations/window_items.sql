-- A customer who bought thousands of products would have millions of pairs: the latest are enough.
{%- set most_items = 100 %}

with ranked as (

    select
        purchases.customer_key,
        purchases.source,
        purchases.window_number,
        products.product_number,
        row_number() over (
            partition by purchases.customer_key, purchases.window_number
            order by
                purchases.last_order_date desc,
                purchases.order_count desc,
                products.product_number asc
        ) as item_number,
        purchases.order_count,
        purchases.last_order_date
    from {{ ref('window_purchases') }} as purchases
    inner join {{ ref('window_products') }} as products
        on
            purchases.product_key = products.product_key
            and purchases.window_number = products.window_number

),

window_items as (

    select
        customer_key,
        source,
        window_number,
        product_number,
        cast(item_number as integer) as item_number,
        order_count,
        last_order_date
    from ranked
    where item_number <= {{ most_items }}

)

select * from window_items
