with first_opens as (

    {{ first_app_opens() }}

),

customer_history as (

    select
        standing.customer_key,
        standing.source,
        standing.lifecycle_stage,
        last_orders.city,
        last_orders.state,
        last_orders.device_class,
        last_orders.payment_type,
        categories.category as favourite_category,
        standing.as_of_number,
        standing.months_back,
        standing.order_count,
        standing.successful_order_count,
        standing.cancelled_order_count,
        standing.promo_order_count,
        standing.successful_orders_365d,
        standing.gap_count,
        standing.category_count,
        standing.rating_count,
        standing.skipped_rating_count,
        standing.rating_sum,
        {%- for days in [7, 30, 90] %}
        {{ known_app_opens(days, 'standing') }} as app_opens_{{ days }}d,
        {%- endfor %}
        standing.recency_days,
        standing.tenure_days,
        standing.expected_gap_days,
        standing.overdue_ratio,
        standing.basket_value,
        standing.discount_amount,
        standing.own_discount,
        standing.net_revenue,
        standing.cm1,
        standing.cm2,
        standing.net_revenue_365d,
        standing.cm2_365d,
        standing.average_order_value,
        standing.promo_share,
        standing.own_discount_share,
        standing.cm2_rate,
        standing.mean_rating,
        standing.average_distance_km,
        standing.is_customer,
        standing.is_overdue,
        standing.is_current,
        standing.first_order_date,
        standing.last_order_date,
        standing.as_of_date
    from {{ ref('customer_standing') }} as standing
    left join first_opens
        on standing.source = first_opens.source
    left join {{ ref('fct_orders') }} as last_orders
        on standing.last_order_key = last_orders.order_key
    left join {{ ref('category_numbers') }} as categories
        on
            standing.source = categories.source
            and standing.top_category_number = categories.category_number
    left join {{ ref('customer_app_open_windows') }} as windows
        on
            standing.customer_key = windows.customer_key
            and standing.as_of_number = windows.as_of_number

)

select * from customer_history
