with accepted as (

    {{ kept_rows(
        ref('stg_contact__consents'), ref('int_contact__duplicate_rows'), 'consents'
    ) }}

),

int_contact__consents as (

    select
        source,
        customer_id,
        channel,
        findings,
        has_consent,
        changed_at
    from accepted

)

select * from int_contact__consents
