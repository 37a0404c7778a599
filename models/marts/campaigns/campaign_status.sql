with counted as (

    select
        source,
        campaign_id,
        count(*) as audience_count,
        count(*) filter (where state_group = 'sent') as sent_count,
        count(*) filter (
            where state_group = 'sent' and assigned_date = as_of_date
        ) as sent_today_count,
        count(*) filter (
            where state_group = 'sent' and assigned_date < as_of_date
        ) as sent_earlier_count,
        count(*) filter (where state_group = 'holdout_global') as holdout_global_count,
        count(*) filter (where state_group = 'holdout_campaign') as holdout_campaign_count,
        count(*) filter (where state_group = 'suppressed') as suppressed_count,
        count(*) filter (where state_group = 'capped') as capped_count,
        count(*) filter (where state_group = 'outranked') as outranked_count,
        sum(expected_value) filter (
            where state_group = 'sent' and assigned_date = as_of_date
        ) as listed_expected_value
    from {{ ref('campaign_ledger') }}
    group by source, campaign_id

),

campaign_status as (

    select
        periods.source,
        periods.campaign_id,
        periods.campaign_version,
        periods.campaign_name,
        periods.channel,
        periods.offer,
        periods.campaign_state,
        case
            when periods.as_of_date is null then 'The source has no orders yet.'
            when periods.campaign_state = 'not_started'
                then 'It starts on ' || cast(periods.starts_on as string) || '.'
            when periods.campaign_state = 'ended'
                then 'It ended on ' || cast(periods.ends_on as string) || '.'
            when periods.campaign_state = 'superseded' then 'A later version runs.'
            when counted.audience_count is null then 'No customer fulfils its rules.'
            when counted.sent_today_count > 0
                then cast(counted.sent_today_count as string) || ' people are on its list.'
            else
                'Nobody is on its list today: of its audience of '
                || cast(counted.audience_count as string) || ', '
                || cast(counted.sent_count as string) || ' were on an earlier list, '
                || cast(
                    counted.holdout_global_count + counted.holdout_campaign_count as string
                ) || ' are left alone to compare with, '
                || cast(counted.suppressed_count as string) || ' are suppressed, '
                || cast(counted.capped_count as string) || ' are capped and '
                || cast(counted.outranked_count as string)
                || ' belong to a campaign that comes first.'
        end as status_reason,
        {%- for count in [
            "audience", "sent", "sent_today", "sent_earlier", "holdout_global", "holdout_campaign",
            "suppressed", "capped", "outranked"
        ] %}
        case
            when periods.campaign_state = 'running' then coalesce(counted.{{ count }}_count, 0)
            else 0
        end as {{ count }}_count,
        {%- endfor %}
        case
            when periods.campaign_state = 'running'
                then coalesce(
                    counted.audience_count - counted.sent_count - counted.holdout_global_count
                    - counted.holdout_campaign_count - counted.suppressed_count
                    - counted.capped_count - counted.outranked_count,
                    0
                )
            else 0
        end as unexplained_count,
        periods.priority,
        cast(
            case
                when counted.sent_today_count >= {{ number_var('smallest_group') }}
                    then counted.listed_expected_value
            end as decimal(18, 4)
        ) as listed_expected_value,
        periods.starts_on,
        periods.ends_on,
        periods.as_of_date
    from {{ ref('campaign_periods') }} as periods
    left join counted
        on
            periods.source = counted.source
            and periods.campaign_id = counted.campaign_id
            and periods.campaign_state = 'running'

)

select * from campaign_status
