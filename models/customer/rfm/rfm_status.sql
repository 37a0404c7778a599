with customers as (

    select
        as_of.source,
        min(as_of.as_of_date) as as_of_date,
        count(*) filter (where customers.successful_orders_365d > 0) as buyer_count,
        min(customers.recency_days) as days_since_last_order,
        max(customers.tenure_days) as history_days
    from {{ ref('int_as_of') }} as as_of
    left join {{ ref('customer_single_view') }} as customers
        on as_of.source = customers.source
    group by as_of.source

),

rfm_status as (

    select
        source,
        case
            when buyer_count < 500 then 'insufficient_data'
            when history_days < 180 then 'insufficient_data'
            when days_since_last_order > 30 then 'insufficient_data'
            else 'scored'
        end as rfm_status,
        case
            when buyer_count < 500 then 'fewer than 500 buyers in the last 365 days'
            when history_days < 180 then 'less than 180 days of history'
            when days_since_last_order > 30 then 'no order in the last 30 days'
            else 'enough buyers, history and recent orders'
        end as reason,
        buyer_count,
        history_days,
        days_since_last_order,
        as_of_date
    from customers

)

select * from rfm_status
