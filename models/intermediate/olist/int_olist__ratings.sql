with reviews as (

    {{ kept_rows(
        ref('stg_olist__order_reviews'),
        ref('int_olist__duplicate_rows'),
        'olist_order_reviews_dataset',
    ) }}

),

int_olist__ratings as (

    select
        order_key,
        'olist' as source,
        review_id as rating_id,
        -- The only reason given is the comment, which is personal text.
        cast(null as string) as rating_reason,
        rating,
        false as is_skipped,
        rated_at
    from reviews

)

select * from int_olist__ratings
