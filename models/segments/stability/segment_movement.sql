with segment_movement as (

    select
        source,
        model_version,
        lag_days,
        max(case when item = 'customers' then value end) as customer_share,
        max(case when item = 'cm2' then value end) as cm2_share
    from {{ ref('segment_artifacts') }}
    where artifact = 'movement'
    group by source, model_version, lag_days

)

select * from segment_movement
