{#- Customers whose behaviour is like everybody's that a segment's buyers are drawn to. -#}
{%- set prior_count = 10 -%}
with compared as (

    select
        segments.source,
        segments.segment_id,
        segments.segment_name,
        segments.top_category,
        products.product_key,
        products.product_id,
        products.category,
        products.product_number,
        purchases.buyer_count,
        segments.segment_buyer_count,
        purchases.buyer_count / segments.segment_buyer_count as segment_share,
        products.buyer_count / products.customer_count as all_customers_share,
        segments.segment_buyer_count * products.buyer_count / products.customer_count
            as expected_count
    from {{ ref('segment_purchases') }} as purchases
    inner join {{ ref('segment_buyers') }} as segments
        on
            purchases.source = segments.source
            and purchases.segment_id = segments.segment_id
    inner join {{ ref('window_products') }} as products
        on
            purchases.product_key = products.product_key
            and products.is_current
    where
        products.is_recommendable
        and purchases.buyer_count >= {{ number_var('smallest_group') }}

),

-- Popularity and lift, as in the score for a customer: lift alone is high for what hardly anybody
-- buys, and popularity alone would give every segment the same list.
scored as (

    select
        *,
        round(
            ln(buyer_count + 0.5)
            + ln((buyer_count + {{ prior_count }}) / (expected_count + {{ prior_count }})),
            6
        ) as score
    from compared

),

ranked as (

    select
        *,
        row_number() over (
            partition by source, segment_id
            order by score desc, product_number asc
        ) as recommendation_rank
    from scored

),

segment_recommendations as (

    select
        ranked.product_key,
        ranked.source,
        ranked.product_id,
        ranked.category,
        ranked.segment_id,
        ranked.segment_name,
        ranked.top_category,
        cast(
            'bought by ' || ranked.buyer_count || ' of ' || ranked.segment_buyer_count
            || ' buyers of the segment, ' || case
                when ranked.segment_share >= 1.1 * ranked.all_customers_share
                    then 'more than elsewhere'
                when ranked.segment_share <= 0.9 * ranked.all_customers_share
                    then 'less than elsewhere'
                else 'about as much as elsewhere'
            end as string
        ) as recommendation_reason,
        cast(ranked.recommendation_rank as integer) as recommendation_rank,
        ranked.buyer_count,
        ranked.segment_buyer_count,
        {{ to_decimal('ranked.segment_share', 18, 6) }} as segment_share,
        {{ to_decimal('ranked.all_customers_share', 18, 6) }} as all_customers_share,
        {{ to_decimal('100 * ranked.segment_share / ranked.all_customers_share', 18, 2) }}
            as affinity,
        ranked.score,
        windows.learned_until_date as as_of_date
    from ranked
    inner join {{ ref('recommendation_windows') }} as windows
        on
            ranked.source = windows.source
            and windows.window_name = 'current'
    where ranked.recommendation_rank <= {{ number_var('recommended_products') }}

)

select * from segment_recommendations
