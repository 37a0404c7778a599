with migrations as (

    select * from {{ ref('segment_migrations') }}

),

-- Each flow is seen from both its ends: who stayed is counted where they were.
ends as (

    select
        source,
        from_segment_id as segment_id,
        from_segment_name as segment_name,
        months_back,
        customer_count as from_customer_count,
        case when movement = 'stayed' then customer_count else 0 end as stayed_count,
        case when movement = 'moved' then customer_count else 0 end as moved_out_count,
        case when movement = 'left' then customer_count else 0 end as left_count,
        0 as moved_in_count,
        0 as new_count,
        0 as returned_count,
        0 as to_customer_count,
        from_cm2_365d,
        null as to_cm2_365d,
        from_date,
        to_date
    from migrations
    where from_segment_id is not null
    union all
    select
        source,
        to_segment_id as segment_id,
        to_segment_name as segment_name,
        months_back,
        0 as from_customer_count,
        0 as stayed_count,
        0 as moved_out_count,
        0 as left_count,
        case when movement = 'moved' then customer_count else 0 end as moved_in_count,
        case when movement = 'new' then customer_count else 0 end as new_count,
        case when movement = 'returned' then customer_count else 0 end as returned_count,
        customer_count as to_customer_count,
        null as from_cm2_365d,
        to_cm2_365d,
        from_date,
        to_date
    from migrations
    where to_segment_id is not null

),

summed as (

    select
        source,
        segment_id,
        segment_name,
        months_back,
        {%- for count in [
            'from_customer_count', 'stayed_count', 'moved_out_count', 'left_count',
            'moved_in_count', 'new_count', 'returned_count', 'to_customer_count',
        ] %}
        cast(sum({{ count }}) as bigint) as {{ count }},
        {%- endfor %}
        sum(from_cm2_365d) as from_cm2_365d,
        sum(to_cm2_365d) as to_cm2_365d,
        from_date,
        to_date
    from ends
    group by source, segment_id, segment_name, months_back, from_date, to_date

),

segment_balance as (

    select
        source,
        segment_id,
        segment_name,
        months_back,
        from_customer_count,
        stayed_count,
        moved_out_count,
        left_count,
        moved_in_count,
        new_count,
        returned_count,
        to_customer_count,
        to_customer_count - from_customer_count as change_count,
        {%- for side in ['from', 'to'] %}
        cast(
            case
                when {{ may_be_told(
                    side ~ '_customer_count', 'source, months_back', 'segment_id'
                ) }}
                    then {{ side }}_cm2_365d
            end
            as decimal(38, 4)
        ) as {{ side }}_cm2_365d,
        {%- endfor %}
        from_date,
        to_date
    from summed

)

select * from segment_balance
