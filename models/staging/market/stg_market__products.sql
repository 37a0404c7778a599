-- Counted as written, and made canonical once a set of labels.
with written as (

    select
        product_id as written_product_id,
        mastercategory_id,
        subcategory_id,
        brand_id,
        count(*) as line_count
    from {{ source('market', 'product_detail') }}
    group by product_id, mastercategory_id, subcategory_id, brand_id

),

labelled as (

    select
        {{ canonical_id('written_product_id') }} as product_id,
        {{ canonical_id('mastercategory_id') }} as category,
        {{ canonical_id('subcategory_id') }} as subcategory,
        {{ canonical_id('brand_id') }} as brand,
        line_count
    from written

),

label_counts as (

    select
        product_id,
        category,
        subcategory,
        brand,
        cast(sum(line_count) as bigint) as line_count
    from labelled
    where product_id is not null
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
        disputed.product_id,
        {{ canonical_id('lines.mastercategory_id') }} as category,
        {{ canonical_id('lines.subcategory_id') }} as subcategory,
        {{ canonical_id('lines.brand_id') }} as brand,
        row_number() over (
            partition by
                {{ canonical_id('lines.order_id') }},
                {{ parse_integer('lines._pos') }},
                disputed.product_id
            order by
                coalesce(lines._ingested_at, timestamp '1900-01-01 00:00:00') desc,
                {{ canonical_id('lines.mastercategory_id') }} desc,
                {{ canonical_id('lines.subcategory_id') }} desc,
                {{ canonical_id('lines.brand_id') }} desc
        ) as version_rank
    from {{ source('market', 'product_detail') }} as lines
    inner join disputed
        on {{ canonical_id('lines.product_id') }} = disputed.product_id

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
