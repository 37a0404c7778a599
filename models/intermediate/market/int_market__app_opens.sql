with accepted as (

    select
        customer_id,
        opened_at
    from {{ ref('stg_market__app_open') }}
    where reject_reasons is null

),

customer_ids as (

    select distinct customer_id from {{ ref('stg_market__app_open') }}
    where customer_id is not null

),

-- One hash a customer, not one an opening.
customers as (

    select
        customer_id,
        {{ hash_key(["'market'", "customer_id"]) }} as customer_key
    from customer_ids

),

-- The same client at the same second is one opening, however often it was delivered.
int_market__app_opens as (

    select
        customers.customer_key,
        'market' as source,
        accepted.opened_at
    from accepted
    inner join customers
        on accepted.customer_id = customers.customer_id
    group by customers.customer_key, accepted.opened_at

)

select * from int_market__app_opens
