with customers as (

    select
        single_view.*,
        members.segment_id,
        quality.probability as predicted_quality,
        lifetime_values.clv_365
    from {{ ref('customer_single_view') }} as single_view
    inner join {{ ref('customer_segments') }} as members
        on single_view.customer_key = members.customer_key
    left join {{ ref('customer_quality') }} as quality
        on single_view.customer_key = quality.customer_key
    left join {{ ref('customer_lifetime_value') }} as lifetime_values
        on single_view.customer_key = lifetime_values.customer_key

),

shops as (

    select
        source,
        count(*) as customer_count,
        sum(net_revenue) as net_revenue,
        sum(cm2) as cm2
    from customers
    group by source

),

totals as (

    select
        source,
        segment_id,
        count(*) as customer_count,
        sum(net_revenue) as net_revenue,
        sum(cm2) as cm2,
        sum(successful_order_count) as successful_order_count,
        sum(promo_order_count) as promo_order_count,
        sum(own_discount) as own_discount,
        sum(basket_value) as basket_value,
        sum(rating_sum) as rating_sum,
        sum(rating_count) as rating_count,
        sum(app_opens_30d) as app_opens_30d,
        median(recency_days) as median_recency_days,
        avg(cast(predicted_quality as decimal(18, 6))) as predicted_quality,
        sum(clv_365) as clv_365,
        count(clv_365) as clv_count
    from customers
    group by source, segment_id

),

segment_profiles as (

    select
        totals.source,
        totals.segment_id,
        segments.segment_name,
        totals.customer_count,
        cast(totals.customer_count / shops.customer_count as decimal(18, 6)) as customer_share,
        cast(totals.net_revenue as decimal(38, 4)) as net_revenue,
        cast(totals.net_revenue / nullif(shops.net_revenue, 0) as decimal(18, 6))
            as net_revenue_share,
        cast(totals.cm2 as decimal(38, 4)) as cm2,
        cast(totals.cm2 / nullif(shops.cm2, 0) as decimal(18, 6)) as cm2_share,
        cast(totals.cm2 / totals.customer_count as decimal(18, 4)) as cm2_per_customer,
        cast(totals.successful_order_count / totals.customer_count as decimal(9, 2))
            as orders_per_customer,
        cast(totals.net_revenue / totals.successful_order_count as decimal(18, 4))
            as average_order_value,
        cast(totals.promo_order_count / totals.successful_order_count as decimal(18, 6))
            as promo_share,
        cast(totals.own_discount / nullif(totals.basket_value, 0) as decimal(18, 6))
            as own_discount_share,
        cast(totals.rating_sum / nullif(totals.rating_count, 0) as decimal(18, 6)) as mean_rating,
        cast(totals.app_opens_30d / totals.customer_count as decimal(9, 2))
            as app_opens_30d_per_customer,
        cast(totals.median_recency_days as decimal(9, 1)) as median_recency_days,
        cast(totals.predicted_quality as decimal(18, 6)) as predicted_quality,
        cast(totals.clv_365 / nullif(totals.clv_count, 0) as decimal(18, 4))
            as clv_365_per_customer
    from totals
    inner join shops
        on totals.source = shops.source
    inner join {{ ref('segments') }} as segments
        on
            totals.source = segments.source
            and totals.segment_id = segments.segment_id

)

select * from segment_profiles
