with products as (

    select * from {{ ref('int_labelled_products') }}

),

last_products as (

    select * from {{ as_of_last_build('int_labelled_products') }}

),

compared as (

    select
        coalesce(products.product_key, last_products.product_key) as product_key,
        (
            coalesce(products.category, '') <> coalesce(last_products.category, '')
            or coalesce(products.is_merchandise, false)
            <> coalesce(last_products.is_merchandise, false)
        ) as has_other_category,
        coalesce(products.margin_rate, -1) <> coalesce(last_products.margin_rate, -1)
            as has_other_margin
    from products
    full outer join last_products
        on products.product_key = last_products.product_key

),

int_changed_products as (

    select * from compared
    where
        {{ 'true' if is_increment() else 'false' }}
        and (has_other_category or has_other_margin)

)

select * from int_changed_products
