{%- set smallest = number_var('smallest_group') -%}
with buyers as (

    select * from {{ ref('customer_single_view') }}
    where successful_orders_365d > 0

),

-- Customers of one revenue stay together, so that no decile depends on the order of rows.
amounts as (

    select
        source,
        net_revenue_365d as amount,
        count(*) as customer_count,
        sum(cm2_365d) as cm2,
        min(as_of_date) as as_of_date
    from buyers
    group by source, net_revenue_365d

),

placed as (

    select
        *,
        sum(customer_count) over (
            partition by source
            order by amount desc
        ) as up_to_count,
        sum(customer_count) over (partition by source) as total_count
    from amounts

),

-- By the middle of those of one revenue.
deciles as (

    select
        source,
        'decile' as contribution_by,
        cast(1 + floor(10 * (2 * up_to_count - customer_count) / (2 * total_count)) as integer)
            as group_id,
        'Decile ' || cast(group_id as string) as group_name,
        sum(customer_count) as customer_count,
        sum(customer_count * amount) as net_revenue,
        sum(cm2) as cm2,
        min(as_of_date) as as_of_date
    from placed
    group by source, group_id

),

segments as (

    select
        buyers.source,
        'segment' as contribution_by,
        members.segment_id as group_id,
        members.segment_name as group_name,
        count(*) as customer_count,
        sum(buyers.net_revenue_365d) as net_revenue,
        sum(buyers.cm2_365d) as cm2,
        min(buyers.as_of_date) as as_of_date
    from buyers
    inner join {{ ref('customer_segments') }} as members
        on buyers.customer_key = members.customer_key
    group by buyers.source, members.segment_id, members.segment_name

),

groups as (

    select * from deciles
    union all
    select * from segments

),

-- Deciles stand in their order, segments by what they bring.
ranked as (

    select
        *,
        row_number() over (
            partition by source, contribution_by
            order by
                case when contribution_by = 'segment' then net_revenue end desc nulls last,
                group_id asc
        ) as group_rank
    from groups

),

shared as (

    select
        *,
        customer_count / sum(customer_count) over all_groups as customer_share,
        cast(net_revenue as double) / nullif(sum(net_revenue) over all_groups, 0)
            as net_revenue_share,
        cast(cm2 as double) / nullif(sum(cm2) over all_groups, 0) as cm2_share,
        sum(customer_count) over up_to_group / sum(customer_count) over all_groups
            as cumulative_customer_share,
        cast(sum(net_revenue) over up_to_group as double)
        / nullif(sum(net_revenue) over all_groups, 0)
            as cumulative_net_revenue_share
    from ranked
    window
        all_groups as (partition by source, contribution_by),
        up_to_group as (
            partition by source, contribution_by
            order by group_rank
            rows between unbounded preceding and current row
        )

),

revenue_contribution as (

    select
        source,
        contribution_by,
        group_id,
        group_name,
        cast(group_rank as integer) as group_rank,
        cast(customer_count as bigint) as customer_count,
        {{ to_decimal('customer_share', 18, 6) }} as customer_share,
        {{ to_decimal('cumulative_customer_share', 18, 6) }} as cumulative_customer_share,
        {%- for column in [
            'net_revenue', 'net_revenue_share', 'cumulative_net_revenue_share', 'cm2', 'cm2_share',
        ] %}
        case
            when customer_count >= {{ smallest }}
                then {{ to_decimal(column, 18, 6) if 'share' in column
                    else 'cast(' ~ column ~ ' as decimal(38, 4))' }}
        end as {{ column }},
        {%- endfor %}
        as_of_date
    from shared

)

select * from revenue_contribution
