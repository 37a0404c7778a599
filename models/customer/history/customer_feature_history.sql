-- Meant to be read one source and date at a time: an equality filter on both reaches the history,
-- for the customers and for the means of their shop.
with first_opens as (

    {{ first_app_opens() }}

),

-- Read apart from the customers, and of few columns: what is read for both is kept until both are
-- done.
for_means as (

    select
        standing.source,
        standing.rating_sum,
        standing.rating_count,
        standing.average_distance_km,
        standing.cm2_rate,
        quality.probability as predicted_quality,
        standing.as_of_date
    from {{ ref('customer_standing') }} as standing
    left join {{ ref('customer_quality') }} as quality
        on
            standing.customer_key = quality.customer_key
            and standing.as_of_date >= quality.decision_date
    where standing.is_customer

),

shops as (

    select
        for_means.source,
        for_means.as_of_date,
        {{ shop_mean_columns('for_means') }}
    from for_means
    group by for_means.source, for_means.as_of_date

),

customers as (

    select
        standing.*,
        {{ known_app_opens(30, 'standing') }} as app_opens_30d,
        {{ known_app_opens(90, 'standing') }} as app_opens_90d,
        quality.probability as predicted_quality
    from {{ ref('customer_standing') }} as standing
    left join first_opens
        on standing.source = first_opens.source
    left join {{ ref('customer_app_open_windows') }} as windows
        on
            standing.customer_key = windows.customer_key
            and standing.as_of_number = windows.as_of_number
    left join {{ ref('customer_quality') }} as quality
        on
            standing.customer_key = quality.customer_key
            and standing.as_of_date >= quality.decision_date
    where standing.is_customer

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
