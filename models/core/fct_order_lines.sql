with fct_order_lines as (

    select
        lines.order_key,
        orders.customer_key,
        lines.product_key,
        lines.source,
        lines.line_number,
        lines.quantity,
        lines.unit_price,
        cast(lines.quantity * lines.unit_price as decimal(18, 4)) as line_value,
        orders.is_successful,
        orders.order_date,
        orders.delivered_date
    from {{ ref('int_order_lines') }} as lines
    inner join {{ ref('fct_orders') }} as orders
        on lines.order_key = orders.order_key

)

select * from fct_order_lines
