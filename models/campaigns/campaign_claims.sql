-- Who is in an audience, and what already speaks for or against contacting them.
with audience as (

    select * from {{ ref('campaign_audience') }}

),

campaigns as (

    select * from {{ ref('campaigns_in_force') }}

),

campaign_claims as (

    select
        audience.source,
        audience.campaign_id,
        audience.campaign_version,
        audience.customer_key,
        audience.customer_id,
        audience.audience_reason,
        suppressions.suppression,
        earlier.arm as earlier_arm,
        audience.priority,
        {{ bucket(
            "audience.campaign_id || ':v' || cast(audience.campaign_version as string)"
            ~ " || ':' || audience.source",
            "audience.customer_id"
        ) }} as bucket,
        audience.expected_value,
        coalesce(suppressions.is_hard, false) as is_hard,
        -- An arm of an earlier day stands whatever has happened since; one of this day is only
        -- on its list as long as nothing forbids the contact.
        coalesce(earlier.assigned_date < audience.as_of_date, false) as has_earlier_arm,
        coalesce(earlier.assigned_date = audience.as_of_date, false) as has_arm_of_today,
        earlier.assigned_date,
        audience.as_of_date
    from audience
    inner join campaigns
        on
            audience.source = campaigns.source
            and audience.campaign_id = campaigns.campaign_id
    left join {{ ref('customer_suppressions') }} as suppressions
        on
            audience.customer_key = suppressions.customer_key
            and campaigns.channel = suppressions.channel
    left join {{ ref('earlier_assignments') }} as earlier
        on
            audience.customer_key = earlier.customer_key
            and audience.campaign_id = earlier.campaign_id
            and audience.campaign_version = earlier.campaign_version
            and audience.as_of_date >= earlier.assigned_date

)

select * from campaign_claims
