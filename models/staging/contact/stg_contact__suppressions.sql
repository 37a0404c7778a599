with source as (

    select * from {{ source('contact', 'suppressions') }}

),

typed as (

    select
        *,
        {{ canonical_id('source') }} as shop,
        {{ canonical_id('customer_id') }} as canonical_customer_id,
        {{ canonical_channel('channel') }} as canonical_channel,
        {{ listed_reason('reason') }} as suppression,
        {{ parse_day_or_timestamp('suppressed_at', 'contact') }} as began_at,
        {{ parse_day_or_timestamp('ended_at', 'contact') }} as over_at
    from source

),

found as (

    select
        *,
        {{ findings(dict(
            time_rules('suppressed_at', 'began_at')
            + time_rules('ended_at', 'over_at')
            + [('ended_at_before_suppressed_at', 'coalesce(over_at < began_at, false)')]
        )) }} as date_findings,
        {{ findings({
            'reason_missing': "coalesce(trim(reason), '') = ''",
            'reason_unknown': "suppression = 'other' and " ~ canonical_id('reason') ~ " <> 'other'",
        }) }} as reason_findings
    from typed

),

stg_contact__suppressions as (

    select
        {{ content_key([
            'shop', 'canonical_customer_id', 'canonical_channel', 'suppression',
            'case when date_findings is null then cast(began_at as date) end',
            'case when date_findings is null then cast(over_at as date) end',
        ]) }} as contact_key,
        shop as source,
        canonical_customer_id as customer_id,
        canonical_channel as channel,
        suppression,
        nullif(concat_ws(';', date_findings, reason_findings), '') as findings,
        {{ origin() }},
        {{ reject_reasons({
            'source_missing': 'shop is null',
            'customer_id_missing': 'canonical_customer_id is null',
        }) }} as reject_reasons,
        case when reject_reasons is not null then {{ raw_row([
            'source', 'customer_id', 'channel', 'reason', 'suppressed_at', 'ended_at'
        ]) }} end as raw_row,
        -- Where a date cannot be trusted, the person is left alone from ever and for ever.
        case when date_findings is null then cast(began_at as date) end as suppressed_on,
        case when date_findings is null then cast(over_at as date) end as ended_on
    from found

)

select * from stg_contact__suppressions
