with categories as (

    select
        lines.customer_key,
        lines.source,
        products.category,
        min(greatest(lines.order_date, lines.delivered_date)) as first_known_date
    from {{ ref('fct_order_lines') }} as lines
    inner join {{ ref('recent_sample') }} as customers
        on lines.customer_key = customers.customer_key
    inner join {{ ref('dim_products') }} as products
        on lines.product_key = products.product_key
    where
        lines.is_successful
        and products.is_merchandise
        and products.category is not null
    group by lines.customer_key, lines.source, products.category

),

recent_categories as (

    select
        categories.customer_key,
        dates.lag_days,
        cast(count(*) as integer) as category_count
    from categories
    inner join {{ ref('recent_dates') }} as dates
        on
            categories.source = dates.source
            and categories.first_known_date <= dates.as_of_date
    group by categories.customer_key, dates.lag_days

)

select * from recent_categories
