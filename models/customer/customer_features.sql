with customers as (

    select
        single_view.*,
        quality.probability as predicted_quality
    from {{ ref('customer_single_view') }} as single_view
    left join {{ ref('customer_quality') }} as quality
        on single_view.customer_key = quality.customer_key
    where single_view.is_customer

),

features as (

    select
        customers.customer_key,
        customers.source,
        {{ feature_columns('customers', 'shops') }},
        customers.as_of_date
    from customers
    inner join {{ ref('shop_means') }} as shops
        on customers.source = shops.source

),

customer_features as (

    select
        *,
        {{ content_key(feature_names()) }} as sample_key
    from features

)

select * from customer_features
