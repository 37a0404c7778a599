with shops as (

    select distinct
        source,
        as_of_date
    from {{ ref('campaign_periods') }}

),

changes as (

    select
        log.*,
        max(log.change_number) over (
            partition by log.customer_key, log.campaign_id, log.campaign_version
        ) as last_change_number
    from {{ ref('campaign_list_log') }} as log
    inner join shops
        on
            log.source = shops.source
            and log.changed_on = shops.as_of_date

),

campaign_list_changes as (

    select
        campaign_id,
        campaign_version,
        customer_key,
        source,
        customer_id,
        channel,
        list_change,
        changed_on
    from changes
    where change_number = last_change_number

)

select * from campaign_list_changes
