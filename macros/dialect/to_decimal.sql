{#-
    A double as a decimal, rounded half away from zero once it is moved to the last digit that is
    kept. Engines differ in what is half: 16.06 / 4 is the double next to 4.015 and below it, whose
    shortest text is 4.015 all the same. What is a decimal already needs no more than a cast.
    value: the expression of a double
-#}
{% macro to_decimal(value, precision, scale) -%}
    {{ return(adapter.dispatch('to_decimal', 'clientele')(value, precision, scale)) }}
{%- endmacro %}

{% macro default__to_decimal(value, precision, scale) -%}
    cast({{ value }} as decimal({{ precision }}, {{ scale }}))
{%- endmacro %}

{% macro spark__to_decimal(value, precision, scale) -%}
    cast(
        round(cast({{ value }} as double) * 1e{{ scale }}) / 1e{{ scale }}
        as decimal({{ precision }}, {{ scale }})
    )
{%- endmacro %}
