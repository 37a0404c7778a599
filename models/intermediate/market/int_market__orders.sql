with accepted as (

    {{ kept_rows(
        ref('stg_market__market_order'), ref('int_market__duplicate_rows'), 'market_order'
    ) }}

),

-- The source has no status: it is read off the times and the charge (DECISIONS.md).
int_market__orders as (

    select
        order_key,
        {{ hash_key(["'market'", "customer_id"]) }} as customer_key,
        'market' as source,
        order_id,
        customer_id,
        case
            when ordered_at is null then 'cart'
            when delivered_at is not null then 'delivered'
            when charged_amount = 0 then 'cancelled'
            else 'placed'
        end as order_status,
        city,
        cast(null as string) as state,
        cast(null as string) as payment_type,
        'app' as sales_channel,
        {{ device_class('device_name') }} as device_class,
        warehouse_id,
        distance_km,
        basket_value,
        coalesce(delivery_fee, 0) as delivery_fee,
        coalesce(discount_amount, 0) as discount_amount,
        coalesce(supplier_support, 0) as supplier_support,
        coalesce(third_party_support, 0) as third_party_support,
        charged_amount,
        cast(0 as decimal(18, 4)) as refund_amount,
        marketing_cost,
        -- Nothing charged is all that a cancellation leaves: a later delivery looked like one.
        coalesce(ordered_at is not null and charged_amount = 0, false)
            as is_cancelled_until_delivery,
        basket_created_at,
        ordered_at,
        case when ordered_at is not null then delivered_at end as delivered_at
    from accepted

)

select * from int_market__orders
