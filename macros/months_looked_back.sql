{#- The months before the as-of month whose ends migrations look back to. -#}
{% macro months_looked_back() -%}
    {{ return([1, 3, 12]) }}
{%- endmacro %}
