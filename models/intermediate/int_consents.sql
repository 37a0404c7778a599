-- The seed counts beside what lands, as it does for suppressions; the latest word wins.
with seeded as (

    select
        {{ canonical_id('source') }} as source,
        {{ canonical_id('customer_id') }} as customer_id,
        {{ canonical_channel('channel') }} as channel,
        cast(null as string) as findings,
        coalesce(has_consent, false) as has_consent,
        cast(changed_on as timestamp) as changed_at
    from {{ ref('consents') }}

),

answers as (

    select * from seeded
    {%- if 'consents' in contact_sources() %}
    union all
    select * from {{ ref('int_contact__consents') }}
    {%- endif %}

),

int_consents as (

    select
        {{ hash_key(['source', 'customer_id']) }} as customer_key,
        source,
        customer_id,
        channel,
        findings,
        has_consent,
        changed_at
    from answers

)

select * from int_consents
