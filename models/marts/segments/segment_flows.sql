{%- set smallest = number_var('smallest_group') -%}

with migrations as (

    select * from {{ ref('segment_migrations') }}

),

-- The money of a segment is known from its balance: what a small flow brings is what the others
-- leave of it. Of each segment's flows, the smallest first, so many keep their money back that it
-- is of at least the smallest group together.
counted as (

    select
        *,
        {%- for side, other in [('from', 'to'), ('to', 'from')] %}
        sum(case when customer_count < {{ smallest }} then customer_count else 0 end) over (
            partition by source, months_back, {{ side }}_segment_id
        ) as {{ side }}_small_count,
        sum(customer_count) over (
            partition by source, months_back, {{ side }}_segment_id
            order by customer_count asc, {{ other }}_segment_name asc
            rows between unbounded preceding and current row
        ) - customer_count as {{ side }}_smaller_count,
        {%- endfor %}
        customer_count < {{ smallest }} as is_small
    from migrations

),

segment_flows as (

    select
        source,
        movement,
        from_segment_id,
        from_segment_name,
        to_segment_id,
        to_segment_name,
        months_back,
        customer_count,
        {%- for side in ['from', 'to'] %}
        case
            when
                not is_small
                and ({{ side }}_small_count = 0 or {{ side }}_smaller_count >= {{ smallest }})
                then {{ side }}_cm2_365d
        end as {{ side }}_cm2_365d,
        {%- endfor %}
        share_of_from_segment,
        from_date,
        to_date
    from counted

)

select * from segment_flows
