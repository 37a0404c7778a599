{#-
    The rows of one entity from every source that the var `sources` switches on, by name.
    entity: the part of int_<source>__<entity> after the two underscores.
    source_names: the sources, in place of those of the var
-#}
{% macro union_sources(entity, source_names=none) -%}
    {%- for source_name in source_names or enabled_sources() %}
    select
        {%- for column in entity_columns(entity) %}
        {{ column }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref("int_" ~ source_name ~ "__" ~ entity) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}

{#- The sources that there are models of. -#}
{% macro known_sources() -%}
    {%- set known = ["market", "olist", "online_retail", "sales_json"] -%}
    {{ return(known) }}
{%- endmacro %}

{#- The names in the var `sources`, refused where one is not known or none is given. -#}
{% macro enabled_sources() -%}
    {{ return(checked_var("sources")) }}
{%- endmacro %}

{#- The sources whose rows the ledger accounts for: the shops, and the lists of contacts if any lands. -#}
{% macro ledger_sources() -%}
    {{ return(enabled_sources() + (["contact"] if contact_sources() else [])) }}
{%- endmacro %}
