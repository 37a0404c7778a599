with category_totals as (

    select
        lines.customer_key,
        products.category,
        sum(lines.line_value) as line_value
    from {{ ref('fct_order_lines') }} as lines
    inner join {{ ref('dim_products') }} as products
        on lines.product_key = products.product_key
    inner join {{ ref('int_as_of') }} as as_of
        on lines.source = as_of.source
    where
        lines.is_successful
        and lines.order_date <= as_of.as_of_date
        and lines.delivered_date <= as_of.as_of_date
        and products.category is not null
    group by lines.customer_key, products.category

),

ranked as (

    select
        *,
        row_number() over (
            partition by customer_key
            order by line_value desc, category asc
        ) as category_rank
    from category_totals

),

customer_categories as (

    select
        customer_key,
        cast(count(*) as integer) as category_count,
        min(case when category_rank = 1 then category end) as favourite_category
    from ranked
    group by customer_key

)

select * from customer_categories
