with grouped as (

    select
        source,
        coalesce(rfm_segment, lifecycle_stage) as rule_segment,
        count(*) as customer_count,
        sum(net_revenue) as net_revenue,
        sum(cm2) as cm2,
        min(as_of_date) as as_of_date
    from {{ ref('segment_members') }}
    group by source, coalesce(rfm_segment, lifecycle_stage)

),

shared as (

    select
        *,
        customer_count / sum(customer_count) over (partition by source) as customer_share,
        net_revenue / nullif(sum(net_revenue) over (partition by source), 0) as net_revenue_share,
        cm2 / nullif(sum(cm2) over (partition by source), 0) as cm2_share
    from grouped

),

rule_segment_sizes as (

    select
        shared.source,
        shared.rule_segment,
        rules.segment_name as rule_segment_name,
        shared.customer_count,
        cast(shared.customer_share as decimal(18, 6)) as customer_share,
        {%- for column, type in [
            ('net_revenue', 'decimal(38, 4)'), ('net_revenue_share', 'decimal(18, 6)'),
            ('cm2', 'decimal(38, 4)'), ('cm2_share', 'decimal(18, 6)'),
        ] %}
        cast(
            case
                when shared.customer_count >= {{ number_var('smallest_group') }}
                    then shared.{{ column }}
            end as {{ type }}
        ) as {{ column }},
        {%- endfor %}
        shared.as_of_date
    from shared
    inner join {{ ref('rule_segment_playbook') }} as rules
        on shared.rule_segment = rules.rule_segment

)

select * from rule_segment_sizes
