-- The facts of the sample alone, so that each of them may be looked at once a date.
with orders as (

    select orders.*
    from {{ ref('known_successes') }} as orders
    inner join {{ ref('recent_sample') }} as customers
        on orders.customer_key = customers.customer_key

),

dated as (

    select
        orders.*,
        dates.lag_days,
        dates.as_of_date as recent_date,
        {{ days_between('orders.order_date', 'dates.as_of_date') }} < 365 as is_in_365d
    from orders
    inner join {{ ref('recent_dates') }} as dates
        on
            orders.source = dates.source
            and orders.known_date <= dates.as_of_date

),

recent_orders as (

    select
        customer_key,
        source,
        lag_days,
        cast(count(*) as integer) as successful_order_count,
        cast(count(*) filter (where has_promo) as integer) as promo_order_count,
        cast(count(*) filter (where is_in_365d) as integer) as successful_orders_365d,
        {%- for amount in ['basket_value', 'own_discount', 'net_revenue', 'cm2'] %}
        cast(sum({{ amount }}) as decimal(18, 4)) as {{ amount }},
        {%- endfor %}
        {%- for amount in ['net_revenue', 'cm2'] %}
        cast(sum({{ amount }}) filter (where is_in_365d) as decimal(18, 4)) as {{ amount }}_365d,
        {%- endfor %}
        {{ to_decimal(
            'cast(cast(sum(distance_km) as decimal(18, 4)) as double) / count(distance_km)',
            9, 3
        ) }}
            as average_distance_km,
        min(order_date) as first_order_date,
        max(order_date) as last_order_date,
        recent_date as as_of_date
    from dated
    group by customer_key, source, lag_days, recent_date

)

select * from recent_orders
