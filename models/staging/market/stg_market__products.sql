with source as (

    select * from {{ source('market', 'product_detail') }}

),

stg_market__products as (

    select
        {{ canonical_id('product_id') }} as product_id,
        {{ canonical_id('mastercategory_id') }} as category,
        {{ canonical_id('subcategory_id') }} as subcategory,
        {{ canonical_id('brand_id') }} as brand,
        count(*) as line_count
    from source
    where {{ canonical_id('product_id') }} is not null
    group by
        {{ canonical_id('product_id') }},
        {{ canonical_id('mastercategory_id') }},
        {{ canonical_id('subcategory_id') }},
        {{ canonical_id('brand_id') }}

)

select * from stg_market__products
