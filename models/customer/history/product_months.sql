{%- set changed_months = ref('changed_order_months') if model.resource_type != 'unit_test' -%}
with lines as (

    select
        lines.*,
        cast(date_trunc('month', lines.order_date) as date) as calendar_month
    from {{ ref('fct_order_lines') }} as lines
    inner join {{ ref('int_as_of') }} as as_of
        on lines.source = as_of.source
    {%- if is_incremental() %}
    inner join {{ changed_months }} as changed_months
        on
            lines.source = changed_months.source
            and lines.order_date >= changed_months.from_month
    {%- endif %}
    where
        lines.is_successful
        and lines.order_date <= as_of.as_of_date
        and lines.delivered_date <= as_of.as_of_date

),

-- A product may stand on several lines of an order. Distinct counts cost less here than grouping by
-- order first, which would carry pieces and money for each of as many groups as there are lines.
-- Orders that name nobody have no customer to count. A product is of one source.
product_months as (

    select
        product_key,
        min(source) as source,
        cast(sum(quantity) as bigint) as piece_count,
        count(distinct order_key) as order_count,
        count(distinct customer_key) as customer_count,
        cast(sum(line_value) as decimal(38, 4)) as line_value,
        calendar_month
    from lines
    group by product_key, calendar_month

)

select * from product_months
