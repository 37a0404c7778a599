{#-
    Where a landed row lies: its file's name and its number in that file, counted from 1, and when
    it arrived. Of rows that `clientele load` brought these are the raw file and the record in it;
    of others the Parquet file and the row, which the engine's reader gives, and no time of arrival.
-#}
{% macro origin() -%}
    {{ return(adapter.dispatch('origin', 'clientele')()) }}
{%- endmacro %}

{% macro default__origin() -%}
    coalesce(_file, parse_filename(filename)) as source_file,
    coalesce(_record, file_row_number + 1) as source_record,
    _ingested_at as ingested_at
{%- endmacro %}

{% macro spark__origin() -%}
    coalesce(_file, substring_index(filename, '/', -1)) as source_file,
    coalesce(_record, file_row_number + 1) as source_record,
    _ingested_at as ingested_at
{%- endmacro %}
