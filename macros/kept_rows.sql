{#-
    The rows of a staging model that are carried on: accepted, and not set aside as a repeat.
    relation: the staging model
    duplicates: the source's duplicate rows, as repeated_rows gives them
    table_name: the raw table's name in them
-#}
{% macro kept_rows(relation, duplicates, table_name) -%}
    select staged.*
    from {{ relation }} as staged
    left join {{ duplicates }} as duplicates
        on
            duplicates.source_table = '{{ table_name }}'
            and staged.source_file = duplicates.source_file
            and staged.source_record = duplicates.source_record
    where
        staged.reject_reasons is null
        and duplicates.source_record is null
{%- endmacro %}
