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
        coalesce(playbook.who_they_are, 'Customers with ' || names.segment_name || '.')
            as who_they_are,
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
