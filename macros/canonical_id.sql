{#-
    The canonical form of an id: lower case, without blanks around it, null where nothing is left.
    Ids are text, so leading zeros and numbers past any integer type survive.
-#}
{% macro canonical_id(text) -%}
    nullif(lower(trim({{ text }})), '')
{%- endmacro %}
