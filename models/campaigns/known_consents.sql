with consents as (

    select * from {{ ref('int_consents') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

-- A yes without a date is older than any other word, a no without one is newer: a doubt ends in not
-- being contacted.
dated as (

    select
        consents.customer_key,
        consents.source,
        consents.channel,
        consents.has_consent,
        coalesce(
            consents.changed_at,
            case
                when consents.has_consent then timestamp '0001-01-01 00:00:00'
                else timestamp '9999-12-31 00:00:00'
            end
        ) as counts_from,
        as_of.as_of_date
    from consents
    inner join as_of
        on consents.source = as_of.source
    where
        consents.has_consent is not null
        and coalesce(cast(consents.changed_at as date), as_of.as_of_date) <= as_of.as_of_date

),

known_consents as (

    select
        customer_key,
        source,
        channel,
        max(counts_from) filter (where has_consent) as consented_at,
        max(counts_from) filter (where not has_consent) as withdrawn_at,
        as_of_date
    from dated
    group by customer_key, source, channel, as_of_date

)

select * from known_consents
