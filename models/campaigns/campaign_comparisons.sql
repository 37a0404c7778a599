with campaign_comparisons as (

    select
        source,
        campaign_id,
        cast(campaign_version as integer) as campaign_version,
        metric,
        method,
        decision,
        decision_reason,
        cast(sent_buyer_count as bigint) as sent_buyer_count,
        cast(holdout_buyer_count as bigint) as holdout_buyer_count,
        cast(sent_mean as double) as sent_mean,
        cast(holdout_mean as double) as holdout_mean,
        cast(lift as double) as lift,
        cast(relative_lift as double) as relative_lift,
        cast(lower_lift as double) as lower_lift,
        cast(upper_lift as double) as upper_lift,
        cast(p_value as double) as p_value,
        cast(adjusted_p_value as double) as adjusted_p_value,
        cast(variance_reduction as double) as variance_reduction,
        cast(detectable_lift as double) as detectable_lift,
        cast(srm_p_value as double) as srm_p_value
    from {{ ref('campaign_lift') }}

)

select * from campaign_comparisons
