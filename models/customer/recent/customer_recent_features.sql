with customers as (

    select
        recent.*,
        quality.probability as predicted_quality
    from {{ ref('recent_customers') }} as recent
    left join {{ ref('customer_quality') }} as quality
        on
            recent.customer_key = quality.customer_key
            and recent.as_of_date >= quality.decision_date

),

features as (

    select
        customers.customer_key,
        customers.source,
        customers.lifecycle_stage,
        customers.lag_days,
        {{ feature_columns('customers', 'shops') }},
        customers.recency_days,
        customers.tenure_days,
        {{ frequency_score('customers.successful_orders_365d') }} as frequency_score,
        customers.net_revenue_365d,
        customers.cm2,
        customers.cm2_365d,
        customers.tenure_days <= 30 as is_new,
        customers.as_of_date
    from customers
    inner join {{ ref('shop_means') }} as shops
        on customers.source = shops.source

),

customer_recent_features as (

    select
        *,
        {{ content_key(feature_names()) }} as sample_key
    from features

)

select * from customer_recent_features
