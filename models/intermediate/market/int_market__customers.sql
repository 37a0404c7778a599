with int_market__customers as (

    select
        customer_key,
        'market' as source,
        min(customer_id) as customer_id,
        min(basket_created_at) as first_seen_at
    from {{ ref('int_market__orders') }}
    group by customer_key

)

select * from int_market__customers
