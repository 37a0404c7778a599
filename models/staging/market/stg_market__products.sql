with source as (

    select * from {{ source('market', 'product_detail') }}

),

labelled as (

    select
        {{ canonical_id('product_id') }} as product_id,
        {{ canonical_id('mastercategory_id') }} as category,
        {{ canonical_id('subcategory_id') }} as subcategory,
        {{ canonical_id('brand_id') }} as brand,
        {{ canonical_id('order_id') }} as order_id,
        {{ parse_integer('_pos') }} as line_number,
        _ingested_at as ingested_at
    from source
    where {{ canonical_id('product_id') }} is not null

),

label_counts as (

    select
        product_id,
        category,
        subcategory,
        brand,
        count(*) as line_count
    from labelled
    group by product_id, category, subcategory, brand

),

disputed as (

    select product_id from label_counts
    group by product_id
    having count(*) > 1

),

-- A line that was delivered again is one line, and its latest labels count. That matters only where
-- labels differ, so only those lines are made distinct.
disputed_lines as (

    select
        labelled.*,
        row_number() over (
            partition by labelled.order_id, labelled.line_number, labelled.product_id
            order by
                {{ arrival('labelled') }} desc,
                labelled.category desc, labelled.subcategory desc, labelled.brand desc
        ) as version_rank
    from labelled
    inner join disputed
        on labelled.product_id = disputed.product_id

),

stg_market__products as (

    select label_counts.*
    from label_counts
    left join disputed
        on label_counts.product_id = disputed.product_id
    where disputed.product_id is null
    union all
    select
        product_id,
        category,
        subcategory,
        brand,
        count(*) as line_count
    from disputed_lines
    where version_rank = 1
    group by product_id, category, subcategory, brand

)

select * from stg_market__products
