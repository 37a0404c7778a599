{%- set reasons = suppression_reasons() -%}
with channels as (

    select distinct
        channel as campaign_channel,
        {{ canonical_channel('channel') }} as channel
    from {{ ref('campaigns_checked') }}
    where channel is not null

),

-- A reason without a channel holds for every one.
reasons as (

    select
        customer_key,
        source,
        channel,
        'no_consent' as suppression,
        withdrawn_on as suppressed_on,
        as_of_date
    from {{ ref('missing_consents') }}
    union all
    select
        customer_key,
        source,
        channel,
        suppression,
        suppressed_on,
        as_of_date
    from {{ ref('listed_suppressions') }}
    union all
    select
        customer_key,
        source,
        cast(null as string) as channel,
        suppression,
        suppressed_on,
        as_of_date
    from {{ ref('order_suppressions') }}

),

numbered as (

    select
        reasons.customer_key,
        reasons.source,
        channels.campaign_channel as channel,
        reasons.suppression,
        case reasons.suppression
            {%- for reason in reasons %}
            when '{{ reason }}' then {{ loop.index }}
            {%- endfor %}
        end as reason_number,
        reasons.suppressed_on,
        reasons.as_of_date
    from reasons
    inner join channels
        on coalesce(reasons.channel, channels.channel) = channels.channel

),

first_reasons as (

    select
        customer_key,
        channel,
        min(reason_number) as reason_number
    from numbered
    group by customer_key, channel

),

customer_suppressions as (

    select
        numbered.customer_key,
        numbered.source,
        numbered.channel,
        numbered.suppression,
        numbered.reason_number <= {{ listed_reasons() | length }} as is_hard,
        max(numbered.suppressed_on) as suppressed_on,
        numbered.as_of_date
    from numbered
    inner join first_reasons
        on
            numbered.customer_key = first_reasons.customer_key
            and numbered.channel = first_reasons.channel
            and numbered.reason_number = first_reasons.reason_number
    group by
        numbered.customer_key,
        numbered.source,
        numbered.channel,
        numbered.suppression,
        numbered.reason_number,
        numbered.as_of_date

)

select * from customer_suppressions
