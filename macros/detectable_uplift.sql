{#-
    The least rise of a share that shows in four of five experiments, absolute: 2.80 standard errors
    of the difference of two shares. Null where nothing can show: an arm is empty, nobody or
    everybody buys anyway, or even everybody buying would be too small a rise.
    rate: the share that buys anyway, a double. sent, holdout: people of the arms.
-#}
{% macro detectable_uplift(rate, sent, holdout) -%}
    {%- set effect -%}
        2.80 * sqrt(
            {{ rate }} * (1 - {{ rate }}) * (1 / nullif({{ sent }}, 0) + 1 / nullif({{ holdout }}, 0))
        )
    {%- endset -%}
    case when {{ rate }} > 0 and {{ rate }} + {{ effect }} <= 1 then {{ effect }} end
{%- endmacro %}
