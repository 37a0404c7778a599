{#-
    The rows of a relation that a model is made of which grows by a key: all, or, where it adds to the
    last build, those of keys that something new was told of.
    relation: a relation with the key
    key: order_key or customer_key
-#}
{% macro of_changed(relation, key) -%}
    {#- A reference that dbt has to see, and that unit tests need not give rows for. #}
    {%- set changed = ref(changed_keys(key)) if model.resource_type != "unit_test" -%}
    {%- if is_incremental() -%}
        {{ return(
            "(select * from " ~ relation ~ " where " ~ key ~ " in (select " ~ key ~ " from "
            ~ changed ~ "))"
        ) }}
    {%- endif -%}
    {{ return(relation) }}
{%- endmacro %}

{#- The model that lists the values of a key that something new was told of. -#}
{% macro changed_keys(key) -%}
    {{ return({"order_key": "int_changed_orders", "customer_key": "changed_customers"}[key]) }}
{%- endmacro %}
