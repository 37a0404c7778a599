{#-
    The customers of a source whose id is written in more than one way, which differ by case or by
    blanks, with the number of ways; the canonical form is one of them. Accepted rows count, repeats
    among them. Few rows are written otherwise, so only their customers are looked for in the rest.
    source_name: the source
    staged: pairs of a staging relation with written_customer_id, and the key of its customers
-#}
{% macro customer_spellings(source_name, staged) -%}
    with written as (
        {%- for relation, customer_key in staged %}
        select
            {{ customer_key }} as customer_key,
            written_customer_id
        from {{ relation }}
        where reject_reasons is null and written_customer_id is not null
        {{- " union all" if not loop.last }}
        {%- endfor %}
    ),

    canonical as (
        {%- for relation, customer_key in staged %}
        select {{ customer_key }} as customer_key
        from {{ relation }}
        where
            reject_reasons is null
            and written_customer_id is null
            and {{ customer_key }} in (select written.customer_key from written)
        {{- " union all" if not loop.last }}
        {%- endfor %}
    ),

    spellings as (
        select
            customer_key,
            written_customer_id
        from written
        union
        select
            customer_key,
            null as written_customer_id
        from canonical
    )

    select
        customer_key,
        '{{ source_name }}' as source,
        cast(count(*) as integer) as spelling_count
    from spellings
    group by customer_key
    having count(*) > 1
{%- endmacro %}
