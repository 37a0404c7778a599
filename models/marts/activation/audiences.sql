with campaigns as (

    select * from {{ ref('campaigns_in_force') }}

),

members as (

    select
        source,
        campaign_id,
        campaign_version,
        count(*) as member_count
    from {{ ref('campaign_lists') }}
    group by
        source,
        campaign_id,
        campaign_version

),

audiences as (

    -- A campaign that reaches nobody today is an audience too: its tool is to empty it.
    select
        {{ audience_id('campaigns.source', 'campaigns.campaign_id', 'campaigns.campaign_version') }}
            as id,
        -- Tools look for a column of this name.
        campaigns.campaign_name || ' (' || campaigns.source || ', version '
        || cast(campaigns.campaign_version as string) || ')' as name,  -- noqa: RF04
        coalesce(campaigns.offer, 'No offer') || ', over ' || campaigns.channel || ', as of '
        || cast(campaigns.as_of_date as string) as description,
        campaigns.source,
        campaigns.campaign_id,
        campaigns.campaign_version,
        campaigns.channel,
        cast(coalesce(members.member_count, 0) as bigint) as member_count
    from campaigns
    left join members
        on
            campaigns.source = members.source
            and campaigns.campaign_id = members.campaign_id
            and campaigns.campaign_version = members.campaign_version

)

select * from audiences
