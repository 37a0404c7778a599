with lines as (

    select * from {{ ref('int_order_lines') }}

),

margins as (

    select * from {{ ref('int_product_margins') }}

),

valued as (

    select
        lines.order_key,
        lines.quantity,
        lines.quantity * lines.unit_price as line_value,
        coalesce(margins.margin_rate, 1) as margin_rate
    from lines
    left join margins
        on lines.product_key = margins.product_key

),

totals as (

    select
        order_key,
        count(*) as line_count,
        sum(quantity) as item_count,
        sum(line_value) as lines_value,
        sum(line_value * margin_rate) as margin_value,
        min(margin_rate) as lowest_margin_rate
    from valued
    group by order_key

),

-- An order whose lines are all free has no weights: the lowest rate is the careful one.
int_order_line_totals as (

    select
        order_key,
        line_count,
        cast(item_count as bigint) as item_count,
        cast(lines_value as decimal(18, 4)) as lines_value,
        {{ to_decimal(
            'coalesce(cast(margin_value as double) / nullif(lines_value, 0), lowest_margin_rate)',
            9, 6
        ) }} as margin_rate
    from totals

)

select * from int_order_line_totals
