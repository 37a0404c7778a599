with orders as (

    select * from {{ ref('fct_orders') }}

),

as_of as (

    select * from {{ ref('int_as_of') }}

),

dated as (

    select
        orders.*,
        orders.is_successful and orders.delivered_date <= as_of.as_of_date as is_known_success,
        cast(date_trunc('month', orders.order_date) as date) as order_month,
        as_of.as_of_date
    from orders
    inner join as_of
        on orders.source = as_of.source
    where orders.order_date <= as_of.as_of_date

),

known_orders as (

    select
        customer_key,
        order_key,
        source,
        warehouse_id,
        distance_km,
        item_count,
        promo_count,
        basket_value,
        discount_amount,
        supplier_support,
        third_party_support,
        own_discount,
        net_revenue,
        cm1,
        cm2,
        is_known_success,
        -- What looked like a cancellation did so until the delivery.
        (is_cancelled or is_cancelled_until_delivery) and not is_known_success
            as is_known_cancellation,
        order_date,
        order_month,
        as_of_date,
        ordered_at,
        case when is_known_success then delivered_at end as delivered_at
    from dated

)

select * from known_orders
