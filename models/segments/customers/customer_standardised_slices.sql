{%- set features = feature_names() -%}
{%- set scaling = ["lower_bound", "upper_bound", "mean_value", "standard_deviation"] -%}
with scales as (

    select
        source,
        {%- for feature in features %}
        {%- for column in scaling %}
        max({{ column }}) filter (where feature = '{{ feature }}') as {{ feature }}_{{ column }}
        {{- "," if not loop.last }}
        {%- endfor %}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('segment_feature_selection') }}
    group by source

),

-- A feature that the model left out has no scale: its coordinate is 0 on both sides.
customer_standardised_slices as (

    select
        customers.customer_key,
        customers.source,
        {%- for feature in features %}
        coalesce(
            (
                greatest(
                    least(
                        cast(customers.{{ feature }} as double), scales.{{ feature }}_upper_bound
                    ),
                    scales.{{ feature }}_lower_bound
                ) - scales.{{ feature }}_mean_value
            ) / scales.{{ feature }}_standard_deviation,
            0
        ) as {{ feature }},
        {%- endfor %}
        customers.months_back,
        customers.as_of_date
    from {{ ref('customer_slice_features') }} as customers
    inner join scales
        on customers.source = scales.source

)

select * from customer_standardised_slices
