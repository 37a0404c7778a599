{#-
    A query with one row per broken rule and the number of rows that break it, in one scan of the
    relation and one of its grain. A rule that is null is broken, too.
    relation: the relation, or a subquery with its alias
    grain: the columns that identify a row, which are unique and never null
    rules: a mapping of a rule's name to the SQL condition that must be true of every row
-#}
{% macro broken_rules(relation, grain, rules) -%}
with checks as (

    select
        count(*) filter (where {% for column in grain %}{{ column }} is null{{ " or " if not loop.last }}{% endfor %}) as grain_is_null
        {%- for rule, condition in rules.items() %},
        count(*) filter (where ({{ condition }}) is not true) as {{ rule }}
        {%- endfor %}
    from {{ relation }}

),

repeats as (

    select {{ grain | join(", ") }} from {{ relation }}
    group by {{ grain | join(", ") }}
    having count(*) > 1

),

findings as (

    select
        'grain_is_not_unique' as broken_rule,
        count(*) as failing_rows
    from repeats
    union all
    select
        'grain_is_null' as broken_rule,
        grain_is_null as failing_rows
    from checks
    {%- for rule in rules %}
    union all
    select
        '{{ rule }}' as broken_rule,
        {{ rule }} as failing_rows
    from checks
    {%- endfor %}

)

select * from findings
where failing_rows > 0
{%- endmacro %}
