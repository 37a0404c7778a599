-- Olist tells of no discounts: a voucher among the payments is the one sign of a promotion.
with int_olist__order_promotions as (

    select
        order_key,
        'olist' as source,
        'voucher' as promo_id,
        cast(null as string) as department_id,
        'voucher' as promo_objective
    from {{ ref('int_olist__order_payments') }}
    where has_voucher

)

select * from int_olist__order_promotions
