with contact_rows as (

    select
        customer_key,
        source,
        channel,
        findings,
        true as is_suppression
    from {{ ref('int_suppressions') }}
    union all
    select
        customer_key,
        source,
        channel,
        findings,
        false as is_suppression
    from {{ ref('int_consents') }}

),

channels as (

    select distinct {{ canonical_channel('channel') }} as channel
    from {{ ref('campaigns_checked') }}

),

counted as (

    select
        contact_rows.source,
        count(*) filter (where contact_rows.is_suppression) as suppression_count,
        count(*) filter (where not contact_rows.is_suppression) as consent_count,
        count(*) filter (where customers.customer_key is null) as unmatched_count,
        count(*) filter (where contact_rows.channel is not null and channels.channel is null)
            as other_channel_count,
        count(contact_rows.findings) as finding_count
    from contact_rows
    left join {{ ref('dim_customers') }} as customers
        on
            contact_rows.customer_key = customers.customer_key
            and contact_rows.source = customers.source
    left join channels
        on contact_rows.channel = channels.channel
    group by contact_rows.source

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

contact_status as (

    select
        coalesce(as_of.source, counted.source) as source,
        case
            when as_of.source is null
                then 'No source of this name is switched on, so its rows hold nobody back.'
            when counted.consent_count > 0
                then 'Consents are kept: who has none for a channel is not contacted over it.'
            else 'No consents are known: everybody may be contacted whom nothing else holds back.'
        end as reason,
        coalesce(counted.suppression_count, 0) as suppression_count,
        coalesce(counted.consent_count, 0) as consent_count,
        coalesce(counted.unmatched_count, 0) as unmatched_count,
        coalesce(counted.other_channel_count, 0) as other_channel_count,
        coalesce(counted.finding_count, 0) as finding_count,
        coalesce(counted.consent_count, 0) > 0 as is_consent_asked,
        as_of.as_of_date
    from as_of
    full outer join counted
        on as_of.source = counted.source

)

select * from contact_status
