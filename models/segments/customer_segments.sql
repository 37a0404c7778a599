{%- set features = feature_names() -%}

with customers as (

    select * from {{ ref('customer_features') }}

),

-- A feature that the model left out has no scaling: its coordinate is 0 on both sides.
scaling as (

    select
        {%- for feature in features %}
        max(lower_bound) filter (where feature = '{{ feature }}') as {{ feature }}_lower,
        max(upper_bound) filter (where feature = '{{ feature }}') as {{ feature }}_upper,
        max(mean_value) filter (where feature = '{{ feature }}') as {{ feature }}_mean,
        max(standard_deviation) filter (where feature = '{{ feature }}')
            as {{ feature }}_deviation,
        {%- endfor %}
        source
    from {{ ref('segment_feature_selection') }}
    group by source

),

centroids as (

    select
        {%- for feature in features %}
        coalesce(max(standardised_value) filter (where feature = '{{ feature }}'), 0)
            as {{ feature }},
        {%- endfor %}
        source,
        segment_id
    from {{ ref('segment_centroids') }}
    group by source, segment_id

),

standardised as (

    select
        {%- for feature in features %}
        coalesce(
            (
                greatest(
                    least(cast(customers.{{ feature }} as double), scaling.{{ feature }}_upper),
                    scaling.{{ feature }}_lower
                ) - scaling.{{ feature }}_mean
            ) / scaling.{{ feature }}_deviation,
            0
        ) as {{ feature }},
        {%- endfor %}
        customers.customer_key,
        customers.source,
        customers.as_of_date
    from customers
    inner join scaling
        on customers.source = scaling.source

),

distances as (

    select
        standardised.customer_key,
        standardised.source,
        standardised.as_of_date,
        centroids.segment_id,
        sqrt(
            {%- for feature in features %}
            {{ "+ " if not loop.first }}power(
                standardised.{{ feature }} - centroids.{{ feature }}, 2
            )
            {%- endfor %}
        ) as distance
    from standardised
    inner join centroids
        on standardised.source = centroids.source

),

nearest as (

    select
        customer_key,
        min(source) as source,
        min(as_of_date) as as_of_date,
        min(distance) as distance,
        min_by(segment_id, (distance, segment_id)) as segment_id
    from distances
    group by customer_key

),

customer_segments as (

    select
        nearest.customer_key,
        nearest.source,
        nearest.segment_id,
        segments.segment_name,
        segments.archetype,
        nearest.distance as distance_to_centroid,
        nearest.as_of_date
    from nearest
    inner join {{ ref('segments') }} as segments
        on
            nearest.source = segments.source
            and nearest.segment_id = segments.segment_id

)

select * from customer_segments
