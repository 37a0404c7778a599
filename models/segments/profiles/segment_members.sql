with customers as (

    select * from {{ ref('customer_single_view') }}

),

members as (

    select * from {{ ref('customer_segments') }}

),

segment_members as (

    select
        members.customer_key,
        members.source,
        members.model_version,
        members.segmentation_method,
        members.segment_id,
        members.segment_name,
        customers.lifecycle_stage,
        rfm.rfm_segment,
        quality.quadrant_forecast,
        customers.state,
        customers.city,
        customers.device_class,
        customers.payment_type,
        customers.favourite_category,
        bands.price_band,
        customers.successful_order_count,
        customers.successful_orders_365d,
        customers.promo_order_count,
        customers.category_count,
        customers.rating_count,
        customers.rating_sum,
        customers.app_opens_30d,
        customers.app_opens_90d,
        customers.recency_days,
        customers.tenure_days,
        rfm.recency_score,
        rfm.frequency_score,
        rfm.monetary_score,
        customers.basket_value,
        customers.own_discount,
        customers.net_revenue,
        customers.net_revenue_365d,
        customers.cm2,
        lifetime_values.clv_365,
        customers.average_distance_km,
        -- Sums of decimals do not depend on the order of rows, sums of doubles do.
        cast(quality.probability as decimal(18, 6)) as predicted_quality,
        cast(members.margin as decimal(18, 6)) as segment_margin,
        members.is_borderline,
        members.as_of_date
    from members
    inner join customers
        on members.customer_key = customers.customer_key
    left join {{ ref('customer_rfm') }} as rfm
        on members.customer_key = rfm.customer_key
    left join {{ ref('customer_quality') }} as quality
        on members.customer_key = quality.customer_key
    left join {{ ref('customer_lifetime_value') }} as lifetime_values
        on members.customer_key = lifetime_values.customer_key
    left join {{ ref('customer_item_prices') }} as prices
        on members.customer_key = prices.customer_key
    left join {{ ref('price_bands') }} as bands
        on
            prices.source = bands.source
            and prices.average_item_price between bands.lower_price and bands.upper_price

)

select * from segment_members
