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

totals as (

    select
        product_key,
        calendar_month,
        min(source) as source,
        sum(quantity) as piece_count,
        sum(line_value) as line_value
    from lines
    group by product_key, calendar_month

),

-- A product may stand on several lines of an order, and in several orders of a customer. Distinct
-- counts would hold each of them in memory; groups of nothing but keys go to disk where they must.
orders as (

    select
        product_key,
        calendar_month,
        customer_key
    from lines
    group by product_key, calendar_month, customer_key, order_key

),

customers as (

    select
        product_key,
        calendar_month,
        customer_key,
        count(*) as order_count
    from orders
    group by product_key, calendar_month, customer_key

),

-- Orders that name nobody have no customer to count.
buyers as (

    select
        product_key,
        calendar_month,
        sum(order_count) as order_count,
        count(customer_key) as customer_count
    from customers
    group by product_key, calendar_month

),

-- A product is of one source.
product_months as (

    select
        totals.product_key,
        totals.source,
        cast(totals.piece_count as bigint) as piece_count,
        cast(buyers.order_count as bigint) as order_count,
        buyers.customer_count,
        cast(totals.line_value as decimal(38, 4)) as line_value,
        totals.calendar_month
    from totals
    inner join buyers
        on
            totals.product_key = buyers.product_key
            and totals.calendar_month = buyers.calendar_month

)

select * from product_months
