{#-
    The accepted rows of a staging model that a later load has replaced as a whole, though it need
    not hold their key: lines that a restated order no longer has, or rows of a table without a key.
    Rows that one load brought never replace each other.

    source_name: the source
    relation: the staging model
    table_name: the raw table's name, as the result names it
    key: the column whose rows belong together
    wholes: the staging model of what the rows are parts of, with the same key. Given, the rows of
        a key are replaced only by rows that arrived together with a newer version of their whole;
        without it, by any later rows of the key.
-#}
{% macro replaced_rows(source_name, relation, table_name, key, wholes=none) -%}
    select
        '{{ source_name }}' as source,
        '{{ table_name }}' as source_table,
        accepted.source_file,
        accepted.source_record
    from {{ relation }} as accepted
    inner join (
        {%- if wholes %}
        select
            parts.{{ key }},
            max(parts.ingested_at) as replaced_at
        from {{ relation }} as parts
        inner join (
            {{ restated_keys(wholes, key) }}
        ) as restated
            on parts.{{ key }} = restated.{{ key }}
        inner join {{ wholes }} as versions
            on
                parts.{{ key }} = versions.{{ key }}
                and parts.ingested_at = versions.ingested_at
                and versions.reject_reasons is null
        where parts.reject_reasons is null
        group by parts.{{ key }}
        {%- else %}
        {{ restated_keys(relation, key) }}
        {%- endif %}
    ) as latest
        on
            accepted.{{ key }} = latest.{{ key }}
            and {{ arrival("accepted") }} < latest.replaced_at
    where accepted.reject_reasons is null
{%- endmacro %}

{#-
    The keys whose accepted rows arrived at more than one time, with the last of them.
    relation: the staging model
    key: the column of the key
-#}
{% macro restated_keys(relation, key) -%}
    select
        arrivals.{{ key }},
        max(arrivals.ingested_at) as replaced_at
    from {{ relation }} as arrivals
    where arrivals.reject_reasons is null
    group by arrivals.{{ key }}
    having max(arrivals.ingested_at) > min({{ arrival("arrivals") }})
{%- endmacro %}
