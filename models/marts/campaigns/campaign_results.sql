with metrics as (

    select 'conversion' as metric
    union all
    select 'cm2' as metric

),

-- A campaign that has gone from the seed still has its results, under its id.
measured as (

    select
        progress.*,
        metrics.metric,
        coalesce(campaigns.campaign_name, progress.campaign_id) as campaign_name,
        comparisons.method,
        -- Who looks at each run until one is clear finds such a one by chance, too.
        case
            when
                progress.result_state = 'ripe_in_part'
                and comparisons.decision in ('positive', 'negative')
                then 'so_far_' || comparisons.decision
            else comparisons.decision
        end as decision,
        case
            when comparisons.decision_reason is null
                then 'running: the first outcomes are known on ' || progress.first_ripe_date
            when progress.result_state = 'ripe_in_part'
                then
                    comparisons.decision_reason || '; not the last word: '
                    || (
                        progress.sent_count - progress.ripe_sent_count
                        + progress.holdout_count - progress.ripe_holdout_count
                    ) || ' people are still out'
            else comparisons.decision_reason
        end as decision_reason,
        comparisons.sent_buyer_count,
        comparisons.holdout_buyer_count,
        comparisons.sent_mean,
        comparisons.holdout_mean,
        comparisons.lift,
        comparisons.relative_lift,
        comparisons.lower_lift,
        comparisons.upper_lift,
        comparisons.p_value,
        comparisons.adjusted_p_value,
        comparisons.detectable_lift,
        comparisons.variance_reduction,
        comparisons.srm_p_value,
        -- What the arms differ by a person, over all who were sent it; a conversion is no money.
        cast(
            case when metrics.metric = 'cm2' then comparisons.lift * progress.ripe_sent_count end
            as decimal(18, 4)
        ) as effect_amount,
        cast(
            case
                when metrics.metric = 'cm2'
                    then comparisons.lower_lift * progress.ripe_sent_count
            end as decimal(18, 4)
        ) as lower_effect_amount,
        cast(
            case
                when metrics.metric = 'cm2'
                    then comparisons.upper_lift * progress.ripe_sent_count
            end as decimal(18, 4)
        ) as upper_effect_amount
    from {{ ref('campaign_progress') }} as progress
    cross join metrics
    left join {{ ref('campaigns_checked') }} as campaigns
        on
            progress.campaign_id = campaigns.campaign_id
            and progress.campaign_version = campaigns.campaign_version
    left join {{ ref('campaign_comparisons') }} as comparisons
        on
            progress.source = comparisons.source
            and progress.campaign_id = comparisons.campaign_id
            and progress.campaign_version = comparisons.campaign_version
            and metrics.metric = comparisons.metric

),

campaign_results as (

    select
        source,
        campaign_id,
        campaign_version,
        campaign_name,
        metric,
        result_state,
        method,
        decision,
        decision_reason,
        ripe_run_count,
        run_count,
        ripe_sent_count as sent_count,
        ripe_holdout_count as holdout_count,
        sent_count - ripe_sent_count + holdout_count - ripe_holdout_count as unripe_count,
        sent_buyer_count,
        holdout_buyer_count,
        sent_mean,
        holdout_mean,
        lift,
        relative_lift,
        lower_lift,
        upper_lift,
        p_value,
        adjusted_p_value,
        detectable_lift,
        variance_reduction,
        srm_p_value,
        effect_amount,
        lower_effect_amount,
        upper_effect_amount,
        ripe_cost as cost_amount,
        cast(effect_amount - ripe_cost as decimal(18, 4)) as return_amount,
        cast(lower_effect_amount - ripe_cost as decimal(18, 4)) as lower_return_amount,
        cast(upper_effect_amount - ripe_cost as decimal(18, 4)) as upper_return_amount,
        first_assigned_date,
        last_assigned_date,
        first_ripe_date,
        last_ripe_date,
        as_of_date
    from measured

)

select * from campaign_results
