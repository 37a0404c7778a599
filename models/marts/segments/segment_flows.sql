with migrations as (

    select * from {{ ref('segment_migrations') }}

),

balances as (

    select * from {{ ref('segment_balance') }}

),

-- The money of a segment is known from its balance: what a small flow brings is what the others
-- leave of it.
counted as (

    select
        *,
        {{ may_be_told(
            'customer_count', 'source, months_back, from_segment_id', 'to_segment_name'
        ) }} as may_tell_from,
        {{ may_be_told(
            'customer_count', 'source, months_back, to_segment_id', 'from_segment_name'
        ) }} as may_tell_to
    from migrations

),

-- Nor do flows tell together what the balance keeps back.
segment_flows as (

    select
        counted.source,
        counted.movement,
        counted.from_segment_id,
        counted.from_segment_name,
        counted.to_segment_id,
        counted.to_segment_name,
        counted.months_back,
        counted.customer_count,
        case
            when counted.may_tell_from and from_balances.from_cm2_365d is not null
                then counted.from_cm2_365d
        end as from_cm2_365d,
        case
            when counted.may_tell_to and to_balances.to_cm2_365d is not null
                then counted.to_cm2_365d
        end as to_cm2_365d,
        counted.share_of_from_segment,
        counted.from_date,
        counted.to_date
    from counted
    left join balances as from_balances
        on
            counted.source = from_balances.source
            and counted.months_back = from_balances.months_back
            and counted.from_segment_id = from_balances.segment_id
    left join balances as to_balances
        on
            counted.source = to_balances.source
            and counted.months_back = to_balances.months_back
            and counted.to_segment_id = to_balances.segment_id

)

select * from segment_flows
