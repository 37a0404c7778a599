{%- set amounts = [
    'basket_value', 'discount_amount', 'own_discount', 'net_revenue', 'cm1', 'cm2',
] -%}
with totals as (

    select
        source,
        order_month,
        as_of_date,
        {%- for amount in amounts %}
        sum({{ amount }}) filter (where is_known_success) as {{ amount }},
        {%- endfor %}
        sum(item_count) filter (where is_known_success) as item_count,
        count(*) as order_count,
        count(*) filter (where is_known_success) as successful_order_count,
        count(*) filter (where is_known_cancellation) as cancelled_order_count
    from {{ ref('known_orders') }}
    group by source, order_month, as_of_date

),

customers as (

    select
        source,
        calendar_month,
        sum(active_count) as customer_count,
        sum(active_count) filter (where months_since = 0) as new_customer_count
    from {{ ref('cohort_months') }}
    group by source, calendar_month

),

-- A month without any order has a row too.
months as (

    select
        source,
        as_of_date,
        {{ month_series('min(order_month)', 'as_of_date') }} as calendar_month
    from totals
    group by source, as_of_date

),

revenue_by_month as (

    select
        months.source,
        coalesce(totals.order_count, 0) as order_count,
        coalesce(totals.successful_order_count, 0) as successful_order_count,
        coalesce(totals.cancelled_order_count, 0) as cancelled_order_count,
        cast(coalesce(totals.item_count, 0) as bigint) as item_count,
        cast(coalesce(customers.customer_count, 0) as bigint) as customer_count,
        cast(coalesce(customers.new_customer_count, 0) as bigint) as new_customer_count,
        {%- for amount in amounts %}
        cast(coalesce(totals.{{ amount }}, 0) as decimal(38, 4)) as {{ amount }},
        {%- endfor %}
        {{ to_decimal(
            'cast(totals.net_revenue as double) / nullif(totals.successful_order_count, 0)',
            18, 4
        ) }} as average_order_value,
        -- On its last day a month may still wait for deliveries.
        last_day(months.calendar_month) < months.as_of_date as is_complete,
        months.calendar_month,
        months.as_of_date
    from months
    left join totals
        on
            months.source = totals.source
            and months.calendar_month = totals.order_month
    left join customers
        on
            months.source = customers.source
            and months.calendar_month = customers.calendar_month

)

select * from revenue_by_month
