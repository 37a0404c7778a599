{#-
    The customers of a source whose id is written in more than one way, which differ by case or by
    blanks, with the number of ways; the canonical form is one of them. Accepted rows count, repeats
    among them. Few rows are written otherwise, so only their customers are looked for in the rest.
    source_name: the source
    staged: pairs of a staging relation with written_customer_id, and the key of its customers,
        a column or an expression
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

    -- Joined and not looked up with `in`, so that a scan skips the rows of everybody else. Nothing is
    -- grouped before the join: ids of all customers would be held in memory.
    people as (
        select distinct customer_key
        from written
    ),

    canonical as (
        {%- for relation, customer_key in staged %}
        select distinct people.customer_key
        from (
            select {{ customer_key }} as customer_key
            from {{ relation }}
            where reject_reasons is null and written_customer_id is null
        ) as staged
        inner join people
            on staged.customer_key = people.customer_key
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
