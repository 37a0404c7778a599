{#-
    Rejected rows of a staging model as they landed, to be put below the rows of the raw table by the
    names of columns. Only an engine that can add to a table asks for them.
    relation: the staging model
    columns: the raw columns that raw_row holds
    condition: which rows
-#}
{% macro rows_as_landed(relation, columns, condition) -%}
    {{ return(adapter.dispatch('rows_as_landed', 'clientele')(relation, columns, condition)) }}
{%- endmacro %}

{% macro default__rows_as_landed(relation, columns, condition) -%}
    union all by name
    select
        {%- for column in columns %}
        json_extract_string(raw_row, '$."{{ column }}"') as "{{ column }}",
        {%- endfor %}
        source_file as _file,
        source_record as _record,
        ingested_at as _ingested_at
    from {{ relation }}
    where {{ condition }}
{%- endmacro %}

{#- Whether a staged row waits for its order. -#}
{% macro is_orphan() -%}
    {{ return(adapter.dispatch('is_orphan', 'clientele')()) }}
{%- endmacro %}

{% macro default__is_orphan() -%}
    coalesce('orphan' in string_split(reject_reasons, ';'), false)
{%- endmacro %}
