-- Every source has a row, also one that nobody ever bought from.
with served as (

    select * from {{ ref('recommendation_methods') }}
    where
        is_served
        and window_name = 'report'

),

recommendation_status as (

    select
        as_of.source,
        cast(
            case
                when as_of.as_of_date is null then 'no_orders'
                else served.evidence_status
            end as string
        ) as evidence_status,
        cast(coalesce(served.method, 'global_popularity') as string) as served_method,
        cast(
            case
                when served.method in ('global_popularity', 'segment_popularity')
                    then served.method
                else coalesce(served.fallback_method, 'global_popularity')
            end as string
        ) as list_method,
        cast(coalesce(served.reason, 'there are no orders to learn from') as string) as reason,
        served.weight,
        served.prior_count,
        as_of.as_of_date
    from {{ ref('int_as_of') }} as as_of
    left join served
        on as_of.source = served.source

)

select * from recommendation_status
