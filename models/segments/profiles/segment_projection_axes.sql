with artifacts as (

    select * from {{ ref('segment_artifacts') }}

),

explained as (

    select
        source,
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
    inner join explained
        on
            loadings.source = explained.source
            and loadings.detail = explained.component
    where loadings.artifact = 'loading'

)

select * from segment_projection_axes
