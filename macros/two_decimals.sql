{#- An amount as people write it, with two decimals, as text. -#}
{% macro two_decimals(amount) -%}
    cast(cast({{ amount }} as decimal(18, 2)) as string)
{%- endmacro %}
