with accepted as (

    {{ kept_rows(
        ref('stg_contact__suppressions'), ref('int_contact__duplicate_rows'), 'suppressions'
    ) }}

),

int_contact__suppressions as (

    select
        source,
        customer_id,
        channel,
        suppression,
        findings,
        suppressed_on,
        ended_on
    from accepted

)

select * from int_contact__suppressions
