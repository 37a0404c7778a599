-- Why people of an audience are not on today's list; why others are is in campaign_list_reasons.
with ledger as (

    select
        source,
        campaign_id,
        campaign_version,
        state,
        state_group,
        case state_group
            when 'sent' then 'was on an earlier list'
            when 'holdout_global' then 'left alone by all campaigns of the quarter'
            when 'holdout_campaign' then 'left alone, to compare with'
            -- With the ends of measurements there would be as many reasons as days.
            else regexp_replace(state_reason, ' until [0-9-]+$', '')
        end as unlisted_reason,
        as_of_date
    from {{ ref('campaign_ledger') }}
    where state <> 'sent' or assigned_date < as_of_date

),

counted as (

    select
        source,
        campaign_id,
        campaign_version,
        state,
        state_group,
        unlisted_reason,
        count(*) as customer_count,
        as_of_date
    from ledger
    group by
        source, campaign_id, campaign_version, state, state_group, unlisted_reason, as_of_date

),

-- How many end in a group of states is known from campaign_status.
campaign_ledger_reasons as (

    select
        source,
        campaign_id,
        campaign_version,
        state,
        state_group,
        unlisted_reason,
        case
            when {{ may_be_told(
                'customer_count', 'source, campaign_id, campaign_version, state_group',
                'state asc, unlisted_reason'
            ) }}
                then customer_count
        end as customer_count,
        as_of_date
    from counted

)

select * from campaign_ledger_reasons
