with names as (

    select
        source,
        cast(segment_id as integer) as segment_id,
        cast(note as string) as segment_name,
        cast(item as string) as archetype
    from {{ ref('segment_kmeans') }}
    where artifact = 'name'

),

segments as (

    select
        names.source,
        names.segment_id,
        names.segment_name,
        names.archetype,
        case
            when playbook.archetype is not null then playbook.who_they_are
            when names.segment_name like 'average customers%'
                then 'Close to the average in every feature.'
            else 'What sets them apart: ' || names.segment_name || '.'
        end as who_they_are,
        coalesce(playbook.what_to_do, 'Look at their profile before you write to them.')
            as what_to_do,
        playbook.channel,
        playbook.offer,
        playbook.cadence
    from names
    left join {{ ref('segment_playbook') }} as playbook
        on names.archetype = playbook.archetype

)

select * from segments
