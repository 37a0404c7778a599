{#- A share as text in points of a hundred with one decimal: 0.0345 is 3.5. -#}
{% macro points(share) -%}
    cast(cast(100 * {{ share }} as decimal(9, 1)) as string)
{%- endmacro %}
