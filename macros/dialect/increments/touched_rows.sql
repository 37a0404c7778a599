{#-
    The rows that a `holds` test of a model that grows has to look at: those that this build made
    anew, where the rest stood the same test after the build that it adds to; otherwise all.
    relation: the model, as the test is given it
    grain: the columns that identify a row. Where the key that the model grows by is not among them,
        a new row may repeat one of another key, and all are looked at.
-#}
{% macro touched_rows(relation, grain) -%}
    {%- set tested = graph.nodes.get(model.attached_node, {}) if execute else {} -%}
    {%- set grows = tested.config.meta.get("grows") if tested else none -%}
    {%- if not grows or build_kind() != "increment" or not was_tested() -%}
        {{ return(relation) }}
    {%- endif -%}
    {%- if grows in grain -%}
        {{ return(
            "(select * from " ~ relation ~ " where " ~ grows ~ " in (select " ~ grows ~ " from "
            ~ _made(changed_keys(grows)) ~ ")) as touched"
        ) }}
    {%- elif grows == "months" -%}
        {{ return(
            "(select rows.* from " ~ relation ~ " as rows inner join " ~ _made("changed_months")
            ~ " as changed on rows.source = changed.source"
            ~ " and rows.calendar_month >= changed.from_month - interval 3 month) as touched"
        ) }}
    {%- endif -%}
    {{ return(relation) }}
{%- endmacro %}

{#- Whether all `holds` tests of models that grow passed after the build that this one adds to. -#}
{% macro was_tested() -%}
    {{ return(run_query(
        "select was_tested from builds.this_build where invocation_id = " ~ quoted(invocation_id)
    ).rows[0][0]) }}
{%- endmacro %}

{#- Ids of the `holds` tests of models that grow. -#}
{% macro tests_of_growing_models() -%}
    {%- set found = [] -%}
    {%- for name, node in graph.nodes.items() if node.resource_type == "test" and (node.test_metadata or {}).get("name") == "holds" and node.attached_node in graph.nodes -%}
        {%- if graph.nodes[node.attached_node].config.meta.get("grows") -%}
            {%- do found.append(name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- A model by its name, where a reference would make it one that the test depends on. -#}
{% macro _made(name) -%}
    {%- for node in graph.nodes.values() if node.resource_type == "model" and node.name == name -%}
        {{ return(api.Relation.create(node.database, node.schema, node.alias) | string) }}
    {%- endfor -%}
{%- endmacro %}
