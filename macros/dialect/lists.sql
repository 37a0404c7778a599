{#-
    Columns that are lists of records. In expressions `element` stands for one record of the list,
    and its fields are read as element['quantity'].
-#}

{#- True where a condition holds for any element of a list; false for an empty list or none. -#}
{% macro any_element(list, condition) -%}
    {{ return(adapter.dispatch('any_element', 'clientele')(list, condition)) }}
{%- endmacro %}

{% macro default__any_element(list, condition) -%}
    coalesce(len(list_filter({{ list }}, lambda element: {{ condition }})) > 0, false)
{%- endmacro %}

{% macro spark__any_element(list, condition) -%}
    coalesce(exists({{ list }}, element -> {{ condition }}), false)
{%- endmacro %}

{#- The sum of an expression over the elements of a list; null for an empty list or none. -#}
{% macro sum_elements(list, expression) -%}
    {{ return(adapter.dispatch('sum_elements', 'clientele')(list, expression)) }}
{%- endmacro %}

{% macro default__sum_elements(list, expression) -%}
    list_sum(list_transform({{ list }}, lambda element: {{ expression }}))
{%- endmacro %}

{% macro spark__sum_elements(list, expression) -%}
    {#- Whole numbers: the sum needs a type to begin with. #}
    aggregate(
        transform({{ list }}, element -> cast({{ expression }} as bigint)),
        cast(null as bigint),
        (total, part) -> coalesce(total + part, total, part)
    )
{%- endmacro %}

{#-
    Two columns of a select, the elements of a list and their positions from 1: one row per element
    in place of the row that holds the list, none for an empty list.
-#}
{% macro unnest_elements(list, element, position) -%}
    {{ return(adapter.dispatch('unnest_elements', 'clientele')(list, element, position)) }}
{%- endmacro %}

{% macro default__unnest_elements(list, element, position) -%}
    unnest({{ list }}) as {{ element }},
        generate_subscripts({{ list }}, 1) as {{ position }}
{%- endmacro %}

{% macro spark__unnest_elements(list, element, position) -%}
    inline(transform(
        {{ list }},
        (item, place) -> named_struct('{{ element }}', item, '{{ position }}', place + 1)
    ))
{%- endmacro %}

{#-
    A list of given elements.
    elements: their expressions
-#}
{% macro list_of(elements) -%}
    {{ return(adapter.dispatch('list_of', 'clientele')(elements)) }}
{%- endmacro %}

{% macro default__list_of(elements) -%}
    [{{ elements | join(", ") }}]
{%- endmacro %}

{% macro spark__list_of(elements) -%}
    array({{ elements | join(", ") }})
{%- endmacro %}

{#- The first element of a list; null for an empty list or none. -#}
{% macro first_element(list) -%}
    {{ return(adapter.dispatch('first_element', 'clientele')(list)) }}
{%- endmacro %}

{% macro default__first_element(list) -%}
    {{ list }}[1]
{%- endmacro %}

{% macro spark__first_element(list) -%}
    get({{ list }}, 0)
{%- endmacro %}
