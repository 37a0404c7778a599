with segments as (

    select * from {{ ref('segments') }}
    where segmentation_method = 'clusters'

),

words as (

    select * from {{ ref('segment_reason_words') }}

),

customer_cluster_segments as (

    select
        distances.customer_key,
        distances.source,
        segments.model_version,
        segments.segmentation_method,
        segments.segment_id,
        segments.segment_name,
        segments.archetype,
        seconds.segment_id as second_segment_id,
        seconds.segment_name as second_segment_name,
        first_words.reason as reason_1,
        second_words.reason as reason_2,
        third_words.reason as reason_3,
        distances.distance_to_nearest as distance_to_centroid,
        distances.distance_to_second,
        (distances.distance_to_second - distances.distance_to_nearest)
        / nullif(distances.distance_to_second, 0) as margin,
        distances.as_of_date
    from {{ ref('customer_segment_distances') }} as distances
    inner join {{ ref('customer_segment_reasons') }} as reasons
        on distances.customer_key = reasons.customer_key
    inner join segments
        on
            distances.source = segments.source
            and distances.nearest_segment_id = segments.segment_id
    inner join segments as seconds
        on
            distances.source = seconds.source
            and distances.second_segment_id = seconds.segment_id
    left join words as first_words
        on reasons.first_reason_code = first_words.reason_code
    left join words as second_words
        on reasons.second_reason_code = second_words.reason_code
    left join words as third_words
        on reasons.third_reason_code = third_words.reason_code

)

select * from customer_cluster_segments
