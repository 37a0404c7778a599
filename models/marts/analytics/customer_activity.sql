{%- set overdue_at = number_var('overdue_at') -%}
with dates as (

    select
        source,
        as_of_date
    from {{ ref('history_dates') }}
    where is_current

),

-- Gaps are sorted, since the medians of all customers would be held in memory at once. The first
-- order, which has none, comes after them.
sorted_gaps as (

    select
        customer_key,
        source,
        gap_days,
        row_number() over (partition by customer_key order by gap_days nulls last) as gap_number,
        count(gap_days) over (partition by customer_key) as gap_count,
        order_date
    from {{ ref('customer_order_sequence') }}

),

orders as (

    select
        ordered.customer_key,
        {%- for days in [30, 90] %}
        count(*) filter (
            where ordered.order_date > {{ add_days('dates.as_of_date', -days) }}
        ) as successful_orders_{{ days }}d,
        {%- endfor %}
        avg(ordered.gap_days) filter (
            where 2 * ordered.gap_number between ordered.gap_count and ordered.gap_count + 2
        ) as median_gap_days
    from sorted_gaps as ordered
    inner join dates
        on ordered.source = dates.source
    group by ordered.customer_key

),

-- Whether somebody is late is a matter of their own cadence: a week is long for one customer and
-- short for another.
judged as (

    select
        customers.customer_key,
        customers.source,
        customers.customer_id,
        customers.lifecycle_stage,
        customers.successful_orders_365d,
        customers.successful_order_count,
        customers.recency_days,
        customers.expected_gap_days,
        customers.overdue_ratio,
        customers.cm2_365d,
        customers.cm2,
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
        end as late_days,
        customers.first_order_date,
        customers.last_order_date,
        customers.as_of_date
    from {{ ref('customer_single_view') }} as customers
    inner join orders
        on customers.customer_key = orders.customer_key
    where customers.is_customer

),

-- Many customers are alike in their counts, so those alike are ranked once.
activity_counts as (

    select
        source,
        successful_orders_365d,
        successful_orders_90d,
        successful_orders_30d,
        count(*) as customer_count
    from judged
    group by source, successful_orders_365d, successful_orders_90d, successful_orders_30d

),

activity_ranks as (

    select
        source,
        successful_orders_365d,
        successful_orders_90d,
        successful_orders_30d,
        sum(customer_count) over (
            partition by source
            order by
                successful_orders_365d desc, successful_orders_90d desc,
                successful_orders_30d desc
            rows between unbounded preceding and current row
        ) - customer_count + 1 as activity_rank
    from activity_counts

),

lapsed_ranks as (

    select
        customer_key,
        rank() over (partition by source order by cm2 desc) as lapsed_rank
    from judged
    where cadence_state = 'lapsed'

),

customer_activity as (

    select
        judged.customer_key,
        judged.source,
        judged.customer_id,
        judged.lifecycle_stage,
        judged.cadence_state,
        cast(judged.successful_orders_30d as integer) as successful_orders_30d,
        cast(judged.successful_orders_90d as integer) as successful_orders_90d,
        judged.successful_orders_365d,
        judged.successful_order_count,
        judged.recency_days,
        {{ to_decimal('judged.median_gap_days', 9, 1) }} as median_gap_days,
        judged.expected_gap_days,
        judged.overdue_ratio,
        cast(judged.late_days as decimal(9, 2)) as late_days,
        judged.cm2_365d,
        judged.cm2,
        cast(activity_ranks.activity_rank as integer) as activity_rank,
        cast(lapsed_ranks.lapsed_rank as integer) as lapsed_rank,
        judged.first_order_date,
        judged.last_order_date,
        judged.as_of_date
    from judged
    left join activity_ranks
        on
            judged.source = activity_ranks.source
            and judged.successful_orders_365d = activity_ranks.successful_orders_365d
            and judged.successful_orders_90d = activity_ranks.successful_orders_90d
            and judged.successful_orders_30d = activity_ranks.successful_orders_30d
    left join lapsed_ranks
        on judged.customer_key = lapsed_ranks.customer_key

)

select * from customer_activity
