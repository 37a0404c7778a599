with named as (

    select
        months.*,
        products.product_id,
        products.category,
        products.brand,
        products.is_merchandise,
        as_of.as_of_date
    from {{ ref('product_months') }} as months
    inner join {{ ref('dim_products') }} as products
        on months.product_key = products.product_key
    inner join {{ ref('int_as_of') }} as as_of
        on months.source = as_of.source

),

-- Postage and fees are no best sellers. Equals share a rank.
ranked as (

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
