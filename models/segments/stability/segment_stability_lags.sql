-- The tenth of origins that fared worst sets the limit: one bad origin in eleven does not.
with segment_stability_lags as (

    select
        source,
        model_version,
        lag_days,
        cast(count(*) as integer) as origin_count,
        percentile_cont(0.1) within group (order by rho) as low_rho,
        median(rho) as median_rho,
        percentile_cont(0.9) within group (order by phi) as high_phi,
        median(phi) as median_phi,
        count(*) >= 3 as is_judged
    from {{ ref('segment_stability') }}
    where rho is not null
    group by source, model_version, lag_days

)

select * from segment_stability_lags
