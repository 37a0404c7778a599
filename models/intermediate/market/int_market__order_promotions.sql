with int_market__order_promotions as (

    select
        staged.order_key,
        'market' as source,
        staged.promo_id,
        staged.department_id,
        staged.promo_objective
    from {{ ref('stg_market__promo_detail') }} as staged
    left join {{ ref('int_market__duplicate_rows') }} as duplicates
        on
            duplicates.source_table = 'promo_detail'
            and staged.source_file = duplicates.source_file
            and staged.source_record = duplicates.source_record
    where
        staged.reject_reasons is null
        and duplicates.source_record is null

)

select * from int_market__order_promotions
