with customers as (

    select * from {{ ref('customer_standardised_features') }}

),

{{ nearest_segments('customers', ['customer_key', 'source', 'as_of_date']) }},

customer_segment_distances as (

    select
        customer_key,
        source,
        nearest_segment_id,
        distance_to_nearest,
        second_segment_id,
        distance_to_second,
        as_of_date
    from nearest_segments

)

select * from customer_segment_distances
