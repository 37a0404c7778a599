with campaigns_in_force as (

    select
        source,
        campaign_id,
        campaign_version,
        campaign_name,
        channel,
        offer,
        priority,
        daily_cap,
        measurement_days,
        holdout_share,
        cost_per_contact,
        assumed_uplift,
        as_of_date
    from {{ ref('campaign_periods') }}
    where campaign_state = 'running'

)

select * from campaigns_in_force
