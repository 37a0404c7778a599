-- A customer who bought thousands of products would have millions of pairs: the latest are enough,
-- and only such customers need to be sorted.
{%- set most_items = 100 %}

with numbered as (

    select
        purchases.customer_key,
        purchases.window_number,
        products.product_number,
        purchases.day_count,
        purchases.last_order_date
    from {{ ref('window_purchases') }} as purchases
    inner join {{ ref('window_products') }} as products
        on
            purchases.product_key = products.product_key
            and purchases.window_number = products.window_number

),

large as (

    select
        customer_key,
        window_number
    from numbered
    group by customer_key, window_number
    having count(*) > {{ most_items }}

),

latest as (

    select
        numbered.*,
        row_number() over (
            partition by numbered.customer_key, numbered.window_number
            order by
                numbered.last_order_date desc, numbered.day_count desc, numbered.product_number asc
        ) as item_number
    from numbered
    inner join large
        on
            numbered.customer_key = large.customer_key
            and numbered.window_number = large.window_number

),

window_items as (

    select numbered.*
    from numbered
    left join large
        on
            numbered.customer_key = large.customer_key
            and numbered.window_number = large.window_number
    where large.customer_key is null
    union all
    select
        customer_key,
        window_number,
        product_number,
        day_count,
        last_order_date
    from latest
    where item_number <= {{ most_items }}

)

select * from window_items
