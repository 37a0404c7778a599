with campaign_progress as (

    select
        source,
        campaign_id,
        campaign_version,
        case
            when bool_and(is_ripe) then 'ripe'
            when bool_or(is_ripe) then 'ripe_in_part'
            else 'running'
        end as result_state,
        cast(count(*) as integer) as run_count,
        cast(count(*) filter (where is_ripe) as integer) as ripe_run_count,
        cast(sum(sent_count) as bigint) as sent_count,
        cast(sum(holdout_count) as bigint) as holdout_count,
        cast(coalesce(sum(sent_count) filter (where is_ripe), 0) as bigint) as ripe_sent_count,
        cast(coalesce(sum(holdout_count) filter (where is_ripe), 0) as bigint)
            as ripe_holdout_count,
        cast(coalesce(sum(planned_holdout) filter (where is_ripe), 0) as decimal(18, 6))
            as planned_holdout,
        min(least_holdout_share) filter (where is_ripe) as least_holdout_share,
        max(greatest_holdout_share) filter (where is_ripe) as greatest_holdout_share,
        cast(coalesce(sum(cost_amount) filter (where is_ripe), 0) as decimal(18, 4)) as ripe_cost,
        min(assigned_date) as first_assigned_date,
        max(assigned_date) as last_assigned_date,
        min(ripe_on) as first_ripe_date,
        max(ripe_on) as last_ripe_date,
        as_of_date
    from {{ ref('campaign_runs') }}
    group by source, campaign_id, campaign_version, as_of_date

)

select * from campaign_progress
