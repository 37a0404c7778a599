-- Older cohorts alone reach the later months, so neighbouring rows rest on different cohorts.
with ripe as (

    select
        *,
        sum(cm2) over (
            partition by source, cohort_month
            order by months_since
            rows between unbounded preceding and current row
        ) as cm2_to_date
    from {{ ref('cohort_months') }}
    where is_ripe

),

cohort_averages as (

    select
        source,
        months_since,
        count(*) as cohort_count,
        cast(sum(cohort_size) as bigint) as customer_count,
        cast(sum(active_count) as bigint) as active_count,
        {{ to_decimal('sum(active_count) / sum(cohort_size)', 18, 6) }} as retention_rate,
        {{ to_decimal('sum(order_count) / sum(cohort_size)', 18, 4) }}
            as orders_per_customer,
        {{ to_decimal('cast(sum(net_revenue) as double) / sum(cohort_size)', 18, 4) }}
            as net_revenue_per_customer,
        {{ to_decimal('cast(sum(cm2) as double) / sum(cohort_size)', 18, 4) }} as cm2_per_customer,
        {{ to_decimal('cast(sum(cm2_to_date) as double) / sum(cohort_size)', 18, 4) }}
            as cm2_per_customer_to_date,
        min(as_of_date) as as_of_date
    from ripe
    group by source, months_since

)

select * from cohort_averages
