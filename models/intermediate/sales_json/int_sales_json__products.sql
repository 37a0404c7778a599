with int_sales_json__products as (

    select
        product_key,
        'sales_json' as source,
        min(product_id) as product_id,
        cast(null as string) as category,
        cast(null as string) as subcategory,
        cast(null as string) as brand
    from {{ ref('int_sales_json__order_lines') }}
    group by product_key

)

select * from int_sales_json__products
