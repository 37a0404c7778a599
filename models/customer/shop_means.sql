with customers as (

    select
        single_view.*,
        quality.probability as predicted_quality
    from {{ ref('customer_single_view') }} as single_view
    left join {{ ref('customer_quality') }} as quality
        on single_view.customer_key = quality.customer_key
    where single_view.is_customer

),

shop_means as (

    select
        customers.source,
        {{ shop_mean_columns('customers') }}
    from customers
    group by customers.source

)

select * from shop_means
