with products as (

    select * from {{ ref('int_labelled_products') }}

),

last_products as (

    select * from {{ as_of_last_build('int_labelled_products') }}

),

int_changed_products as (

    select
        coalesce(products.product_key, last_products.product_key) as product_key,
        products.category is distinct from last_products.category
        or products.is_merchandise is distinct from last_products.is_merchandise
            as has_other_category,
        products.margin_rate is distinct from last_products.margin_rate as has_other_margin
    from products
    full outer join last_products
        on products.product_key = last_products.product_key
    where
        {{ 'true' if is_increment() else 'false' }}
        and (has_other_category or has_other_margin)

)

select * from int_changed_products
