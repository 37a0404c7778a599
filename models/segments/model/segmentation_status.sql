with versions as (

    select
        source,
        model_version,
        model_version <> 'untrained' as is_trained,
        max(case when artifact = 'status' then item end) as segmentation_status,
        max(case when artifact = 'status' then note end) as reason,
        max(case when artifact = 'fitted_because' then note end) as fitted_because,
        max(case when artifact = 'status' then k end) as candidate_k,
        max(case when artifact = 'status' then value end) as fitted_customer_count,
        cast(max(fitted_as_of) as date) as fitted_as_of
    from {{ ref('segment_kmeans') }}
    where artifact in ('status', 'fitted_because')
    group by source, model_version

),

-- Versions of later dates than the as-of date are not known yet. The try that found too little
-- counts only until there is a version.
ranked as (

    select
        shops.source,
        versions.model_version,
        versions.segmentation_status,
        versions.reason,
        versions.fitted_because,
        versions.candidate_k,
        versions.fitted_customer_count,
        versions.fitted_as_of,
        row_number() over (
            partition by shops.source
            order by
                versions.is_trained desc nulls last,
                versions.fitted_as_of desc nulls last,
                versions.model_version asc
        ) as version_rank
    from {{ ref('rfm_status') }} as shops
    left join versions
        on
            shops.source = versions.source
            and (not versions.is_trained or shops.as_of_date >= versions.fitted_as_of)

),

segmentation_status as (

    select
        source,
        cast(coalesce(model_version, 'untrained') as string) as model_version,
        cast(coalesce(segmentation_status, 'unsegmented') as string) as segmentation_status,
        case when segmentation_status = 'segmented' then 'clusters' else 'rules' end
            as segmentation_method,
        cast(coalesce(reason, 'nothing was fitted by the as-of date') as string) as reason,
        cast(fitted_because as string) as fitted_because,
        cast(candidate_k as integer) as candidate_k,
        cast(fitted_customer_count as bigint) as fitted_customer_count,
        fitted_as_of
    from ranked
    where version_rank = 1

)

select * from segmentation_status
