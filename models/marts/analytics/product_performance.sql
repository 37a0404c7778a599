with orders as (

    select * from {{ ref('known_orders') }}
    where is_known_success

),

-- A product may stand on several lines of an order. Distinct counts cost less here than grouping by
-- order first, which would carry pieces and money for each of as many groups as there are lines.
-- Orders that name nobody have no customer to count.
totals as (

    select
        lines.product_key,
        orders.order_month as calendar_month,
        min(orders.as_of_date) as as_of_date,
        sum(lines.quantity) as piece_count,
        count(distinct lines.order_key) as order_count,
        count(distinct orders.customer_key) as customer_count,
        sum(lines.line_value) as line_value
    from {{ ref('fct_order_lines') }} as lines
    inner join orders
        on lines.order_key = orders.order_key
    where lines.is_successful
    group by lines.product_key, orders.order_month

),

named as (

    select
        products.product_id,
        products.source,
        products.category,
        products.brand,
        products.is_merchandise,
        totals.*
    from totals
    inner join {{ ref('dim_products') }} as products
        on totals.product_key = products.product_key

),

-- Postage and fees are no best sellers. Equals share a rank.
ranked as (

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

),

before as (

    select
        *,
        lag(value_rank) over months as earlier_rank,
        lag(calendar_month) over months as earlier_month
    from ranked
    window months as (
        partition by product_key
        order by calendar_month
    )

),

-- A rank of two months ago is none of the month before.
product_performance as (

    select
        product_key,
        source,
        product_id,
        category,
        brand,
        piece_count,
        order_count,
        customer_count,
        line_value,
        piece_rank,
        value_rank,
        case
            when {{ days_between('earlier_month', 'calendar_month') }} <= 31
                then earlier_rank - value_rank
        end as value_rank_change,
        is_merchandise,
        is_complete,
        calendar_month,
        as_of_date
    from before

)

select * from product_performance
