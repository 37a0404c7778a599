with headers as (

    select * from {{ ref('int_online_retail__order_headers') }}

),

-- An invoice goes out with its goods, so it is delivered when it is written. It states what is
-- owed and not what was paid, so what was charged is not known.
int_online_retail__orders as (

    select
        order_key,
        case
            when customer_id is not null
                then {{ hash_key(["'online_retail'", "customer_id"]) }}
        end as customer_key,
        'online_retail' as source,
        order_id,
        customer_id,
        case when is_cancellation then 'cancelled' else 'delivered' end as order_status,
        cast(null as string) as city,
        country as state,
        cast(null as string) as payment_type,
        cast(null as string) as sales_channel,
        cast(null as string) as device_class,
        cast(null as string) as warehouse_id,
        cast(null as decimal(18, 4)) as distance_km,
        basket_value,
        cast(0 as decimal(18, 4)) as delivery_fee,
        cast(0 as decimal(18, 4)) as discount_amount,
        cast(0 as decimal(18, 4)) as supplier_support,
        cast(0 as decimal(18, 4)) as third_party_support,
        cast(null as decimal(18, 4)) as charged_amount,
        cast(0 as decimal(18, 4)) as refund_amount,
        cast(null as decimal(18, 4)) as marketing_cost,
        false as is_cancelled_until_delivery,
        invoiced_at as basket_created_at,
        invoiced_at as ordered_at,
        case when not is_cancellation then invoiced_at end as delivered_at
    from headers

)

select * from int_online_retail__orders
