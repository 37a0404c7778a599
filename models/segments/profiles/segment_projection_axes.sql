with artifacts as (

    select * from {{ ref('segment_kmeans') }}

),

status as (

    select * from {{ ref('segmentation_status') }}

),

explained as (

    select
        source,
        model_version,
        detail as component,
        value as explained_variance_share
    from artifacts
    where artifact = 'explained_variance'

),

segment_projection_axes as (

    select
        loadings.source,
        loadings.model_version,
        cast(loadings.item as string) as feature,
        cast(loadings.detail as integer) as component,
        loadings.value as loading,
        explained.explained_variance_share
    from artifacts as loadings
    inner join status
        on
            loadings.source = status.source
            and loadings.model_version = status.model_version
    inner join explained
        on
            loadings.source = explained.source
            and loadings.model_version = explained.model_version
            and loadings.detail = explained.component
    where loadings.artifact = 'loading'

)

select * from segment_projection_axes
