{#- The named raw columns of a landed row as one JSON object, every value as the text it was. -#}
{% macro raw_row(columns) -%}
    {{ return(adapter.dispatch('raw_row', 'clientele')(columns)) }}
{%- endmacro %}

{% macro default__raw_row(columns) -%}
    cast(json_object({% for column in columns %}'{{ column }}', "{{ column }}"{{ ", " if not loop.last }}{% endfor %}) as string)
{%- endmacro %}
