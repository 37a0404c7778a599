with customer_rfm as (

    select
        customer_key,
        source,
        rfm_status,
        lifecycle_stage,
        rfm_segment,
        recency_score,
        frequency_score,
        monetary_score,
        recency_days,
        successful_orders_365d,
        net_revenue_365d,
        as_of_date
    from {{ ref('customer_rfm_history') }}
    where is_current

)

select * from customer_rfm
