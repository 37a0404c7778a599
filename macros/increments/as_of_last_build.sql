{#-
    Small models whose rows are kept at the end of a complete build, for the next one to compare with.
    A model that is added here is added to `increment_nodes` by whatever reads its kept rows.
-#}
{% macro compared_models() -%}
    {{ return(["int_labelled_products"]) }}
{%- endmacro %}

{#- The rows that a model had at the end of the last build, or in a full build those of now. -#}
{% macro as_of_last_build(model_name) -%}
    {%- if model_name not in compared_models() -%}
        {{ exceptions.raise_compiler_error(model_name ~ " is not kept for the next build") }}
    {%- endif -%}
    {%- set rows = ref(model_name) -%}
    {{ return("builds.last_" ~ model_name if is_increment() else rows) }}
{%- endmacro %}

{#- Keeps their rows. -#}
{% macro keep_compared_models() -%}
    {%- for name, node in graph.nodes.items() if node.resource_type == "model" and node.name in compared_models() -%}
        {%- do run_query(
            "create or replace table builds.last_" ~ node.name ~ " as select * from "
            ~ api.Relation.create(node.database, node.schema, node.alias)
        ) -%}
    {%- endfor -%}
{%- endmacro %}
