with winners as (

    select
        winners.*,
        campaigns.daily_cap,
        campaigns.measurement_days,
        campaigns.holdout_share,
        campaigns.cost_per_contact,
        {{ bucket(
            "'global:' || winners.source || ':' || cast(year(winners.as_of_date) as string)"
            ~ " || 'Q' || cast(quarter(winners.as_of_date) as string)",
            "winners.customer_id"
        ) }} as global_bucket
    from {{ ref('campaign_winners') }} as winners
    inner join {{ ref('campaigns_in_force') }} as campaigns
        on
            winners.source = campaigns.source
            and winners.campaign_id = campaigns.campaign_id
    where not winners.has_arm_of_today

),

-- Who got an arm from an earlier build of the same day has taken a place already.
taken_places as (

    select
        earlier.source,
        earlier.campaign_id,
        count(*) as taken_count
    from {{ ref('earlier_assignments') }} as earlier
    inner join {{ ref('int_as_of') }} as as_of
        on
            earlier.source = as_of.source
            and earlier.assigned_date = as_of.as_of_date
    where earlier.arm in ('sent', 'holdout_campaign')
    group by earlier.source, earlier.campaign_id

),

latest_dates as (

    select
        source,
        max(assigned_date) as latest_assigned_date
    from {{ ref('earlier_assignments') }}
    group by source

),

checked as (

    select
        winners.*,
        coalesce(
            latest_dates.latest_assigned_date > winners.as_of_date, false
        ) as is_past_date,
        winners.global_bucket < {{ share_var('global_holdout_share') }} * 10000
            as is_global_holdout,
        winners.bucket < winners.holdout_share * 10000 as is_campaign_holdout,
        contacts.contact_cap,
        coalesce(taken_places.taken_count, 0) as taken_count
    from winners
    left join {{ ref('campaign_contacts') }} as contacts
        on winners.customer_key = contacts.customer_key
    left join taken_places
        on
            winners.source = taken_places.source
            and winners.campaign_id = taken_places.campaign_id
    left join latest_dates
        on winners.source = latest_dates.source

),

queued as (

    select
        *,
        case
            when daily_cap is not null and not is_global_holdout and contact_cap is null
                then row_number() over (
                    partition by
                        source,
                        campaign_id,
                        daily_cap is not null and not is_global_holdout and contact_cap is null
                    -- Not by the campaign's own bucket: its holdout would be served first.
                    order by expected_value desc, global_bucket asc, customer_id asc
                ) + taken_count
        end as place_of_day
    from checked

),

judged as (

    select
        *,
        coalesce(contact_cap is not null or place_of_day > daily_cap, false) as is_capped
    from queued

),

campaign_decisions as (

    select
        source,
        campaign_id,
        campaign_version,
        customer_key,
        customer_id,
        case
            when is_capped and not is_global_holdout then 'capped'
            when is_past_date then 'past_date'
            when is_global_holdout then 'holdout_global'
            when is_campaign_holdout then 'holdout_campaign'
            else 'sent'
        end as decision,
        case
            when is_capped and not is_global_holdout
                then coalesce(
                    contact_cap,
                    'the campaign takes at most ' || cast(daily_cap as string) || ' people a day'
                )
        end as cap_reason,
        bucket,
        global_bucket,
        measurement_days,
        holdout_share,
        cast({{ share_var('global_holdout_share') }} as decimal(9, 6)) as global_holdout_share,
        cost_per_contact,
        as_of_date
    from judged

)

select * from campaign_decisions
