with source as (

    select * from {{ source('olist', 'olist_order_items_dataset') }}

),

orders as (

    select distinct order_key from {{ ref('stg_olist__orders') }}
    where reject_reasons is null

),

typed as (

    select
        *,
        {{ canonical_id('order_id') }} as canonical_order_id,
        {{ canonical_id('product_id') }} as canonical_product_id,
        {{ canonical_id('seller_id') }} as canonical_seller_id,
        {{ parse_integer('order_item_id') }} as line_number,
        {{ parse_decimal('price') }} as unit_price,
        {{ parse_decimal('freight_value') }} as delivery_fee,
        {{ parse_timestamp('shipping_limit_date', 'olist') }} as shipping_limit_at
    from source

),

keyed as (

    select
        *,
        {{ hash_key(["'olist'", "canonical_order_id"]) }} as order_key
    from typed

),

stg_olist__order_items as (

    select
        keyed.order_key,
        keyed.canonical_order_id as order_id,
        keyed.canonical_product_id as product_id,
        keyed.canonical_seller_id as seller_id,
        {{ origin() }},
        {{ reject_reasons(dict(
            md5_rules('order_id', 'keyed.canonical_order_id')
            + md5_rules('product_id', 'keyed.canonical_product_id')
            + md5_rules('seller_id', 'keyed.canonical_seller_id')
            + [
                ('order_item_id_missing', missing('order_item_id', 'keyed.line_number')),
                ('order_item_id_not_an_integer', unreadable('order_item_id', 'keyed.line_number')),
                ('order_item_id_not_positive', 'coalesce(keyed.line_number <= 0, false)'),
                ('price_missing', missing('price', 'keyed.unit_price')),
                ('freight_value_missing', missing('freight_value', 'keyed.delivery_fee')),
            ]
            + amount_rules('price', 'keyed.unit_price')
            + amount_rules('freight_value', 'keyed.delivery_fee')
            + time_rules('shipping_limit_date', 'keyed.shipping_limit_at')
            + orphan_rules('keyed.canonical_order_id', 'orders.order_key')
        )) }} as reject_reasons,
        case when reject_reasons is not null then {{ raw_row([
            'order_id', 'order_item_id', 'product_id', 'seller_id', 'shipping_limit_date',
            'price', 'freight_value'
        ]) }} end as raw_row,
        keyed.line_number,
        keyed.unit_price,
        keyed.delivery_fee,
        keyed.shipping_limit_at
    from keyed
    left join orders
        on keyed.order_key = orders.order_key

)

select * from stg_olist__order_items
