with int_online_retail__products as (

    select
        product_key,
        'online_retail' as source,
        min(product_id) as product_id,
        cast(null as string) as category,
        cast(null as string) as subcategory,
        cast(null as string) as brand
    from {{ ref('int_online_retail__order_lines') }}
    group by product_key

)

select * from int_online_retail__products
