with as_of as (

    select * from {{ ref('int_as_of') }}

),

-- An order that was cancelled later was none to wait for; one that looked cancelled until it
-- arrived was none either before it arrived.
orders as (

    select
        orders.customer_key,
        orders.source,
        {{ days_between('orders.order_date', 'as_of.as_of_date') }} as order_age_days,
        coalesce(orders.delivered_date <= as_of.as_of_date, false) as is_delivered,
        orders.order_date,
        as_of.as_of_date
    from {{ ref('fct_orders') }} as orders
    inner join as_of
        on orders.source = as_of.source
    where
        orders.customer_key is not null
        and orders.order_date <= as_of.as_of_date
        and not orders.is_cancelled
        and (
            not orders.is_cancelled_until_delivery
            or coalesce(orders.delivered_date <= as_of.as_of_date, false)
        )

),

ratings as (

    select
        ratings.customer_key,
        ratings.source,
        {{ days_between('ratings.rated_date', 'as_of.as_of_date') }} as rating_age_days,
        ratings.rated_date,
        as_of.as_of_date
    from {{ ref('fct_ratings') }} as ratings
    inner join as_of
        on ratings.source = as_of.source
    where
        ratings.customer_key is not null
        and ratings.rating <= {{ number_var('low_rating') }}
        and ratings.rated_date <= as_of.as_of_date

),

events as (

    select
        customer_key,
        source,
        'recent_order' as suppression,
        order_date as suppressed_on,
        as_of_date
    from orders
    where order_age_days < {{ number_var('suppress_after_order_days') }}
    union all
    select
        customer_key,
        source,
        'undelivered_order' as suppression,
        order_date as suppressed_on,
        as_of_date
    from orders
    where
        not is_delivered
        and order_age_days < {{ number_var('suppress_undelivered_days') }}
    union all
    select
        customer_key,
        source,
        'low_rating' as suppression,
        rated_date as suppressed_on,
        as_of_date
    from ratings
    where rating_age_days < {{ number_var('suppress_after_low_rating_days') }}

),

order_suppressions as (

    select
        customer_key,
        source,
        suppression,
        max(suppressed_on) as suppressed_on,
        as_of_date
    from events
    group by customer_key, source, suppression, as_of_date

)

select * from order_suppressions
