with orders as (

    select
        orders.customer_key,
        orders.order_key,
        orders.source,
        orders.city,
        orders.state,
        orders.device_class,
        orders.payment_type,
        orders.basket_value,
        orders.order_date,
        -- A success is known from its delivery.
        greatest(orders.order_date, orders.delivered_date) as known_date,
        orders.ordered_at
    from {{ ref('fct_orders') }} as orders
    inner join {{ ref('int_as_of') }} as as_of
        on orders.source = as_of.source
    where
        orders.is_successful
        and orders.customer_key is not null
        and orders.order_date <= as_of.as_of_date
        and orders.delivered_date <= as_of.as_of_date

),

-- Of several at the same second what they say decides, not what they are called.
numbered as (

    select
        *,
        row_number() over (
            partition by customer_key
            order by
                ordered_at asc, basket_value asc, city desc nulls first,
                state desc nulls first, device_class desc nulls first,
                payment_type desc nulls first, order_key desc
        ) as order_number
    from orders

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
