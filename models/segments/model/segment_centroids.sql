with segment_centroids as (

    select
        source,
        cast(model_version as string) as model_version,
        segment_id,
        cast(item as string) as feature,
        value as standardised_value
    from {{ ref('segment_artifacts') }}
    where artifact = 'centroid'

)

select * from segment_centroids
