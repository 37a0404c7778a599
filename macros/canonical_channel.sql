{#-
    The canonical form of a channel's name: lower case, without blanks, hyphens and underscores, so
    that 'E-Mail' on a list of people who must not be written to is the channel `email` of a
    campaign; null where nothing is left.
-#}
{% macro canonical_channel(text) -%}
    nullif(replace(replace(replace(lower({{ text }}), ' ', ''), '-', ''), '_', ''), '')
{%- endmacro %}
