{#-
    Text to a latitude or longitude in degrees, or null where the text is not exactly a decimal
    number: no exponents and no words such as 'nan', which a cast would take. Coordinates are
    doubles, since only trigonometry is done with them.
-#}
{% macro parse_coordinate(text) -%}
    {{ return(adapter.dispatch('parse_coordinate', 'clientele')(text)) }}
{%- endmacro %}

{% macro default__parse_coordinate(text) -%}
    case when regexp_full_match({{ text }}, ' *-?[0-9]{1,3}([.][0-9]{1,20})? *')
        then try_cast({{ text }} as double) end
{%- endmacro %}

{% macro spark__parse_coordinate(text) -%}
    case when {{ full_match(text, " *-?[0-9]{1,3}([.][0-9]{1,20})? *") }}
        then try_cast({{ text }} as double) end
{%- endmacro %}
