{%- set scaling = ["lower_bound", "upper_bound", "mean_value", "standard_deviation"] -%}
with segment_scales as (

    select
        source
        {%- for feature in feature_names() %}
        {%- for column in scaling %},
        max({{ column }}) filter (where feature = '{{ feature }}') as {{ feature }}_{{ column }}
        {%- endfor %}
        {%- endfor %}
    from {{ ref('segment_feature_selection') }}
    group by source

)

select * from segment_scales
