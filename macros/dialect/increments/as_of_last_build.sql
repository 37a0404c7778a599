{#- Small models whose rows are kept at the end of a complete build, for the next to compare with. -#}
{% macro compared_models() -%}
    {{ return(["int_labelled_products", "int_as_of", "history_dates", "category_numbers"]) }}
{%- endmacro %}

{#- The rows that a model had at the end of the last build, or in a full build those of now. -#}
{% macro as_of_last_build(model_name) -%}
    {%- if model_name not in compared_models() -%}
        {{ exceptions.raise_compiler_error(model_name ~ " is not kept for the next build") }}
    {%- endif -%}
    {%- if is_increment() -%}
        {{ return("builds.last_" ~ model_name) }}
    {%- endif -%}
    {{ return(ref(model_name)) }}
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
