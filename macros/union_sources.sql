{#-
    The rows of one entity from every source that the var `sources` switches on, by name.
    entity: the part of int_<source>__<entity> after the two underscores.
    columns: the columns of the entity, in the order of its contract.
-#}
{% macro union_sources(entity, columns) -%}
    {%- for source_name in enabled_sources() %}
    select
        {%- for column in columns %}
        {{ column }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref("int_" ~ source_name ~ "__" ~ entity) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}

{#- The names in the var `sources`, refused where one is not known or none is given. -#}
{% macro enabled_sources() -%}
    {%- set known = ["market", "olist", "online_retail", "sales_json"] -%}
    {%- set names = var("sources") -%}
    {%- if names is string or not names or names | reject("in", known) | list -%}
        {{ exceptions.raise_compiler_error("var sources must be a list of one or more of " ~ known ~ ", not " ~ names) }}
    {%- endif -%}
    {{ return(names) }}
{%- endmacro %}
