with

-- The same client at the same second is one opening, however often it was delivered.
distinct_opens as (

    select
        customer_id,
        opened_at_text,
        min(opened_at) as opened_at
    from {{ ref('stg_market__app_open') }}
    where reject_reasons is null
    group by customer_id, opened_at_text

),

int_market__app_opens as (

    select
        {{ hash_key(["'market'", "customer_id"]) }} as customer_key,
        'market' as source,
        opened_at_text,
        opened_at
    from distinct_opens

)

select * from int_market__app_opens
