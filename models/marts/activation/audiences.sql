with status as (

    select * from {{ ref('campaign_status') }}

),

campaigns as (

    select * from {{ ref('campaigns') }}

),

lists as (

    select * from {{ ref('campaign_lists') }}

),

members as (

    select
        source,
        campaign_id,
        campaign_version,
        count(*) as member_count
    from lists
    group by
        source,
        campaign_id,
        campaign_version

),

audiences as (

    -- A running campaign that reaches nobody today is an audience too: its tool is to empty it.
    select
        {{ audience_id('status.source', 'status.campaign_id', 'status.campaign_version') }} as id,
        status.campaign_name || ' (' || status.source || ', version '
        || cast(status.campaign_version as string) || ')' as name,
        coalesce(campaigns.offer, 'no offer') || ', over ' || coalesce(status.channel, 'any channel')
        || ', as of ' || cast(status.as_of_date as string) as description,
        status.source,
        status.campaign_id,
        status.campaign_version,
        status.channel,
        cast(coalesce(members.member_count, 0) as bigint) as member_count
    from status
    inner join campaigns
        on
            status.campaign_id = campaigns.campaign_id
            and status.campaign_version = campaigns.campaign_version
    left join members
        on
            status.source = members.source
            and status.campaign_id = members.campaign_id
            and status.campaign_version = members.campaign_version
    where status.campaign_state = 'running'

)

select * from audiences
