{%- set counts = [
    'order_count', 'successful_order_count', 'cancelled_order_count', 'promo_order_count',
    'orders_leaving_365d', 'distance_count', 'rating_count', 'skipped_rating_count', 'rating_sum',
] -%}
{%- set amounts = [
    'basket_value', 'discount_amount', 'own_discount', 'net_revenue', 'cm1', 'cm2',
    'net_revenue_leaving_365d', 'cm2_leaving_365d', 'distance_km',
] -%}
with months as (

    select
        months.*,
        customers.source,
        dates.as_of_number
    from {{ of_changed(ref('customer_order_months'), 'customer_key') }} as months
    inner join {{ ref('dim_customers') }} as customers
        on months.customer_key = customers.customer_key
    inner join {{ ref('history_dates') }} as dates
        on
            customers.source = dates.source
            and months.calendar_month = dates.calendar_month

),

running as (

    select
        customer_key,
        source,
        as_of_number as from_number,
        lead(as_of_number) over (partition by customer_key order by as_of_number) - 1
            as until_number,
        {%- for column in counts + amounts %}
        sum({{ column }}) over up_to_month as {{ column }},
        {%- endfor %}
        sum(new_category_count) over up_to_month as category_count,
        max(last_order_number) over up_to_month as last_order_number,
        max(top_category_value) over up_to_month as top_category_value,
        max(top_category_rank) over up_to_month as top_category_rank,
        min(first_order_date) over up_to_month as first_order_date,
        max(last_order_date) over up_to_month as last_order_date
    from months
    window up_to_month as (
        partition by customer_key
        order by as_of_number
        rows between unbounded preceding and current row
    )

),

customer_totals_to_date as (

    select
        running.customer_key,
        running.source,
        cast(running.from_number as integer) as from_number,
        cast(running.until_number as integer) as until_number,
        {%- for column in counts + ['category_count'] %}
        cast({{ column }} as integer) as {{ column }},
        {%- endfor %}
        {%- for column in amounts %}
        cast({{ column }} as decimal(18, 4)) as {{ column }},
        {%- endfor %}
        last_orders.order_key as last_order_key,
        cast(
            running.top_category_rank
            - running.top_category_value * cast(100000 as decimal(6, 0)) as integer
        ) as top_category_number,
        running.first_order_date,
        running.last_order_date
    from running
    left join {{ ref('customer_order_sequence') }} as last_orders
        on
            running.customer_key = last_orders.customer_key
            and running.last_order_number = last_orders.order_number

)

select * from customer_totals_to_date
