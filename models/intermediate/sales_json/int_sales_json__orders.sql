with accepted as (

    {{ kept_rows(
        ref('stg_sales_json__sales_transactions'),
        ref('int_sales_json__duplicate_rows'),
        'sales_transactions',
    ) }}

),

-- A sale over the counter is ordered, done and delivered when it is paid.
int_sales_json__orders as (

    select
        order_key,
        {{ hash_key(["'sales_json'", "customer_id"]) }} as customer_key,
        'sales_json' as source,
        order_id,
        customer_id,
        'delivered' as order_status,
        cast(null as string) as city,
        cast(null as string) as state,
        cast(null as string) as payment_type,
        sales_channel,
        cast(null as string) as device_class,
        service_centre as warehouse_id,
        cast(null as decimal(18, 4)) as distance_km,
        basket_value,
        cast(0 as decimal(18, 4)) as delivery_fee,
        coalesce(discount_amount, 0) as discount_amount,
        cast(0 as decimal(18, 4)) as supplier_support,
        cast(0 as decimal(18, 4)) as third_party_support,
        -- Most members settle on account, and the till then says 0.
        nullif(paid_amount, 0) as charged_amount,
        cast(0 as decimal(18, 4)) as refund_amount,
        cast(null as decimal(18, 4)) as marketing_cost,
        false as is_cancelled_until_delivery,
        paid_at as basket_created_at,
        paid_at as ordered_at,
        paid_at as delivered_at
    from accepted

)

select * from int_sales_json__orders
