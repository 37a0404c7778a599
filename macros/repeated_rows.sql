{#-
    The accepted rows of a staging model that repeat a key and are set aside: all but one row a
    key. The row kept is the one that arrived last, a row without a time of arrival first of all;
    of one arrival the one with the latest time, then the greatest content, so that the choice does
    not depend on the order of rows; exact copies differ only in where they lie.
    Only keys that repeat are ranked, since ranking every row costs several times a plain copy.

    source_name: the source
    relation: the staging model
    table_name: the raw table's name, as the result names it
    keys: the columns that should be unique among accepted rows
    times: columns of times, the latest of which says how much a row knew; may be empty
    content: all other columns
    numbered_by: one of two keys, if it numbers the rows of the other, as a line that of its order.
        Then only rows are grouped by both of which the other key may hold a number twice: they are
        few, and groups of one row each are what costs most.
-#}
{% macro repeated_rows(source_name, relation, table_name, keys, times, content, numbered_by=none) -%}
    {%- set numbered = keys | reject("equalto", numbered_by) | first -%}
    select
        '{{ source_name }}' as source,
        '{{ table_name }}' as source_table,
        ranked.source_file,
        ranked.source_record
    from (
        select
            accepted.source_file,
            accepted.source_record,
            row_number() over (
                partition by {% for key in keys %}accepted.{{ key }}{{ ", " if not loop.last }}{% endfor %}
                order by
                    {{ arrival("accepted") }} desc,
                    {%- if times %}
                    greatest(
                        {%- for time in times %}
                        coalesce(accepted.{{ time }}, timestamp '1900-01-01 00:00:00')
                        {{- "," if not loop.last }}
                        {%- endfor %}
                    ) desc,
                    {%- endif %}
                    concat_ws(
                        '|'
                        {%- for column in times + content %},
                        coalesce(cast(accepted.{{ column }} as string), '')
                        {%- endfor %}
                    ) desc,
                    accepted.source_file asc,
                    accepted.source_record asc
            ) as version_rank
        from {{ relation }} as accepted
        inner join (
            select {{ keys | join(", ") }} from {{ relation }}
            where
                reject_reasons is null
                {%- if numbered_by %}
                and {{ numbered }} in (
                    select {{ numbered }} from {{ relation }}
                    where reject_reasons is null
                    group by {{ numbered }}
                    having {{ may_repeat(numbered_by) }}
                )
                {%- endif %}
            group by {{ keys | join(", ") }}
            having count(*) > 1
        ) as repeated
            on {% for key in keys %}accepted.{{ key }} = repeated.{{ key }}{{ " and " if not loop.last }}{% endfor %}
        where accepted.reject_reasons is null
    ) as ranked
    where ranked.version_rank > 1
{%- endmacro %}

{#-
    When a row arrived, as a time that can be compared: what nobody knows the arrival of was there
    before everything.
    rows: the alias of the rows
-#}
{% macro arrival(rows) -%}
    coalesce({{ rows }}.ingested_at, timestamp '1900-01-01 00:00:00')
{%- endmacro %}
