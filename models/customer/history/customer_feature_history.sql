-- Meant to be read one source and date at a time: an equality filter on both reaches the history,
-- for the customers and for the means of their shop.
with customers as (

    select
        history.*,
        quality.probability as predicted_quality
    from {{ ref('customer_history') }} as history
    left join {{ ref('customer_quality') }} as quality
        on
            history.customer_key = quality.customer_key
            and history.as_of_date >= quality.decision_date
    where history.is_customer

),

shops as (

    select
        customers.source,
        customers.as_of_date,
        {{ shop_mean_columns('customers') }}
    from customers
    group by customers.source, customers.as_of_date

),

features as (

    select
        customers.customer_key,
        customers.source,
        customers.lifecycle_stage,
        customers.as_of_number,
        {{ feature_columns('customers', 'shops') }},
        customers.recency_days,
        customers.tenure_days,
        {{ frequency_score('customers.successful_orders_365d') }} as frequency_score,
        customers.net_revenue_365d,
        customers.cm2,
        customers.cm2_365d,
        customers.tenure_days <= 30 as is_new,
        customers.as_of_date = last_day(customers.as_of_date) as is_month_end,
        customers.is_current,
        customers.as_of_date
    from customers
    inner join shops
        on
            customers.source = shops.source
            and customers.as_of_date = shops.as_of_date

),

customer_feature_history as (

    select
        *,
        {{ content_key(feature_names()) }} as sample_key
    from features

)

select * from customer_feature_history
