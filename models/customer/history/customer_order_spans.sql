with orders as (

    select
        orders.*,
        successes.order_number,
        successes.order_number is not null as is_known_success,
        orders.order_date <= as_of.as_of_date as is_known_order,
        {{ add_days('orders.order_date', '365') }} as leaving_date,
        successes.known_date,
        as_of.as_of_date
    from {{ of_changed(ref('fct_orders'), 'customer_key') }} as orders
    inner join {{ ref('int_as_of') }} as as_of
        on orders.source = as_of.source
    left join {{ of_changed(ref('customer_order_sequence'), 'customer_key') }} as successes
        on orders.order_key = successes.order_key
    where
        orders.customer_key is not null
        and cast(orders.basket_created_at as date) <= as_of.as_of_date

),

dated as (

    select
        *,
        case when is_known_order then cast(date_trunc('month', order_date) as date) end
            as order_month,
        cast(date_trunc('month', known_date) as date) as known_month,
        case
            when is_known_success and leaving_date <= as_of_date
                then cast(date_trunc('month', greatest(leaving_date, known_date)) as date)
        end as leaving_month
    from orders

),

customer_order_spans as (

    select
        customer_key,
        source,
        order_month,
        known_month,
        leaving_month,
        count(*) as order_count,
        count(*) filter (where is_cancelled or is_cancelled_until_delivery)
            as cancelled_order_count,
        count(*) filter (where not is_cancelled and is_cancelled_until_delivery)
            as uncancelled_order_count,
        count(*) filter (where has_promo) as promo_order_count,
        cast(sum(basket_value) as decimal(18, 4)) as basket_value,
        cast(sum(discount_amount) as decimal(18, 4)) as discount_amount,
        cast(sum(own_discount) as decimal(18, 4)) as own_discount,
        cast(sum(net_revenue) as decimal(18, 4)) as net_revenue,
        cast(sum(cm1) as decimal(18, 4)) as cm1,
        cast(sum(cm2) as decimal(18, 4)) as cm2,
        cast(sum(distance_km) as decimal(18, 4)) as distance_km,
        count(distance_km) as distance_count,
        min(order_date) as first_order_date,
        max(order_date) as last_order_date,
        max(order_number) as last_order_number
    from dated
    group by customer_key, source, order_month, known_month, leaving_month

)

select * from customer_order_spans
