{#-
    A double that is not whole as text, rounded, without an exponent: 0.0005 and not 5.0E-4.
    value: the expression of a double
    digits: after the point at most
-#}
{% macro number_text(value, digits) -%}
    {{ return(adapter.dispatch('number_text', 'clientele')(value, digits)) }}
{%- endmacro %}

{% macro default__number_text(value, digits) -%}
    cast(round({{ value }}, {{ digits }}) as string)
{%- endmacro %}

{% macro spark__number_text(value, digits) -%}
    {#- The point keeps one digit behind it, as in 2.0. #}
    regexp_replace(
        cast({{ to_decimal(value, 38, digits) }} as string), '([.][0-9])([0-9]*?)0+$', '$1$2'
    )
{%- endmacro %}
