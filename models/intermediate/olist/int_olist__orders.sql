with orders as (

    {{ kept_rows(
        ref('stg_olist__orders'),
        ref('int_olist__duplicate_rows'),
        'olist_orders_dataset',
    ) }}

),

customers as (

    {{ kept_rows(
        ref('stg_olist__customers'),
        ref('int_olist__duplicate_rows'),
        'olist_customers_dataset',
    ) }}

),

totals as (

    select * from {{ ref('int_olist__order_totals') }}

),

payments as (

    select * from {{ ref('int_olist__order_payments') }}

),

distances as (

    select * from {{ ref('int_olist__order_distances') }}

),

int_olist__orders as (

    select
        orders.order_key,
        {{ hash_key(["'olist'", "customers.customer_id"]) }} as customer_key,
        'olist' as source,
        orders.order_id,
        customers.customer_id,
        case
            when orders.order_status = 'delivered' then 'delivered'
            when orders.order_status in ('canceled', 'unavailable') then 'cancelled'
            else 'placed'
        end as order_status,
        customers.city,
        customers.state,
        payments.payment_type,
        'marketplace' as sales_channel,
        cast(null as string) as device_class,
        cast(null as string) as warehouse_id,
        distances.distance_km,
        coalesce(totals.basket_value, 0) as basket_value,
        coalesce(totals.delivery_fee, 0) as delivery_fee,
        cast(0 as decimal(18, 4)) as discount_amount,
        cast(0 as decimal(18, 4)) as supplier_support,
        cast(0 as decimal(18, 4)) as third_party_support,
        payments.charged_amount,
        cast(0 as decimal(18, 4)) as refund_amount,
        cast(null as decimal(18, 4)) as marketing_cost,
        false as is_cancelled_until_delivery,
        orders.ordered_at as basket_created_at,
        orders.ordered_at,
        -- A few delivered orders have no date of it. They were delivered by the promised day at
        -- the latest as far as anybody knew, and a date keeps them in what is counted by date.
        case
            when orders.order_status = 'delivered'
                then coalesce(orders.delivered_at, orders.estimated_delivery_at)
            else orders.delivered_at
        end as delivered_at
    from orders
    inner join customers
        on orders.order_customer_id = customers.order_customer_id
    left join totals
        on orders.order_key = totals.order_key
    left join payments
        on orders.order_key = payments.order_key
    left join distances
        on orders.order_key = distances.order_key

)

select * from int_olist__orders
