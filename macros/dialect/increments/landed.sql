{#-
    The rows of a raw table that this build reads: all of them, or, where it adds to the last one,
    those of files that have landed since.
    source_name, table_name: the raw table
    adds: whether the build adds; where it is not given, whether the model does
-#}
{% macro landed(source_name, table_name, adds=none) -%}
    {%- set rows = source(source_name, table_name) -%}
    {%- if not (is_incremental() if adds is none else adds) -%}
        {{ return(rows) }}
    {%- endif -%}
    {%- set paths = [] -%}
    {%- for row in run_query(
        "select path from builds.landed_files where is_new and source = '" ~ source_name
        ~ "' and source_table = '" ~ table_name ~ "' order by path"
    ).rows -%}
        {%- do paths.append(quoted(row[0])) -%}
    {%- endfor -%}
    {{ return(
        "(select * from " ~ rows ~ " where "
        ~ ("filename in (" ~ paths | join(", ") ~ ")" if paths else "false") ~ ")"
    ) }}
{%- endmacro %}
