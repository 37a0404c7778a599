with segment_centroids as (

    select
        source,
        cast(segment_id as integer) as segment_id,
        cast(item as string) as feature,
        value as standardised_value
    from {{ ref('segment_kmeans') }}
    where artifact = 'centroid'

)

select * from segment_centroids
