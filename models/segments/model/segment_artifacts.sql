with segment_artifacts as (

    select
        artifacts.source,
        artifacts.model_version,
        artifacts.artifact,
        artifacts.item,
        artifacts.detail,
        artifacts.note,
        cast(artifacts.k as integer) as k,
        cast(artifacts.segment_id as integer) as segment_id,
        cast(artifacts.lag_days as integer) as lag_days,
        artifacts.value
    from {{ ref('segment_kmeans') }} as artifacts
    inner join {{ ref('segmentation_status') }} as status
        on
            artifacts.source = status.source
            and artifacts.model_version = status.model_version

)

select * from segment_artifacts
