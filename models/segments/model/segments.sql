with served as (

    select
        status.source,
        status.model_version,
        status.segmentation_method,
        case when shops.rfm_status = 'scored' then 'scored' else 'unscored' end as scored
    from {{ ref('segmentation_status') }} as status
    inner join {{ ref('rfm_status') }} as shops
        on status.source = shops.source

),

clusters as (

    select
        source,
        segment_id,
        cast(note as string) as segment_name,
        cast(item as string) as archetype
    from {{ ref('segment_artifacts') }}
    where artifact = 'name'

),

cluster_segments as (

    select
        served.source,
        served.model_version,
        served.segmentation_method,
        clusters.segment_id,
        clusters.segment_name,
        clusters.archetype,
        case
            when playbook.archetype is not null then playbook.who_they_are
            when clusters.segment_name like 'average customers%'
                then 'Close to the average in every feature.'
            else 'What sets them apart: ' || clusters.segment_name || '.'
        end as who_they_are,
        coalesce(playbook.what_to_do, 'Look at their profile before you write to them.')
            as what_to_do,
        playbook.channel,
        playbook.offer,
        playbook.cadence
    from served
    inner join clusters
        on
            served.source = clusters.source
            and served.segmentation_method = 'clusters'
    left join {{ ref('segment_playbook') }} as playbook
        on clusters.archetype = playbook.archetype

),

rule_segments as (

    select
        served.source,
        served.model_version,
        served.segmentation_method,
        rules.segment_id,
        rules.segment_name,
        cast(null as string) as archetype,
        rules.who_they_are,
        rules.what_to_do,
        rules.channel,
        rules.offer,
        rules.cadence
    from served
    inner join {{ ref('rule_segment_playbook') }} as rules
        on
            served.segmentation_method = 'rules'
            and rules.applies_to in (served.scored, 'both')

),

segments as (

    select * from cluster_segments
    union all
    select * from rule_segments

)

select * from segments
