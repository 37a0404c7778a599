{#-
    Whether an amount of a group may be told: the group is not small, and those of the whole whose
    amounts are kept back are of at least the smallest group together. One small group alone would
    be what the others leave of the whole. A group of nobody has no amount to tell.

    count: people of the group
    within: what groups are parts of, as the columns of a partition
    then_by: what tells groups of equal size apart
-#}
{% macro may_be_told(count, within, then_by) -%}
{%- set smallest = number_var('smallest_group') -%}
    (
            {{ count }} >= {{ smallest }}
            and (
                sum(case when {{ count }} < {{ smallest }} then {{ count }} else 0 end) over (
                    partition by {{ within }}
                ) = 0
                or sum({{ count }}) over (
                    partition by {{ within }}
                    order by {{ count }} asc, {{ then_by }} asc
                    rows between unbounded preceding and current row
                ) - {{ count }} >= {{ smallest }}
            )
        )
{%- endmacro %}
