{#-
    Text to a typed value, or null where the text is not exactly such a value. The format is
    checked before the cast because casts invent numbers: '10.5' as an integer is 11, '0x10' is 16.
    Blanks around a value are allowed.
-#}

{% macro parse_decimal(text) -%}
    {{ return(adapter.dispatch('parse_decimal', 'clientele')(text)) }}
{%- endmacro %}

{% macro default__parse_decimal(text) -%}
    case when regexp_full_match({{ text }}, ' *-?[0-9]{1,13}([.][0-9]{1,4})? *')
        then try_cast({{ text }} as decimal(18, 4)) end
{%- endmacro %}

{% macro parse_integer(text) -%}
    {{ return(adapter.dispatch('parse_integer', 'clientele')(text)) }}
{%- endmacro %}

{% macro default__parse_integer(text) -%}
    case when regexp_full_match({{ text }}, ' *-?[0-9]{1,9} *')
        then try_cast({{ text }} as integer) end
{%- endmacro %}

{% macro parse_timestamp(text) -%}
    {{ return(adapter.dispatch('parse_timestamp', 'clientele')(text)) }}
{%- endmacro %}

{% macro default__parse_timestamp(text) -%}
    try_strptime({{ text }}, '%Y-%m-%d %H:%M:%S')
{%- endmacro %}
