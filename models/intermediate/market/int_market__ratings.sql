with accepted as (

    {{ kept_rows(
        ref('stg_market__market_order'), ref('int_market__duplicate_rows'), 'market_order'
    ) }}

),

int_market__ratings as (

    select
        order_key,
        'market' as source,
        order_id as rating_id,
        rating_reason,
        case when not is_rating_skipped then rating end as rating,
        is_rating_skipped as is_skipped,
        rated_at
    from accepted
    where
        rated_at is not null
        and (rating is not null or is_rating_skipped)

)

select * from int_market__ratings
