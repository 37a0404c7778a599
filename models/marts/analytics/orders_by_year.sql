{%- set counts = [
    'order_count', 'successful_order_count', 'cancelled_order_count', 'item_count',
    'new_customer_count',
] -%}
{%- set amounts = [
    'basket_value', 'discount_amount', 'own_discount', 'net_revenue', 'cm1', 'cm2',
] -%}
with months as (

    select * from {{ ref('revenue_by_month') }}

),

totals as (

    select
        source,
        extract(year from calendar_month) as calendar_year,
        as_of_date,
        {%- for column in counts + amounts %}
        sum({{ column }}) as {{ column }},
        {%- endfor %}
        -- Eleven complete months and the current one are no complete year.
        count(*) filter (where is_complete and extract(month from calendar_month) = 12) = 1
            as is_complete
    from months
    group by source, extract(year from calendar_month), as_of_date

),

-- Customers of a year are not the sum of its months'.
active_years as (

    select
        customer_key,
        source,
        extract(year from order_month) as calendar_year
    from {{ ref('customer_order_spans') }}
    where known_month is not null
    group by customer_key, source, extract(year from order_month)

),

customers as (

    select
        source,
        calendar_year,
        count(*) as customer_count
    from active_years
    group by source, calendar_year

),

orders_by_year as (

    select
        totals.source,
        cast(totals.calendar_year as integer) as calendar_year,
        {%- for count in counts %}
        cast(totals.{{ count }} as bigint) as {{ count }},
        {%- endfor %}
        coalesce(customers.customer_count, 0) as customer_count,
        {%- for amount in amounts %}
        cast(totals.{{ amount }} as decimal(38, 4)) as {{ amount }},
        {%- endfor %}
        {{ to_decimal(
            'cast(totals.net_revenue as double) / nullif(totals.successful_order_count, 0)',
            18, 4
        ) }} as average_order_value,
        totals.is_complete,
        totals.as_of_date
    from totals
    left join customers
        on
            totals.source = customers.source
            and totals.calendar_year = customers.calendar_year

)

select * from orders_by_year
