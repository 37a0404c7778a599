{#- True where the whole of a text matches a regular expression; false for a null. -#}
{% macro full_match(text, pattern) -%}
    {{ return(adapter.dispatch('full_match', 'clientele')(text, pattern)) }}
{%- endmacro %}

{% macro default__full_match(text, pattern) -%}
    coalesce(regexp_full_match({{ text }}, '{{ pattern }}'), false)
{%- endmacro %}

{% macro spark__full_match(text, pattern) -%}
    {#- Ends of the whole text: a dollar would match before a line feed at its end, too. #}
    coalesce(({{ text }}) rlike r'\A(?:{{ pattern }})\z', false)
{%- endmacro %}
