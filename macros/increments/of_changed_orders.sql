{#-
    The rows of a relation that a model which grows by order is made of: all, or, where it adds to the
    last build, those of orders that something new was told of.
    relation: a relation with an order_key
-#}
{% macro of_changed_orders(relation) -%}
    {#- A reference that dbt has to see, and that unit tests need not give rows for. #}
    {%- set changed = ref("int_changed_orders") if model.resource_type != "unit_test" -%}
    {%- if is_incremental() -%}
        {{ return(
            "(select * from " ~ relation ~ " where order_key in (select order_key from " ~ changed ~ "))"
        ) }}
    {%- endif -%}
    {{ return(relation) }}
{%- endmacro %}
