with source as (

    select * from {{ source('contact', 'consents') }}

),

typed as (

    select
        *,
        {{ canonical_id('source') }} as shop,
        {{ canonical_id('customer_id') }} as canonical_customer_id,
        {{ canonical_channel('channel') }} as canonical_channel,
        {{ canonical_id('has_consent') }} as answer,
        {{ parse_day_or_timestamp('changed_at', 'contact') }} as changed_time
    from source

),

found as (

    select
        *,
        {{ findings(dict(time_rules('changed_at', 'changed_time'))) }} as date_findings,
        {{ findings({
            'changed_at_missing': missing('changed_at', 'changed_time'),
            'has_consent_missing': 'answer is null',
            'has_consent_not_a_flag': "coalesce(answer not in ('true', '1', 'false', '0'), false)",
        }) }} as other_findings
    from typed

),

answered as (

    select
        *,
        case when date_findings is null then changed_time end as answered_at,
        -- Only a clear yes is one. Of a yes whose date cannot be read nobody knows whether it still
        -- holds, or holds already; a no needs no date.
        case
            when coalesce(answer, '') not in ('true', '1') then false
            when date_findings is null then true
        end as consent
    from found

),

stg_contact__consents as (

    select
        {{ content_key([
            'shop', 'canonical_customer_id', 'canonical_channel', 'consent', 'answered_at',
        ]) }} as contact_key,
        shop as source,
        canonical_customer_id as customer_id,
        canonical_channel as channel,
        nullif(concat_ws(';', date_findings, other_findings), '') as findings,
        {{ origin() }},
        {{ reject_reasons({
            'source_missing': 'shop is null',
            'customer_id_missing': 'canonical_customer_id is null',
        }) }} as reject_reasons,
        case when reject_reasons is not null then {{ raw_row([
            'source', 'customer_id', 'channel', 'has_consent', 'changed_at'
        ]) }} end as raw_row,
        consent as has_consent,
        answered_at as changed_at
    from answered

)

select * from stg_contact__consents
