{#-
    An entity that a source does not tell of: its columns with their types, and no row.
    entity: the part of int_<source>__<entity> after the two underscores.
-#}
{% macro no_rows(entity) -%}
    select
        {%- for column, data_type in entity_columns(entity).items() %}
        cast(null as {{ data_type }}) as {{ column }}{{ "," if not loop.last }}
        {%- endfor %}
    where false
{%- endmacro %}
