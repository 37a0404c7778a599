{#-
    The mean of decimals as a double. Their sum is exact, so it does not depend on the order of rows.
    value: the expression of a decimal; nulls do not count
-#}
{% macro mean_of_decimals(value) -%}
    {{ return(adapter.dispatch('mean_of_decimals', 'clientele')(value)) }}
{%- endmacro %}

{% macro default__mean_of_decimals(value) -%}
    avg({{ value }})
{%- endmacro %}

{% macro spark__mean_of_decimals(value) -%}
    {#-
        A mean of decimals is a decimal here, rounded to four more digits. Whole millionths are
        divided, as DuckDB divides whole units of the last digit: both are exact as doubles.
    #}
    (
        cast(cast(sum({{ value }}) as decimal(38, 6)) * 1000000 as double)
        / nullif(count({{ value }}) * 1000000, 0)
    )
{%- endmacro %}
