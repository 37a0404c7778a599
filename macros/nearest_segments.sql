{#-
    CTEs that give each customer the nearest and the second nearest centroid of the version in
    force; the last of them, nearest_segments, has nearest_segment_id, distance_to_nearest,
    second_segment_id and distance_to_second beside what is carried along.
    customers: a relation with source and the standardised features, one row a customer
    carried: names of its columns that are carried along
-#}
{% macro nearest_segments(customers, carried) -%}
{%- set features = feature_names() -%}
{%- set slots = range(1, most_segments() + 1) -%}
numbered as (

    select
        source,
        segment_id,
        feature,
        standardised_value,
        dense_rank() over (partition by source order by segment_id) as slot
    from {{ ref('segment_centroids') }}

),

-- All centroids of a source in one row: each customer meets them without a row for each.
centroids as (

    select
        source
        {%- for slot in slots %},
        max(segment_id) filter (where slot = {{ slot }}) as segment_id_{{ slot }}
        {%- for feature in features %},
        coalesce(
            max(standardised_value) filter (where slot = {{ slot }} and feature = '{{ feature }}'),
            0
        ) as {{ feature }}_{{ slot }}
        {%- endfor %}
        {%- endfor %}
    from numbered
    group by source

),

measured as (

    select
        {%- for column in carried %}
        customers.{{ column }},
        {%- endfor %}
        {%- for slot in slots %}
        centroids.segment_id_{{ slot }},
        case
            when centroids.segment_id_{{ slot }} is not null
                then sqrt(
                    {%- for feature in features %}
                    {{ "+ " if not loop.first -}}
                    (customers.{{ feature }} - centroids.{{ feature }}_{{ slot }})
                    * (customers.{{ feature }} - centroids.{{ feature }}_{{ slot }})
                    {%- endfor %}
                )
        end as distance_{{ slot }}
        {{- "," if not loop.last }}
        {%- endfor %}
    from {{ customers }} as customers
    inner join centroids
        on customers.source = centroids.source

),

-- Of centroids at the same distance the one with the least id comes first.
nearest as (

    select
        *,
        case
            least({% for slot in slots %}distance_{{ slot }}{{ ", " if not loop.last }}{% endfor %})
            {%- for slot in slots %}
            when distance_{{ slot }} then {{ slot }}
            {%- endfor %}
        end as nearest_slot
    from measured

),

others as (

    select
        *,
        {%- for slot in slots %}
        case when nearest_slot <> {{ slot }} then distance_{{ slot }} end as other_{{ slot }}
        {{- "," if not loop.last }}
        {%- endfor %}
    from nearest

),

second_nearest as (

    select
        *,
        case
            least({% for slot in slots %}other_{{ slot }}{{ ", " if not loop.last }}{% endfor %})
            {%- for slot in slots %}
            when other_{{ slot }} then {{ slot }}
            {%- endfor %}
        end as second_slot
    from others

),

nearest_segments as (

    select
        {%- for column in carried %}
        {{ column }},
        {%- endfor %}
        {%- for place in ["nearest", "second"] %}
        cast(
            case {{ place }}_slot
                {%- for slot in slots %}
                when {{ slot }} then segment_id_{{ slot }}
                {%- endfor %}
            end as integer
        ) as {{ place }}_segment_id,
        case {{ place }}_slot
            {%- for slot in slots %}
            when {{ slot }} then distance_{{ slot }}
            {%- endfor %}
        end as distance_to_{{ place }}
        {{- "," if not loop.last }}
        {%- endfor %}
    from second_nearest

)
{%- endmacro %}
