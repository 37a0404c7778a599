{#-
    Where a landed row lies: its file's name within the table's folder and its number in that
    file, counted from 1. The engine's reader gives both.
-#}
{% macro origin() -%}
    {{ return(adapter.dispatch('origin', 'clientele')()) }}
{%- endmacro %}

{% macro default__origin() -%}
    parse_filename(filename) as source_file,
    file_row_number + 1 as source_record
{%- endmacro %}
