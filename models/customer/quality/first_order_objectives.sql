with first_order_objectives as (

    select
        first_orders.customer_key,
        first_orders.order_key,
        case
            when first_orders.has_promo then coalesce(min(promotions.promo_objective), 'unknown')
            else 'none'
        end as promo_objective
    from {{ ref('customer_first_orders') }} as first_orders
    left join {{ ref('fct_order_promotions') }} as promotions
        on first_orders.order_key = promotions.order_key
    group by first_orders.customer_key, first_orders.order_key, first_orders.has_promo

)

select * from first_order_objectives
