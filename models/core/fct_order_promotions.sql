with fct_order_promotions as (

    select
        promotions.order_key,
        orders.customer_key,
        promotions.source,
        promotions.promo_id,
        promotions.department_id,
        promotions.promo_objective,
        orders.is_successful,
        orders.order_date
    from {{ of_changed(ref('int_order_promotions'), 'order_key') }} as promotions
    inner join {{ of_changed(ref('fct_orders'), 'order_key') }} as orders
        on promotions.order_key = orders.order_key

)

select * from fct_order_promotions
