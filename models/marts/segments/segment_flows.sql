
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
        {%- for side, other in [('from', 'to'), ('to', 'from')] %}
        {{ may_be_told(
            'customer_count', 'source, months_back, ' ~ side ~ '_segment_id',
            other ~ '_segment_name'
        ) }} as may_tell_{{ side }}{{ "," if not loop.last }}
        {%- endfor %}
    from migrations

),

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
        {%- for side in ['from', 'to'] %}
        -- Nor do flows tell together what the balance keeps back.
        case
            when
                counted.may_tell_{{ side }}
                and {{ side }}_balances.{{ side }}_cm2_365d is not null
                then counted.{{ side }}_cm2_365d
        end as {{ side }}_cm2_365d,
        {%- endfor %}
        counted.share_of_from_segment,
        counted.from_date,
        counted.to_date
    from counted
    {%- for side in ['from', 'to'] %}
    left join balances as {{ side }}_balances
        on
            counted.source = {{ side }}_balances.source
            and counted.months_back = {{ side }}_balances.months_back
            and counted.{{ side }}_segment_id = {{ side }}_balances.segment_id
    {%- endfor %}

)

select * from segment_flows
