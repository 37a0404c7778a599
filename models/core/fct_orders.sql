with orders as (

    select * from {{ of_changed(ref('int_orders'), 'order_key') }}

),

-- Every total is of a line or more. Said once more, it tells the engine that these narrow rows are
-- the ones to hash and not the wide orders: that takes 0.7 GB less at 2.6 million orders.
lines as (

    select * from {{ of_changed(ref('int_order_line_totals'), 'order_key') }}
    where line_count > 0

),

promotions as (

    select
        order_key,
        count(*) as promo_count
    from {{ of_changed(ref('int_order_promotions'), 'order_key') }}
    group by order_key

),

joined as (

    select
        orders.*,
        cast(coalesce(lines.line_count, 0) as integer) as line_count,
        cast(coalesce(lines.item_count, 0) as integer) as item_count,
        coalesce(lines.lines_value, 0) as lines_value,
        coalesce(lines.margin_rate, 1) as margin_rate,
        cast(coalesce(promotions.promo_count, 0) as integer) as promo_count,
        cast(
            greatest(
                0, orders.discount_amount - orders.supplier_support - orders.third_party_support
            ) as decimal(18, 4)
        ) as own_discount,
        cast(
            orders.basket_value + orders.delivery_fee - orders.discount_amount as decimal(18, 4)
        ) as expected_charge
    from orders
    left join lines
        on orders.order_key = lines.order_key
    left join promotions
        on orders.order_key = promotions.order_key

),

revenue as (

    select
        *,
        cast(basket_value - own_discount + delivery_fee - refund_amount as decimal(18, 4))
            as net_revenue,
        cast(round(basket_value * (1 - margin_rate), 4) as decimal(18, 4)) as product_cost,
        cast(
            {{ number_var('delivery_cost_per_order') }}
            + {{ number_var('delivery_cost_per_km') }} * coalesce(distance_km, 0)
            as decimal(18, 4)
        ) as delivery_cost,
        cast(
            {{ number_var('payment_fee_rate') }} * coalesce(charged_amount, 0) as decimal(18, 4)
        ) as payment_fee
    from joined

),

fct_orders as (

    select
        order_key,
        customer_key,
        source,
        order_id,
        order_status,
        city,
        state,
        payment_type,
        sales_channel,
        device_class,
        warehouse_id,
        distance_km,
        line_count,
        item_count,
        promo_count,
        basket_value,
        delivery_fee,
        discount_amount,
        supplier_support,
        third_party_support,
        own_discount,
        refund_amount,
        charged_amount,
        expected_charge,
        cast(charged_amount - expected_charge as decimal(18, 4)) as charge_gap,
        lines_value,
        net_revenue,
        product_cost,
        delivery_cost,
        payment_fee,
        marketing_cost,
        cast(net_revenue - product_cost as decimal(18, 4)) as cm1,
        cast(net_revenue - product_cost - delivery_cost - payment_fee as decimal(18, 4)) as cm2,
        cast(
            net_revenue - product_cost - delivery_cost - payment_fee
            {%- if flag_var('marketing_cost_is_per_order') == 'true' %}
            - coalesce(marketing_cost, 0)
            {%- endif %}
            as decimal(18, 4)
        ) as cm3,
        order_status = 'delivered' as is_successful,
        order_status = 'cancelled' as is_cancelled,
        is_cancelled_until_delivery,
        promo_count > 0 as has_promo,
        cast(ordered_at as date) as order_date,
        cast(delivered_at as date) as delivered_date,
        basket_created_at,
        ordered_at,
        delivered_at
    from revenue

)

select * from fct_orders
