{#-
    The features of k-means, standardised as the version in force says, as columns of a select. A
    feature that the version left out has no scale: its coordinate is 0, like every centroid's.
    customers: the alias of a relation with the features
    scales: the alias of segment_scales
-#}
{% macro standardised_features(customers, scales) -%}
    {%- for feature in feature_names() -%}
    coalesce(
            (
                greatest(
                    least(
                        cast({{ customers }}.{{ feature }} as double),
                        {{ scales }}.{{ feature }}_upper_bound
                    ),
                    {{ scales }}.{{ feature }}_lower_bound
                ) - {{ scales }}.{{ feature }}_mean_value
            ) / {{ scales }}.{{ feature }}_standard_deviation,
            0
        ) as {{ feature }}
        {{- "," if not loop.last }}
        {% endfor %}
{%- endmacro %}
