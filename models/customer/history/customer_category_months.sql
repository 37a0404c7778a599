with products as (

    select
        products.product_key,
        categories.category_number
    from {{ ref('dim_products') }} as products
    inner join {{ ref('category_numbers') }} as categories
        on
            products.source = categories.source
            and products.category = categories.category
    where products.is_merchandise

),

category_months as (

    select
        lines.customer_key,
        products.category_number,
        cast(date_trunc('month', greatest(lines.order_date, lines.delivered_date)) as date)
            as calendar_month,
        sum(lines.line_value) as line_value
    from {{ of_changed(ref('fct_order_lines'), 'customer_key') }} as lines
    inner join products
        on lines.product_key = products.product_key
    inner join {{ ref('int_as_of') }} as as_of
        on lines.source = as_of.source
    where
        lines.is_successful
        and lines.customer_key is not null
        and lines.order_date <= as_of.as_of_date
        and lines.delivered_date <= as_of.as_of_date
    group by lines.customer_key, products.category_number, calendar_month

),

to_date as (

    select
        customer_key,
        calendar_month,
        category_number,
        row_number() over category_of_customer as month_number,
        cast(10000 * sum(line_value) over category_of_customer as bigint) as value_to_date
    from category_months
    window category_of_customer as (
        partition by customer_key, category_number
        order by calendar_month
        rows between unbounded preceding and current row
    )

),

-- What a customer has spent on a category never falls, so the favourite of a month is the greatest
-- value to date up to it, and a running maximum finds it. Value and category travel as one number.
customer_category_months as (

    select
        customer_key,
        calendar_month,
        cast(count(*) filter (where month_number = 1) as integer) as new_category_count,
        max(value_to_date) as top_category_value,
        cast(
            max(
                cast(value_to_date as decimal(19, 0)) * cast(100000 as decimal(6, 0))
                + category_number
            ) as decimal(26, 0)
        ) as top_category_rank
    from to_date
    group by customer_key, calendar_month

)

select * from customer_category_months
