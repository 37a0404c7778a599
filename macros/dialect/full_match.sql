{#- True where the whole of a text matches a regular expression; false for a null. -#}
{% macro full_match(text, pattern) -%}
    {{ return(adapter.dispatch('full_match', 'clientele')(text, pattern)) }}
{%- endmacro %}

{% macro default__full_match(text, pattern) -%}
    coalesce(regexp_full_match({{ text }}, '{{ pattern }}'), false)
{%- endmacro %}
