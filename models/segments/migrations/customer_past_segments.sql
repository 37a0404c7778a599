with customer_past_segments as (

    select
        customer_key,
        source,
        months_back,
        segment_id,
        cm2_365d,
        is_in_base,
        as_of_date
    from {{ ref('past_cluster_segments') }}
    union all
    select
        customer_key,
        source,
        months_back,
        segment_id,
        cm2_365d,
        is_in_base,
        as_of_date
    from {{ ref('past_rule_segments') }}

)

select * from customer_past_segments
