with customers as (

    select
        single_view.*,
        quality.probability as predicted_quality
    from {{ ref('customer_single_view') }} as single_view
    left join {{ ref('customer_quality') }} as quality
        on single_view.customer_key = quality.customer_key
    where single_view.is_customer

),

shops as (

    select
        source,
        sum(rating_sum) / nullif(sum(rating_count), 0) as mean_rating,
        avg(average_distance_km) as mean_distance_km,
        avg(cm2_rate) as mean_cm2_rate,
        cast(avg(cast(predicted_quality as decimal(18, 6))) as decimal(18, 6))
            as mean_predicted_quality
    from customers
    group by source

),

-- Rounded to six decimals: sums of decimals do not depend on the order of rows.
features as (

    select
        customers.customer_key,
        customers.source,
        {{ log_feature('customers.recency_days') }} as recency,
        {{ log_feature('customers.successful_order_count') }} as frequency,
        {{ log_feature('customers.average_order_value') }} as average_order_value,
        cast(customers.promo_share as decimal(18, 6)) as promo_share,
        cast(coalesce(customers.own_discount_share, 0) as decimal(18, 6)) as own_discount_share,
        cast(
            (
                coalesce(customers.rating_sum, 0)
                + {{ number_var('rating_prior_count') }} * shops.mean_rating
            )
            / (customers.rating_count + {{ number_var('rating_prior_count') }})
            as decimal(18, 6)
        ) as rating,
        {{ log_feature('customers.app_opens_30d') }} as app_opens_30d,
        {{ log_feature('customers.app_opens_90d') }} as app_opens_90d,
        cast(coalesce(customers.cm2_rate, shops.mean_cm2_rate) as decimal(18, 6)) as cm2_rate,
        -- Unknown distances are taken to be the shop's mean: they pull no one anywhere.
        cast(coalesce(customers.average_distance_km, shops.mean_distance_km) as decimal(18, 6))
            as distance,
        cast(customers.category_count as decimal(18, 6)) as category_breadth,
        -- Customers who are not yet judged are taken to be the shop's mean.
        cast(
            coalesce(customers.predicted_quality, shops.mean_predicted_quality) as decimal(18, 6)
        ) as predicted_quality,
        customers.as_of_date
    from customers
    inner join shops
        on customers.source = shops.source

),

customer_features as (

    select
        *,
        {{ content_key(feature_names()) }} as sample_key
    from features

)

select * from customer_features
