-- Each build adds what it has changed: who came onto a list and who left it. A list is what may be
-- sent on its day, so the first build of a later day takes everybody of the day before off.
with logged as (
    {% if is_incremental() %}
    select * from {{ this }}
    {% else %}
    select
        source,
        campaign_id,
        campaign_version,
        customer_key,
        customer_id,
        cast(null as string) as channel,
        0 as change_number,
        assigned_date as changed_on
    from {{ ref('campaign_assignments') }}
    where false
    {% endif %}
),

-- Looking back changes no list.
shops as (

    select
        as_of.source,
        as_of.as_of_date
    from {{ ref('int_as_of') }} as as_of
    left join logged
        on as_of.source = logged.source
    where as_of.as_of_date is not null
    group by as_of.source, as_of.as_of_date
    having as_of.as_of_date >= coalesce(max(logged.changed_on), as_of.as_of_date)

),

listed as (

    select
        assignments.source,
        assignments.campaign_id,
        assignments.campaign_version,
        assignments.customer_key,
        assignments.customer_id,
        campaigns.channel
    from {{ ref('campaign_assignments') }} as assignments
    inner join shops
        on
            assignments.source = shops.source
            and assignments.assigned_date = shops.as_of_date
    inner join {{ ref('campaigns_in_force') }} as campaigns
        on
            assignments.source = campaigns.source
            and assignments.campaign_id = campaigns.campaign_id
            and assignments.campaign_version = campaigns.campaign_version
    inner join {{ ref('campaign_claims') }} as claims
        on
            assignments.customer_key = claims.customer_key
            and assignments.campaign_id = claims.campaign_id
    where
        assignments.arm = 'sent'
        and not claims.is_hard

),

kept as (

    select
        logged.source,
        logged.campaign_id,
        logged.campaign_version,
        logged.customer_key,
        logged.customer_id,
        -- Not a part of the key: a seed may change the channel of a version on the way.
        max_by(logged.channel, logged.change_number) as channel,
        max(logged.change_number) as change_number,
        -- Coming and leaving take turns, and coming is first.
        count(*) % 2 = 1 as is_listed
    from logged
    inner join shops
        on logged.source = shops.source
    group by
        logged.source, logged.campaign_id, logged.campaign_version,
        logged.customer_key, logged.customer_id

),

campaign_list_log as (

    select
        coalesce(listed.source, kept.source) as source,
        coalesce(listed.campaign_id, kept.campaign_id) as campaign_id,
        coalesce(listed.campaign_version, kept.campaign_version) as campaign_version,
        coalesce(listed.customer_key, kept.customer_key) as customer_key,
        coalesce(listed.customer_id, kept.customer_id) as customer_id,
        coalesce(listed.channel, kept.channel) as channel,
        case when listed.customer_key is not null then 'added' else 'removed' end as list_change,
        cast(coalesce(kept.change_number, 0) + 1 as integer) as change_number,
        shops.as_of_date as changed_on
    from listed
    full outer join kept
        on
            listed.customer_key = kept.customer_key
            and listed.campaign_id = kept.campaign_id
            and listed.campaign_version = kept.campaign_version
    inner join shops
        on coalesce(listed.source, kept.source) = shops.source
    where (listed.customer_key is not null) <> coalesce(kept.is_listed, false)

)

select * from campaign_list_log
