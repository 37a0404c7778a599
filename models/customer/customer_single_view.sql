-- The history's latest slice, with the customer's id.
with customer_single_view as (

    select
        history.customer_key,
        history.source,
        customers.customer_id,
        history.lifecycle_stage,
        history.city,
        history.state,
        history.device_class,
        history.payment_type,
        history.favourite_category,
        history.order_count,
        history.successful_order_count,
        history.cancelled_order_count,
        history.promo_order_count,
        history.successful_orders_365d,
        history.gap_count,
        history.category_count,
        history.rating_count,
        history.skipped_rating_count,
        history.rating_sum,
        history.app_opens_7d,
        history.app_opens_30d,
        history.app_opens_90d,
        history.recency_days,
        history.tenure_days,
        history.expected_gap_days,
        history.overdue_ratio,
        history.basket_value,
        history.discount_amount,
        history.own_discount,
        history.net_revenue,
        history.cm1,
        history.cm2,
        history.net_revenue_365d,
        history.cm2_365d,
        history.average_order_value,
        history.promo_share,
        history.own_discount_share,
        history.cm2_rate,
        history.mean_rating,
        history.average_distance_km,
        history.is_customer,
        history.is_overdue,
        history.first_order_date,
        history.last_order_date,
        history.as_of_date
    from {{ ref('customer_history') }} as history
    inner join {{ ref('dim_customers') }} as customers
        on history.customer_key = customers.customer_key
    where history.is_current

)

select * from customer_single_view
