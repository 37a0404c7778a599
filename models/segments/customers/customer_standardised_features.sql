with customer_standardised_features as (

    select
        customers.customer_key,
        customers.source,
        {{ standardised_features('customers', 'scales') }},
        customers.as_of_date
    from {{ ref('customer_features') }} as customers
    inner join {{ ref('segment_scales') }} as scales
        on customers.source = scales.source

)

select * from customer_standardised_features
