with source as (

    select * from {{ source('olist', 'olist_order_reviews_dataset') }}

),

orders as (

    select distinct order_key from {{ ref('stg_olist__orders') }}
    where reject_reasons is null

),

typed as (

    select
        *,
        {{ canonical_id('review_id') }} as canonical_review_id,
        {{ canonical_id('order_id') }} as canonical_order_id,
        {{ parse_integer('review_score') }} as rating,
        {{ parse_timestamp('review_creation_date', 'olist') }} as review_requested_at,
        {{ parse_timestamp('review_answer_timestamp', 'olist') }} as rated_at
    from source

),

keyed as (

    select
        *,
        {{ hash_key(["'olist'", "canonical_order_id"]) }} as order_key
    from typed

),

stg_olist__order_reviews as (

    select
        keyed.order_key,
        keyed.canonical_review_id as review_id,
        keyed.canonical_order_id as order_id,
        keyed.review_comment_title as comment_title,
        keyed.review_comment_message as comment_message,
        {{ origin() }},
        {{ reject_reasons(dict(
            md5_rules('review_id', 'keyed.canonical_review_id')
            + md5_rules('order_id', 'keyed.canonical_order_id')
            + [
                ('review_score_not_1_to_5',
                    'keyed.rating is null or keyed.rating not between 1 and 5'),
                ('review_answer_timestamp_missing',
                    missing('review_answer_timestamp', 'keyed.rated_at')),
            ]
            + time_rules('review_creation_date', 'keyed.review_requested_at')
            + time_rules('review_answer_timestamp', 'keyed.rated_at')
            + orphan_rules('keyed.canonical_order_id', 'orders.order_key')
        )) }} as reject_reasons,
        -- Title and comment are personal text and stay out of what is carried on.
        case when reject_reasons is not null then {{ raw_row([
            'review_id', 'order_id', 'review_score', 'review_creation_date',
            'review_answer_timestamp'
        ]) }} end as raw_row,
        keyed.rating,
        keyed.review_requested_at,
        keyed.rated_at
    from keyed
    left join orders
        on keyed.order_key = orders.order_key

)

select * from stg_olist__order_reviews
