with segments as (

    select * from {{ ref('segments') }}

),

slices as (

    select
        source,
        months_back,
        as_of_date as from_date
    from {{ ref('history_dates') }}
    where
        is_kept
        and months_back in ({{ months_looked_back() | join(", ") }})

),

today as (

    select
        slices.source,
        slices.months_back,
        slices.from_date,
        members.as_of_date as to_date,
        members.customer_key,
        members.segment_id,
        single_view.cm2_365d,
        single_view.lifecycle_stage <> 'dormant' as is_in_base
    from {{ ref('customer_segments') }} as members
    inner join {{ ref('customer_single_view') }} as single_view
        on members.customer_key = single_view.customer_key
    inner join slices
        on members.source = slices.source

),

-- Whoever was a customer once is one today, so nobody is missed by looking from today.
movements as (

    select
        today.source,
        today.months_back,
        today.from_date,
        today.to_date,
        case
            when not coalesce(past.is_in_base, false) and not today.is_in_base then 'outside'
            when past.customer_key is null then 'new'
            when not past.is_in_base then 'returned'
            when not today.is_in_base then 'left'
            when past.segment_id = today.segment_id then 'stayed'
            else 'moved'
        end as movement,
        case when past.is_in_base then past.segment_id end as from_segment_id,
        case when today.is_in_base then today.segment_id end as to_segment_id,
        case when past.is_in_base then past.cm2_365d end as from_cm2_365d,
        case when today.is_in_base then today.cm2_365d end as to_cm2_365d
    from today
    left join {{ ref('customer_past_segments') }} as past
        on
            today.customer_key = past.customer_key
            and today.months_back = past.months_back

),

counted as (

    select
        source,
        months_back,
        from_date,
        to_date,
        movement,
        from_segment_id,
        to_segment_id,
        count(*) as customer_count,
        sum(from_cm2_365d) as from_cm2_365d,
        sum(to_cm2_365d) as to_cm2_365d
    from movements
    where movement <> 'outside'
    group by source, months_back, from_date, to_date, movement, from_segment_id, to_segment_id

),

bases as (

    select
        *,
        sum(case when from_segment_id is not null then customer_count end) over (
            partition by source, months_back
        ) as from_base_count,
        sum(customer_count) over (
            partition by source, months_back, from_segment_id
        ) as from_segment_count
    from counted

),

segment_migrations as (

    select
        bases.source,
        bases.movement,
        bases.from_segment_id,
        coalesce(
            from_segments.segment_name,
            case bases.movement
                when 'new' then 'not yet a customer'
                else 'no order in 365 days'
            end
        ) as from_segment_name,
        bases.to_segment_id,
        coalesce(to_segments.segment_name, 'no order in 365 days') as to_segment_name,
        cast(bases.months_back as integer) as months_back,
        bases.customer_count,
        cast(bases.from_cm2_365d as decimal(38, 4)) as from_cm2_365d,
        cast(bases.to_cm2_365d as decimal(38, 4)) as to_cm2_365d,
        case
            when bases.from_segment_id is not null
                then {{ to_decimal('bases.customer_count / bases.from_base_count', 18, 6) }}
        end as share_of_from_base,
        case
            when bases.from_segment_id is not null
                then {{ to_decimal('bases.customer_count / bases.from_segment_count', 18, 6) }}
        end as share_of_from_segment,
        bases.from_date,
        bases.to_date
    from bases
    left join segments as from_segments
        on
            bases.source = from_segments.source
            and bases.from_segment_id = from_segments.segment_id
    left join segments as to_segments
        on
            bases.source = to_segments.source
            and bases.to_segment_id = to_segments.segment_id

)

select * from segment_migrations
