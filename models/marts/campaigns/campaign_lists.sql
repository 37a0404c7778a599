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
        playbook.who_they_are,
        candidates.segment_name,
        candidates.rfm_segment,
        candidates.lifecycle_stage,
        candidates.favourite_category,
        candidates.recency_days,
        candidates.average_order_value,
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
    left join {{ ref('rule_segment_playbook') }} as playbook
        on candidates.rfm_segment = playbook.rule_segment

)

select * from campaign_lists
