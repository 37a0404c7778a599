{#-
    The least rise of a share that shows in four of five experiments, absolute: 2.80 standard errors
    of the difference of two shares. Null where an arm is empty or where nobody or everybody buys.
    rate: the share that buys anyway. sent, holdout: people of the arms.
-#}
{% macro detectable_uplift(rate, sent, holdout) -%}
    nullif(
            2.80 * sqrt(
                cast({{ rate }} as double) * (1 - {{ rate }})
                * (1 / nullif({{ sent }}, 0) + 1 / nullif({{ holdout }}, 0))
            ),
            0
        )
{%- endmacro %}
