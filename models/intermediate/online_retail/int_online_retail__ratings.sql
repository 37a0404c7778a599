with int_online_retail__ratings as (

    select
        cast(null as bigint) as order_key,
        cast(null as string) as source,
        cast(null as string) as rating_id,
        cast(null as string) as rating_reason,
        cast(null as integer) as rating,
        cast(null as boolean) as is_skipped,
        cast(null as timestamp) as rated_at
    where false

)

select * from int_online_retail__ratings
