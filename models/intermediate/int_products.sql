with products as (

    {{ union_sources('products') }}

),

non_products as (

    select * from {{ ref('non_product_codes') }}

),

int_products as (

    select
        products.product_key,
        products.source,
        products.product_id,
        coalesce(non_products.kind, products.category) as category,
        products.subcategory,
        products.brand,
        non_products.kind is null as is_merchandise
    from products
    left join non_products
        on
            products.source = non_products.source
            and products.product_id = non_products.product_id

)

select * from int_products
