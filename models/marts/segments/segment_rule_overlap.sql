-- Where the rules serve, they would be held against themselves.
with grouped as (

    select
        source,
        model_version,
        segment_id,
        segment_name,
        coalesce(rfm_segment, lifecycle_stage) as rule_segment,
        count(*) as customer_count,
        min(as_of_date) as as_of_date
    from {{ ref('segment_members') }}
    where segmentation_method = 'clusters'
    group by
        source, model_version, segment_id, segment_name, coalesce(rfm_segment, lifecycle_stage)

),

shared as (

    select
        *,
        customer_count / sum(customer_count) over (partition by source, segment_id)
            as share_of_segment,
        customer_count / sum(customer_count) over (partition by source, rule_segment)
            as share_of_rule_segment
    from grouped

),

segment_rule_overlap as (

    select
        shared.source,
        shared.model_version,
        shared.segment_id,
        shared.segment_name,
        shared.rule_segment,
        rules.segment_name as rule_segment_name,
        shared.customer_count,
        {{ to_decimal('shared.share_of_segment', 18, 6) }} as share_of_segment,
        {{ to_decimal('shared.share_of_rule_segment', 18, 6) }} as share_of_rule_segment,
        shared.as_of_date
    from shared
    inner join {{ ref('rule_segment_playbook') }} as rules
        on shared.rule_segment = rules.rule_segment

)

select * from segment_rule_overlap
