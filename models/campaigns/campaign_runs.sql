with campaign_runs as (

    select
        source,
        campaign_id,
        campaign_version,
        cast(count(*) filter (where arm = 'sent') as bigint) as sent_count,
        cast(count(*) filter (where arm = 'holdout_campaign') as bigint) as holdout_count,
        -- As many as the draw was meant to hold back, by the share of each person.
        cast(sum(holdout_share) as decimal(18, 6)) as planned_holdout,
        min(holdout_share) as least_holdout_share,
        max(holdout_share) as greatest_holdout_share,
        cast(
            coalesce(sum(cost_per_contact) filter (where arm = 'sent'), 0) as decimal(18, 4)
        ) as cost_amount,
        bool_and(is_ripe) as is_ripe,
        assigned_date,
        max(ripe_on) as ripe_on,
        as_of_date
    from {{ ref('campaign_outcomes') }}
    group by source, campaign_id, campaign_version, assigned_date, as_of_date

)

select * from campaign_runs
