with int_olist__customers as (

    select
        customer_key,
        'olist' as source,
        min(customer_id) as customer_id,
        min(ordered_at) as first_seen_at
    from {{ ref('int_olist__orders') }}
    group by customer_key

)

select * from int_olist__customers
