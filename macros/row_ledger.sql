{#-
    What became of the landed rows of a source's tables.
    staged: a mapping of raw table name to its staging relation.
-#}

{#- The rejected rows, with their reasons and the raw row. -#}
{% macro rejected_rows(source_name, staged) -%}
    {%- for table_name, relation in staged.items() %}
    select
        '{{ source_name }}' as source,
        '{{ table_name }}' as source_table,
        source_file,
        source_record,
        reject_reasons,
        raw_row
    from {{ relation }}
    where reject_reasons is not null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}
