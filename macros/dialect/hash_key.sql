{#-
    A stable 63-bit surrogate key of one or more text expressions: the first bits of md5, so that
    every engine, machine and run gives the same integer. Joins on it cost half of joins on text.
-#}
{% macro hash_key(expressions) -%}
    {{ return(adapter.dispatch('hash_key', 'clientele')(expressions)) }}
{%- endmacro %}

{% macro default__hash_key(expressions) -%}
    (md5_number({{ expressions | join(" || ':' || ") }}) >> 65)::bigint
{%- endmacro %}

{% macro spark__hash_key(expressions) -%}
    shiftrightunsigned(
        cast(conv(substr(md5({{ expressions | join(" || ':' || ") }}), 1, 16), 16, -10) as bigint), 1
    )
{%- endmacro %}
