{%- set months = months_looked_back() | join(", ") -%}
with customers as (

    select * from {{ ref('customer_history') }}
    where
        is_customer
        and months_back in ({{ months }})

),

clusters as (

    select * from {{ ref('customer_segment_distances') }}
    where months_back in ({{ months }})

),

rules as (

    select
        history.customer_key,
        history.months_back,
        playbook.segment_id
    from {{ ref('customer_rfm_history') }} as history
    inner join {{ ref('segmentation_status') }} as status
        on
            history.source = status.source
            and status.segmentation_method = 'rules'
    inner join {{ ref('rule_segment_playbook') }} as playbook
        on coalesce(history.rfm_segment, history.lifecycle_stage) = playbook.rule_segment
    where history.months_back in ({{ months }})

),

labels as (

    select
        customer_key,
        months_back,
        nearest_segment_id as segment_id
    from clusters
    union all
    select
        customer_key,
        months_back,
        segment_id
    from rules

),

customer_past_segments as (

    select
        customers.customer_key,
        customers.source,
        customers.months_back,
        labels.segment_id,
        customers.cm2_365d,
        customers.lifecycle_stage <> 'dormant' as is_in_base,
        customers.as_of_date
    from customers
    inner join labels
        on
            customers.customer_key = labels.customer_key
            and customers.months_back = labels.months_back

)

select * from customer_past_segments
