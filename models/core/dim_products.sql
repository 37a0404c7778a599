with dim_products as (

    select
        product_key,
        source,
        product_id,
        category,
        subcategory,
        brand,
        is_merchandise
    from {{ ref('int_products') }}

)

select * from dim_products
