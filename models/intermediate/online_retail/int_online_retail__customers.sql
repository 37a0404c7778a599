with int_online_retail__customers as (

    select
        customer_key,
        'online_retail' as source,
        min(customer_id) as customer_id,
        min(basket_created_at) as first_seen_at
    from {{ ref('int_online_retail__orders') }}
    where customer_key is not null
    group by customer_key

)

select * from int_online_retail__customers
