with categories as (

    select
        lines.order_key,
        products.category
    from {{ ref('fct_order_lines') }} as lines
    inner join {{ ref('customer_first_orders') }} as first_orders
        on lines.order_key = first_orders.order_key
    inner join {{ ref('dim_products') }} as products
        on lines.product_key = products.product_key
    where
        products.category is not null
        and products.is_merchandise
    group by lines.order_key, products.category

),

first_order_categories as (

    select
        order_key,
        cast(count(*) as integer) as category_count
    from categories
    group by order_key

)

select * from first_order_categories
