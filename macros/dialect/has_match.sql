{#- True where a regular expression matches anywhere in a text; null for a null. -#}
{% macro has_match(text, pattern) -%}
    {{ return(adapter.dispatch('has_match', 'clientele')(text, pattern)) }}
{%- endmacro %}

{% macro default__has_match(text, pattern) -%}
    regexp_matches({{ text }}, '{{ pattern }}')
{%- endmacro %}

{% macro spark__has_match(text, pattern) -%}
    ({{ text }}) rlike r'{{ pattern }}'
{%- endmacro %}
