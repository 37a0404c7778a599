with segment_feature_selection as (

    select
        source,
        cast(model_version as string) as model_version,
        cast(item as string) as feature,
        cast(max(case when artifact = 'dropped' then note end) as string) as dropped_because,
        max(case when artifact = 'scaling_lower' then value end) as lower_bound,
        max(case when artifact = 'scaling_upper' then value end) as upper_bound,
        max(case when artifact = 'scaling_mean' then value end) as mean_value,
        max(case when artifact = 'scaling_standard_deviation' then value end) as standard_deviation,
        max(case when artifact = 'dropped' then 1 else 0 end) = 0 as is_used
    from {{ ref('segment_artifacts') }}
    where artifact = 'dropped' or artifact like 'scaling%'
    group by source, model_version, item

)

select * from segment_feature_selection
