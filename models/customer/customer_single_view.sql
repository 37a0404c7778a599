with customers as (

    select * from {{ ref('dim_customers') }}

),

orders as (

    select * from {{ ref('customer_order_totals') }}

),

last_orders as (

    select * from {{ ref('customer_last_orders') }}

),

cadence as (

    select * from {{ ref('customer_cadence') }}

),

categories as (

    select * from {{ ref('customer_categories') }}

),

ratings as (

    select * from {{ ref('customer_ratings') }}

),

app_opens as (

    select * from {{ ref('customer_app_opens') }}

),

-- A source that sends no app opens says nothing about them: null, not zero.
sources_with_app_opens as (

    select distinct source from app_opens

),

joined as (

    select
        orders.*,
        customers.customer_id,
        last_orders.city,
        last_orders.state,
        last_orders.device_class,
        last_orders.payment_type,
        categories.favourite_category,
        cadence.gap_count,
        cadence.expected_gap_days,
        coalesce(categories.category_count, 0) as category_count,
        coalesce(ratings.rating_count, 0) as rating_count,
        coalesce(ratings.skipped_rating_count, 0) as skipped_rating_count,
        ratings.rating_sum,
        sources_with_app_opens.source is not null as has_app_opens,
        app_opens.app_opens_7d,
        app_opens.app_opens_30d,
        app_opens.app_opens_90d,
        {{ days_between('orders.last_order_date', 'orders.as_of_date') }} as recency_days,
        {{ days_between('orders.first_order_date', 'orders.as_of_date') }} as tenure_days
    from orders
    inner join customers
        on orders.customer_key = customers.customer_key
    left join last_orders
        on orders.customer_key = last_orders.customer_key
    left join cadence
        on orders.customer_key = cadence.customer_key
    left join categories
        on orders.customer_key = categories.customer_key
    left join ratings
        on orders.customer_key = ratings.customer_key
    left join app_opens
        on orders.customer_key = app_opens.customer_key
    left join sources_with_app_opens
        on orders.source = sources_with_app_opens.source

),

measured as (

    select
        *,
        successful_order_count > 0 as is_customer,
        cast(recency_days / nullif(expected_gap_days, 0) as decimal(9, 2)) as overdue_ratio
    from joined

),

customer_single_view as (

    select
        customer_key,
        source,
        customer_id,
        case
            when not is_customer then 'prospect'
            when recency_days >= 365 then 'dormant'
            when overdue_ratio >= {{ number_var('overdue_at') }} then 'overdue'
            when successful_order_count = 1 and tenure_days <= 30 then 'new'
            else 'active'
        end as lifecycle_stage,
        city,
        state,
        device_class,
        payment_type,
        favourite_category,
        order_count,
        successful_order_count,
        cancelled_order_count,
        promo_order_count,
        successful_orders_365d,
        gap_count,
        category_count,
        rating_count,
        skipped_rating_count,
        rating_sum,
        case when has_app_opens then coalesce(app_opens_7d, 0) end as app_opens_7d,
        case when has_app_opens then coalesce(app_opens_30d, 0) end as app_opens_30d,
        case when has_app_opens then coalesce(app_opens_90d, 0) end as app_opens_90d,
        recency_days,
        tenure_days,
        expected_gap_days,
        overdue_ratio,
        basket_value,
        discount_amount,
        own_discount,
        net_revenue,
        cm1,
        cm2,
        net_revenue_365d,
        cm2_365d,
        cast(round(net_revenue / nullif(successful_order_count, 0), 4) as decimal(18, 4))
            as average_order_value,
        cast(promo_order_count / nullif(successful_order_count, 0) as decimal(18, 6))
            as promo_share,
        cast(own_discount / nullif(basket_value, 0) as decimal(18, 6)) as own_discount_share,
        cast(cm2 / nullif(net_revenue, 0) as decimal(18, 6)) as cm2_rate,
        cast(rating_sum / nullif(rating_count, 0) as decimal(18, 6)) as mean_rating,
        average_distance_km,
        is_customer,
        coalesce(overdue_ratio >= {{ number_var('overdue_at') }}, false) as is_overdue,
        first_order_date,
        last_order_date,
        as_of_date
    from measured

)

select * from customer_single_view
