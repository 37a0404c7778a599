{#-
    The name of an audience in other tools: source, campaign and version, so that a new version is
    a new audience and does not inherit the members of the old one.
-#}
{% macro audience_id(source, campaign_id, campaign_version) -%}
    {{ source }} || '.' || {{ campaign_id }} || '.v' || cast({{ campaign_version }} as string)
{%- endmacro %}
