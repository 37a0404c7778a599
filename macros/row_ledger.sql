{#- What became of the landed rows of a source's tables. -#}

{#-
    The number of landed rows of each raw table, counted before any judging. Each has a number in
    its file, which is counted since it need not be read: for count(*) a column of all rows is.
    source_name: the source
    tables: the names of its raw tables
-#}
{% macro landed_rows(source_name, tables) -%}
    {%- for table_name in tables %}
    select
        '{{ table_name }}' as source_table,
        count(file_row_number) as landed_count
    from {{ source(source_name, table_name) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}

{#-
    The rejected rows, with their reasons and the raw row.
    source_name: the source
    staged: a mapping of raw table name to its staging relation
-#}
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

{#-
    What became of the rows of each raw table, each number counted on its own. What is accepted is
    counted where it arrives, so that a row lost on the way shows.

    source_name: the source
    landed, rejected, duplicates: the source's landed_rows, rejected_rows and duplicate_rows
    accepted: a mapping of raw table name to the relation where its rows arrive and the expression
        that counts them there
-#}
{% macro row_counts(source_name, landed, rejected, duplicates, accepted) -%}
    select
        '{{ source_name }}' as source,
        landed.source_table,
        landed.landed_count,
        cast(coalesce(accepted.accepted_count, 0) as bigint) as accepted_count,
        coalesce(rejected.rejected_count, 0) as rejected_count,
        coalesce(duplicates.duplicate_count, 0) as duplicate_count
    from {{ landed }} as landed
    left join (
        {%- for table_name, (relation, count) in accepted.items() %}
        select
            '{{ table_name }}' as source_table,
            {{ count }} as accepted_count
        from {{ relation }}
        {{- " union all" if not loop.last }}
        {%- endfor %}
    ) as accepted
        on landed.source_table = accepted.source_table
    left join (
        select
            source_table,
            count(*) as rejected_count
        from {{ rejected }}
        group by source_table
    ) as rejected
        on landed.source_table = rejected.source_table
    left join (
        select
            source_table,
            count(*) as duplicate_count
        from {{ duplicates }}
        group by source_table
    ) as duplicates
        on landed.source_table = duplicates.source_table
{%- endmacro %}
