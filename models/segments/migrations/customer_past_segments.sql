with slices as (

    select * from {{ ref('segment_slices') }}

),

rules as (

    select
        history.customer_key,
        slices.months_back,
        playbook.segment_id
    from {{ ref('customer_rfm_history') }} as history
    inner join slices
        on
            history.source = slices.source
            and history.as_of_number = slices.as_of_number
    inner join {{ ref('segmentation_status') }} as status
        on
            history.source = status.source
            and status.segmentation_method = 'rules'
    inner join {{ ref('rule_segment_playbook') }} as playbook
        on coalesce(history.rfm_segment, history.lifecycle_stage) = playbook.rule_segment

),

labels as (

    select
        customer_key,
        months_back,
        nearest_segment_id as segment_id
    from {{ ref('customer_segment_distances') }}
    where months_back > 0
    union all
    select
        customer_key,
        months_back,
        segment_id
    from rules

),

customer_past_segments as (

    select
        history.customer_key,
        history.source,
        labels.months_back,
        labels.segment_id,
        history.cm2_365d,
        history.lifecycle_stage <> 'dormant' as is_in_base,
        history.as_of_date
    from {{ ref('customer_history') }} as history
    inner join slices
        on
            history.source = slices.source
            and history.as_of_number = slices.as_of_number
    inner join labels
        on
            history.customer_key = labels.customer_key
            and slices.months_back = labels.months_back

)

select * from customer_past_segments
