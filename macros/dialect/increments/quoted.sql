{#- A text as a literal of SQL. -#}
{% macro quoted(text) -%}
    {{ return("'" ~ text | string | replace("'", "''") ~ "'") }}
{%- endmacro %}
