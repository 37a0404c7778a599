with int_market__ratings as (

    select
        staged.order_key,
        'market' as source,
        staged.order_id as rating_id,
        staged.rating_reason,
        case when not staged.is_rating_skipped then staged.rating end as rating,
        staged.is_rating_skipped as is_skipped,
        staged.rated_at
    from {{ ref('stg_market__market_order') }} as staged
    left join {{ ref('int_market__duplicate_rows') }} as duplicates
        on
            duplicates.source_table = 'market_order'
            and staged.source_file = duplicates.source_file
            and staged.source_record = duplicates.source_record
    where
        staged.reject_reasons is null
        and duplicates.source_record is null
        and staged.rated_at is not null
        and (staged.rating is not null or staged.is_rating_skipped)

)

select * from int_market__ratings
