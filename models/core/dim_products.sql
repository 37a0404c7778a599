with labels as (

    select
        product_key,
        source,
        category,
        subcategory,
        brand,
        min(product_id) as product_id,
        count(*) as line_count
    from {{ ref('int_order_lines') }}
    group by product_key, source, category, subcategory, brand

),

-- A product that was sold under several labels keeps the one it was sold under most.
ranked as (

    select
        *,
        row_number() over (
            partition by product_key
            order by line_count desc, category, subcategory, brand
        ) as label_rank
    from labels

),

dim_products as (

    select
        product_key,
        source,
        product_id,
        category,
        subcategory,
        brand
    from ranked
    where label_rank = 1

)

select * from dim_products
