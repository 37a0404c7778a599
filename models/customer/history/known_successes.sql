with known_successes as (

    select
        orders.*,
        -- A success is known from its delivery.
        greatest(orders.order_date, orders.delivered_date) as known_date,
        as_of.as_of_date
    from {{ ref('fct_orders') }} as orders
    inner join {{ ref('int_as_of') }} as as_of
        on orders.source = as_of.source
    where
        orders.is_successful
        and orders.customer_key is not null
        and orders.order_date <= as_of.as_of_date
        and orders.delivered_date <= as_of.as_of_date

)

select * from known_successes
