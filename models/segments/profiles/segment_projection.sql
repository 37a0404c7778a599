{%- set features = feature_names() -%}

with standardised as (

    select * from {{ ref('customer_standardised_features') }}

),

axes as (

    select
        {%- for component in [1, 2] %}
        {%- for feature in features %}
        coalesce(
            max(loading) filter (where component = {{ component }} and feature = '{{ feature }}'), 0
        ) as {{ feature }}_{{ component }},
        {%- endfor %}
        {%- endfor %}
        source
    from {{ ref('segment_projection_axes') }}
    group by source

),

numbered as (

    select
        customer_key,
        row_number() over (
            partition by source
            order by sample_key asc, customer_key asc
        ) as sample_number
    from {{ ref('customer_features') }}

),

-- A picture: as many customers as it can hold, chosen by what they do and not by their names.
sampled as (

    select customer_key
    from numbered
    where sample_number <= 2000

),

segment_projection as (

    select
        members.customer_key,
        members.source,
        members.model_version,
        members.segmentation_method,
        members.segment_id,
        members.segment_name,
        {%- for component in [1, 2] %}
        {%- for feature in features %}
        {{ "+ " if not loop.first }}standardised.{{ feature }} * axes.{{ feature }}_{{ component }}
        {%- endfor %} as component_{{ component }},
        {%- endfor %}
        members.as_of_date
    from sampled
    inner join standardised
        on sampled.customer_key = standardised.customer_key
    inner join axes
        on standardised.source = axes.source
    inner join {{ ref('customer_segments') }} as members
        on sampled.customer_key = members.customer_key

)

select * from segment_projection
