with ledger as (

    select * from {{ ref('campaign_ledger') }}
    where
        state = 'sent'
        and assigned_date = as_of_date

),

campaign_lists as (

    select
        ledger.campaign_id,
        ledger.campaign_version,
        ledger.customer_key,
        ledger.source,
        ledger.customer_id,
        campaigns.campaign_name,
        campaigns.channel,
        campaigns.offer,
        ledger.audience_reason as reason,
        candidates.segment_name,
        candidates.rfm_segment,
        candidates.lifecycle_stage,
        candidates.recency_days,
        candidates.cm2_365d,
        ledger.expected_value,
        ledger.assigned_date,
        ledger.as_of_date
    from ledger
    inner join {{ ref('campaigns_in_force') }} as campaigns
        on
            ledger.source = campaigns.source
            and ledger.campaign_id = campaigns.campaign_id
    inner join {{ ref('campaign_candidates') }} as candidates
        on ledger.customer_key = candidates.customer_key

)

select * from campaign_lists
