-- The same client at the same second is one opening, however often it was delivered.
with int_market__app_opens as (

    select
        customer_key,
        'market' as source,
        opened_at
    from {{ ref('stg_market__app_open') }}
    where reject_reasons is null
    group by customer_key, opened_at

)

select * from int_market__app_opens
