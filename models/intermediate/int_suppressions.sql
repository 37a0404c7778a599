-- The seed counts beside what lands: a list that people keep by hand must not fall silent because
-- another one was switched on.
with seeded as (

    select
        {{ canonical_id('source') }} as source,
        {{ canonical_id('customer_id') }} as customer_id,
        {{ canonical_channel('channel') }} as channel,
        {{ listed_reason('reason') }} as suppression,
        cast(null as string) as findings,
        cast(suppressed_on as date) as suppressed_on,
        cast(ended_on as date) as ended_on
    from {{ ref('suppressions') }}

),

listed as (

    select * from seeded
    {%- if 'suppressions' in contact_sources() %}
    union all
    select * from {{ ref('int_contact__suppressions') }}
    {%- endif %}

),

int_suppressions as (

    select
        {{ hash_key(['source', 'customer_id']) }} as customer_key,
        source,
        customer_id,
        channel,
        suppression,
        findings,
        suppressed_on,
        ended_on
    from listed

)

select * from int_suppressions
