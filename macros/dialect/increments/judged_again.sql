{#-
    Rows of a staging model that waited for their order, as they landed, after the rows of a raw table
    that this build reads: their order may be there by now. What was rejected is kept as it was
    written (raw_row), so nothing is read again.
    columns: the raw columns that raw_row holds
-#}
{% macro judged_again(columns) -%}
    {%- if is_incremental() -%}
        {{ rows_as_landed(this, columns, is_orphan()) }}
    {%- endif -%}
{%- endmacro %}
