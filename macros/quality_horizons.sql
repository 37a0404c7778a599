{#- The days after the first order over which a new customer's outcome is told. -#}
{% macro quality_horizons() -%}
    {{ return([60, 90, 180]) }}
{%- endmacro %}

{#- Days from the first order until an outcome counts as known: the horizon, and late deliveries. -#}
{% macro outcome_days(horizon) -%}
    {{ return(horizon ~ " + " ~ number_var("late_delivery_days")) }}
{%- endmacro %}
