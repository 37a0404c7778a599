-- An order is of one month, so orders add up over months; customers do not.
with totals as (

    select
        product_key,
        source,
        product_id,
        category,
        brand,
        sum(piece_count) as piece_count,
        sum(order_count) as order_count,
        sum(line_value) as line_value,
        is_merchandise,
        min(calendar_month) as first_month,
        max(calendar_month) as last_month,
        as_of_date
    from {{ ref('product_performance') }}
    group by product_key, source, product_id, category, brand, is_merchandise, as_of_date

),

best_sellers as (

    select
        product_key,
        source,
        product_id,
        category,
        brand,
        cast(piece_count as bigint) as piece_count,
        cast(order_count as bigint) as order_count,
        cast(line_value as decimal(38, 4)) as line_value,
        {%- for column, name in [('piece_count', 'piece_rank'), ('line_value', 'value_rank')] %}
        cast(
            rank() over (
                partition by source
                order by {{ column }} desc
            ) as integer
        ) as {{ name }},
        {%- endfor %}
        {{ to_decimal(
            'cast(line_value as double) / nullif(sum(line_value) over (partition by source), 0)',
            18, 6
        ) }}
            as line_value_share,
        first_month,
        last_month,
        as_of_date
    from totals
    where is_merchandise

)

select * from best_sellers
