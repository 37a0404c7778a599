-- What today's arms, and all of the version so far, can show.
with runs as (

    select
        source,
        campaign_id,
        campaign_version,
        sum(sent_count) filter (where assigned_date = as_of_date) as sent_today_count,
        sum(holdout_count) filter (where assigned_date = as_of_date) as holdout_today_count,
        sum(sent_count) as sent_count,
        sum(holdout_count) as holdout_count,
        count(*) as run_count
    from {{ ref('campaign_runs') }}
    group by source, campaign_id, campaign_version

),

joined as (

    select
        campaigns.*,
        cast(baselines.expected_conversion as double) as expected_conversion,
        baselines.baseline_date,
        coalesce(baselines.audience_count, 0) as audience_count,
        coalesce(baselines.known_count, 0) as known_count,
        coalesce(runs.sent_today_count, 0) as sent_today_count,
        coalesce(runs.holdout_today_count, 0) as holdout_today_count,
        coalesce(runs.sent_count, 0) as sent_count,
        coalesce(runs.holdout_count, 0) as holdout_count,
        coalesce(runs.run_count, 0) as run_count
    from {{ ref('campaigns_in_force') }} as campaigns
    left join {{ ref('campaign_baselines') }} as baselines
        on
            campaigns.source = baselines.source
            and campaigns.campaign_id = baselines.campaign_id
            and campaigns.campaign_version = baselines.campaign_version
    left join runs
        on
            campaigns.source = runs.source
            and campaigns.campaign_id = runs.campaign_id
            and campaigns.campaign_version = runs.campaign_version

),

campaign_sizes as (

    select
        source,
        campaign_id,
        campaign_version,
        campaign_name,
        channel,
        cast(audience_count as integer) as audience_count,
        cast(known_count as integer) as known_count,
        cast(sent_today_count as bigint) as sent_today_count,
        cast(holdout_today_count as bigint) as holdout_today_count,
        cast(sent_count as bigint) as sent_count,
        cast(holdout_count as bigint) as holdout_count,
        cast(run_count as bigint) as run_count,
        measurement_days,
        holdout_share,
        expected_conversion,
        {{ detectable_uplift('expected_conversion', 'sent_today_count', 'holdout_today_count') }}
            as detectable_uplift,
        {{ detectable_uplift('expected_conversion', 'sent_count', 'holdout_count') }}
            as pooled_detectable_uplift,
        assumed_uplift,
        -- By the planned share, so that a small run without a holdout counts as well.
        cast(ceil(
            power(cast(2.80 as double) / nullif(assumed_uplift, 0), 2)
            * nullif(expected_conversion * (1 - expected_conversion), 0)
            * (
                cast(1 as double) / nullif(1 - holdout_share, 0)
                + cast(1 as double) / nullif(holdout_share, 0)
            )
        ) as bigint) as people_needed,
        baseline_date,
        as_of_date
    from joined

)

select * from campaign_sizes
