{%- set features = feature_names() -%}
{#- Where nothing is known of a customer the feature is the shop's mean, which is no reason. -#}
{%- set known_where = {
    "rating": "single_view.rating_count > 0",
    "cm2_rate": "single_view.cm2_rate is not null",
    "distance": "single_view.average_distance_km is not null",
    "predicted_quality": "quality.probability is not null",
} -%}
{%- set rank_columns = [] -%}
{%- for feature in features %}{% do rank_columns.append(feature ~ "_rank") %}{% endfor -%}
with centroids as (

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

-- How much further the second centroid is than the own one in each feature, in squares, which add
-- up to the whole difference. It is positive where the customer is on the own centroid's side of
-- the middle, so the own centroid's side says whether the customer is above it.
contributions as (

    select
        {%- for feature in features %}
        case
            when {{ known_where.get(feature, "true") }}
                then
                    power(customers.{{ feature }} - seconds.{{ feature }}, 2)
                    - power(customers.{{ feature }} - own.{{ feature }}, 2)
            else 0
        end as {{ feature }},
        own.{{ feature }} > seconds.{{ feature }} as {{ feature }}_is_above,
        {%- endfor %}
        customers.customer_key
    from {{ ref('customer_standardised_features') }} as customers
    inner join {{ ref('customer_segment_distances') }} as distances
        on customers.customer_key = distances.customer_key
    inner join {{ ref('customer_single_view') }} as single_view
        on customers.customer_key = single_view.customer_key
    left join {{ ref('customer_quality') }} as quality
        on customers.customer_key = quality.customer_key
    inner join centroids as own
        on
            customers.source = own.source
            and distances.nearest_segment_id = own.segment_id
    inner join centroids as seconds
        on
            customers.source = seconds.source
            and distances.second_segment_id = seconds.segment_id

),

-- Size, feature and direction in one number: the greatest is the first reason. No two are equal,
-- and what is below a billionth is no reason.
ranked as (

    select
        {%- for feature in features %}
        cast(floor(least(greatest({{ feature }}, 0), 1000) * 1000000000) as bigint) * 128
        + {{ 127 - 2 * loop.index0 }}
        - case when {{ feature }}_is_above then 1 else 0 end as {{ feature }}_rank,
        {%- endfor %}
        customer_key
    from contributions

),

strongest as (

    {{ three_greatest('ranked', rank_columns) }}

),

customer_segment_reasons as (

    select
        {%- for rank in ["first", "second", "third"] %}
        cast(case when {{ rank }}_rank >= 128 then 127 - {{ rank }}_rank % 128 end as integer)
            as {{ rank }}_reason_code,
        {%- endfor %}
        customer_key
    from strongest

)

select * from customer_segment_reasons
