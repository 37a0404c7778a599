{%- set overdue_at = number_var('overdue_at') -%}
with customers as (

    select * from {{ ref('customer_single_view') }}
    where is_customer

),

dates as (

    select
        source,
        as_of_date
    from {{ ref('history_dates') }}
    where is_current

),

orders as (

    select
        ordered.customer_key,
        {%- for days in [30, 90] %}
        count(*) filter (
            where ordered.order_date > {{ add_days('dates.as_of_date', -days) }}
        ) as successful_orders_{{ days }}d,
        {%- endfor %}
        median(ordered.gap_days) as median_gap_days
    from {{ ref('customer_order_sequence') }} as ordered
    inner join dates
        on ordered.source = dates.source
    group by ordered.customer_key

),

-- Whether somebody is late is a matter of their own cadence: a week is long for one customer and
-- short for another.
judged as (

    select
        customers.*,
        orders.successful_orders_30d,
        orders.successful_orders_90d,
        orders.median_gap_days,
        case
            when customers.overdue_ratio >= {{ overdue_at }} then 'lapsed'
            when customers.overdue_ratio >= 1 then 'due'
            when customers.overdue_ratio < 1 then 'on_time'
        end as cadence_state,
        case
            when customers.overdue_ratio is not null
                then greatest(0, customers.recency_days - customers.expected_gap_days)
        end as late_days
    from customers
    inner join orders
        on customers.customer_key = orders.customer_key

),

customer_activity as (

    select
        customer_key,
        source,
        customer_id,
        lifecycle_stage,
        cadence_state,
        cast(successful_orders_30d as integer) as successful_orders_30d,
        cast(successful_orders_90d as integer) as successful_orders_90d,
        successful_orders_365d,
        successful_order_count,
        recency_days,
        {{ to_decimal('median_gap_days', 9, 1) }} as median_gap_days,
        expected_gap_days,
        overdue_ratio,
        cast(late_days as decimal(9, 2)) as late_days,
        cm2_365d,
        cm2,
        cast(
            rank() over (
                partition by source
                order by
                    successful_orders_365d desc, successful_orders_90d desc,
                    successful_orders_30d desc
            ) as integer
        ) as activity_rank,
        cast(
            case
                when cadence_state = 'lapsed'
                    then rank() over (
                        partition by source, cadence_state
                        order by cm2 desc
                    )
            end as integer
        ) as lapsed_rank,
        first_order_date,
        last_order_date,
        as_of_date
    from judged

)

select * from customer_activity
