-- Of several at the same second what they say decides, not what they are called.
with numbered as (

    select
        *,
        row_number() over (
            partition by customer_key
            order by
                ordered_at asc, basket_value asc, city desc nulls first,
                state desc nulls first, device_class desc nulls first,
                payment_type desc nulls first, order_key desc
        ) as order_number
    from {{ of_changed(ref('known_successes'), 'customer_key') }}

),

customer_order_sequence as (

    select
        customer_key,
        order_key,
        source,
        cast(order_number as integer) as order_number,
        -- To the latest order that was known before this one, so that an order that becomes known
        -- later changes no gap that was counted.
        cast(
            case
                when max(order_date) over known_before <= order_date
                    then {{ days_between('max(order_date) over known_before', 'order_date') }}
                when max(order_date) over known_before is not null then 0
            end as integer
        ) as gap_days,
        order_date,
        known_date
    from numbered
    window known_before as (
        partition by customer_key
        order by known_date, order_number
        rows between unbounded preceding and 1 preceding
    )

)

select * from customer_order_sequence
