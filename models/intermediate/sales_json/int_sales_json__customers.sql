with int_sales_json__customers as (

    select
        customer_key,
        'sales_json' as source,
        min(customer_id) as customer_id,
        min(ordered_at) as first_seen_at
    from {{ ref('int_sales_json__orders') }}
    where customer_key is not null
    group by customer_key

)

select * from int_sales_json__customers
