with int_market__order_lines as (

    select
        staged.order_key,
        {{ hash_key(["'market'", "staged.product_id"]) }} as product_key,
        'market' as source,
        staged.product_id,
        staged.category,
        staged.subcategory,
        staged.brand,
        staged.line_number,
        staged.quantity,
        staged.unit_price
    from {{ ref('stg_market__product_detail') }} as staged
    left join {{ ref('int_market__duplicate_rows') }} as duplicates
        on
            duplicates.source_table = 'product_detail'
            and staged.source_file = duplicates.source_file
            and staged.source_record = duplicates.source_record
    where
        staged.reject_reasons is null
        and duplicates.source_record is null

)

select * from int_market__order_lines
