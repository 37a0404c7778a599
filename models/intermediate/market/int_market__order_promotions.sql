with accepted as (

    {{ kept_rows(
        ref('stg_market__promo_detail'), ref('int_market__duplicate_rows'), 'promo_detail'
    ) }}

),

int_market__order_promotions as (

    select
        order_key,
        'market' as source,
        promo_id,
        department_id,
        promo_objective
    from accepted

)

select * from int_market__order_promotions
