{#-
    One test a model, since every test is a scan: the grain is unique and never null, and every
    rule is true for every row (a rule that is null fails too). It returns one row per rule that is
    broken, with the number of rows that break it.

    grain: the columns that identify a row
    rules: a mapping of a rule's name to the SQL condition that must be true
-#}
{% test holds(model, grain, rules={}) %}
with checks as (

    select
        count(*) filter (where {% for column in grain %}{{ column }} is null{{ " or " if not loop.last }}{% endfor %}) as grain_is_null
        {%- for rule, condition in rules.items() %},
        count(*) filter (where ({{ condition }}) is not true) as {{ rule }}
        {%- endfor %}
    from {{ model }}

),

repeats as (

    select {{ grain | join(", ") }} from {{ model }}
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
{% endtest %}
