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

campaign_ledger_reasons as (

    select
        source,
        campaign_id,
        campaign_version,
        state,
        state_group,
        unlisted_reason,
        case
            when count(*) >= {{ number_var('smallest_group') }} then count(*)
        end as customer_count,
        as_of_date
    from ledger
    group by
        source, campaign_id, campaign_version, state, state_group, unlisted_reason, as_of_date

)

select * from campaign_ledger_reasons
