{#-
    The frequency score of a number of orders by the var frequency_bands; null without an order.
    orders: a SQL expression, the successful orders of the last 365 days
-#}
{% macro frequency_score(orders) -%}
    {%- set bands = frequency_bands() -%}
    case
        {%- for score in range(5, 0, -1) %}
        when {{ orders }} >= {{ bands[score - 1] }} then {{ score }}
        {%- endfor %}
    end
{%- endmacro %}
