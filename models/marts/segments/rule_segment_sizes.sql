with customers as (

    select
        source,
        coalesce(rfm_segment, lifecycle_stage) as rule_segment,
        count(*) as customer_count,
        coalesce(sum(net_revenue_365d), 0) as net_revenue,
        coalesce(sum(successful_orders_365d), 0) as successful_orders,
        sum(cm2) as cm2
    from {{ ref('segment_members') }}
    group by source, coalesce(rfm_segment, lifecycle_stage)

),

totals as (

    select
        source,
        sum(customer_count) as customer_count,
        sum(net_revenue) as net_revenue,
        sum(cm2) as cm2
    from customers
    group by source

),

-- A rule that nobody matches is told, too.
rules as (

    select
        status.source,
        playbook.rule_segment,
        playbook.segment_id,
        playbook.segment_name,
        playbook.who_they_are,
        playbook.what_to_do,
        status.as_of_date
    from {{ ref('rfm_status') }} as status
    inner join {{ ref('rule_segment_playbook') }} as playbook
        on
            playbook.applies_to = 'both'
            or (playbook.applies_to = 'scored') = (status.rfm_status = 'scored')

),

-- Groups without an order in the year have brought nothing in it, which hides nobody.
sized as (

    select
        *,
        {{ may_be_told(
            'customer_count', 'source, successful_orders = 0', 'rule_segment'
        ) }} as may_tell_year,
        {{ may_be_told('customer_count', 'source', 'rule_segment') }} as may_tell
    from customers

),

rule_segment_sizes as (

    select
        rules.source,
        rules.rule_segment,
        rules.segment_id,
        rules.segment_name,
        rules.who_they_are,
        rules.what_to_do,
        coalesce(sized.customer_count, 0) as customer_count,
        {{ to_decimal('coalesce(sized.customer_count, 0) / totals.customer_count', 18, 6) }}
            as customer_share,
        {%- for column, value, told, type in [
            ('net_revenue', 'sized.net_revenue', 'may_tell_year', 'decimal(38, 4)'),
            ('net_revenue_share',
             to_decimal('cast(sized.net_revenue as double) / nullif(totals.net_revenue, 0)', 18, 6),
             'may_tell_year', 'decimal(18, 6)'),
            ('net_revenue_per_customer',
             to_decimal('cast(sized.net_revenue as double) / sized.customer_count', 18, 4),
             'may_tell_year', 'decimal(18, 4)'),
            ('orders_per_customer',
             to_decimal('sized.successful_orders / sized.customer_count', 18, 4),
             'may_tell_year', 'decimal(18, 4)'),
            ('cm2_share',
             to_decimal('cast(sized.cm2 as double) / nullif(totals.cm2, 0)', 18, 6),
             'may_tell', 'decimal(18, 6)'),
        ] %}
        cast(
            case when sized.{{ told }} then {{ value }} end as {{ type }}
        ) as {{ column }},
        {%- endfor %}
        rules.as_of_date
    from rules
    left join sized
        on
            rules.source = sized.source
            and rules.rule_segment = sized.rule_segment
    left join totals
        on rules.source = totals.source

)

select * from rule_segment_sizes
