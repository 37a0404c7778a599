{#-
    Rows with the three greatest of several columns, without sorting: as first_rank, second_rank
    and third_rank, 0 where there is none. No two of the columns may be equal in a row.
    relation: a CTE or relation
    columns: names of its columns, whole numbers from 0
-#}
{% macro three_greatest(relation, columns) -%}
    select
        *,
        greatest(
            {%- for column in columns %}
            case when {{ column }} < second_rank then {{ column }} else 0 end
            {{- "," if not loop.last }}
            {%- endfor %}
        ) as third_rank
    from (
        select
            *,
            greatest(
                {%- for column in columns %}
                case when {{ column }} < first_rank then {{ column }} else 0 end
                {{- "," if not loop.last }}
                {%- endfor %}
            ) as second_rank
        from (
            select
                *,
                greatest({{ columns | join(", ") }}) as first_rank
            from {{ relation }}
        ) as firsts
    ) as seconds
{%- endmacro %}
