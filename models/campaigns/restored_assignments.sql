-- What an export has saved of another warehouse; none, unless the var kept_assignments names it.
{%- set path = path_var('kept_assignments') %}
with restored_assignments as (

    select
    {%- for column, type in assignment_columns().items() %}
        cast({{ column if path else "null" }} as {{ type }}) as {{ column }}
        {{- "," if not loop.last }}
    {%- endfor %}
    {% if path -%}
    from {{ parquet_file(path) }}
    {%- else -%}
    where false
    {%- endif %}

)

select * from restored_assignments
