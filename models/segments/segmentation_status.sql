with segmentation_status as (

    select
        source,
        cast(item as string) as segmentation_status,
        cast(note as string) as reason,
        cast(value as bigint) as fitted_customer_count
    from {{ ref('segment_kmeans') }}
    where artifact = 'status'

)

select * from segmentation_status
