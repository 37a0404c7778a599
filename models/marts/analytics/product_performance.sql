with as_of as (

    select
        source,
        min(as_of_date) as as_of_date
    from {{ ref('known_orders') }}
    group by source

),

lines as (

    select
        lines.order_key,
        lines.customer_key,
        lines.product_key,
        lines.quantity,
        lines.line_value,
        cast(date_trunc('month', lines.order_date) as date) as calendar_month
    from {{ ref('fct_order_lines') }} as lines
    inner join as_of
        on lines.source = as_of.source
    where
        lines.is_successful
        and lines.order_date <= as_of.as_of_date
        and lines.delivered_date <= as_of.as_of_date

),

-- First to orders, then to customers, then to products: to count orders and customers apart in one
-- step would cost twice as much. A product's key says its source.
orders as (

    select
        order_key,
        product_key,
        min(customer_key) as customer_key,
        min(calendar_month) as calendar_month,
        sum(quantity) as piece_count,
        cast(sum(line_value) as decimal(18, 4)) as line_value
    from lines
    group by order_key, product_key

),

customers as (

    select
        product_key,
        customer_key,
        calendar_month,
        count(*) as order_count,
        sum(piece_count) as piece_count,
        cast(sum(line_value) as decimal(18, 4)) as line_value
    from orders
    group by product_key, customer_key, calendar_month

),

-- Orders that name nobody have no customer to count.
totals as (

    select
        product_key,
        calendar_month,
        sum(piece_count) as piece_count,
        sum(order_count) as order_count,
        count(customer_key) as customer_count,
        sum(line_value) as line_value
    from customers
    group by product_key, calendar_month

),

named as (

    select
        products.product_id,
        products.source,
        products.category,
        products.brand,
        products.is_merchandise,
        totals.*,
        as_of.as_of_date
    from totals
    inner join {{ ref('dim_products') }} as products
        on totals.product_key = products.product_key
    inner join as_of
        on products.source = as_of.source

),

-- Postage and fees are no best sellers. Equals share a rank.
product_performance as (

    select
        product_key,
        source,
        product_id,
        category,
        brand,
        cast(piece_count as bigint) as piece_count,
        cast(order_count as bigint) as order_count,
        customer_count,
        cast(line_value as decimal(38, 4)) as line_value,
        {%- for column, name in [('piece_count', 'piece_rank'), ('line_value', 'value_rank')] %}
        cast(
            case
                when is_merchandise
                    then rank() over (
                        partition by source, calendar_month, is_merchandise
                        order by {{ column }} desc
                    )
            end as integer
        ) as {{ name }},
        {%- endfor %}
        is_merchandise,
        last_day(calendar_month) < as_of_date as is_complete,
        calendar_month,
        as_of_date
    from named

)

select * from product_performance
