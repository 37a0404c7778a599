with categories as (

    select distinct
        source,
        category
    from {{ ref('dim_products') }}
    where
        category is not null
        and is_merchandise

),

-- Backwards, so that of two categories alike in value the first by name has the greater number.
category_numbers as (

    select
        source,
        category,
        cast(row_number() over (partition by source order by category desc) as integer)
            as category_number
    from categories

)

select * from category_numbers
