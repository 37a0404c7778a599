with source as (

    select * from {{ source('olist', 'olist_orders_dataset') }}

),

customers as (

    select distinct order_customer_id from {{ ref('stg_olist__customers') }}
    where reject_reasons is null

),

typed as (

    select
        *,
        {{ canonical_id('order_id') }} as canonical_order_id,
        {{ canonical_id('customer_id') }} as canonical_customer_id,
        {{ canonical_id('order_status') }} as canonical_order_status,
        {{ parse_timestamp('order_purchase_timestamp', 'olist') }} as ordered_at,
        {{ parse_timestamp('order_approved_at', 'olist') }} as approved_at,
        {{ parse_timestamp('order_delivered_carrier_date', 'olist') }} as handed_over_at,
        {{ parse_timestamp('order_delivered_customer_date', 'olist') }} as delivered_at,
        {{ parse_timestamp('order_estimated_delivery_date', 'olist') }} as estimated_delivery_at
    from source

),

stg_olist__orders as (

    select
        {{ hash_key(["'olist'", "typed.canonical_order_id"]) }} as order_key,
        typed.canonical_order_id as order_id,
        typed.canonical_customer_id as order_customer_id,
        typed.canonical_order_status as order_status,
        {{ origin() }},
        {{ reject_reasons(dict(
            md5_rules('order_id', 'typed.canonical_order_id')
            + md5_rules('customer_id', 'typed.canonical_customer_id')
            + [
                ('order_status_missing', 'typed.canonical_order_status is null'),
                ('order_status_unknown', "coalesce(typed.canonical_order_status not in ('created',"
                    ~ " 'approved', 'invoiced', 'processing', 'shipped', 'delivered', 'canceled',"
                    ~ " 'unavailable'), false)"),
                ('order_purchase_timestamp_missing',
                    missing('order_purchase_timestamp', 'typed.ordered_at')),
            ]
            + time_rules('order_purchase_timestamp', 'typed.ordered_at')
            + time_rules('order_approved_at', 'typed.approved_at')
            + time_rules('order_delivered_carrier_date', 'typed.handed_over_at')
            + time_rules('order_delivered_customer_date', 'typed.delivered_at')
            + time_rules('order_estimated_delivery_date', 'typed.estimated_delivery_at')
            + orphan_rules('typed.canonical_customer_id', 'customers.order_customer_id')
        )) }} as reject_reasons,
        case when reject_reasons is not null then {{ raw_row([
            'order_id', 'customer_id', 'order_status', 'order_purchase_timestamp',
            'order_approved_at', 'order_delivered_carrier_date', 'order_delivered_customer_date',
            'order_estimated_delivery_date'
        ]) }} end as raw_row,
        typed.ordered_at,
        typed.approved_at,
        typed.handed_over_at,
        typed.delivered_at,
        typed.estimated_delivery_at
    from typed
    left join customers
        on typed.canonical_customer_id = customers.order_customer_id

)

select * from stg_olist__orders
