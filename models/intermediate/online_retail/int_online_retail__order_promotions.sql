with int_online_retail__order_promotions as (

    select
        cast(null as bigint) as order_key,
        cast(null as string) as source,
        cast(null as string) as promo_id,
        cast(null as string) as department_id,
        cast(null as string) as promo_objective
    where false

)

select * from int_online_retail__order_promotions
