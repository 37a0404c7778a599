with dim_customers as (

    select
        customer_key,
        source,
        customer_id,
        first_seen_at
    from {{ ref('int_customers') }}

)

select * from dim_customers
