{#-
    Columns that are lists of records. In the expressions `element` stands for one record of the
    list, such as element.quantity.
-#}

{#- True where a condition holds for any element of a list; false for an empty list or none. -#}
{% macro any_element(list, condition) -%}
    {{ return(adapter.dispatch('any_element', 'clientele')(list, condition)) }}
{%- endmacro %}

{% macro default__any_element(list, condition) -%}
    coalesce(len(list_filter({{ list }}, lambda element: {{ condition }})) > 0, false)
{%- endmacro %}

{#- The sum of an expression over the elements of a list; null for an empty list or none. -#}
{% macro sum_elements(list, expression) -%}
    {{ return(adapter.dispatch('sum_elements', 'clientele')(list, expression)) }}
{%- endmacro %}

{% macro default__sum_elements(list, expression) -%}
    list_sum(list_transform({{ list }}, lambda element: {{ expression }}))
{%- endmacro %}

{#- One row per element of a list, in place of the row that holds it. -#}
{% macro unnest_list(list) -%}
    {{ return(adapter.dispatch('unnest_list', 'clientele')(list)) }}
{%- endmacro %}

{% macro default__unnest_list(list) -%}
    unnest({{ list }})
{%- endmacro %}
