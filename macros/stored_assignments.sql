{#-
    The relation of campaign_assignments as earlier builds have left it, none before the first. It
    is found by its name: a ref would be a circle, since today's assignments depend on it.
-#}
{% macro stored_assignments() -%}
    {{ return(load_relation(api.Relation.create(
        database=this.database, schema=this.schema, identifier="campaign_assignments"
    ))) }}
{%- endmacro %}
