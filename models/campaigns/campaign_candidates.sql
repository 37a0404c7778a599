with customers as (

    select * from {{ ref('customer_single_view') }}
    where is_customer

),

shops as (

    select
        source,
        cast(sum(cm2) as double) / nullif(sum(successful_order_count), 0) as mean_order_cm2
    from {{ ref('customer_single_view') }}
    where is_customer
    group by source

),

-- The customer's own mean, drawn to the shop's: one order says little about the next.
campaign_candidates as (

    select
        customers.customer_key,
        customers.source,
        customers.customer_id,
        customers.lifecycle_stage,
        rfm.rfm_segment,
        members.segment_name,
        members.archetype,
        quality.quality_status,
        quality.quadrant_forecast,
        customers.city,
        customers.state,
        customers.device_class,
        customers.payment_type,
        customers.favourite_category,
        members.segment_id,
        members.margin as segment_margin,
        rfm.recency_score,
        rfm.frequency_score,
        rfm.monetary_score,
        quality.probability as quality_probability,
        quality.decile as quality_decile,
        lifetime_value.clv_365,
        customers.order_count,
        customers.successful_order_count,
        customers.cancelled_order_count,
        customers.promo_order_count,
        customers.successful_orders_365d,
        customers.category_count,
        customers.rating_count,
        customers.skipped_rating_count,
        customers.app_opens_7d,
        customers.app_opens_30d,
        customers.app_opens_90d,
        customers.recency_days,
        customers.tenure_days,
        customers.expected_gap_days,
        customers.overdue_ratio,
        customers.basket_value,
        customers.discount_amount,
        customers.own_discount,
        customers.net_revenue,
        customers.cm1,
        customers.cm2,
        customers.net_revenue_365d,
        customers.cm2_365d,
        customers.average_order_value,
        customers.promo_share,
        customers.own_discount_share,
        customers.cm2_rate,
        customers.mean_rating,
        customers.average_distance_km,
        {{ to_decimal(
            "(customers.cm2 + " ~ number_var('order_value_prior_count') ~ " * shops.mean_order_cm2)
            / (customers.successful_order_count + " ~ number_var('order_value_prior_count') ~ ")",
            18, 4
        ) }} as usual_order_cm2,
        customers.is_overdue,
        members.is_borderline,
        customers.first_order_date,
        customers.last_order_date,
        customers.as_of_date
    from customers
    left join {{ ref('customer_rfm') }} as rfm
        on customers.customer_key = rfm.customer_key
    left join {{ ref('customer_segments') }} as members
        on customers.customer_key = members.customer_key
    left join {{ ref('customer_quality') }} as quality
        on customers.customer_key = quality.customer_key
    left join {{ ref('customer_lifetime_value') }} as lifetime_value
        on customers.customer_key = lifetime_value.customer_key
    left join shops
        on customers.source = shops.source

)

select * from campaign_candidates
