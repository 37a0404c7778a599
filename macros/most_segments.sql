{#-
    The most segments that a source can have: the greatest k that the model of segments tries. SQL
    looks at as many centroids for each customer.
-#}
{% macro most_segments() -%}
    {{ return(8) }}
{%- endmacro %}
