-- The usual gap is today's, as are the shop's means in the features: over a few days they hardly
-- change, and what moves is then the customers alone.
with gaps as (

    select
        gaps.source,
        gaps.median_gap_days
    from {{ ref('usual_order_gaps') }} as gaps
    inner join {{ ref('history_dates') }} as dates
        on
            gaps.source = dates.source
            and gaps.as_of_number = dates.as_of_number
    where dates.is_current

),

dated as (

    select
        orders.*,
        cast({{ days_between('orders.last_order_date', 'orders.as_of_date') }} as integer)
            as recency_days,
        cast({{ days_between('orders.first_order_date', 'orders.as_of_date') }} as integer)
            as tenure_days,
        {{ to_decimal(
            "cast("
            ~ days_between('orders.first_order_date', 'orders.last_order_date')
            ~ " + 2 * gaps.median_gap_days as double) / (orders.successful_order_count + 1)",
            9, 2
        ) }} as expected_gap_days
    from {{ ref('recent_orders') }} as orders
    left join gaps
        on orders.source = gaps.source

),

judged as (

    select
        *,
        {{ to_decimal('cast(recency_days as double) / nullif(expected_gap_days, 0)', 9, 2) }}
            as overdue_ratio
    from dated

),

recent_customers as (

    select
        judged.customer_key,
        judged.source,
        {{ lifecycle_stage('judged') }} as lifecycle_stage,
        judged.lag_days,
        judged.successful_order_count,
        judged.successful_orders_365d,
        coalesce(categories.category_count, 0) as category_count,
        coalesce(ratings.rating_count, 0) as rating_count,
        ratings.rating_sum,
        app_opens.app_opens_30d,
        app_opens.app_opens_90d,
        judged.recency_days,
        judged.tenure_days,
        judged.net_revenue_365d,
        judged.cm2,
        judged.cm2_365d,
        {{ to_decimal(
            'cast(judged.net_revenue as double) / judged.successful_order_count',
            18, 4
        ) }}
            as average_order_value,
        {{ to_decimal('judged.promo_order_count / judged.successful_order_count', 18, 6) }}
            as promo_share,
        {{ to_decimal(
            'cast(judged.own_discount as double) / nullif(judged.basket_value, 0)',
            18, 6
        ) }}
            as own_discount_share,
        {{ to_decimal('cast(judged.cm2 as double) / nullif(judged.net_revenue, 0)', 18, 6) }}
            as cm2_rate,
        judged.average_distance_km,
        judged.as_of_date
    from judged
    left join {{ ref('recent_categories') }} as categories
        on
            judged.customer_key = categories.customer_key
            and judged.lag_days = categories.lag_days
    left join {{ ref('recent_ratings') }} as ratings
        on
            judged.customer_key = ratings.customer_key
            and judged.lag_days = ratings.lag_days
    left join {{ ref('recent_app_opens') }} as app_opens
        on
            judged.customer_key = app_opens.customer_key
            and judged.lag_days = app_opens.lag_days

)

select * from recent_customers
