with customers as (

    select
        *,
        coalesce(rfm_segment, lifecycle_stage) as rule_segment
    from {{ ref('customer_rfm') }}

),

-- Prospects have no segment: no rule is about them.
customer_rule_segments as (

    select
        customers.customer_key,
        customers.source,
        status.model_version,
        status.segmentation_method,
        rules.segment_id,
        rules.segment_name,
        case
            when customers.rfm_segment is not null
                then
                    'recency ' || customers.recency_score || ', frequency '
                    || customers.frequency_score || ', monetary ' || customers.monetary_score
                    || ' of 5'
            when customers.lifecycle_stage = 'dormant'
                then 'no order for ' || customers.recency_days || ' days'
            when customers.lifecycle_stage = 'overdue'
                then 'longer without an order than usual for them'
            when customers.lifecycle_stage = 'new' then 'one order, in the last 30 days'
            else 'not late for the next order'
        end as reason_1,
        case
            when customers.lifecycle_stage <> 'dormant'
                then 'days since the last order: ' || customers.recency_days
        end as reason_2,
        case
            when customers.lifecycle_stage <> 'dormant'
                then 'orders in 365 days: ' || customers.successful_orders_365d
        end as reason_3,
        customers.as_of_date
    from customers
    inner join {{ ref('segmentation_status') }} as status
        on
            customers.source = status.source
            and status.segmentation_method = 'rules'
    inner join {{ ref('rule_segment_playbook') }} as rules
        on customers.rule_segment = rules.rule_segment

)

select * from customer_rule_segments
