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
    {#-
        DuckDB reads the 16 bytes from the last to the first, as one number. Here the last eight
        are put in that order: their digits backwards, and those of each byte forwards again.
    #}
    shiftrightunsigned(
        cast(
            conv(
                regexp_replace(
                    reverse(substr(md5({{ expressions | join(" || ':' || ") }}), 17)),
                    '(.)(.)',
                    '$2$1'
                ),
                16,
                -10
            ) as bigint
        ),
        1
    )
{%- endmacro %}
