with past_rule_segments as (

    select
        history.customer_key,
        history.source,
        history.months_back,
        playbook.segment_id,
        history.cm2_365d,
        history.lifecycle_stage <> 'dormant' as is_in_base,
        history.as_of_date
    from {{ ref('customer_rfm_history') }} as history
    inner join {{ ref('segmentation_status') }} as status
        on
            history.source = status.source
            and status.segmentation_method = 'rules'
    inner join {{ ref('rule_segment_playbook') }} as playbook
        on coalesce(history.rfm_segment, history.lifecycle_stage) = playbook.rule_segment
    where history.months_back in ({{ months_looked_back() | join(", ") }})

)

select * from past_rule_segments
