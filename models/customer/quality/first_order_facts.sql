with first_orders as (

    select
        *,
        ordered_at + interval '{{ number_var("decision_days") }}' day as decision_at
    from {{ ref('customer_first_orders') }}

),

first_order_facts as (

    select
        first_orders.customer_key,
        first_orders.order_key,
        first_orders.source,
        first_orders.city,
        case
            when signals.first_promo_at <= first_orders.decision_at then objectives.promo_objective
        end as promo_objective,
        case
            when signals.first_device_at <= first_orders.decision_at
                then coalesce(first_orders.device_class, 'unknown')
        end as device_class,
        nullif(first_orders.line_count, 0) as line_count,
        nullif(first_orders.item_count, 0) as item_count,
        categories.category_count,
        case
            when signals.first_app_open_at <= first_orders.decision_at
                then coalesce(app_opens.app_opens_before, 0)
        end as app_opens_before,
        case
            when signals.first_app_open_at <= first_orders.decision_at
                then coalesce(app_opens.app_opens_since, 0)
        end as app_opens_since,
        first_orders.distance_km,
        first_orders.basket_value,
        first_orders.delivery_fee,
        first_orders.discount_amount,
        first_orders.own_discount,
        -- A refund has no time of its own, so it may be news of a day after the decision.
        cast(first_orders.net_revenue + first_orders.refund_amount as decimal(18, 4))
            as revenue_before_refunds,
        cast(first_orders.cm2 + first_orders.refund_amount as decimal(18, 4))
            as cm2_before_refunds,
        ratings.rating,
        case
            when first_orders.delivered_at <= first_orders.decision_at
                then greatest(
                    0, {{ seconds_between('first_orders.ordered_at', 'first_orders.delivered_at') }}
                )
        end as delivery_seconds,
        case
            when signals.first_rating_at <= first_orders.decision_at
                then ratings.rating is not null
        end as has_rating,
        case when signals.first_promo_at <= first_orders.decision_at then first_orders.has_promo end
            as has_promo,
        first_orders.order_date,
        first_orders.ordered_at,
        first_orders.decision_at
    from first_orders
    inner join {{ ref('source_first_signals') }} as signals
        on first_orders.source = signals.source
    inner join {{ ref('first_order_objectives') }} as objectives
        on first_orders.order_key = objectives.order_key
    left join {{ ref('first_order_categories') }} as categories
        on first_orders.order_key = categories.order_key
    left join {{ ref('first_order_ratings') }} as ratings
        on first_orders.order_key = ratings.order_key
    left join {{ ref('first_order_app_opens') }} as app_opens
        on first_orders.customer_key = app_opens.customer_key
    where cast(first_orders.decision_at as date) <= first_orders.as_of_date

)

select * from first_order_facts
