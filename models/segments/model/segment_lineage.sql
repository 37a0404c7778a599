with names as (

    select
        source,
        model_version,
        segment_id,
        note as segment_name
    from {{ ref('segment_kmeans') }}
    where artifact = 'name'

),

lineage as (

    select
        source,
        model_version,
        cast(segment_id as integer) as segment_id,
        item as relation,
        note as previous_model_version,
        cast(detail as integer) as previous_segment_id,
        value as overlap_share
    from {{ ref('segment_kmeans') }}
    where artifact = 'lineage'

),

segment_lineage as (

    select
        lineage.source,
        cast(lineage.model_version as string) as model_version,
        lineage.segment_id,
        cast(names.segment_name as string) as segment_name,
        cast(lineage.relation as string) as relation,
        cast(lineage.previous_model_version as string) as previous_model_version,
        lineage.previous_segment_id,
        cast(previous_names.segment_name as string) as previous_segment_name,
        lineage.overlap_share
    from lineage
    left join names
        on
            lineage.source = names.source
            and lineage.model_version = names.model_version
            and lineage.segment_id = names.segment_id
    left join names as previous_names
        on
            lineage.source = previous_names.source
            and lineage.previous_model_version = previous_names.model_version
            and lineage.previous_segment_id = previous_names.segment_id

)

select * from segment_lineage
