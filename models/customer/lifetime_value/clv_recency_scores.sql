with recencies as (

    select
        source,
        cut,
        observed_days - last_repeat_days as recency_days,
        count(*) as customer_count
    from {{ ref('customer_purchase_history') }}
    group by source, cut, observed_days - last_repeat_days

),

ranked as (

    select
        *,
        sum(customer_count) over (partition by source, cut order by recency_days) as up_to_count,
        sum(customer_count) over (partition by source, cut) as all_count
    from recencies

),

-- One less the mid-rank, twice and in whole numbers; the latest buyers get 5.
clv_recency_scores as (

    select
        source,
        cut,
        recency_days,
        cast(
            least(
                5,
                1 + floor(
                    5 * (2 * all_count - 2 * up_to_count + customer_count) / (2 * all_count)
                )
            ) as integer
        ) as recency_score
    from ranked

)

select * from clv_recency_scores
