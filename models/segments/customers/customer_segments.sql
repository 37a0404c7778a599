-- Rules have no centroid, hence no second segment and nothing to measure.
with customer_segments as (

    select
        customer_key,
        source,
        model_version,
        segmentation_method,
        segment_id,
        segment_name,
        archetype,
        second_segment_id,
        second_segment_name,
        reason_1,
        reason_2,
        reason_3,
        distance_to_centroid,
        distance_to_second,
        margin,
        -- Where both centroids are at the same place, nothing tells the two segments apart.
        coalesce(margin < 0.1, true) as is_borderline,
        as_of_date
    from {{ ref('customer_cluster_segments') }}
    union all
    select
        customer_key,
        source,
        model_version,
        segmentation_method,
        segment_id,
        segment_name,
        null as archetype,
        null as second_segment_id,
        null as second_segment_name,
        reason_1,
        reason_2,
        reason_3,
        null as distance_to_centroid,
        null as distance_to_second,
        null as margin,
        null as is_borderline,
        as_of_date
    from {{ ref('customer_rule_segments') }}

)

select * from customer_segments
