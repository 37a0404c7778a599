{#- The logarithm of one plus an amount or a count, as a feature; below zero counts as zero. -#}
{% macro log_feature(value) -%}
    cast(ln(1 + case when {{ value }} < 0 then 0 else {{ value }} end) as decimal(18, 6))
{%- endmacro %}
