with labels as (

    select * from {{ ref('stg_market__products') }}

),

-- A product that was sold under several labels keeps the one it was sold under most.
ranked as (

    select
        *,
        row_number() over (
            partition by product_id
            order by
                line_count desc, category asc nulls last, subcategory asc nulls last,
                brand asc nulls last
        ) as label_rank
    from labels

),

int_market__products as (

    select
        {{ hash_key(["'market'", "product_id"]) }} as product_key,
        'market' as source,
        product_id,
        category,
        subcategory,
        brand
    from ranked
    where label_rank = 1

)

select * from int_market__products
