with campaigns as (

    select * from {{ ref('campaigns_in_force') }}

),

decided as (

    select
        claims.*,
        campaigns.channel,
        winners.campaign_id as winner_id,
        winners.priority as winner_priority,
        decisions.decision,
        decisions.cap_reason,
        case
            when claims.has_earlier_arm then claims.earlier_arm
            when claims.has_arm_of_today and not claims.is_hard then claims.earlier_arm
            when claims.suppression is not null then 'suppressed'
            when winners.campaign_id <> claims.campaign_id then 'outranked'
            when decisions.decision = 'past_date' then 'suppressed'
            else decisions.decision
        end as state_group,
        coalesce(claims.suppression, decisions.decision) as suppressed_for,
        coalesce(
            claims.assigned_date,
            case
                when decisions.decision in ('sent', 'holdout_global', 'holdout_campaign')
                    then claims.as_of_date
            end
        ) as arm_date
    from {{ ref('campaign_claims') }} as claims
    inner join campaigns
        on
            claims.source = campaigns.source
            and claims.campaign_id = campaigns.campaign_id
    left join {{ ref('campaign_winners') }} as winners
        on claims.customer_key = winners.customer_key
    left join {{ ref('campaign_decisions') }} as decisions
        on
            claims.customer_key = decisions.customer_key
            and claims.campaign_id = decisions.campaign_id

),

campaign_ledger as (

    select
        source,
        campaign_id,
        campaign_version,
        customer_key,
        customer_id,
        case state_group
            when 'suppressed' then 'suppressed:' || suppressed_for
            when 'outranked' then 'outranked:' || winner_id
            else state_group
        end as state,
        state_group,
        case state_group
            when 'sent'
                then
                    case when arm_date = as_of_date then 'is' else 'was' end
                    || ' on the list of ' || cast(arm_date as string)
            when 'holdout_global'
                then
                    'drawn on ' || cast(arm_date as string)
                    || ' to be left alone by all campaigns of the quarter'
            when 'holdout_campaign'
                then
                    'drawn on ' || cast(arm_date as string) || ' to be left alone, to compare with'
            when 'suppressed' then {{ suppression_words('suppressed_for', 'channel') }}
            when 'capped' then cap_reason
            when 'outranked'
                then
                    winner_id
                    || case
                        when winner_priority > priority then ' has taken them earlier today'
                        else ' comes first'
                    end
        end as state_reason,
        audience_reason,
        priority,
        bucket,
        expected_value,
        arm_date as assigned_date,
        as_of_date
    from decided

)

select * from campaign_ledger
