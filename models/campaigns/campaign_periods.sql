-- A version that a later one overlaps gives way to it for as long as both run.
with periods as (

    select
        as_of.source,
        as_of.as_of_date,
        campaigns.*,
        case
            when as_of.as_of_date is null or campaigns.starts_on > as_of.as_of_date
                then 'not_started'
            when campaigns.ends_on < as_of.as_of_date then 'ended'
            else 'running'
        end as dated_state
    from {{ ref('int_as_of') }} as as_of
    cross join {{ ref('campaigns_checked') }} as campaigns

),

greatest as (

    select
        *,
        max(case when dated_state = 'running' then campaign_version end) over (
            partition by source, campaign_id
        ) as running_version
    from periods

),

campaign_periods as (

    select
        source,
        campaign_id,
        campaign_version,
        campaign_name,
        channel,
        offer,
        case
            when dated_state = 'running' and campaign_version < running_version
                then 'superseded'
            else dated_state
        end as campaign_state,
        priority,
        daily_cap,
        measurement_days,
        holdout_share,
        cost_per_contact,
        assumed_uplift,
        starts_on,
        ends_on,
        as_of_date
    from greatest

)

select * from campaign_periods
